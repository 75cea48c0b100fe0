"""A period's accruals, rounded once: what is due, with GST."""

from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.tables import (
    ANNUAL_FEE,
    BLOCKED,
    CLEARED,
    DAYS_OF_YEAR,
    DUE,
    FEE_CHARGES,
    HELD,
    HELD_FOR_REVIEW,
    NO_NAV,
    NOTHING_DUE,
    PERFORMANCE,
    with_charge_ids,
)
from ultracore_jobs.kernels.money import round_money, round_to

_ONE_DAY = pl.duration(days=1)
_DUPLICATE = "DUPLICATE_ARRANGEMENT"


def charge_accruals(
    fee_accruals: pl.DataFrame,
    *,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    gst: Decimal = Decimal("0.10"),
) -> pl.DataFrame:
    """What each arrangement owes for its part of the period.

    ``fee = round(max(sum of annual fees, annual minimum x days) / 365)``, ``gst = round(fee x rate)``.

    Args:
        fee_accruals: `FEE_ACCRUALS` of one period.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`, for their minimum.
        gst: Rate of GST as a fraction.

    Returns:
        `FEE_CHARGES`, by arrangement. A single day without a usable NAV makes the charge BLOCKED, reason
        NO_NAV, without amounts; ``settled_fee_days`` is then what has accrued and is to be written back.
        Days with a NAV below zero pay no fee and no minimum. A schedule that changed in the period gives
        two charges with two ids. Of two arrangements that would get one id the second is BLOCKED, reason
        DUPLICATE_ARRANGEMENT. An amount of 0.00 is NOTHING_DUE. ``consent_ids`` are empty: see `decide`.

    Source: domain_rules 3.2, 3.3, 3.6. 30 days of 5,600.00: 460.27, GST 46.03, total 506.30.
    """
    minimums = fee_schedules.select("fee_schedule_id", "annual_minimum")
    clients = fee_arrangements.select("arrangement_id", "client_id")
    parts = ["tenant_id", "portfolio_id", "arrangement_id", "fee_schedule_id", "fee_type", "ccy"]
    summed = (
        fee_accruals.group_by(*parts, "period_start", "period_end")
        .agg(
            pl.col("days").sum(),
            pl.col("fee_days").sum().cast(ANNUAL_FEE).alias("accrued_days"),
            pl.col("days").filter(pl.col("assets") >= 0).sum().alias("minimum_days"),
            (pl.col("reason") == NO_NAV).any().alias("is_unknown"),
        )
        .join(minimums, on="fee_schedule_id", how="left")
        .join(clients, on="arrangement_id", how="left")
        .with_columns(least_fee_days("minimum_days").alias("least_days"))
        .with_columns(
            pl.max_horizontal("accrued_days", "least_days").alias("settled_fee_days"),
            (pl.col("least_days") > pl.col("accrued_days")).fill_null(value=False).alias("is_minimum"),
            pl.when("is_unknown").then(pl.lit(NO_NAV)).alias("reason"),
        )
    )
    unrounded = round_to(pl.col("settled_fee_days"), digits=12, over=[pl.lit(DAYS_OF_YEAR)], dtype=ANNUAL_FEE)
    fee = round_money(pl.col("settled_fee_days"), ccy=pl.col("ccy"), over=[pl.lit(DAYS_OF_YEAR)])
    return _charges(
        summed.with_columns(
            pl.when(~pl.col("is_unknown")).then(unrounded).alias("fee_unrounded"),
            pl.when(~pl.col("is_unknown")).then(fee).alias("fee_ex_gst"),
            # Fees on assets move no mark.
            *(pl.lit(None).alias(name) for name in ("marked_on", "mark_unit", "mark_if_refused_unit")),
        ),
        gst=gst,
    )


