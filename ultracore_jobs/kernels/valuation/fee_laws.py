"""Laws of the fees in a valuation, recomputed apart from the code that made them (domain_rules 1A.6, 3.4).

Each function returns the rows that break its law. Amounts are compared as the whole numbers they are stored
as; what multiplies a rate is compared in floats, to half a minor unit.
"""

from datetime import date

import polars as pl

from ultracore_jobs.kernels.fees.performance import HurdleType
from ultracore_jobs.kernels.fees.posted import FEE_KINDS
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, DAYS_OF_YEAR, PERFORMANCE, UNIT_VALUE
from ultracore_jobs.kernels.money import minor_digits
from ultracore_jobs.kernels.valuation.tables import COMPLETE

_MONEY_SCALE, _FEE_SCALE, _FX_SCALE = 4, 12, 10
_LAST_PLACE = 1e-12
_NO_DAYS = pl.lit(0).cast(ANNUAL_FEE)


def accrued_fees_not_reconciled(
    valuations: pl.DataFrame, fee_memory: pl.DataFrame, performance_accruals: pl.DataFrame
) -> pl.DataFrame:
    """Portfolios whose accrued fees are not what their arrangements have open and their performance fees.

    Each arrangement: a 365th of its open fee days, rounded to the schedule's currency, and that at the rate
    stated beside it, rounded to the portfolio's. A day without a NAV has no performance fee.

    Args:
        valuations: `VALUATIONS` of one day.
        fee_memory: Its `FEE_MEMORY`.
        performance_accruals: Its `PERFORMANCE_ACCRUALS`.
    """
    base = valuations.select("portfolio_id", "base_ccy")
    owed = fee_memory.join(base, on="portfolio_id", how="left")
    twice_off = 2 * (
        _whole("accrued") * DAYS_OF_YEAR * 10 ** (_FEE_SCALE - _MONEY_SCALE) - _whole("open_fee_days")
    )
    off = 2 * (_whole("accrued_base") * 10**_FX_SCALE - _whole("accrued") * _whole("fx"))
    digits, base_digits = minor_digits(pl.col("ccy")), minor_digits(pl.col("base_ccy"))
    misrounded = (twice_off.abs() > _ten_to(_FEE_SCALE - digits) * DAYS_OF_YEAR) | (
        _whole("accrued") % _ten_to(_MONEY_SCALE - digits) != 0
    )
    misconverted = (
        (off.abs() > _ten_to(_MONEY_SCALE + _FX_SCALE - base_digits))
        | (_whole("accrued_base") % _ten_to(_MONEY_SCALE - base_digits) != 0)
        | ((pl.col("ccy") == pl.col("base_ccy")) & (_whole("fx") != 10**_FX_SCALE))
    ).fill_null(value=False) | (pl.col("fx").is_null() & pl.col("accrued_base").is_not_null())
    on_assets = owed.group_by("portfolio_id").agg(
        _whole("accrued_base").sum().alias("on_assets_e4"),
        pl.col("accrued_base").is_null().any().alias("is_unknown"),
        (misrounded.fill_null(value=True) | misconverted).any().alias("is_wrong"),
    )
    levels = performance_accruals.group_by("portfolio_id").agg(
        _whole("accrued").sum().alias("performance_e4"), pl.len().alias("levels")
    )
    both = on_assets.join(levels, on="portfolio_id", how="full", coalesce=True)
    stated = _whole("accrued_fees_base")
    sums = pl.col("on_assets_e4").fill_null(0) + pl.col("performance_e4").fill_null(0)
    is_complete = pl.col("status") == COMPLETE
    is_unknown = pl.col("is_unknown").fill_null(value=False)
    wrong = (
        pl.when(is_complete)
        .then(is_unknown | stated.ne_missing(sums))
        .otherwise(
            (pl.col("levels").fill_null(0) > 0)
            | pl.when(is_unknown).then(stated.is_not_null()).otherwise(stated.ne_missing(sums))
        )
    )
    return (
        valuations.select("portfolio_id", "status", "accrued_fees_base")
        .join(both, on="portfolio_id", how="full", coalesce=True)
        # The memory of a portfolio that has closed belongs to no NAV.
        .filter(
            pl.col("is_wrong").fill_null(value=False)
            | (pl.col("status").is_not_null() & wrong)
            | (pl.col("status").is_null() & (pl.col("levels").fill_null(0) > 0))
        )
        .select("portfolio_id", "status", "accrued_fees_base", "on_assets_e4", "performance_e4")
        .sort("portfolio_id")
    )


