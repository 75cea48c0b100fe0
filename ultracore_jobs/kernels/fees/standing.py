"""What stands on the ledger for each charge of a period: posted, with its adjustments, or refused."""

from datetime import date
from typing import NamedTuple

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.posted import FEE_ADJUSTMENT
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE

_AMOUNTS = {"fee_ex_gst": MONEY, "gst": MONEY, "total": MONEY, "settled_fee_days": ANNUAL_FEE}
_OF_CHARGE = [
    "portfolio_id",
    "client_id",
    "arrangement_id",
    "fee_schedule_id",
    "fee_type",
    "ccy",
    "period_start",
    "period_end",
    "consent_ids",
    "exemption_code",
    "reason",
]


class Standing(NamedTuple):
    """What `standing_charges` returns.

    Attributes:
        posted: One row for each POSTED charge: what identifies it, amounts with its adjustments, and how many
            ``adjustments`` it had.
        refused: One row for each BLOCKED charge: what identifies it, and ``reason``.
    """

    posted: pl.DataFrame
    refused: pl.DataFrame


def standing_charges(
    fees: pl.DataFrame, *, tenant: str, start: date, end: date, fee_types: tuple[str, ...]
) -> Standing:
    """The charges of a period that the ledger knows.

    Args:
        fees: What `fees_in_ledger` returns.
        tenant: Owner of the rows.
        start: First day of the period.
        end: First day after it. A charge is of the period in which the time it is for ends; a performance fee
            may reach back a year.
        fee_types: Only these.

    Returns:
        `Standing`, each by charge.

    Source: domain_rules 3.6.
    """
    is_adjustment = pl.col("kind") == FEE_ADJUSTMENT
    is_posted = pl.col("outcome") == "POSTED"
    of_period = fees.filter(
        (pl.col("period_end") > start) & (pl.col("period_end") <= end) & pl.col("fee_type").is_in(fee_types)
    )
    charges = of_period.filter(~is_adjustment).with_columns(pl.lit(tenant).alias("tenant_id"))
    sums = (
        of_period.filter(is_posted)
        .group_by("charge_id")
        .agg(
            *(pl.col(name).sum().cast(dtype).alias(name) for name, dtype in _AMOUNTS.items()),
            is_adjustment.sum().cast(pl.Int64).alias("adjustments"),
        )
    )
    columns = ["tenant_id", "charge_id", *_OF_CHARGE]
    return Standing(
        charges.filter(is_posted).select(columns).join(sums, on="charge_id").sort("charge_id"),
        charges.filter(~is_posted).select(columns).sort("charge_id"),
    )


def charged_under(fees: pl.DataFrame) -> pl.DataFrame:
    """What is charged under each consent already, GST and adjustments included: ``consent_id``, ``total``."""
    posted = fees.filter(pl.col("outcome") == "POSTED").select("consent_ids", "total")
    return (
        posted.explode("consent_ids", empty_as_null=True, keep_nulls=True)
        .drop_nulls("consent_ids")
        .select(pl.col("consent_ids").alias("consent_id"), "total")
    )
