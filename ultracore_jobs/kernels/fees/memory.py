"""Fees accrued and not yet charged, carried from day to day (domain_rules 1A.6).

The same accruals as those of a fee run, a day at a time: what a month has gathered on its last day is its
charge, to the last digit. What a posted charge settles, and what a blocked one gives up, goes out whole.

The memory holds what the ledger had settled when it was made. What goes out on a day is what the ledger says
now less that: a charge that becomes known late is neither missed nor taken out twice.
"""

from datetime import date, timedelta

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.accrual import accrue_windows, fee_windows
from ultracore_jobs.kernels.fees.assets import AUD
from ultracore_jobs.kernels.fees.charges import least_fee_days
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, DAYS_OF_YEAR, FEE_MEMORY
from ultracore_jobs.kernels.money import round_money, round_to

_ONE_DAY = pl.duration(days=1)
_DECEMBER = 12
_IDENTITY = ["tenant_id", "portfolio_id", "arrangement_id", "fee_type", "ccy"]
_NO_DAYS = pl.lit(0).cast(ANNUAL_FEE)

IN_BASE = ("fx", "accrued_base")
"""Columns of `FEE_MEMORY` that want an exchange rate; whoever knows the rates of the day adds them."""


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
    """Add the calendar days since yesterday's memory, and take out what was settled since.

    ``open(D) = open(D') + annual fee of each day in (D', D] - (settled up to D - settled up to D')``; the
    minimum tops up on the last day of a calendar month, or of the arrangement.

    Args:
        previous_memory: `FEE_MEMORY` of an earlier day, or empty.
        settlements: ``arrangement_id``, ``period_end``, ``settled_fee_days``: everything that the ledger
            settled up to *as_of*, one row for each decision, such as `fees_in_ledger` returns. A blocked
            charge's accrual is written back like this.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        portfolios: `PORTFOLIOS`; ``base_ccy`` is the currency in which *valuations* are.
        valuations: `VALUATIONS` of *as_of*, of the days since the memory, and as many before as a NAV may
            be old; the columns that `before_fees` names do. ``accrued_fees_base`` must be what NAV was
            reduced by; for the day being valued, 0 and the NAV before fees do as well.
        calendars: `CALENDARS` of the portfolios.
        as_of: The day.
        begin_on: First day to accrue where an arrangement has no memory yet; usually the first of a month.
        max_stale_business_days: Greatest age of a NAV; a day without one adds nothing.

    Returns:
        `FEE_MEMORY` of *as_of* but for `IN_BASE`, by arrangement: every arrangement that runs, or has
        something open. A charge for days before ``since_on`` settles nothing here: they never accrued.

    Source: domain_rules 1A.6, 3.2, 3.5.
    """
    months = _months(_earliest(previous_memory, begin_on), as_of)
    windows = _since_memory(
        previous_memory,
        fee_windows(fee_arrangements, fee_schedules, portfolios, months, through=as_of),
        begin_on=begin_on,
    )
    spans = accrue_windows(
        windows,
        fee_schedules,
        before_fees(_needed(valuations, windows)),
        calendars,
        max_stale_business_days=max_stale_business_days,
    )
    minimums = fee_arrangements.select("arrangement_id", "fee_schedule_id").join(
        fee_schedules.select("fee_schedule_id", "annual_minimum"), on="fee_schedule_id"
    )
    latest = _latest(_topped_up(_by_month(spans, previous_memory), minimums))
    return _as_memory(latest, previous_memory, settlements, as_of=as_of)


def before_fees(valuations: pl.DataFrame) -> pl.DataFrame:
    """Valuations as if no fee had accrued, so that fees on assets in AUD are exact.

    AUD at the rate of the day, not at what two rounded NAVs imply: the NAV of the day is not known before
    its fees are.

    Args:
        valuations: ``portfolio_id``, ``as_of_date``, ``status``, ``nav``, ``accrued_fees_base``,
            ``aud_rate`` of `VALUATIONS`.

    Returns:
        Those columns: ``nav`` before accrued fees, ``accrued_fees_base`` 0, and ``nav_aud``, null without
        a rate.

    Source: domain_rules 1A.6, 3.2.
    """
    gross = (pl.col("nav") + pl.col("accrued_fees_base")).cast(MONEY)
    return valuations.select(
        "portfolio_id",
        "as_of_date",
        "status",
        gross.alias("nav"),
        pl.lit(0).cast(MONEY).alias("accrued_fees_base"),
        "aud_rate",
    ).with_columns(round_money(pl.col("nav"), pl.col("aud_rate"), ccy=pl.lit(AUD)).alias("nav_aud"))


