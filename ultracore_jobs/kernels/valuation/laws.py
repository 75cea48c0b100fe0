"""Laws that every published valuation keeps, recomputed apart from the code that made it.

Each function returns the rows that break its law (domain_rules 1A, invariants).
"""

from datetime import date

import polars as pl

from ultracore_jobs.kernels.valuation import open_portfolios
from ultracore_jobs.kernels.valuation.tables import (
    COMPLETE,
    FRESH,
    INCOMPLETE,
    MISSING_PRICE,
    POSITION,
    STALE,
)

_POLICIES = ("CARRIED_PRICE", "AT_COST", "AT_ZERO")
_A_UNIT_DECIMAL = 1.1e-6
_A_RATIO = 1e-6


def nav_not_reconciled(valuations: pl.DataFrame, valuation_lines: pl.DataFrame) -> pl.DataFrame:
    """Portfolios whose NAV is not the sum of their lines less accrued fees, or which should have none.

    Added up as whole ten-thousandths, line by line, whatever the totals say.

    Args:
        valuations: `VALUATIONS` of one day.
        valuation_lines: Their `VALUATION_LINES`.
    """
    amount = pl.col("mv_base").to_physical()
    summed = valuation_lines.group_by("portfolio_id").agg(
        amount.sum().alias("lines_e4"),
        pl.col("mv_base").is_null().any().alias("has_unvalued_line"),
    )
    fees = pl.col("accrued_fees_base").to_physical()
    parts = [pl.col(name).to_physical() for name in ("positions_base", "cash_base", "accrued_income_base")]
    net = pl.col("lines_e4").fill_null(0) - fees
    wrong = (
        pl.col("nav").is_null()
        | (pl.col("nav").to_physical() != net)
        | (parts[0] + parts[1] + parts[2] - fees != net)
        | pl.col("has_unvalued_line").fill_null(value=False)
    ).fill_null(value=True)
    is_complete = pl.col("status") == COMPLETE
    return (
        valuations.join(summed, on="portfolio_id", how="left")
        .filter((is_complete & wrong) | (~is_complete & pl.col("nav").is_not_null()))
        .select("portfolio_id", "status", "nav", "lines_e4")
    )


def positions_not_in_ledger(
    valuations: pl.DataFrame,
    valuation_lines: pl.DataFrame,
    transactions: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    as_of: date,
) -> pl.DataFrame:
    """Positions of COMPLETE portfolios whose quantity is not what the transaction ledger adds up to.

    Args:
        valuations: `VALUATIONS` of one day.
        valuation_lines: Their `VALUATION_LINES`.
        transactions: `TRANSACTIONS` as known.
        corporate_actions: `CORPORATE_ACTIONS` as known.
        as_of: The day.
    """
    complete = valuations.filter(pl.col("status") == COMPLETE).select("portfolio_id")
    moves = (
        transactions.filter((pl.col("trade_on") <= as_of) & pl.col("qty").is_not_null())
        .join(complete, on="portfolio_id", how="semi")
        .select("transaction_id", "portfolio_id", "instrument_id", "trade_on", pl.col("qty").cast(pl.Float64))
    )
    splits = corporate_actions.filter((pl.col("type") == "SPLIT") & (pl.col("ex_on") <= as_of))
    multiplied = (
        moves.join(splits.select("instrument_id", "ex_on", "ratio"), on="instrument_id")
        .filter(pl.col("ex_on") > pl.col("trade_on"))
        .group_by("transaction_id")
        .agg(pl.col("ratio").cast(pl.Float64).product().alias("times"), pl.len().alias("splits"))
    )
    ledger = (
        moves.join(multiplied, on="transaction_id", how="left")
        .with_columns((pl.col("qty") * pl.col("times").fill_null(1.0)).alias("now"))
        .group_by("portfolio_id", "instrument_id")
        .agg(
            pl.col("now").sum().alias("ledger_qty"),
            # A ratio of 0.333333 is a third to six decimals; each parcel rounds once more.
            (pl.col("now").abs() * pl.col("splits").fill_null(0) * _A_RATIO / pl.col("times").fill_null(1.0))
            .sum()
            .alias("slack"),
            pl.len().alias("trades"),
        )
    )
    held = valuation_lines.filter(pl.col("line_type") == POSITION).join(
        complete, on="portfolio_id", how="semi"
    )
    both = held.select("portfolio_id", "instrument_id", pl.col("qty").cast(pl.Float64)).join(
        ledger, on=["portfolio_id", "instrument_id"], how="full", coalesce=True
    )
    off = (pl.col("qty").fill_null(0.0) - pl.col("ledger_qty").fill_null(0.0)).abs()
    relative = pl.col("ledger_qty").fill_null(0.0).abs() * 1e-12
    slack = (pl.col("slack") + pl.col("trades") * _A_UNIT_DECIMAL).fill_null(_A_UNIT_DECIMAL)
    return both.filter(off > slack + relative).sort("portfolio_id", "instrument_id")