def fees_not_carried(
    fee_memory: pl.DataFrame, previous_fee_memory: pl.DataFrame, ledger_decisions: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Arrangements whose open fee days do not follow from the day before and the ledger, and lost ones.

    ``open = open before + added - (settled up to today - settled up to then)``, to the last digit.

    Args:
        fee_memory: `FEE_MEMORY` of one day.
        previous_fee_memory: That of the latest day before, or empty.
        ledger_decisions: `LEDGER_DECISIONS` as known.
        as_of: The day.
    """
    before = previous_fee_memory.select(
        "arrangement_id",
        pl.col("open_fee_days").alias("open_before"),
        pl.col("settled_fee_days").alias("settled_before"),
        pl.col("since_on").alias("since_before"),
    )
    both = fee_memory.select(
        "arrangement_id", "as_of_date", "since_on", "added_fee_days", "settled_fee_days", "open_fee_days"
    ).join(before, on="arrangement_id", how="full", coalesce=True)
    payload = pl.col("payload")
    decided = ledger_decisions.filter(
        pl.col("kind").is_in(FEE_KINDS) & (pl.col("as_of_date") <= as_of)
    ).select(
        payload.str.json_path_match("$.arrangement_id").alias("arrangement_id"),
        payload.str.json_path_match("$.period_end").str.to_date("%Y-%m-%d").alias("period_end"),
        payload.str.json_path_match("$.settled_fee_days").cast(ANNUAL_FEE).alias("settled"),
    )
    since = pl.coalesce("since_before", "since_on")
    settled = (
        both.select("arrangement_id", since.alias("since"))
        .join(decided, on="arrangement_id")
        .filter(pl.col("period_end") > pl.col("since"))
        .group_by("arrangement_id")
        .agg(pl.col("settled").sum())
    )
    known = both.join(settled, on="arrangement_id", how="left").with_columns(
        pl.col("settled", "open_before", "settled_before", "added_fee_days").fill_null(_NO_DAYS)
    )
    followed = (
        pl.col("open_before") + pl.col("added_fee_days") - pl.col("settled") + pl.col("settled_before")
    ).cast(ANNUAL_FEE)
    is_gone = pl.col("as_of_date").is_null()
    broken = (
        pl.when(is_gone)
        .then(followed != 0)
        .otherwise(
            (pl.col("open_fee_days") != followed)
            | (pl.col("settled_fee_days") != pl.col("settled"))
            | (pl.col("since_on") != since)
            | (pl.col("as_of_date") != as_of)
        )
        .fill_null(value=True)
    )
    return known.filter(broken).sort("arrangement_id")


def performance_not_level(
    *,
    valuations: pl.DataFrame,
    performance_accruals: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    as_of: date,
    hurdle_type: HurdleType,
) -> pl.DataFrame:
    """Performance fees that are not the level of rule 3.4 on today's NAV before them, and missing ones.

    Args:
        valuations: `VALUATIONS` of one day.
        performance_accruals: Its `PERFORMANCE_ACCRUALS`.
        fee_arrangements: `FEE_ARRANGEMENTS` as known.
        fee_schedules: `FEE_SCHEDULES` as known.
        ledger_decisions: `LEDGER_DECISIONS` as known, for the marks.
        as_of: The day.
        hurdle_type: Where a schedule does not say.
    """
    terms = fee_schedules.filter(
        (pl.col("fee_type") == PERFORMANCE) & pl.col("perf_rate").is_not_null()
    ).select(
        "fee_schedule_id",
        pl.col("perf_rate").alias("rate"),
        pl.col("hurdle_annual").fill_null(0.0).alias("hurdle"),
        pl.col("hurdle_type").fill_null(hurdle_type).alias("kind"),
    )
    runs = (pl.col("start_on") <= as_of) & (pl.col("end_on").is_null() | (pl.col("end_on") > as_of))
    charged = performance_accruals.group_by("portfolio_id").agg(pl.col("accrued").sum().alias("charged"))
    holders = valuations.filter((pl.col("status") == COMPLETE) & (pl.col("units") > 0))
    due = (
        fee_arrangements.filter(runs)
        .select("arrangement_id", "portfolio_id", "fee_schedule_id")
        .join(terms, on="fee_schedule_id")
        .join(
            _marked(holders, ledger_decisions, as_of),
            on="portfolio_id",
        )
        .join(charged, on="portfolio_id", how="left")
    )
    found = performance_accruals.select(
        "arrangement_id",
        "as_of_date",
        "days",
        "nav_unit",
        "threshold_unit",
        "accrued",
        *(pl.col(name).alias(f"{name}_found") for name in ("hwm_unit", "since_on", "units")),
    )
    both = due.join(found, on="arrangement_id", how="full", coalesce=True)
    units, mark = pl.col("units").cast(pl.Float64), pl.col("hwm_unit").cast(pl.Float64)
    nav_unit, threshold = pl.col("nav_unit").cast(pl.Float64), pl.col("threshold_unit").cast(pl.Float64)
    before = pl.col("nav").cast(pl.Float64) + pl.col("charged").cast(pl.Float64)
    grown = mark * (1 + pl.col("hurdle") * pl.col("days") / DAYS_OF_YEAR)
    gain = pl.when(pl.col("kind") == "soft").then(nav_unit - mark).otherwise(nav_unit - threshold)
    level = (
        pl.when(pl.col("nav_unit") > pl.col("threshold_unit"))
        .then(gain * pl.col("rate") * units)
        .otherwise(0.0)
    )
    half = 0.5 * 10.0 ** -minor_digits(pl.col("base_ccy")).cast(pl.Float64)
    slack = units * _LAST_PLACE + before.abs() * _LAST_PLACE
    broken = (
        (pl.col("hwm_unit") != pl.col("hwm_unit_found"))
        | (pl.col("since_on") != pl.col("since_on_found"))
        | (pl.col("units") != pl.col("units_found"))
        | (pl.col("as_of_date") != as_of)
        | (pl.col("days") != (pl.lit(as_of) - pl.col("since_on")).dt.total_days())
        | ((pl.max_horizontal(mark, grown) - threshold).abs() > 10 * _LAST_PLACE * (1 + grown))
        | ((nav_unit * units - before).abs() > slack)
        | ((pl.col("accrued").cast(pl.Float64) - level).abs() > half + slack)
    ).fill_null(value=True)
    return both.filter(broken).select(
        "arrangement_id", "portfolio_id", "nav", "hwm_unit", "hwm_unit_found", "nav_unit", "accrued"
    )


def _marked(valuations: pl.DataFrame, ledger_decisions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Add the mark of each portfolio's units, from what the ledger's payloads say, and its day."""
    payload = pl.col("payload")
    marks = (
        ledger_decisions.filter(pl.col("kind").is_in(FEE_KINDS) & (pl.col("as_of_date") <= as_of))
        .select(
            payload.str.json_path_match("$.portfolio_id").alias("portfolio_id"),
            payload.str.json_path_match("$.mark_unit").cast(UNIT_VALUE).alias("mark_unit"),
            payload.str.json_path_match("$.marked_on").str.to_date("%Y-%m-%d").alias("marked_on"),
            pl.col("ccy").alias("base_ccy"),
            "seq",
        )
        .filter(pl.col("mark_unit").is_not_null())
    )
    ours = (
        marks.join(valuations.select("portfolio_id", "base_ccy", "first_on"), on=["portfolio_id", "base_ccy"])
        .filter(pl.col("marked_on") >= pl.col("first_on"))
        .sort("seq")
        .group_by("portfolio_id", maintain_order=True)
        .agg(pl.col("mark_unit").max(), pl.col("marked_on").last())
    )
    one = pl.lit(1).cast(UNIT_VALUE)
    mark = pl.col("mark_unit")
    return valuations.join(ours, on="portfolio_id", how="left").select(
        "portfolio_id",
        "base_ccy",
        "nav",
        "units",
        pl.when(mark > one).then(mark).otherwise(one).alias("hwm_unit"),
        pl.coalesce("marked_on", "first_on").alias("since_on"),
    )


def _whole(name: str) -> pl.Expr:
    return pl.col(name).to_physical().cast(pl.Int128)


def _ten_to(exponent: pl.Expr) -> pl.Expr:
    return pl.lit(10, dtype=pl.Int128).pow(exponent)
