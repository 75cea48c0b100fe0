"""The law that fees on assets accrue as agreed, day by day and slice by slice (domain_rules 3.1, 3.2)."""

from datetime import date

import polars as pl

from ultracore_jobs.kernels.fees.accrual import unusable_arrangements
from ultracore_jobs.kernels.fees.tables import TIERED
from ultracore_jobs.kernels.valuation.tables import COMPLETE

_ONE_DAY = pl.duration(days=1)
_STALE = 5
_A_RELATIVE, _A_DAY = 1e-9, 1e-3
"""What floats may be off, relative and in fee days; a thousandth of a fee day is no thousandth of a cent."""


def accruals_not_agreed(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    fee_memory: pl.DataFrame,
    previous_fee_memory: pl.DataFrame,
    valuations: pl.DataFrame,
    recent_valuations: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    portfolios: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    base: str | None,
) -> pl.DataFrame:
    """Arrangements that added another amount than the days' NAVs and the tiers make, and lost ones.

    A row for each arrangement and calendar day since the memory; slices are clipped one by one.

    Args:
        fee_memory: `FEE_MEMORY` of one day.
        previous_fee_memory: That of the latest day before, or empty.
        valuations: `VALUATIONS` of the day.
        recent_valuations: Those of the days before.
        fee_arrangements: `FEE_ARRANGEMENTS` as known.
        fee_schedules: `FEE_SCHEDULES` as known.
        portfolios: `PORTFOLIOS` as known.
        calendars: `CALENDARS` of the portfolios.
        as_of: The day.
        base: Currency all were valued in, if one.
    """
    ours = portfolios if base is None else portfolios.with_columns(pl.lit(base).alias("base_ccy"))
    navs = pl.concat([recent_valuations, valuations.select(recent_valuations.columns)])
    days = _with_assets(
        _days(previous_fee_memory, _usable(fee_arrangements, fee_schedules, ours), as_of), navs, calendars
    )
    expected = _added(_with_fees(days, fee_schedules), previous_fee_memory, fee_schedules)
    added = pl.col("added_fee_days").cast(pl.Float64)
    off = (added.fill_null(0.0) - pl.col("expected").fill_null(0.0)).abs()
    slack = _A_RELATIVE * pl.col("size").fill_null(0.0) + _A_DAY * pl.col("days").fill_null(0)
    is_lost = pl.col("expected").is_not_null() & pl.col("added_fee_days").is_null()
    return (
        fee_memory.select("arrangement_id", "added_fee_days")
        .join(expected, on="arrangement_id", how="full", coalesce=True)
        .filter((off > slack) | is_lost)
        .sort("arrangement_id")
    )


def _usable(
    fee_arrangements: pl.DataFrame, fee_schedules: pl.DataFrame, portfolios: pl.DataFrame
) -> pl.DataFrame:
    """Arrangements on assets, with what their schedule and their portfolio say, and their last day."""
    last = pl.min_horizontal("end_on", "closed_on") - _ONE_DAY
    return (
        fee_arrangements.join(
            unusable_arrangements(fee_arrangements, fee_schedules, portfolios),
            on="arrangement_id",
            how="anti",
        )
        .join(fee_schedules.select("fee_schedule_id", "fee_type", "ccy"), on="fee_schedule_id")
        .filter(pl.col("fee_type").is_in(TIERED))
        .join(
            portfolios.select("portfolio_id", "base_ccy", "calendar_id", "opened_on", "closed_on"),
            on="portfolio_id",
        )
        .select(
            "arrangement_id",
            "portfolio_id",
            "fee_schedule_id",
            "ccy",
            "base_ccy",
            "calendar_id",
            pl.max_horizontal("start_on", "opened_on").alias("begun_on"),
            last.alias("last_on"),
        )
    )


