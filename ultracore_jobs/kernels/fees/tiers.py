"""The fee of a year on given assets, by the tiers of a schedule.

Tiers are slices ``[from, to)``: assets of exactly ``to`` belong to the next one (domain_rules 3.1).
"""

import polars as pl

from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, PERFORMANCE, TIERED
from ultracore_jobs.kernels.money import round_to

_BPS_OF_ONE = 10_000


def schedule_faults(fee_schedules: pl.DataFrame) -> pl.DataFrame:
    """Schedules by which no fee can be computed, and why.

    Args:
        fee_schedules: `FEE_SCHEDULES`, one row for each schedule.

    Returns:
        ``fee_schedule_id``, ``reason``, by schedule. TIER_METHOD_MISSING: tiers without a method.
        TIERS_NOT_TILED: slices that do not follow one another from 0 without gap or overlap up to an open
        end; assets in a gap would have no rate, those in an overlap two. TIERS_NEGATIVE: a rate below 0.
        PERF_RATE_MISSING: a performance fee without its share of the gain.

    Source: domain_rules 3.1, 3.4.
    """
    performance = fee_schedules.filter((pl.col("fee_type") == PERFORMANCE) & pl.col("perf_rate").is_null())
    tiered = fee_schedules.filter(pl.col("fee_type").is_in(TIERED))
    tiers = _tiers(tiered)
    previous = pl.col("to").shift(1).over("fee_schedule_id")
    is_first = pl.int_range(pl.len()).over("fee_schedule_id") == 0
    is_last = pl.int_range(pl.len(), 0, -1).over("fee_schedule_id") == 1
    begins = pl.when(is_first).then(pl.col("from") == 0).otherwise(pl.col("from").eq_missing(previous))
    ends = pl.when(is_last).then(pl.col("to").is_null()).otherwise(pl.col("to") > pl.col("from"))
    broken = tiers.filter(~(begins & ends).fill_null(value=False))
    negative = tiers.filter((pl.col("bps") < 0).fill_null(value=True))
    without = tiered.filter(pl.col("tier_method").is_null() & (pl.col("tiers").list.len() > 0))
    found = {
        "PERF_RATE_MISSING": performance,
        "TIERS_NEGATIVE": negative,
        "TIERS_NOT_TILED": broken,
        "TIER_METHOD_MISSING": without,
    }
    return (
        pl.concat(
            [rows.select("fee_schedule_id", pl.lit(name).alias("reason")) for name, rows in found.items()]
        )
        .unique("fee_schedule_id", keep="first", maintain_order=True)
        .sort("fee_schedule_id")
    )


def with_annual_fees(assets: pl.DataFrame, fee_schedules: pl.DataFrame) -> pl.DataFrame:
    """Add the fee of a year on each row's assets, unrounded.

    marginal: each slice pays its own rate. cliff: all assets pay the rate of the slice they end in.

    Args:
        assets: ``fee_schedule_id``, ``assets`` (money, the schedule's currency), and any others.
        fee_schedules: `FEE_SCHEDULES` without faults, one row for each schedule.

    Returns:
        *assets* in the same order with ``annual_fee`` (exact, 12 decimals). Assets below zero pay 0, and
        so does a schedule without tiers; null where assets are null.

    Source: domain_rules 3.1, 20b. 0-500k at 100 bps, above at 60, on 600,000: marginal 5,600.00, cliff
    3,600.00.
    """
    ordered = assets.with_row_index("__row")
    held = ordered.select("__row", "fee_schedule_id", pl.col("assets").clip(lower_bound=0).alias("__held"))
    tiers = _with_fee_below(_tiers(fee_schedules)).rename(
        {"from": "__from", "to": "__to", "bps": "__bps", "fee_below": "__below"}
    )
    is_within = (pl.col("__held") >= pl.col("__from")) & (
        pl.col("__to").is_null() | (pl.col("__held") < pl.col("__to"))
    )
    in_slice = (
        pl.when(pl.col("tier_method") == "cliff")
        .then("__held")
        .otherwise(pl.col("__held") - pl.col("__from"))
    )
    below = pl.when(pl.col("tier_method") == "marginal").then("__below").otherwise(pl.lit(0).cast(ANNUAL_FEE))
    fees = (
        held.lazy()
        .join(tiers.lazy(), on="fee_schedule_id")
        .filter(is_within)
        .select("__row", below.alias("__below"), in_slice.alias("__slice"), "__bps")
        .select(
            "__row", (pl.col("__below") + _yearly(pl.col("__slice"), pl.col("__bps"))).alias("annual_fee")
        )
        .collect()
    )
    nothing = pl.when(pl.col("assets").is_not_null()).then(pl.lit(0).cast(ANNUAL_FEE))
    return (
        ordered.join(fees, on="__row", how="left", maintain_order="left")
        .with_columns(pl.coalesce("annual_fee", nothing).cast(ANNUAL_FEE).alias("annual_fee"))
        .drop("__row")
    )


def _tiers(fee_schedules: pl.DataFrame) -> pl.DataFrame:
    """One row for each slice, lowest first."""
    return (
        fee_schedules.filter(pl.col("tiers").list.len() > 0)
        .select("fee_schedule_id", "tier_method", "tiers")
        .explode("tiers", empty_as_null=True, keep_nulls=True)
        .unnest("tiers")
        .sort("fee_schedule_id", "from")
    )


def _with_fee_below(tiers: pl.DataFrame) -> pl.DataFrame:
    """Add what a full run of all lower slices pays a year."""
    paid = _yearly(pl.col("to") - pl.col("from"), pl.col("bps")).fill_null(pl.lit(0).cast(ANNUAL_FEE))
    running = paid.cum_sum().over("fee_schedule_id")
    return tiers.with_columns((running - paid).cast(ANNUAL_FEE).alias("fee_below"))


def _yearly(amount: pl.Expr, bps: pl.Expr) -> pl.Expr:
    """Money times basis points: 4 + 4 decimals and a 10,000th are 12, so nothing is rounded away."""
    return round_to(amount, bps, digits=12, over=[pl.lit(_BPS_OF_ONE)], dtype=ANNUAL_FEE)
