"""What fees on assets accrue, day after day, over a period.

Days in a row that share one NAV are one row: a weekend is its Friday's. `by_day` unrolls them.
"""

from datetime import date, timedelta

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.assets import AUD, assets_in_schedule_ccy, nav_spans
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, DAYS_OF_YEAR, FEE_ACCRUALS, NO_NAV, TIERED
from ultracore_jobs.kernels.fees.tiers import schedule_faults, with_annual_fees
from ultracore_jobs.kernels.money import round_to

_ONE_DAY = pl.duration(days=1)
_OF_WINDOW = [
    "tenant_id",
    "portfolio_id",
    "arrangement_id",
    "fee_schedule_id",
    "fee_type",
    "ccy",
    "period_start",
    "period_end",
]


def unusable_arrangements(
    fee_arrangements: pl.DataFrame, fee_schedules: pl.DataFrame, portfolios: pl.DataFrame
) -> pl.DataFrame:
    """Arrangements by which nothing can be charged, for quarantine.

    Args:
        fee_arrangements: `FEE_ARRANGEMENTS`, one row for each arrangement.
        fee_schedules: `FEE_SCHEDULES`, one row for each schedule.
        portfolios: `PORTFOLIOS`, one row for each portfolio.

    Returns:
        ``arrangement_id``, ``reason``, by arrangement: UNKNOWN_SCHEDULE, UNKNOWN_PORTFOLIO,
        OTHER_CURRENCY (the schedule is neither in the portfolio's currency nor in AUD; no rate is made
        up), or one of `schedule_faults`.

    Source: domain_rules 1 (bad input), 3.
    """
    joined = (
        fee_arrangements.select("arrangement_id", "fee_schedule_id", "portfolio_id")
        .join(fee_schedules.select("fee_schedule_id", "fee_type", "ccy"), on="fee_schedule_id", how="left")
        .join(portfolios.select("portfolio_id", "base_ccy"), on="portfolio_id", how="left")
        .join(schedule_faults(fee_schedules), on="fee_schedule_id", how="left")
    )
    # A performance fee is computed in the portfolio's currency, whatever the schedule's.
    foreign = (
        pl.col("fee_type").is_in(TIERED) & (pl.col("ccy") != pl.col("base_ccy")) & (pl.col("ccy") != AUD)
    )
    return (
        joined.with_columns(
            pl.when(pl.col("ccy").is_null())
            .then(pl.lit("UNKNOWN_SCHEDULE"))
            .when(pl.col("base_ccy").is_null())
            .then(pl.lit("UNKNOWN_PORTFOLIO"))
            .when(foreign)
            .then(pl.lit("OTHER_CURRENCY"))
            .otherwise("reason")
            .alias("reason")
        )
        .filter(pl.col("reason").is_not_null())
        .select("arrangement_id", "reason")
        .sort("arrangement_id")
    )


def accrue_fees(
    *,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    portfolios: pl.DataFrame,
    valuations: pl.DataFrame,
    calendars: pl.DataFrame,
    start: date,
    end: date,
    max_stale_business_days: int = 5,
) -> pl.DataFrame:
    """Accrue every fee on assets over the period ``[start, end)``.

    A day counts while its arrangement runs and its portfolio exists. It pays the annual fee on that day's
    NAV before accrued fees; a day without a COMPLETE NAV takes the last one, if that is not too old.

    Args:
        fee_arrangements: `FEE_ARRANGEMENTS`; those of `unusable_arrangements` are left out.
        fee_schedules: `FEE_SCHEDULES`; performance schedules are left out.
        portfolios: `PORTFOLIOS`.
        valuations: `VALUATIONS` of the period, and of as many days before as a NAV may be old.
        calendars: `CALENDARS` of the portfolios, over the same days.
        start: First day.
        end: First day no longer in the period.
        max_stale_business_days: Greatest age of a NAV, in business days of the portfolio's calendar.
            Where the calendar does not reach, the age is unknown, and the NAV too old.

    Returns:
        `FEE_ACCRUALS`, by arrangement and day; its rows tile each arrangement's part of the period. Days
        without a usable NAV have reason NO_NAV. A portfolio valued in another currency than its
        schedule's pays on its NAV in AUD.

    Source: domain_rules 3.1, 3.2, 1A.6, 20b.
    """
    windows = fee_windows(
        fee_arrangements, fee_schedules, portfolios, [(start, end)], through=end - timedelta(days=1)
    )
    return accrue_windows(
        windows, fee_schedules, valuations, calendars, max_stale_business_days=max_stale_business_days
    )


