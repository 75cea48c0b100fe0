"""When a performance fee is charged: at crystallisation, and on the day for units that are redeemed.

The valuation states the fee as a level every day. Here the days of a period on which some of it becomes a
charge are found, in their order, because a crystallisation moves the mark for what comes after it.
"""

from datetime import date, timedelta

import polars as pl

from ultracore_jobs.catalog.columns import MONEY, UNITS
from ultracore_jobs.kernels.fees.performance import (
    Crystallisation,
    HurdleType,
    crystallises,
    performance_fees,
)
from ultracore_jobs.kernels.fees.tables import PERFORMANCE, PERFORMANCE_FEES, UNIT_VALUE
from ultracore_jobs.kernels.money import round_to

CARRIED_DAYS = 10
"""How many days before a period must be known: on its first day a NAV may be five business days old."""

_ONE_DAY = timedelta(days=1)


def crystallised_fees(  # noqa: PLR0913 - each table is bound by its name
    *,
    performance_accruals: pl.DataFrame,
    valuations: pl.DataFrame,
    marks: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    start: date,
    end: date,
    hurdle_type: HurdleType = "hard",
    crystallisation: Crystallisation = "30_june",
) -> pl.DataFrame:
    """The performance fees of the days of ``[start, end)`` on which something is charged.

    Args:
        performance_accruals: `PERFORMANCE_ACCRUALS` of the period and of `CARRIED_DAYS` before it.
        valuations: `VALUATIONS` of the same days: ``as_of_date``, ``portfolio_id``, ``status``, ``units``,
            ``flow_base``.
        marks: Crystallisations on the ledger: ``portfolio_id``, ``marked_on``, ``mark_unit``,
            ``deducted_on``,
            ``fee_ex_gst``. What was crystallised and not deducted by a day is no gain of that day.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        start: First day.
        end: First day after the period.
        hurdle_type: Where a schedule does not say.
        crystallisation: Where a schedule does not say.

    Returns:
        `PERFORMANCE_FEES`, by day and arrangement. A crystallisation on a day without a NAV takes the last
        one; an arrangement without any in `CARRIED_DAYS` has no row (see `crystallisations_missed`).

    Source: domain_rules 3.4, 5.
    """
    running = _performance_arrangements(fee_arrangements, fee_schedules, crystallisation)
    redeemed = _redeemed(valuations.join(running, on="portfolio_id", how="semi"))
    known = marks.select(
        "portfolio_id", "marked_on", "mark_unit", "deducted_on", pl.col("fee_ex_gst").alias("owed_base")
    )
    found = []
    for offset in range((end - start).days):
        day = start + timedelta(days=offset)
        concerned = _concerned(running, redeemed, day)
        if concerned.is_empty():
            continue
        today = _of_day(
            performance_accruals.join(concerned, on="portfolio_id", how="semi"), redeemed, known, day
        )
        due = performance_fees(
            unit_values=today.select("portfolio_id", "base_ccy", "nav_unit", "units", "redeemed_units"),
            marks=today.select("portfolio_id", "hwm_unit", "since_on"),
            fee_arrangements=concerned.select(fee_arrangements.columns),
            fee_schedules=fee_schedules,
            as_of=day,
            hurdle_type=hurdle_type,
            crystallisation=crystallisation,
        ).filter(pl.col("days") > 0)
        if due.is_empty():
            continue
        found.append(due)
        moved = due.filter("is_crystallised").select(
            "portfolio_id",
            pl.lit(day).alias("marked_on"),
            pl.col("new_hwm_unit").alias("mark_unit"),
            # Deducted when it is posted, which is after every day of the period.
            pl.lit(end).alias("deducted_on"),
            pl.col("charged").alias("owed_base"),
        )
        known = pl.concat([known, moved.cast(known.schema)])
    return pl.concat(found) if found else PERFORMANCE_FEES.empty()


def crystallisations_missed(
    performance_accruals: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    *,
    as_of: date,
    period_end: date,
    crystallisation: Crystallisation = "30_june",
) -> pl.DataFrame:
    """Arrangements that crystallise in the period and have no NAV recent enough: ``arrangement_id``, ``on``.

    Args:
        performance_accruals: As for `crystallised_fees`.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        as_of: First day of the period.
        period_end: First day after it.
        crystallisation: Where a schedule does not say.
    """
    running = _performance_arrangements(fee_arrangements, fee_schedules, crystallisation)
    missed = []
    for offset in range((period_end - as_of).days):
        day = as_of + timedelta(days=offset)
        due = running.filter(_runs(day) & crystallises(pl.col("rule"), pl.col("start_on"), as_of=day))
        fresh = performance_accruals.filter(
            (pl.col("as_of_date") <= day) & (pl.col("as_of_date") > day - timedelta(days=CARRIED_DAYS))
        )
        missed.append(
            due.join(fresh, on="arrangement_id", how="anti").select("arrangement_id", pl.lit(day).alias("on"))
        )
    return pl.concat(missed).sort("on", "arrangement_id")


