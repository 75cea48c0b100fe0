"""Is a charge within the amount the holders consented to (domain_rules 3.5)?"""

from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.tables import BLOCKED_OVER_CONSENT, CLEARED, HELD_FOR_REVIEW
from ultracore_jobs.kernels.money import round_to

_NOTHING = pl.lit(0).cast(MONEY)


def consent_limits(live: pl.DataFrame, charged: pl.DataFrame) -> pl.DataFrame:
    """What the holders of each arrangement let us deduct, and what was deducted already.

    Each holder's own consent binds: the one with least room decides, fixed amounts apart from estimates.

    Args:
        live: Consents that stand, the latest of each holder.
        charged: ``consent_id``, ``total``: what is charged under it already; any number of rows.

    Returns:
        One row for each arrangement: ``consented_amount``, ``used``, ``fixed_room``, ``estimate``,
        ``estimate_used``; null where no consent has that basis.
    """
    used = charged.group_by("consent_id").agg(pl.col("total").sum().cast(MONEY).alias("used"))
    signed = live.filter(pl.col("kind") == "DEDUCTION").join(used, on="consent_id", how="left")
    amount, spent = pl.col("consented_amount"), pl.col("used").fill_null(_NOTHING)
    is_fixed = pl.col("basis") == "fixed"
    return signed.group_by("arrangement_id").agg(
        amount.min().alias("consented_amount"),
        spent.max().alias("used"),
        (amount - spent).filter(is_fixed).min().cast(MONEY).alias("fixed_room"),
        amount.filter(~is_fixed).min().alias("estimate"),
        spent.filter(~is_fixed).max().alias("estimate_used"),
    )


def within_amounts(tested: pl.DataFrame, *, tolerance: Decimal) -> pl.DataFrame:
    """Test the amounts, the first charge of every arrangement at once, then the second, and so on.

    Args:
        tested: One row for each charge: ``charge_id``, ``arrangement_id``, ``period_start``,
            ``period_end``, ``total``, what `consent_limits` adds, ``outcome`` (null: to be tested here) and
            ``reason``.
        tolerance: By how much charges may exceed an estimate, as a fraction.

    Returns:
        *tested* with ``outcome``, ``reason`` and ``cumulative`` filled in, in no order. A charge that does
        not pass uses nothing up, so that a smaller one after it may.

    Source: domain_rules 3.5 (amount).
    """
    open_charges = (
        tested.filter(pl.col("outcome").is_null())
        .sort("arrangement_id", "period_end", "period_start", "charge_id")
        .with_columns(pl.int_range(pl.len()).over("arrangement_id").alias("turn"))
    )
    done = [tested.filter(pl.col("outcome").is_not_null()).with_columns(pl.col("used").alias("cumulative"))]
    passed = pl.DataFrame(schema={"arrangement_id": pl.String, "taken": MONEY})
    ceiling = round_to(pl.col("estimate"), pl.lit(1 + tolerance), digits=4, dtype=MONEY)
    for _, turn in open_charges.group_by("turn", maintain_order=True):
        asked = (
            turn.drop("turn")
            .join(passed, on="arrangement_id", how="left")
            .with_columns((pl.col("taken").fill_null(_NOTHING) + pl.col("total")).cast(MONEY).alias("asked"))
        )
        over_fixed = (pl.col("asked") > pl.col("fixed_room")).fill_null(value=False)
        over_estimate = (pl.col("estimate_used") + pl.col("asked") > ceiling).fill_null(value=False)
        found = asked.with_columns(
            pl.when(over_fixed)
            .then(pl.lit(BLOCKED_OVER_CONSENT))
            .when(over_estimate)
            .then(pl.lit(HELD_FOR_REVIEW))
            .otherwise(pl.lit(CLEARED))
            .alias("outcome"),
            pl.when(over_fixed)
            .then(pl.lit("OVER_AMOUNT"))
            .when(over_estimate)
            .then(pl.lit("OVER_ESTIMATE"))
            .alias("reason"),
        ).with_columns(
            (
                pl.col("used")
                + pl.when(pl.col("outcome") == CLEARED)
                .then("asked")
                .otherwise(pl.col("taken").fill_null(_NOTHING))
            )
            .cast(MONEY)
            .alias("cumulative")
        )
        cleared = found.filter(pl.col("outcome") == CLEARED).select("arrangement_id", "total")
        passed = (
            pl.concat([passed, cleared.rename({"total": "taken"})])
            .group_by("arrangement_id")
            .agg(pl.col("taken").sum().cast(MONEY))
        )
        done.append(found.drop("taken", "asked"))
    return pl.concat(done, how="vertical_relaxed")
