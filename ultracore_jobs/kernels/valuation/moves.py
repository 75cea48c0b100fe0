"""Why a NAV moved: what was held then, and what was done since, must make what is there now.

The day before is valued again with the knowledge of today, so that a transaction booked late does
not look like an error; where that gives another NAV than was published, the day before must be
restated first, and this law says nothing about it.
"""

from datetime import date

import polars as pl

from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.kernels.fees.posted import with_fee_cash
from ultracore_jobs.kernels.money import minor_digits
from ultracore_jobs.kernels.valuation.lines import build_lines
from ultracore_jobs.kernels.valuation.positions import split_factors, with_split_factor
from ultracore_jobs.kernels.valuation.tables import (
    ACCRUED_INCOME,
    CASH,
    COMPLETE,
    POSITION,
    Books,
    MissingPrice,
    Policy,
)

_KINDS = {"income": ["DIVIDEND", "INTEREST"], "fees": ["FEE", "TAX"]}
_NO_UNITS, _NO_MONEY = 1e-6, 1e-4
"""Below these a float is zero: half of the last decimal of units, and of money, and some."""
_COLUMNS = ("portfolio_id", "nav_before", "nav", "flows", "gains", "income", "fees", "difference")


def moves_not_explained(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    lots: pl.DataFrame,
    transactions: pl.DataFrame,
    instruments: pl.DataFrame,
    prices: pl.DataFrame,
    fx_rates: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    calendars: pl.DataFrame,
    portfolios: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    previous_valuations: pl.DataFrame,
    valuations: pl.DataFrame,
    valuation_lines: pl.DataFrame,
    as_of: date,
    max_stale_business_days: int,
    max_stale_unlisted: int,
    missing_price: MissingPrice,
    max_fx_stale: int,
) -> pl.DataFrame:
    """Portfolios where ``NAV - NAV before`` is not flows + gains + income - fees, within a cent a line.

    Fees are those charged, and what is accrued more than then, or less where a charge took it out. Gains
    are what the units and the cash held before, and what was traded since, gained up to the values of
    *as_of*: quantities come from the day before and the transactions since, never from the day's own lots.
    Looked at where both days are COMPLETE and in one currency.

    Args:
        lots: `LOTS` as known.
        transactions: `TRANSACTIONS` as known.
        instruments: `INSTRUMENTS` as known.
        prices: `PRICES` as known.
        fx_rates: `FX_RATES` as known.
        corporate_actions: `CORPORATE_ACTIONS` as known.
        calendars: `CALENDARS` as known.
        portfolios: `PORTFOLIOS` as known.
        ledger_entries: `LEDGER_ENTRIES` as known; fees charged are there, and in *transactions* they are not.
        previous_valuations: `VALUATIONS` of the latest day before, or empty.
        valuations: `VALUATIONS` of the day.
        valuation_lines: `VALUATION_LINES` of the day.
        as_of: The day.
        max_stale_business_days: As the kernel's.
        max_stale_unlisted: As the kernel's.
        missing_price: As the kernel's.
        max_fx_stale: As the kernel's.

    Source: domain_rules 1A, invariants.
    """
    both = valuations.filter(pl.col("status") == COMPLETE).join(
        previous_valuations.filter(pl.col("status") == COMPLETE).select(
            "portfolio_id",
            "base_ccy",
            pl.col("nav").alias("nav_before"),
            pl.col("accrued_fees_base").alias("accrued_before"),
            pl.col("as_of_date").alias("day_before"),
        ),
        on=["portfolio_id", "base_ccy"],
    )
    if both.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.Float64) | {"portfolio_id": pl.String})
    before = both["day_before"][0]
    moves = with_fee_cash(transactions, ledger_entries, portfolios, TRANSACTIONS)
    books = Books(
        lots=lots,
        transactions=moves,
        instruments=instruments,
        prices=prices,
        fx_rates=fx_rates,
        corporate_actions=corporate_actions,
        calendars=calendars,
    )
    policy = Policy(
        max_stale_business_days=max_stale_business_days,
        max_stale_unlisted=max_stale_unlisted,
        missing_price=missing_price,
        max_fx_stale=max_fx_stale,
    )
    then = build_lines(books, both, policy, as_of=before).table
    totals = then.group_by("portfolio_id").agg(pl.col("mv_base").sum().alias("again"))
    same = both.join(totals, on="portfolio_id", how="left").filter(
        pl.col("nav_before") + pl.col("accrued_before") == pl.col("again").fill_null(0)
    )
    since = moves.filter((pl.col("trade_on") > before) & (pl.col("trade_on") <= as_of))
    factors = split_factors(corporate_actions, as_of=as_of)
    worth = pl.concat(
        [
            _positions(then, since, valuation_lines, factors, before),
            _cash(then, since, valuation_lines),
            _accruals(then, valuation_lines),
            _accrued_fees(same),
        ]
    )
    return _unexplained(same.select("portfolio_id", "base_ccy", "nav", "nav_before"), worth)