def _days(previous_fee_memory: pl.DataFrame, arranged: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row for each arrangement and day that the memory before does not hold, and its period."""
    since = previous_fee_memory.select("arrangement_id", (pl.col("as_of_date") + _ONE_DAY).alias("since"))
    today, month = pl.lit(as_of), pl.lit(as_of.replace(day=1))
    spans = (
        arranged.join(since, on="arrangement_id", how="left")
        .with_columns(
            pl.max_horizontal(pl.coalesce("since", month), "begun_on").alias("since"),
            pl.min_horizontal("last_on", today).alias("until"),
        )
        .filter(pl.col("since") <= pl.col("until"))
    )
    day = pl.col("day")
    return (
        spans.with_columns(pl.date_ranges("since", "until").alias("day"))
        .explode("day", empty_as_null=True, keep_nulls=True)
        .with_columns(
            pl.max_horizontal(day.dt.month_start(), "begun_on").alias("period_start"),
            (day == pl.min_horizontal(day.dt.month_end(), "last_on")).alias("closes"),
        )
    )


def _with_assets(days: pl.DataFrame, navs: pl.DataFrame, calendars: pl.DataFrame) -> pl.DataFrame:
    """Add ``assets_e4``: NAV before fees in the schedule's currency; null without a young one."""
    gross = pl.col("nav").to_physical().cast(pl.Int128) + pl.col("accrued_fees_base").to_physical().cast(
        pl.Int128
    )
    held = (
        navs.filter(pl.col("status") == COMPLETE)
        .join(days, on="portfolio_id", how="semi")
        .select(
            "portfolio_id", "base_ccy", pl.col("as_of_date").alias("nav_on"), gross.alias("gross"), "aud_rate"
        )
        .sort("nav_on")
    )
    number = (
        calendars.sort("date")
        .select(
            "calendar_id",
            "date",
            pl.col("is_business_day").cast(pl.Int64).cum_sum().over("calendar_id").alias("number"),
            pl.col("date").max().over("calendar_id").alias("known_until"),
        )
        .sort("date")
    )
    joined = (
        days.sort("day")
        .join_asof(
            held,
            left_on="day",
            right_on="nav_on",
            by=["portfolio_id", "base_ccy"],
            strategy="backward",
            check_sortedness=False,
        )
        .join_asof(
            number,
            left_on="day",
            right_on="date",
            by="calendar_id",
            strategy="backward",
            check_sortedness=False,
        )
        .join(
            number.select(
                "calendar_id", pl.col("date").alias("nav_on"), pl.col("number").alias("number_then")
            ),
            on=["calendar_id", "nav_on"],
            how="left",
        )
    )
    young = (pl.col("day") == pl.col("nav_on")) | (
        (pl.col("day") <= pl.col("known_until")) & (pl.col("number") - pl.col("number_then") <= _STALE)
    )
    # Half-up to the cent: e4 x e10 is e14, of which the last 12 go.
    product = pl.col("gross") * pl.col("aud_rate").to_physical().cast(pl.Int128)
    cents = (2 * product.abs() + 10**12) // (2 * 10**12) * product.sign()
    return joined.with_columns(
        pl.when(young.fill_null(value=False))
        .then(pl.when(pl.col("ccy") == pl.col("base_ccy")).then("gross").otherwise(cents * 100))
        .alias("assets_e4")
    )


def _with_fees(days: pl.DataFrame, fee_schedules: pl.DataFrame) -> pl.DataFrame:
    """Add ``annual``: the fee of a year on each day's assets, slice by slice; 0 without assets."""
    slices = (
        fee_schedules.select("fee_schedule_id", "tier_method", "tiers")
        .explode("tiers", empty_as_null=True, keep_nulls=True)
        .filter(pl.col("tiers").is_not_null())
        .unnest("tiers")
        .select(
            "fee_schedule_id",
            "tier_method",
            pl.col("from").to_physical().cast(pl.Int128).alias("low"),
            pl.col("to").to_physical().cast(pl.Int128).alias("high"),
            pl.col("bps").cast(pl.Float64),
        )
    )
    assets, low, high = pl.col("assets_e4"), pl.col("low"), pl.col("high")
    top = pl.min_horizontal(assets, high)
    within = (assets >= low) & (high.is_null() | (assets < high))
    base = (
        pl.when(pl.col("tier_method") == "marginal")
        .then(pl.max_horizontal(top - low, pl.lit(0)))
        .otherwise(pl.when(within).then(assets).otherwise(0))
    )
    fees = (
        days.filter(assets > 0)
        .select("arrangement_id", "day", "fee_schedule_id", "assets_e4")
        .join(slices, on="fee_schedule_id")
        .group_by("arrangement_id", "day")
        .agg((base.cast(pl.Float64) * pl.col("bps")).sum().alias("annual") / 1e8)
    )
    return days.join(fees, on=["arrangement_id", "day"], how="left").with_columns(
        pl.col("annual").fill_null(0.0)
    )


def _added(
    days: pl.DataFrame, previous_fee_memory: pl.DataFrame, fee_schedules: pl.DataFrame
) -> pl.DataFrame:
    """What each arrangement should have added: ``expected``, ``size`` of what was added up, ``days``."""
    key = ["arrangement_id", "period_start"]
    before = previous_fee_memory.select(
        *key, pl.col("period_fee_days").cast(pl.Float64).alias("held"), "period_minimum_days"
    )
    minimums = fee_schedules.select("fee_schedule_id", pl.col("annual_minimum").cast(pl.Float64))
    monthly = (
        days.group_by(*key, "fee_schedule_id")
        .agg(
            pl.col("annual").sum(),
            pl.col("assets_e4").ge(0).sum().alias("counted"),
            pl.col("closes").any(),
            pl.len().alias("days"),
        )
        .join(before, on=key, how="left")
        .join(minimums, on="fee_schedule_id", how="left")
        .with_columns(pl.col("held", "period_minimum_days").fill_null(0))
    )
    gathered = pl.col("held") + pl.col("annual")
    least = pl.col("annual_minimum") * (pl.col("period_minimum_days") + pl.col("counted"))
    total = pl.when("closes").then(pl.max_horizontal(gathered, least)).otherwise(gathered)
    return monthly.group_by("arrangement_id").agg(
        (total - pl.col("held")).sum().alias("expected"), total.sum().alias("size"), pl.col("days").sum()
    )