def stale_not_flagged(
    valuations: pl.DataFrame,
    valuation_lines: pl.DataFrame,
    max_stale_business_days: int,
    max_stale_unlisted: int,
) -> pl.DataFrame:
    """Positions with an old price that is not called old, or is used although it is too old.

    Args:
        valuations: `VALUATIONS` of one day.
        valuation_lines: Their `VALUATION_LINES`.
        max_stale_business_days: Greatest age of a listed price.
        max_stale_unlisted: Greatest age of an unlisted one.
    """
    age, status = pl.col("stale_business_days"), pl.col("price_status")
    oldest = max(max_stale_business_days, max_stale_unlisted)
    flagged = pl.col("flags").fill_null("").str.split(";").list.contains("STALE_PRICE")
    wrong = (
        ((status == FRESH) & ~(age == 0).fill_null(value=False))
        | ((status == STALE) & ~age.is_between(1, oldest).fill_null(value=False))
        | ((status == STALE) & ~flagged)
        | ((status == MISSING_PRICE) & pl.col("mv_base").is_not_null() & ~pl.col("reason").is_in(_POLICIES))
        | status.is_null()
    ).fill_null(value=True)
    positions = valuation_lines.filter(pl.col("line_type") == POSITION)
    return (
        positions.join(valuations.select("portfolio_id", "flags"), on="portfolio_id", how="left")
        .filter(wrong)
        .select("portfolio_id", "instrument_id", "price_date", "stale_business_days", "price_status", "flags")
    )


def short_positions(
    valuations: pl.DataFrame,
    valuation_lines: pl.DataFrame,
    allow_short: bool,  # noqa: FBT001 - a parameter, by name
) -> pl.DataFrame:
    """Negative quantities in a COMPLETE portfolio, where they are not allowed.

    Args:
        valuations: `VALUATIONS` of one day.
        valuation_lines: Their `VALUATION_LINES`.
        allow_short: Whether they are.
    """
    complete = valuations.filter(pl.col("status") == COMPLETE).select("portfolio_id")
    short = valuation_lines.filter((pl.col("line_type") == POSITION) & (pl.col("qty") < 0))
    return (
        short.filter(pl.lit(not allow_short))
        .join(complete, on="portfolio_id", how="semi")
        .select("portfolio_id", "instrument_id", "qty")
    )


def not_one_row_each(
    valuations: pl.DataFrame, portfolios: pl.DataFrame, as_of: date, base: str | None
) -> pl.DataFrame:
    """Portfolios of the day without exactly one row, and rows without such a portfolio.

    Args:
        valuations: `VALUATIONS` of one day.
        portfolios: `PORTFOLIOS` as known.
        as_of: The day.
        base: Currency all were valued in, if one.
    """
    expected = open_portfolios(portfolios, as_of=as_of, base=base).select(
        "portfolio_id", pl.lit(1).alias("due")
    )
    rows = valuations.group_by("portfolio_id").agg(pl.len().cast(pl.Int32).alias("rows"))
    return (
        expected.join(rows, on="portfolio_id", how="full", coalesce=True)
        .with_columns(pl.col("due", "rows").fill_null(0))
        .filter(pl.col("due") != pl.col("rows"))
        .sort("portfolio_id")
    )


def units_not_consistent(valuations: pl.DataFrame, previous_valuations: pl.DataFrame) -> pl.DataFrame:
    """Portfolios whose units do not follow from the last COMPLETE day, or do not make up the NAV.

    COMPLETE: units x NAV per unit = NAV, and units = units before + flow / NAV per unit before, unless
    the portfolio was redeemed whole, or says UNITS_RESTARTED. INCOMPLETE: the memory is unchanged. The first
    day is the day before's, or this one.

    Args:
        valuations: `VALUATIONS` of one day.
        previous_valuations: `VALUATIONS` of the latest day before, or empty.
    """
    memory = ["units", "nav_per_unit_base", "units_on", "last_nav", "first_on"]
    before = previous_valuations.select("portfolio_id", "base_ccy", *memory)
    both = valuations.join(before, on=["portfolio_id", "base_ccy"], how="left", suffix="_before")
    units, value = pl.col("units").cast(pl.Float64), pl.col("nav_per_unit_base").cast(pl.Float64)
    nav, flow = pl.col("nav").cast(pl.Float64), pl.col("flow_base").cast(pl.Float64)
    units_before = pl.col("units_before").cast(pl.Float64)
    value_before = pl.col("nav_per_unit_base_before").cast(pl.Float64)
    # A NAV per unit is rounded to 12 decimals; a few more units in the last place are the floats'.
    not_nav = (units * value - nav).abs() > units * 1e-12 + nav.abs() * 1e-12 + 1e-6
    followed = units_before + flow / value_before
    not_followed = (units - followed).abs() > _A_UNIT_DECIMAL + followed.abs() * 1e-12
    was_restarted = pl.col("flags").fill_null("").str.split(";").list.contains("UNITS_RESTARTED")
    goes_on = pl.col("units_before").is_not_null() & ~was_restarted & (pl.col("nav") != 0)
    is_first = pl.col("units_before").is_null() & (pl.col("nav") > 0)
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in memory)
    broken = (
        pl.when(pl.col("status") == INCOMPLETE)
        .then(changed)
        .otherwise(
            ((pl.col("nav") > 0) & not_nav)
            | (goes_on & not_followed)
            | (is_first & (units - nav).abs().gt(_A_UNIT_DECIMAL))
            | (pl.col("first_on") != pl.coalesce("first_on_before", "as_of_date"))
            | pl.any_horizontal(pl.col(name).is_null() for name in memory)
        )
        .fill_null(value=True)
    )
    return both.filter(broken).select(
        "portfolio_id", "status", "nav", "flow_base", "units", "units_before", "nav_per_unit_base"
    )


def incomplete(valuations: pl.DataFrame) -> pl.DataFrame:
    """Portfolios without a NAV, with the reasons; those the job was not asked for are no trouble.

    Args:
        valuations: `VALUATIONS` of one day.
    """
    return valuations.filter(
        (pl.col("status") == INCOMPLETE) & (pl.col("reason").fill_null("") != "NOT_SELECTED")
    ).select("portfolio_id", "reason", "last_nav", "units_on")