def _unexplained(moved: pl.DataFrame, worth: pl.DataFrame) -> pl.DataFrame:
    summed = worth.group_by("portfolio_id").agg(
        pl.col("flows", "gains", "income", "fees", "lines").sum(),
        pl.col("gains").is_null().any().alias("is_unknown"),
    )
    cent = 10.0 ** -minor_digits(pl.col("base_ccy")).cast(pl.Float64)
    parts = ["flows", "gains", "income", "fees"]
    explained = pl.sum_horizontal(pl.col(parts).fill_null(0.0))
    nav, before = pl.col("nav").cast(pl.Float64), pl.col("nav_before").cast(pl.Float64)
    off = (pl.col("difference").abs() > cent * pl.col("lines").fill_null(1)) | pl.col("is_unknown").fill_null(
        value=False
    )
    return (
        moved.join(summed, on="portfolio_id", how="left")
        .with_columns((nav - before - explained).alias("difference"))
        .filter(off)
        .select(*_COLUMNS)
        .sort("portfolio_id")
    )


def _positions(
    then: pl.DataFrame, since: pl.DataFrame, now: pl.DataFrame, factors: pl.DataFrame, before: date
) -> pl.DataFrame:
    """Gain of each position: units then and units traded since, at today's value, less the value then."""
    held = then.filter(pl.col("line_type") == POSITION).with_columns(pl.lit(before).alias("since"))
    traded = since.filter(pl.col("qty").is_not_null() & pl.col("instrument_id").is_not_null())
    is_transfer = pl.col("external_flow") & pl.col("type").is_in(["TRANSFER_IN", "TRANSFER_OUT"])
    columns = ["portfolio_id", "instrument_id", "since", "qty", "mv_base", "is_flow"]
    units = pl.concat(
        [
            held.with_columns(pl.lit(value=False).alias("is_flow")).select(columns),
            traded.with_columns(
                pl.col("trade_on").alias("since"),
                pl.lit(0).cast(then.schema["mv_base"]).alias("mv_base"),
                is_transfer.alias("is_flow"),
            ).select(columns),
        ]
    )
    today = now.filter(pl.col("line_type") == POSITION).select(
        "portfolio_id",
        "instrument_id",
        (pl.col("mv_base").cast(pl.Float64) / pl.col("qty").cast(pl.Float64)).alias("unit_value"),
    )
    on_basis = with_split_factor(units, "since", factors).with_columns(
        (pl.col("qty").cast(pl.Float64) * pl.col("factor").cast(pl.Float64)).alias("qty_now")
    )
    expected = on_basis.group_by("portfolio_id", "instrument_id").agg(
        pl.col("qty_now").sum(),
        pl.col("qty_now").filter("is_flow").sum().alias("qty_flow"),
        pl.col("mv_base").cast(pl.Float64).sum(),
    )
    is_gone = pl.col("qty_now").abs() < _NO_UNITS
    valued = expected.join(today, on=["portfolio_id", "instrument_id"], how="left")
    flow = pl.when(is_gone).then(0.0).otherwise(pl.col("qty_flow") * pl.col("unit_value"))
    return valued.select(
        "portfolio_id",
        flow.alias("flows"),
        (
            pl.when(is_gone).then(0.0).otherwise(pl.col("qty_now") * pl.col("unit_value"))
            - pl.col("mv_base")
            - flow
        ).alias("gains"),
        pl.lit(0.0).alias("income"),
        pl.lit(0.0).alias("fees"),
        pl.lit(2).alias("lines"),
    )