def _redeemed(valuations: pl.DataFrame) -> pl.DataFrame:
    """Units that flows cancelled, by day and portfolio, where there were any."""
    left = valuations.filter((pl.col("status") == "COMPLETE") & (pl.col("flow_base") < 0))
    units_before = pl.col("units").shift(1).over("portfolio_id")
    return (
        valuations.filter(pl.col("status") == "COMPLETE")
        .join(left, on="portfolio_id", how="semi")
        .sort("portfolio_id", "as_of_date")
        .with_columns((units_before - pl.col("units")).cast(UNITS).alias("redeemed_units"))
        .filter((pl.col("flow_base") < 0) & (pl.col("redeemed_units") > 0))
        .select("as_of_date", "portfolio_id", "units", "redeemed_units")
    )


def _performance_arrangements(
    fee_arrangements: pl.DataFrame, fee_schedules: pl.DataFrame, crystallisation: Crystallisation
) -> pl.DataFrame:
    rules = fee_schedules.filter(pl.col("fee_type") == PERFORMANCE).select(
        "fee_schedule_id", pl.col("crystallisation").fill_null(crystallisation).alias("rule")
    )
    return fee_arrangements.join(rules, on="fee_schedule_id")


def _runs(day: date) -> pl.Expr:
    return (pl.col("start_on") <= day) & (pl.col("end_on").is_null() | (pl.col("end_on") > day))


def _concerned(arrangements: pl.DataFrame, redeemed: pl.DataFrame, day: date) -> pl.DataFrame:
    """Arrangements on which something may be charged on *day*; the others need not be computed."""
    today = redeemed.filter(pl.col("as_of_date") == day).select(
        "portfolio_id", pl.lit(value=True).alias("gone")
    )
    return (
        arrangements.filter(_runs(day))
        .join(today, on="portfolio_id", how="left")
        .filter(
            pl.col("gone").fill_null(value=False)
            | crystallises(pl.col("rule"), pl.col("start_on"), as_of=day)
        )
    )


def _of_day(
    performance_accruals: pl.DataFrame, redeemed: pl.DataFrame, known: pl.DataFrame, day: date
) -> pl.DataFrame:
    """What a unit is worth on *day*, how many there are and were redeemed, and the mark that holds.

    On the day after a full redemption there is no unit left to value: the last value is what they left at.
    """
    latest = (
        performance_accruals.filter(
            (pl.col("as_of_date") <= day) & (pl.col("as_of_date") > day - timedelta(days=CARRIED_DAYS))
        )
        .sort("as_of_date")
        .group_by("portfolio_id")
        .agg(
            pl.col("ccy").last().alias("base_ccy"),
            pl.col("nav_unit", "units", "hwm_unit", "since_on").last(),
        )
    )
    today = redeemed.filter(pl.col("as_of_date") == day).select(
        "portfolio_id", pl.col("units").alias("units_now"), "redeemed_units"
    )
    mark = (
        known.filter(pl.col("marked_on") < day)
        .sort("marked_on")
        .group_by("portfolio_id")
        .agg(
            pl.col("marked_on").last(),
            pl.col("mark_unit").last(),
            pl.col("owed_base").filter(pl.col("deducted_on") > day).sum().cast(MONEY).alias("owed_base"),
        )
    )
    is_newer = (pl.col("marked_on") > pl.col("since_on")).fill_null(value=False)
    held = pl.col("units_now").fill_null(pl.col("units")) + pl.col("redeemed_units")
    owed = round_to(pl.col("owed_base").fill_null(0), digits=12, over=[pl.col("held")], dtype=UNIT_VALUE)
    return (
        latest.join(today, on="portfolio_id", how="left")
        .join(mark, on="portfolio_id", how="left")
        .with_columns(pl.col("redeemed_units").fill_null(pl.lit(0).cast(UNITS)))
        .with_columns(held.cast(UNITS).alias("held"))
        .with_columns(
            pl.when(pl.col("held") > 0)
            .then(pl.col("nav_unit") - owed)
            .otherwise("nav_unit")
            .cast(UNIT_VALUE),
            pl.when(is_newer)
            .then(pl.max_horizontal("hwm_unit", "mark_unit"))
            .otherwise("hwm_unit")
            .alias("hwm_unit"),
            pl.when(is_newer).then("marked_on").otherwise("since_on").alias("since_on"),
            pl.col("units_now").fill_null(pl.col("units")).alias("units"),
        )
    )
