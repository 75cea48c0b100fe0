"""Accrued fees: those on assets from the memory, the performance fee as a level (domain_rules 1A.6).

Fees on assets come first, on what a portfolio is worth before any fee. What they leave, per unit, is what the
performance fee is a share of the gain of. NAV per unit is after both.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.columns import MONEY, UNITS
from ultracore_jobs.kernels.fees.accrual import unusable_arrangements
from ultracore_jobs.kernels.fees.memory import accrue_to_day
from ultracore_jobs.kernels.fees.performance import HurdleType, performance_fees
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY, TIERED
from ultracore_jobs.kernels.money import minor_digits, round_to
from ultracore_jobs.kernels.valuation.lines import with_fx
from ultracore_jobs.kernels.valuation.tables import (
    COMPLETE,
    FIRST_UNIT_VALUE,
    PERFORMANCE_ACCRUALS,
    UNIT_VALUE,
)

_REMEDIES = {
    "UNKNOWN_SCHEDULE": ("fee_schedule_id", "import the fee schedule"),
    "UNKNOWN_PORTFOLIO": ("portfolio_id", "import the portfolio"),
    "OTHER_CURRENCY": ("fee_schedule_id", "give a schedule in the portfolio's currency or in AUD"),
}
_FAULTY = ("fee_schedule_id", "mend the terms of the fee schedule")
_AUD = "AUD"


@dataclass(frozen=True, kw_only=True)
class FeeBooks:
    """What is known about fees: the tables of a valuation that only fees ask for.

    Attributes:
        portfolios: `PORTFOLIOS`; ``base_ccy`` is the currency they are valued in.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        charges: What `fees_in_ledger` returns, up to the day.
        memory: `FEE_MEMORY` of the latest day before, or empty.
        recent: The columns of `VALUATIONS` that `before_fees` names, and ``base_ccy``, of the days before.
        calendars: `CALENDARS` of the portfolios.
    """

    portfolios: pl.DataFrame
    fee_arrangements: pl.DataFrame
    fee_schedules: pl.DataFrame
    charges: pl.DataFrame
    memory: pl.DataFrame
    recent: pl.DataFrame
    calendars: pl.DataFrame

    def of_schedules(self) -> pl.DataFrame:
        """The arrangements, with ``fee_type`` and ``ccy`` of their schedule."""
        kinds = self.fee_schedules.select("fee_schedule_id", "fee_type", "ccy")
        return self.fee_arrangements.join(kinds, on="fee_schedule_id", how="left")

    @cached_property
    def unusable(self) -> pl.DataFrame:
        """``arrangement_id``, ``reason`` of arrangements by which no fee can be computed."""
        return unusable_arrangements(self.fee_arrangements, self.fee_schedules, self.portfolios)


def without_rate(books: FeeBooks, rates: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Portfolios that owe fees in a currency without a rate to or from their own: they have no NAV.

    A fee owed is a debt like an overdraft in that currency. No rate is made up for either (1A.3).

    Args:
        books: What is known about fees.
        rates: Every cross rate of the day.
        as_of: The day.

    Returns:
        ``portfolio_id``, any number of rows.
    """
    begun = books.of_schedules().filter(
        pl.col("fee_type").is_in(TIERED)
        & (pl.col("start_on") <= as_of)
        & (pl.col("end_on").is_null() | (pl.col("end_on") > as_of.replace(day=1)))
    )
    usable = begun.join(books.unusable, on="arrangement_id", how="anti")
    owed = pl.concat([usable.select("portfolio_id", "ccy"), books.memory.select("portfolio_id", "ccy")]).join(
        books.portfolios.select("portfolio_id", "base_ccy"), on="portfolio_id"
    )
    there = with_fx(owed, rates)
    back = with_fx(owed.select(pl.col("base_ccy").alias("ccy"), pl.col("ccy").alias("base_ccy")), rates)
    return there.filter(pl.col("fx").is_null() | back["fx"].is_null()).select("portfolio_id")


def terms_unusable(books: FeeBooks, *, as_of: date) -> pl.DataFrame:
    """Portfolios with an arrangement that runs on *as_of* and by which no fee can be computed.

    Returns:
        ``portfolio_id``, any number of rows. They are valued all the same; nothing accrues.
    """
    runs = (pl.col("start_on") <= as_of) & (pl.col("end_on").is_null() | (pl.col("end_on") > as_of))
    running = books.fee_arrangements.filter(runs)
    return running.join(books.unusable, on="arrangement_id", how="semi").select("portfolio_id")


