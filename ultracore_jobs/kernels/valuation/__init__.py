"""Portfolio valuation: what every portfolio is worth at the close of a day (domain_rules 1A).

`value_portfolios` is the kernel. It works in stages, one module each: positions from lots and ledger,
prices and their age, income earned, cost and effects, lines in base currency, faults, totals, fees, units.
A fault of the data makes a portfolio INCOMPLETE, with its reasons, and touches no other portfolio;
what only our own arithmetic can break is a law in `laws`, checked before anything is written.
"""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import polars as pl

from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.kernels.fees.performance import HurdleType
from ultracore_jobs.kernels.fees.posted import fees_in_ledger, with_fee_cash
from ultracore_jobs.kernels.valuation.faults import find_faults
from ultracore_jobs.kernels.valuation.fees import (
    FeeBooks,
    accrue_on_assets,
    arrangements_aside,
    performance_levels,
    terms_unusable,
    with_fees_on_assets,
    with_navs,
    without_rate,
)
from ultracore_jobs.kernels.valuation.lines import Lines, build_lines
from ultracore_jobs.kernels.valuation.positions import ledger_positions, position_breaks
from ultracore_jobs.kernels.valuation.tables import (
    COMPLETE,
    PERFORMANCE_ACCRUALS,
    VALUATION_LINES,
    VALUATIONS,
    Books,
    MissingPrice,
    Policy,
    ValuationTables,
)
from ultracore_jobs.kernels.valuation.totals import flags_of_lines, with_codes, with_totals
from ultracore_jobs.kernels.valuation.units import external_flows, remembered, with_unit_values, with_units

__all__ = [
    "PERFORMANCE_ACCRUALS",
    "VALUATIONS",
    "VALUATION_LINES",
    "ValuationTables",
    "open_portfolios",
    "value_portfolios",
]


