"""The performance fee: a share of the gain above the high-water mark, per unit (domain_rules 3.4).

It is a level, computed anew each day, and not a sum. It is charged at crystallisation only, and on units
that are redeemed before.
"""

from datetime import date
from typing import Literal

import polars as pl

from ultracore_jobs.kernels.fees.tables import (
    DAYS_OF_YEAR,
    PERFORMANCE,
    PERFORMANCE_FEES,
    RATE,
    UNIT_VALUE,
    exact_rate,
)
from ultracore_jobs.kernels.money import round_money, round_to

HurdleType = Literal["hard", "soft"]
Crystallisation = Literal["30_june", "quarterly", "annual"]

_JUNE = 6
_QUARTER_ENDS = (3, 6, 9, 12)


def performance_fees(
    *,
    unit_values: pl.DataFrame,
    marks: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    as_of: date,
    hurdle_type: HurdleType = "hard",
    crystallisation: Crystallisation = "30_june",
) -> pl.DataFrame:
    """The performance fee of each portfolio on one day, and the mark it leaves behind.

    ``hurdle = HWM x (1 + h x days/365)``, ``threshold = max(HWM, hurdle)``. Hard: ``rate x max(0, NAV -
    threshold)``; soft: ``rate x (NAV - HWM)`` once NAV is above the threshold.

    Args:
        unit_values: One row for each portfolio with a NAV of *as_of*: ``portfolio_id``, ``base_ccy``,
            ``nav_unit`` (NAV per unit after the management fee and before this one), ``units`` (held at the
            end of the day), ``redeemed_units`` (redeemed on the day, 0 or more).
        marks: One row for each portfolio: ``portfolio_id``, ``hwm_unit``, ``since_on`` (last
            crystallisation, or day of the first mark).
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`; one without ``perf_rate`` is left out.
        as_of: The day; an arrangement counts from ``start_on`` to the day before ``end_on``.
        hurdle_type: Where a schedule does not say.
        crystallisation: Where a schedule does not say.

    Returns:
        `PERFORMANCE_FEES`, by arrangement. Below the mark the fee is 0. At crystallisation the new mark is
        the larger of the old one and NAV per unit after the fee (ex GST), also when no fee was due; on any
        other day it is the old one, also when units were redeemed. Portfolios without a NAV or a mark have
        no row.

    Source: domain_rules 3.4, 5, 20b. HWM 1.00, NAV 1.20, 5% over 365 days, 20%, 1,000 units: hard 30.00,
    soft 40.00.
    """
    terms = fee_schedules.filter(
        (pl.col("fee_type") == PERFORMANCE) & pl.col("perf_rate").is_not_null()
    ).select(
        "fee_schedule_id",
        exact_rate(pl.col("perf_rate")).alias("rate"),
        exact_rate(pl.col("hurdle_annual").fill_null(0.0)).alias("hurdle"),
        pl.col("hurdle_type").fill_null(hurdle_type),
        pl.col("crystallisation").fill_null(crystallisation),
    )
    running = fee_arrangements.filter(
        (pl.col("start_on") <= as_of) & (pl.col("end_on").is_null() | (pl.col("end_on") > as_of))
    )
    rows = (
        running.join(terms, on="fee_schedule_id")
        .join(unit_values, on="portfolio_id")
        .join(marks.select("portfolio_id", "hwm_unit", "since_on"), on="portfolio_id")
        .with_columns(
            pl.lit(as_of).alias("as_of_date"),
            (pl.lit(as_of) - pl.col("since_on")).dt.total_days().alias("days"),
            crystallises(pl.col("crystallisation"), pl.col("start_on"), as_of=as_of).alias("is_crystallised"),
        )
    )
    return (
        _with_fee_per_unit(rows)
        .with_columns(
            _amount(pl.col("units")).alias("accrued"),
            _amount(
                pl.when("is_crystallised")
                .then(pl.col("units") + pl.col("redeemed_units"))
                .otherwise("redeemed_units")
            ).alias("charged"),
            pl.when("is_crystallised")
            .then(pl.max_horizontal("hwm_unit", (pl.col("nav_unit") - pl.col("fee_unit")).cast(UNIT_VALUE)))
            .otherwise("hwm_unit")
            .alias("new_hwm_unit"),
            pl.col("base_ccy").alias("ccy"),
        )
        .select(PERFORMANCE_FEES.schema.names())
        .cast(PERFORMANCE_FEES.schema)
        .sort("arrangement_id")
    )


def crystallises(rule: pl.Expr, start_on: pl.Expr, *, as_of: date) -> pl.Expr:
    """Whether a performance fee is charged on *as_of*.

    30_june: on that day. quarterly: on the last day of March, June, September and December. annual: on the
    anniversaries of the arrangement's first day; one of 29 February falls on the 28th in common years.

    Args:
        rule: Column of ``crystallisation``.
        start_on: Column of the arrangement's first day.
        as_of: The day.

    Source: domain_rules 3.4 (30 June is the default; the others are our reading).
    """
    tomorrow = date.fromordinal(as_of.toordinal() + 1)
    closes_month = tomorrow.day == 1
    closes_february = closes_month and tomorrow.month == _QUARTER_ENDS[0]
    is_anniversary = (start_on.dt.month() == as_of.month) & (
        (start_on.dt.day() == as_of.day) | ((start_on.dt.day() > as_of.day) & closes_february)
    )
    return (
        pl.when(rule == "30_june")
        .then(pl.lit(closes_month and as_of.month == _JUNE))
        .when(rule == "quarterly")
        .then(pl.lit(closes_month and as_of.month in _QUARTER_ENDS))
        .otherwise(is_anniversary & (start_on < as_of))
    )


def _with_fee_per_unit(rows: pl.DataFrame) -> pl.DataFrame:
    """Add hurdle, threshold, the gain that is shared, and the fee per unit."""
    # Mark x (365 + hurdle x days) / 365, so that only the result is rounded.
    grown = (
        pl.lit(DAYS_OF_YEAR).cast(RATE) + round_to(pl.col("hurdle"), pl.col("days"), digits=8, dtype=RATE)
    ).cast(RATE)
    hurdle = round_to(
        pl.col("hwm_unit"), pl.col("grown"), digits=12, over=[pl.lit(DAYS_OF_YEAR)], dtype=UNIT_VALUE
    )
    above = (pl.col("nav_unit") - pl.col("threshold_unit")).cast(UNIT_VALUE)
    since_mark = (pl.col("nav_unit") - pl.col("hwm_unit")).cast(UNIT_VALUE)
    nothing = pl.lit(0).cast(UNIT_VALUE)
    return (
        rows.with_columns(grown.alias("grown"))
        .with_columns(hurdle.alias("hurdle_unit"))
        .with_columns(pl.max_horizontal("hwm_unit", "hurdle_unit").alias("threshold_unit"))
        .with_columns(
            pl.when(above <= 0)
            .then(nothing)
            .when(pl.col("hurdle_type") == "soft")
            .then(since_mark)
            .otherwise(above)
            .alias("shared_unit")
        )
        .with_columns(
            round_to(pl.col("rate"), pl.col("shared_unit"), digits=12, dtype=UNIT_VALUE).alias("fee_unit")
        )
    )


def _amount(units: pl.Expr) -> pl.Expr:
    """Fee per unit times *units*, rounded once: not the rounded fee per unit times units."""
    return round_money(pl.col("rate"), pl.col("shared_unit"), units, ccy=pl.col("base_ccy"))
