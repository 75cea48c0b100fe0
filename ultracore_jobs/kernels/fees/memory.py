"""Fees accrued and not yet charged, carried from day to day (domain_rules 1A.6).

The same accruals as those of a fee run, a day at a time: what a month has gathered on its last day is its
charge, to the last digit. What a posted charge settles, and what a blocked one gives up, goes out whole.
"""

from datetime import date, timedelta

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.accrual import accrue_windows, fee_windows
from ultracore_jobs.kernels.fees.charges import least_fee_days
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, DAYS_OF_YEAR, FEE_MEMORY
from ultracore_jobs.kernels.money import round_money, round_to

_ONE_DAY = pl.duration(days=1)
_DECEMBER = 12
_IDENTITY = ["tenant_id", "portfolio_id", "arrangement_id", "fee_type", "ccy"]


def accrue_to_day(  # noqa: PLR0913 - each table is bound by its name on the page
    *,
    previous_memory: pl.DataFrame,
    settlements: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    portfolios: pl.DataFrame,
    valuations: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    begin_on: date,
    max_stale_business_days: int = 5,
) -> pl.DataFrame:
    """Add the calendar days since yesterday's memory, and take out what was settled.

    ``open(D) = open(D') + annual fee of each day in (D', D] - settled``; the minimum tops up on the last
    day of a calendar month, or of the arrangement.

    Args:
        previous_memory: `FEE_MEMORY` of an earlier day, or empty.
        settlements: ``arrangement_id``, ``settled_fee_days``: one row for each charge on assets POSTED or
            BLOCKED since that day. A blocked charge's accrual is written back like this.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        portfolios: `PORTFOLIOS`.
        valuations: `VALUATIONS` of *as_of*, of the days since the memory, and as many before as a NAV may
            be old. ``accrued_fees_base`` must be what NAV was reduced by; for the day being valued, 0 and
            the NAV before fees do as well.
        calendars: `CALENDARS` of the portfolios.
        as_of: The day.
        begin_on: First day to accrue where an arrangement has no memory yet; usually the first of a month.
        max_stale_business_days: Greatest age of a NAV; a day without one adds nothing.

    Returns:
        `FEE_MEMORY` of *as_of*, by arrangement: every arrangement that runs, or has something open.

    Source: domain_rules 1A.6, 3.2, 3.5.
    """
    accruals = _since_memory(
        previous_memory,
        fee_windows(
            fee_arrangements,
            fee_schedules,
            portfolios,
            _months(_earliest(previous_memory, begin_on), as_of),
            through=as_of,
        ),
        begin_on=begin_on,
    )
    spans = accrue_windows(
        accruals,
        fee_schedules,
        valuations,
        calendars,
        max_stale_business_days=max_stale_business_days,
    )
    minimums = fee_arrangements.select("arrangement_id", "fee_schedule_id").join(
        fee_schedules.select("fee_schedule_id", "annual_minimum"), on="fee_schedule_id"
    )
    monthly = _topped_up(_by_month(spans, previous_memory), minimums)
    settled = settlements.group_by("arrangement_id").agg(
        pl.col("settled_fee_days").sum().cast(ANNUAL_FEE).alias("settled")
    )
    return _as_memory(monthly, previous_memory, settled, as_of=as_of)


def _earliest(previous_memory: pl.DataFrame, begin_on: date) -> date:
    since = previous_memory["as_of_date"].min()
    return min(begin_on, since + timedelta(days=1)) if isinstance(since, date) else begin_on


def _months(first: date, last: date) -> list[tuple[date, date]]:
    """The calendar months from that of *first* to that of *last*."""
    months, month = [], first.replace(day=1)
    while month <= last:
        years, place = divmod(month.month, _DECEMBER)
        following = date(month.year + years, place + 1, 1)
        months.append((month, following))
        month = following
    return months


def _since_memory(previous_memory: pl.DataFrame, windows: pl.DataFrame, *, begin_on: date) -> pl.DataFrame:
    """The days of each window that the memory does not hold yet."""
    remembered = previous_memory.select("arrangement_id", (pl.col("as_of_date") + _ONE_DAY).alias("__since"))
    return (
        windows.join(remembered, on="arrangement_id", how="left")
        .with_columns(pl.max_horizontal("from_on", pl.col("__since").fill_null(begin_on)).alias("from_on"))
        .filter(pl.col("from_on") < pl.col("until_on"))
        .drop("__since")
    )