def value_portfolios(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    portfolios: pl.DataFrame,
    lots: pl.DataFrame,
    transactions: pl.DataFrame,
    instruments: pl.DataFrame,
    prices: pl.DataFrame,
    fx_rates: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    calendars: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    previous_fee_memory: pl.DataFrame,
    previous_valuations: pl.DataFrame,
    recent_valuations: pl.DataFrame,
    stored_valuations: pl.DataFrame,
    as_of: date,
    tenant: str,
    max_stale_business_days: int = 5,
    max_stale_unlisted: int = 25,
    missing_price: MissingPrice = "fail_portfolio",
    allow_short: bool = False,
    base: str | None = None,
    max_fx_stale: int = 3,
    hurdle_type: HurdleType = "hard",
    include_all_portfolios: bool = True,
    portfolio_ids: Sequence[str] = (),
) -> ValuationTables:
    """Value every portfolio of a tenant on one day.

    All given tables hold one row for each key, as known at the cut-off.

    Args:
        portfolios: `PORTFOLIOS`; those that exist on *as_of* are valued.
        lots: `LOTS`, states that hold from a day up to *as_of*.
        transactions: `TRANSACTIONS` since the beginning; later ones than *as_of* are ignored.
        instruments: `INSTRUMENTS`.
        prices: `PRICES` of the last days; as many as the oldest usable price is old.
        fx_rates: `FX_RATES` of the last days.
        corporate_actions: `CORPORATE_ACTIONS`, all of them: the ledger is older than any window.
        calendars: `CALENDARS` of the exchanges, TARGET and NSW, as far back as *prices*.
        fee_arrangements: `FEE_ARRANGEMENTS`; those by which no fee can be computed are set aside.
        fee_schedules: `FEE_SCHEDULES`.
        ledger_decisions: `LEDGER_DECISIONS`: what was charged, blocked or crystallised up to *as_of* counts.
        ledger_entries: `LEDGER_ENTRIES`: what they took out of cash counts as transactions of type FEE.
        previous_fee_memory: `FEE_MEMORY` of the latest day before, or empty.
        previous_valuations: `VALUATIONS` of the latest day before, the memory of units; or empty.
        recent_valuations: `VALUATIONS` of the days before, the columns ``portfolio_id``, ``as_of_date``,
            ``base_ccy``, ``status``, ``nav``, ``accrued_fees_base``, ``aud_rate``: back to the day that
            *previous_fee_memory* or the month begins with, and as far before as a NAV may be old.
        stored_valuations: `VALUATIONS` of *as_of* as they stand, where only some are to be valued.
        as_of: The day.
        tenant: Owner of the rows.
        max_stale_business_days: Greatest age of a listed price.
        max_stale_unlisted: Greatest age of the price of an unlisted instrument.
        missing_price: What a position without a usable price is worth. ``fail_portfolio``: the
            portfolio is INCOMPLETE. ``carry_forward``: the last price in *prices*, however old.
            ``cost``: its cost base. ``zero``: nothing. None of them makes up an exchange rate.
        allow_short: Whether a negative quantity is a position (else its portfolio is INCOMPLETE).
        base: Value all in this currency; by default each in its own ``base_ccy``.
        max_fx_stale: Greatest age of a fixing, TARGET business days.
        hurdle_type: Of performance fees, where a schedule does not say.
        include_all_portfolios: False values *portfolio_ids* only; the others get an INCOMPLETE row with
            reason NOT_SELECTED, which keeps their memory.
        portfolio_ids: Portfolios to value.

    Returns:
        `ValuationTables`: one row of `VALUATIONS` for each portfolio that exists on *as_of*, by
        portfolio; its `VALUATION_LINES`, by portfolio, type and key; `FEE_MEMORY` and
        `PERFORMANCE_ACCRUALS`, by arrangement, which make up the accrued fees; and the rows set aside. NAV
        is the sum of the lines less accrued fees, ex GST. An INCOMPLETE portfolio has no NAV; its last
        COMPLETE one stands in ``last_nav``, and fees on assets accrue on that while it is at most five
        business days old.

    Raises:
        UnknownNameError: *portfolio_ids* names a portfolio that does not exist on the day.
        UsageError: Others than *portfolio_ids* have a NAV of the day already, which this would take away.

    Source: domain_rules 1A, 3.1-3.4, 5, 20b. 100 units at USD 50.00 with EURAUD 1.65 and EURUSD 1.10,
    and A$250.00: fx 1.5, mv 7,500.00, NAV 7,750.00.
    """
    policy = Policy(
        max_stale_business_days=max_stale_business_days,
        max_stale_unlisted=max_stale_unlisted,
        missing_price=missing_price,
        allow_short=allow_short,
        max_fx_stale=max_fx_stale,
    )
    books = Books(
        lots=lots,
        transactions=with_fee_cash(transactions, ledger_entries, portfolios, TRANSACTIONS).filter(
            pl.col("trade_on") <= as_of
        ),
        instruments=instruments,
        prices=prices,
        fx_rates=fx_rates,
        corporate_actions=corporate_actions,
        calendars=calendars,
    )
    fees = FeeBooks(
        portfolios=portfolios if base is None else portfolios.with_columns(pl.lit(base).alias("base_ccy")),
        fee_arrangements=fee_arrangements,
        fee_schedules=fee_schedules,
        charges=fees_in_ledger(ledger_decisions, upto=as_of),
        memory=previous_fee_memory,
        recent=recent_valuations,
        calendars=calendars,
    )
    everyone = open_portfolios(portfolios, as_of=as_of, base=base)
    chosen = everyone if include_all_portfolios else _chosen(everyone, portfolio_ids, stored_valuations)
    lines = build_lines(books, chosen, policy, as_of=as_of)
    our_moves = books.transactions.join(chosen, on="portfolio_id", how="semi")
    breaks = position_breaks(lines.positions, ledger_positions(our_moves, lines.factors))
    faults = find_faults(
        books,
        chosen,
        lines,
        breaks,
        policy,
        known_portfolios=portfolios["portfolio_id"],
        as_of=as_of,
    )
    memory = remembered(everyone, previous_valuations)
    flows = external_flows(books, memory.join(chosen, on="portfolio_id", how="semi"), policy, as_of=as_of)
    not_chosen = everyone.join(chosen, on="portfolio_id", how="anti")
    unpriced_fees = without_rate(fees, lines.rates, as_of=as_of)
    found = pl.concat(
        [
            faults.found,
            _coded(flows.filter("is_unvalued"), "UNVALUED_FLOW"),
            _coded(not_chosen, "NOT_SELECTED"),
            _coded(unpriced_fees.join(chosen, on="portfolio_id", how="semi"), "MISSING_FX"),
        ]
    )
    totals = with_totals(memory.join(flows, on="portfolio_id", how="left"), lines, found)
    fee_memory = accrue_on_assets(fees, totals, lines.rates, as_of=as_of)
    valued = with_units(with_fees_on_assets(totals, fee_memory), as_of=as_of)
    levels = performance_levels(fees, valued, as_of=as_of, hurdle_type=hurdle_type)
    valued = with_unit_values(with_navs(valued, levels), as_of=as_of)
    flags = pl.concat(
        [
            flags_of_lines(lines.table),
            _coded(valued.filter(pl.col("nav").is_not_null() & pl.col("nav_aud").is_null()), "NO_AUD_RATE"),
            _coded(valued.filter(pl.col("is_late")), "FLOW_AT_LATER_RATE"),
            _coded(valued.filter("is_restarted"), "UNITS_RESTARTED"),
            _coded(terms_unusable(fees, as_of=as_of), "FEE_TERMS_UNUSABLE"),
        ]
    )
    valuations = with_codes(valued, found, flags).with_columns(
        pl.lit(tenant).alias("tenant_id"),
        pl.lit(as_of).alias("as_of_date"),
        pl.Series(
            "valuation_id",
            [_valuation_id(tenant, name, as_of) for name in valued["portfolio_id"]],
            dtype=pl.String,
        ),
    )
    return ValuationTables(
        valuations.select(VALUATIONS.schema.names()).cast(VALUATIONS.schema).sort("portfolio_id"),
        _published(lines, tenant=tenant, as_of=as_of),
        fee_memory,
        levels,
        pl.concat([faults.quarantine, arrangements_aside(fees)]),
    )