def _needed(valuations: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """Of each portfolio with something to accrue: the last COMPLETE NAV before it, and all later ones."""
    begins = windows.group_by("portfolio_id").agg(pl.col("from_on").min())
    complete = valuations.filter(pl.col("status") == "COMPLETE").join(begins, on="portfolio_id")
    held = (
        complete.filter(pl.col("as_of_date") <= pl.col("from_on"))
        .group_by("portfolio_id")
        .agg(pl.col("as_of_date").max().alias("__held_on"))
    )
    return complete.join(held, on="portfolio_id", how="left").filter(
        pl.col("__held_on").is_null() | (pl.col("as_of_date") >= pl.col("__held_on"))
    )


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
        pl.col("from_on").min(),
        pl.col("fee_days").sum().cast(ANNUAL_FEE).alias("new_days"),
        pl.col("days").filter(pl.col("assets") >= 0).sum().alias("new_minimum_days"),
        pl.col("is_period_close").any(),
    )
    before = previous_memory.select(
        *key, "period_fee_days", pl.col("period_minimum_days").alias("minimum_days")
    )
    return gathered.join(before, on=key, how="left").with_columns(
        pl.col("period_fee_days").fill_null(_NO_DAYS),
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


def _latest(monthly: pl.DataFrame) -> pl.DataFrame:
    """One row for each arrangement that accrued: its last month, all it added, and its first day."""
    of_month = [*_IDENTITY, "period_start", "period_fee_days", "period_minimum_days"]
    return (
        monthly.sort("arrangement_id", "period_start")
        .group_by("arrangement_id", maintain_order=True)
        .agg(
            pl.col("added").sum().cast(ANNUAL_FEE).alias("added_fee_days"),
            pl.col("from_on").min().alias("since_on"),
            *(pl.col(name).last() for name in of_month if name != "arrangement_id"),
        )
    )


def _as_memory(
    latest: pl.DataFrame, previous_memory: pl.DataFrame, settlements: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    # An arrangement that has ended keeps its line until it is settled.
    ended = previous_memory.join(latest, on="arrangement_id", how="anti").with_columns(
        _NO_DAYS.alias("added_fee_days")
    )
    before = previous_memory.select(
        "arrangement_id",
        pl.col("open_fee_days").alias("__open"),
        pl.col("settled_fee_days").alias("__settled"),
        pl.col("since_on").alias("__since"),
    )
    everyone = (
        pl.concat([latest, ended.select(latest.columns)], how="vertical_relaxed")
        .join(before, on="arrangement_id", how="left")
        .with_columns(pl.coalesce("__since", "since_on").alias("since_on"))
    )
    settled = (
        everyone.select("arrangement_id", "since_on")
        .join(settlements.select("arrangement_id", "period_end", "settled_fee_days"), on="arrangement_id")
        .filter(pl.col("period_end") > pl.col("since_on"))
        .group_by("arrangement_id")
        .agg(pl.col("settled_fee_days").sum().cast(ANNUAL_FEE))
    )
    still_open = (
        pl.col("__open").fill_null(_NO_DAYS)
        + pl.col("added_fee_days")
        - pl.col("settled_fee_days")
        + pl.col("__settled").fill_null(_NO_DAYS)
    )
    is_running = pl.col("arrangement_id").is_in(latest["arrangement_id"].implode())
    over = [pl.lit(DAYS_OF_YEAR)]
    columns = [name for name in FEE_MEMORY.schema.names() if name not in IN_BASE]
    return (
        everyone.join(settled, on="arrangement_id", how="left")
        .with_columns(pl.col("settled_fee_days").fill_null(_NO_DAYS))
        .with_columns(
            still_open.cast(ANNUAL_FEE).alias("open_fee_days"),
            pl.lit(as_of).alias("as_of_date"),
        )
        .filter(is_running | (pl.col("open_fee_days") != 0))
        .with_columns(
            round_to(pl.col("open_fee_days"), digits=12, over=over, dtype=ANNUAL_FEE).alias(
                "management_unrounded"
            ),
            round_money(pl.col("open_fee_days"), ccy=pl.col("ccy"), over=over).cast(MONEY).alias("accrued"),
        )
        .select(columns)
        .cast({name: FEE_MEMORY.schema[name] for name in columns})
        .sort("arrangement_id")
    )