def _by_month(spans: pl.DataFrame, previous_memory: pl.DataFrame) -> pl.DataFrame:
    """What each arrangement gathered by month, with what the memory already holds of that month."""
    key = ["arrangement_id", "period_start"]
    gathered = spans.group_by(*_IDENTITY, "period_start").agg(
        pl.col("fee_days").sum().cast(ANNUAL_FEE).alias("new_days"),
        pl.col("days").filter(pl.col("assets") >= 0).sum().alias("new_minimum_days"),
        pl.col("is_period_close").any(),
    )
    before = previous_memory.select(
        *key, "period_fee_days", pl.col("period_minimum_days").alias("minimum_days")
    )
    nothing = pl.lit(0).cast(ANNUAL_FEE)
    return gathered.join(before, on=key, how="left").with_columns(
        pl.col("period_fee_days").fill_null(nothing),
        (pl.col("minimum_days").fill_null(0) + pl.col("new_minimum_days")).alias("period_minimum_days"),
    )


def _topped_up(monthly: pl.DataFrame, minimums: pl.DataFrame) -> pl.DataFrame:
    """Raise a month that closes to its minimum; ``added`` is what it adds to what is open."""
    accrued = (pl.col("period_fee_days") + pl.col("new_days")).cast(ANNUAL_FEE)
    least = least_fee_days("period_minimum_days")
    raised = pl.when("is_period_close").then(pl.max_horizontal(accrued, least)).otherwise(accrued)
    return (
        monthly.join(minimums, on="arrangement_id", how="left")
        .with_columns(raised.alias("__raised"))
        .with_columns((pl.col("__raised") - pl.col("period_fee_days")).cast(ANNUAL_FEE).alias("added"))
        .with_columns(pl.col("__raised").alias("period_fee_days"))
    )


def _as_memory(
    monthly: pl.DataFrame, previous_memory: pl.DataFrame, settled: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    of_month = [*_IDENTITY, "period_start", "period_fee_days", "period_minimum_days"]
    latest = (
        monthly.sort("arrangement_id", "period_start")
        .group_by("arrangement_id", maintain_order=True)
        .agg(
            pl.col("added").sum().cast(ANNUAL_FEE),
            *(pl.col(name).last() for name in of_month if name != "arrangement_id"),
        )
    )
    # An arrangement that has ended keeps its line until it is settled.
    ended = previous_memory.join(latest, on="arrangement_id", how="anti").select(of_month)
    nothing = pl.lit(0).cast(ANNUAL_FEE)
    everyone = pl.concat(
        [latest.select(*of_month, "added"), ended.with_columns(nothing.alias("added"))],
        how="vertical_relaxed",
    )
    opened = previous_memory.select("arrangement_id", pl.col("open_fee_days").alias("before"))
    is_running = pl.col("arrangement_id").is_in(latest["arrangement_id"].implode())
    return (
        everyone.join(opened, on="arrangement_id", how="left")
        .join(settled, on="arrangement_id", how="left")
        .with_columns(
            (pl.col("before").fill_null(nothing) + pl.col("added") - pl.col("settled").fill_null(nothing))
            .cast(ANNUAL_FEE)
            .alias("open_fee_days"),
            pl.lit(as_of).alias("as_of_date"),
        )
        .filter(is_running | (pl.col("open_fee_days") != 0))
        .with_columns(
            round_to(pl.col("open_fee_days"), digits=12, over=[pl.lit(DAYS_OF_YEAR)], dtype=ANNUAL_FEE).alias(
                "management_unrounded"
            ),
            round_money(pl.col("open_fee_days"), ccy=pl.col("ccy"), over=[pl.lit(DAYS_OF_YEAR)])
            .cast(MONEY)
            .alias("accrued"),
        )
        .select(FEE_MEMORY.schema.names())
        .cast(FEE_MEMORY.schema)
        .sort("arrangement_id")
    )