def open_portfolios(portfolios: pl.DataFrame, *, as_of: date, base: str | None = None) -> pl.DataFrame:
    """The portfolios that exist on *as_of*, by their dates: opened by then, and not closed yet.

    Args:
        portfolios: `PORTFOLIOS` as known. ``status`` is of the moment of knowledge, not of the day, and
            is not asked.
        as_of: The day; the day of closing is the first without the portfolio.
        base: Currency to value in, else each portfolio's own.

    Returns:
        ``portfolio_id``, ``base_ccy``, by portfolio.
    """
    ccy = pl.col("base_ccy") if base is None else pl.lit(base)
    return (
        portfolios.filter(
            (pl.col("opened_on") <= as_of) & (pl.col("closed_on").is_null() | (pl.col("closed_on") > as_of))
        )
        .select("portfolio_id", ccy.alias("base_ccy"))
        .sort("portfolio_id")
    )


def _chosen(everyone: pl.DataFrame, portfolio_ids: Sequence[str], stored: pl.DataFrame) -> pl.DataFrame:
    known = everyone["portfolio_id"].to_list()
    for wanted in portfolio_ids:
        if wanted not in known:
            raise UnknownNameError("portfolio", wanted, known[:20])
    is_chosen = pl.col("portfolio_id").is_in(list(portfolio_ids))
    others = stored.filter((pl.col("status") == COMPLETE) & ~is_chosen)
    if others.height:
        first = others["portfolio_id"][0]
        raise UsageError(
            f"{others.height} other portfolios have a NAV of the day already, {first} the first; "
            "a table of the day is written whole, so valuing some would take theirs away. "
            "Remedy: leave include_all_portfolios true; what has not changed comes out as before."
        )
    return everyone.filter(is_chosen)


def _coded(rows: pl.DataFrame, code: str) -> pl.DataFrame:
    return rows.select("portfolio_id", pl.lit(code).alias("code"))


def _published(lines: Lines, *, tenant: str, as_of: date) -> pl.DataFrame:
    table = lines.table.with_columns(pl.lit(tenant).alias("tenant_id"), pl.lit(as_of).alias("as_of_date"))
    missing = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in VALUATION_LINES.schema.items()
        if name not in table.columns
    ]
    return table.with_columns(missing).select(VALUATION_LINES.schema.names()).cast(VALUATION_LINES.schema)


def _valuation_id(tenant: str, portfolio_id: str, as_of: date) -> str:
    """As `ultracore_jobs.lifecycle.identity.identifier`, which no kernel may import."""
    return "val_" + sha256(f"{tenant}|{portfolio_id}|{as_of.isoformat()}".encode()).hexdigest()[:32]