def charge_performance(performance_fees: pl.DataFrame, *, gst: Decimal = Decimal("0.10")) -> pl.DataFrame:
    """What performance fees are due: those that crystallised, on all units or on redeemed ones.

    Args:
        performance_fees: `PERFORMANCE_FEES`, any number of days.
        gst: Rate of GST as a fraction.

    Returns:
        `FEE_CHARGES`, by arrangement and period. The period begins on the day after the last
        crystallisation and includes the day. A crystallisation without a fee is NOTHING_DUE, and moves the
        mark all the same; days on which nothing crystallised and nothing was redeemed, and the day of the
        mark itself, give no row.

    Source: domain_rules 3.3, 3.4.
    """
    due = performance_fees.filter(
        (pl.col("is_crystallised") | (pl.col("redeemed_units") > 0)) & (pl.col("days") > 0)
    )
    return _charges(
        due.select(
            "tenant_id",
            "portfolio_id",
            "client_id",
            "arrangement_id",
            "fee_schedule_id",
            "ccy",
            pl.lit(PERFORMANCE).alias("fee_type"),
            (pl.col("since_on") + _ONE_DAY).alias("period_start"),
            (pl.col("as_of_date") + _ONE_DAY).alias("period_end"),
            "days",
            # A level, not a sum: nothing of it was carried from day to day.
            pl.lit(0).cast(ANNUAL_FEE).alias("settled_fee_days"),
            pl.lit(value=False).alias("is_minimum"),
            pl.col("charged").cast(ANNUAL_FEE).alias("fee_unrounded"),
            pl.col("charged").alias("fee_ex_gst"),
            pl.lit(None, dtype=pl.String).alias("reason"),
            *(
                pl.when("is_crystallised").then(mark).alias(name)
                for name, mark in {
                    "marked_on": pl.col("as_of_date"),
                    "mark_unit": pl.col("new_hwm_unit"),
                    "mark_if_refused_unit": pl.max_horizontal("hwm_unit", "nav_unit"),
                }.items()
            ),
        ),
        gst=gst,
    )


def decide(fee_charges: pl.DataFrame, consent_outcomes: pl.DataFrame) -> pl.DataFrame:
    """What may be done with each charge, now that its consents are known.

    Args:
        fee_charges: `FEE_CHARGES` as computed.
        consent_outcomes: `CONSENT_OUTCOMES` of those that are DUE.

    Returns:
        `FEE_CHARGES` in the same order. A DUE charge stays DUE with ``consent_ids`` or an exemption only
        if the gate cleared it; else it is BLOCKED, or HELD for a person, with the gate's outcome and its
        reason, such as ``BLOCKED_NO_CONSENT: EXPIRED``. A DUE charge the gate has not seen is BLOCKED.
        Accruals stay as information: amounts are kept.

    Source: domain_rules 3.5.
    """
    gate = consent_outcomes.select(
        "charge_id",
        "outcome",
        pl.col("reason").alias("gate_reason"),
        pl.col("consent_ids").alias("gate_ids"),
        pl.col("exemption_code").alias("gate_exemption"),
    )
    is_due = pl.col("status") == DUE
    is_clear = (pl.col("outcome") == CLEARED).fill_null(value=False)
    outcome = pl.col("outcome").fill_null("BLOCKED_NO_CONSENT")
    why = pl.concat_str(outcome, pl.col("gate_reason").fill_null("NOT_TESTED"), separator=": ")
    return (
        fee_charges.join(gate, on="charge_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(~is_due | is_clear)
            .then("status")
            .when(pl.col("outcome") == HELD_FOR_REVIEW)
            .then(pl.lit(HELD))
            .otherwise(pl.lit(BLOCKED))
            .alias("status"),
            pl.when(is_due & ~is_clear).then(why).otherwise("reason").alias("reason"),
            pl.when(is_due & is_clear).then("gate_ids").otherwise("consent_ids").alias("consent_ids"),
            pl.when(is_due & is_clear).then("gate_exemption").alias("exemption_code"),
        )
        .select(FEE_CHARGES.schema.names())
    )


def least_fee_days(days: str) -> pl.Expr:
    """Annual minimum times *days*; null without a minimum.

    Args:
        days: Whole-number column; ``annual_minimum`` must stand beside it.

    Source: domain_rules 3.2: ``annual_minimum x days/365``, the larger is charged.
    """
    return round_to(pl.col("annual_minimum"), pl.col(days), digits=12, dtype=ANNUAL_FEE)


def _charges(computed: pl.DataFrame, *, gst: Decimal) -> pl.DataFrame:
    """Add GST, total, id and status."""
    is_again = ~pl.col("charge_id").is_first_distinct()
    fee, tax = pl.col("fee_ex_gst"), round_money(pl.col("fee_ex_gst"), pl.lit(gst), ccy=pl.col("ccy"))
    return (
        with_charge_ids(computed.sort("arrangement_id", "period_start", "period_end"))
        .with_columns(
            tax.alias("gst"),
            pl.when(is_again).then(pl.lit(_DUPLICATE)).otherwise("reason").alias("reason"),
        )
        .with_columns(
            (fee + pl.col("gst")).cast(MONEY).alias("total"),
            pl.when(pl.col("reason").is_not_null())
            .then(pl.lit(BLOCKED))
            .when(fee == 0)
            .then(pl.lit(NOTHING_DUE))
            .otherwise(pl.lit(DUE))
            .alias("status"),
            pl.lit([], dtype=pl.List(pl.String)).alias("consent_ids"),
            pl.lit(None, dtype=pl.String).alias("exemption_code"),
        )
        .select(FEE_CHARGES.schema.names())
        .cast(FEE_CHARGES.schema)
    )