def fee_windows(
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    portfolios: pl.DataFrame,
    periods: list[tuple[date, date]],
    *,
    through: date,
) -> pl.DataFrame:
    """The days for which each arrangement accrues, parted by period.

    Args:
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        portfolios: `PORTFOLIOS`.
        periods: Half-open periods.
        through: Last day to accrue.

    Returns:
        One row for each usable arrangement on assets and period that share a day: what identifies it,
        ``period_start`` and ``period_end`` (its own part of the period), ``from_on``, ``until_on`` (the
        days up to *through*), ``base_ccy``, ``calendar_id``.

    Source: domain_rules 3.2.
    """
    unusable = unusable_arrangements(fee_arrangements, fee_schedules, portfolios)
    spans = pl.DataFrame(periods, schema={"start": pl.Date, "end": pl.Date}, orient="row")
    days = pl.DataFrame({"through": [through]}, schema={"through": pl.Date})
    return (
        fee_arrangements.join(unusable, on="arrangement_id", how="anti")
        .join(fee_schedules.select("fee_schedule_id", "fee_type", "ccy"), on="fee_schedule_id")
        .filter(pl.col("fee_type").is_in(TIERED))
        .join(
            portfolios.select("portfolio_id", "base_ccy", "calendar_id", "opened_on", "closed_on"),
            on="portfolio_id",
        )
        .join(spans, how="cross")
        .join(days, how="cross")
        .with_columns(
            pl.max_horizontal("start", "start_on", "opened_on").alias("period_start"),
            pl.min_horizontal("end", "end_on", "closed_on").alias("period_end"),
        )
        .with_columns(
            pl.col("period_start").alias("from_on"),
            pl.min_horizontal("period_end", pl.col("through") + _ONE_DAY).alias("until_on"),
        )
        .filter(pl.col("from_on") < pl.col("until_on"))
        .select(*_OF_WINDOW, "from_on", "until_on", "base_ccy", "calendar_id")
    )


def accrue_windows(
    windows: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    valuations: pl.DataFrame,
    calendars: pl.DataFrame,
    *,
    max_stale_business_days: int,
) -> pl.DataFrame:
    """Accrue each of *windows*, as `accrue_fees` says.

    Args:
        windows: What `fee_windows` returns; ``from_on`` may be later than the period's start.
        fee_schedules: `FEE_SCHEDULES`.
        valuations: `VALUATIONS` that reach over the windows.
        calendars: `CALENDARS` of the portfolios.
        max_stale_business_days: Greatest age of a NAV.

    Returns:
        `FEE_ACCRUALS`, by arrangement and day.
    """
    windowed = windows.rename({"from_on": "window_from", "until_on": "window_until"})
    navs = nav_spans(windows, valuations, calendars, max_stale_business_days)
    joined = windowed.lazy().join(navs.lazy(), on="portfolio_id")
    begin, stop = pl.col("window_from"), pl.col("window_until")
    held = joined.with_columns(
        pl.max_horizontal(begin, "assets_on").alias("from_on"),
        pl.min_horizontal(stop, "next_on", "stale_on").alias("until_on"),
    )
    too_old = joined.with_columns(
        pl.max_horizontal(begin, "stale_on").alias("from_on"),
        pl.min_horizontal(stop, "next_on").alias("until_on"),
    )
    first = navs.lazy().group_by("portfolio_id").agg(pl.col("assets_on").min().alias("first_on"))
    before = (
        windowed.lazy()
        .join(first, on="portfolio_id", how="left")
        .with_columns(begin.alias("from_on"), pl.min_horizontal(stop, "first_on").alias("until_on"))
    )
    none = [pl.lit(None, dtype=pl.Date).alias("assets_on"), pl.lit(None, dtype=MONEY).alias("assets")]
    columns = [*_OF_WINDOW, "window_until", "from_on", "until_on"]
    spans = (
        pl.concat(
            [
                held.select(*columns, "assets_on", assets_in_schedule_ccy().alias("assets")),
                too_old.select(*columns, *none),
                before.select(*columns, *none),
            ]
        )
        .filter(pl.col("from_on") < pl.col("until_on"))
        .collect()
    )
    return _accrued(spans, fee_schedules)


def by_day(fee_accruals: pl.DataFrame) -> pl.DataFrame:
    """One row for each arrangement and calendar day, for people who want to see each day.

    Args:
        fee_accruals: `FEE_ACCRUALS`.

    Returns:
        What identifies the arrangement, ``accrued_on`` (date), ``assets_on``, ``assets``, ``annual_fee``,
        ``accrual`` (a 365th of it, to 12 decimals, for display) and ``reason``. To add days up, add
        ``annual_fee`` and divide once.

    Source: domain_rules 3.2: annual / 365, also in leap years.
    """
    return (
        fee_accruals.with_columns(
            pl.date_ranges("from_on", "until_on", closed="left").alias("accrued_on"),
            round_to(pl.col("annual_fee"), digits=12, over=[pl.lit(DAYS_OF_YEAR)], dtype=ANNUAL_FEE).alias(
                "accrual"
            ),
        )
        .explode("accrued_on", empty_as_null=True, keep_nulls=True)
        .select(
            "portfolio_id",
            "arrangement_id",
            "fee_type",
            "accrued_on",
            "assets_on",
            "assets",
            "annual_fee",
            "accrual",
            "reason",
        )
        .sort("arrangement_id", "accrued_on")
    )


def _accrued(spans: pl.DataFrame, fee_schedules: pl.DataFrame) -> pl.DataFrame:
    days = (pl.col("until_on") - pl.col("from_on")).dt.total_days()
    return (
        with_annual_fees(spans, fee_schedules)
        .with_columns(
            days.alias("days"),
            # The window may stop before the period does: a part of a month has not closed.
            (pl.col("until_on") == pl.col("period_end")).alias("is_period_close"),
            pl.when(pl.col("assets").is_null()).then(pl.lit(NO_NAV)).alias("reason"),
        )
        .with_columns(
            round_to(pl.col("annual_fee"), pl.col("days"), digits=12, dtype=ANNUAL_FEE).alias("fee_days")
        )
        .select(FEE_ACCRUALS.schema.names())
        .cast(FEE_ACCRUALS.schema)
        .sort("arrangement_id", "from_on")
    )