def _cash(then: pl.DataFrame, since: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """What came in and went out since, at today's rates, and what the rates did to the cash then."""
    kind = (
        pl.when("external_flow")
        .then(pl.lit("flows"))
        .when(pl.col("type").is_in(_KINDS["income"]))
        .then(pl.lit("income"))
        .when(pl.col("type").is_in(_KINDS["fees"]))
        .then(pl.lit("fees"))
        .otherwise(pl.lit("trades"))
    )
    held = then.filter(pl.col("line_type") == CASH).select(
        "portfolio_id", "ccy", pl.lit("held").alias("kind"), pl.col("amount_local").alias("amount"), "mv_base"
    )
    moved = since.select(
        "portfolio_id",
        "ccy",
        kind.alias("kind"),
        "amount",
        pl.lit(0).cast(then.schema["mv_base"]).alias("mv_base"),
    )
    rates = now.select("portfolio_id", "ccy", pl.col("fx").cast(pl.Float64)).unique()
    of_kind = {
        name: pl.col("amount").filter(pl.col("kind") == name).sum() for name in ("flows", "income", "fees")
    }
    by_ccy = (
        pl.concat([held, moved])
        .with_columns(pl.col("amount", "mv_base").cast(pl.Float64))
        .group_by("portfolio_id", "ccy")
        .agg(
            pl.col("amount").sum().alias("amount"),
            pl.col("mv_base").sum(),
            *(amount.alias(name) for name, amount in of_kind.items()),
        )
        .join(rates, on=["portfolio_id", "ccy"], how="left")
    )
    # A currency that is spent to nothing may have no line, and so no rate; what it is worth now is nothing.
    is_gone = pl.col("amount").abs() < _NO_MONEY
    fx = pl.when(is_gone).then(pl.col("fx").fill_null(0.0)).otherwise("fx")
    return by_ccy.select(
        "portfolio_id",
        (pl.col("flows") * fx).alias("flows"),
        ((pl.col("amount") - pl.sum_horizontal(list(of_kind))) * fx - pl.col("mv_base")).alias("gains"),
        (pl.col("income") * fx).alias("income"),
        (pl.col("fees") * fx).alias("fees"),
        pl.lit(2).alias("lines"),
    )


def _accruals(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Income that was earned and not yet paid, now less then."""
    nothing = [pl.lit(0.0).alias(name) for name in ("flows", "gains")]
    return pl.concat(
        lines.filter(pl.col("line_type") == ACCRUED_INCOME).select(
            "portfolio_id",
            *nothing,
            (pl.col("mv_base").cast(pl.Float64) * sign).alias("income"),
            pl.lit(0.0).alias("fees"),
            pl.lit(1).alias("lines"),
        )
        for lines, sign in ((then, -1.0), (now, 1.0))
    )


def _accrued_fees(moved: pl.DataFrame) -> pl.DataFrame:
    """What is owed more than then; less where a charge took it out, or a lower level of performance."""
    owed = pl.col("accrued_before").cast(pl.Float64) - pl.col("accrued_fees_base").cast(pl.Float64)
    return moved.select(
        "portfolio_id",
        *(pl.lit(0.0).alias(name) for name in ("flows", "gains", "income")),
        owed.alias("fees"),
        pl.lit(0).alias("lines"),
    )