def arrangements_aside(books: FeeBooks) -> pl.DataFrame:
    """Arrangements by which no fee can be computed, as a `REJECTS_SCHEMA` table."""
    found = books.fee_arrangements.join(books.unusable, on="arrangement_id").sort("arrangement_id")
    told = {reason: _REMEDIES.get(reason, _FAULTY) for reason in found["reason"].unique().sort().to_list()}
    reason = pl.col("reason")
    column = reason.replace_strict({name: at for name, (at, _) in told.items()}, return_dtype=pl.String)
    return found.select(
        pl.lit("fee_arrangements").alias("table_name"),
        pl.lit(None, dtype=pl.Int64).alias("row_number"),
        pl.col("arrangement_id").alias("row_key"),
        column.alias("column_name"),
        pl.when(column == "portfolio_id").then("portfolio_id").otherwise("fee_schedule_id").alias("value"),
        reason,
        reason.replace_strict({name: do for name, (_, do) in told.items()}, return_dtype=pl.String).alias(
            "remedy"
        ),
    ).select(REJECTS_SCHEMA.names())


def accrue_on_assets(
    books: FeeBooks, totals: pl.DataFrame, rates: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    """The memory of fees on assets at the end of *as_of*.

    A day without a COMPLETE NAV accrues on the last one while that is at most five business days old. An
    arrangement without a memory begins with the calendar month.

    Args:
        books: What is known about fees.
        totals: ``portfolio_id``, ``status``, ``gross_base`` (before fees), ``aud_rate`` of the day.
        rates: Every cross rate of the day.
        as_of: The day.

    Returns:
        `FEE_MEMORY`, by arrangement. What is owed in another currency is converted like cash in it.

    Source: domain_rules 1A.4, 1A.6, 3.2.
    """
    # A NAV in another base currency is no NAV in this one.
    payers = books.portfolios.select("portfolio_id", "base_ccy").join(
        books.fee_arrangements, on="portfolio_id", how="semi"
    )
    today = totals.join(payers, on="portfolio_id", how="semi").select(
        "portfolio_id",
        pl.lit(as_of).alias("as_of_date"),
        "status",
        pl.col("gross_base").alias("nav"),
        pl.lit(0).cast(MONEY).alias("accrued_fees_base"),
        "aud_rate",
    )
    recent = books.recent.join(payers, on=["portfolio_id", "base_ccy"], how="semi")
    memory = accrue_to_day(
        previous_memory=books.memory,
        settlements=books.charges,
        fee_arrangements=books.fee_arrangements,
        fee_schedules=books.fee_schedules,
        portfolios=books.portfolios,
        valuations=pl.concat([recent.select(today.columns), today]),
        calendars=books.calendars,
        as_of=as_of,
        begin_on=as_of.replace(day=1),
    )
    owed = memory.join(
        books.portfolios.select("portfolio_id", "base_ccy"),
        on="portfolio_id",
        how="left",
        maintain_order="left",
    )
    return (
        with_fx(owed, rates)
        .with_columns(
            round_to(pl.col("accrued"), pl.col("fx"), digits=minor_digits(pl.col("base_ccy"))).alias(
                "accrued_base"
            )
        )
        .select(FEE_MEMORY.schema.names())
        .cast(FEE_MEMORY.schema)
    )


def with_fees_on_assets(totals: pl.DataFrame, fee_memory: pl.DataFrame) -> pl.DataFrame:
    """Add ``on_assets_base`` (0 without fees; null without a rate) and ``net_base``, NAV after these fees.

    Args:
        totals: ``portfolio_id``, ``status``, ``gross_base``.
        fee_memory: `FEE_MEMORY` of the day.
    """
    owed = fee_memory.group_by("portfolio_id").agg(
        pl.when(pl.col("accrued_base").is_not_null().all())
        .then(pl.col("accrued_base").sum())
        .cast(MONEY)
        .alias("on_assets_base"),
        pl.lit(value=True).alias("__owes"),
    )
    nothing = pl.when(pl.col("__owes").is_null()).then(pl.lit(0).cast(MONEY))
    return (
        totals.join(owed, on="portfolio_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce("on_assets_base", nothing).alias("on_assets_base"))
        .with_columns(
            pl.when(pl.col("status") == COMPLETE)
            .then(pl.col("gross_base") - pl.col("on_assets_base"))
            .cast(MONEY)
            .alias("net_base")
        )
        .drop("__owes")
    )


def performance_levels(
    books: FeeBooks, valued: pl.DataFrame, *, as_of: date, hurdle_type: HurdleType
) -> pl.DataFrame:
    """The performance fee of each portfolio that is COMPLETE, on the units it holds.

    The mark is the first NAV per unit until the ledger has a crystallisation: then it is the highest mark,
    and its days count from the latest one. Marks of units that are no more (of another base currency, or from
    before the first day of these) are not asked.

    Args:
        books: What is known about fees.
        valued: ``portfolio_id``, ``base_ccy``, ``net_base``, ``units``, ``first_on``.
        as_of: The day.
        hurdle_type: Where a schedule does not say.

    Returns:
        `PERFORMANCE_ACCRUALS`, by arrangement. Portfolios without a NAV or without units have no row.

    Source: domain_rules 1A.6, 3.4, 5.
    """
    holders = valued.filter(pl.col("net_base").is_not_null() & (pl.col("units") > 0))
    marks = (
        books.charges.filter(pl.col("mark_unit").is_not_null())
        .select("portfolio_id", pl.col("ccy").alias("base_ccy"), "mark_unit", "marked_on", "seq")
        .join(holders.select("portfolio_id", "base_ccy", "first_on"), on=["portfolio_id", "base_ccy"])
        .filter(pl.col("marked_on") >= pl.col("first_on"))
        .group_by("portfolio_id")
        .agg(pl.col("mark_unit").max(), pl.col("marked_on").sort_by("seq").last())
    )
    first = pl.lit(FIRST_UNIT_VALUE).cast(UNIT_VALUE)
    marked = holders.join(marks, on="portfolio_id", how="left").with_columns(
        pl.max_horizontal(pl.col("mark_unit").fill_null(first), first).alias("hwm_unit"),
        pl.coalesce("marked_on", "first_on").alias("since_on"),
        round_to(pl.col("net_base"), digits=12, over=[pl.col("units")], dtype=UNIT_VALUE).alias("nav_unit"),
        pl.lit(0).cast(UNITS).alias("redeemed_units"),
    )
    return (
        performance_fees(
            unit_values=marked.select("portfolio_id", "base_ccy", "nav_unit", "units", "redeemed_units"),
            marks=marked.select("portfolio_id", "hwm_unit", "since_on"),
            fee_arrangements=books.fee_arrangements,
            fee_schedules=books.fee_schedules,
            as_of=as_of,
            hurdle_type=hurdle_type,
        )
        .select(PERFORMANCE_ACCRUALS.schema.names())
        .cast(PERFORMANCE_ACCRUALS.schema)
    )


def with_navs(valued: pl.DataFrame, performance_accruals: pl.DataFrame) -> pl.DataFrame:
    """Add ``accrued_fees_base``, ``nav`` after all fees, and ``nav_aud``.

    Args:
        valued: ``on_assets_base``, ``net_base``, ``aud_rate``.
        performance_accruals: `PERFORMANCE_ACCRUALS` of the day.
    """
    shared = performance_accruals.group_by("portfolio_id").agg(
        pl.col("accrued").sum().cast(MONEY).alias("__shared")
    )
    nothing = pl.lit(0).cast(MONEY)
    return (
        valued.join(shared, on="portfolio_id", how="left", maintain_order="left")
        .with_columns(pl.col("__shared").fill_null(nothing))
        .with_columns(
            (pl.col("on_assets_base") + pl.col("__shared")).cast(MONEY).alias("accrued_fees_base"),
            (pl.col("net_base") - pl.col("__shared")).cast(MONEY).alias("nav"),
        )
        .drop("__shared")
        .with_columns(
            round_to(pl.col("nav"), pl.col("aud_rate"), digits=minor_digits(pl.lit(_AUD))).alias("nav_aud")
        )
    )
