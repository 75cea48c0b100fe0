"""What may be taken at one instant: the law asks at the moment of deduction, not when the fee was computed.

The same question is asked twice: when a run decides, so that a person sees what would happen, and again when
the decisions are applied, perhaps days later, when a consent may be gone or the cash spent.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.charges import decide
from ultracore_jobs.kernels.fees.consent import gate_consents
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, BLOCKED, DUE, FEE_CHARGES, HELD, PENDING_APPROVAL

CASH_SHORT = "CASH_SHORT"
"""The portfolio has not the cash; a fee never takes it below zero."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the law and the account say at the instant of deduction.

    Attributes:
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        consents: `CONSENTS` as known.
        clients: `CLIENTS`.
        charged: ``consent_id``, ``total``: charged under each consent already.
        cash: ``portfolio_id``, ``ccy``, ``cash``: what each account holds.
        at: The instant.
        timezone: IANA zone in which consents are dated.
        tolerance: By how much charges may exceed an estimate, as a fraction.
    """

    fee_arrangements: pl.DataFrame
    fee_schedules: pl.DataFrame
    consents: pl.DataFrame
    clients: pl.DataFrame
    charged: pl.DataFrame
    cash: pl.DataFrame
    at: datetime
    timezone: str
    tolerance: Decimal


def settle_charges(fee_charges: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Say of each charge that is DUE whether it may be taken: consent first, then cash.

    Args:
        fee_charges: `FEE_CHARGES` not on the ledger yet.
        terms: What holds at the instant.

    Returns:
        `FEE_CHARGES` in the same order: DUE with the consents it rests on, BLOCKED or HELD with the reason.

    Source: domain_rules 3.5, 3 (invariants).
    """
    decided = decide(fee_charges, _gate(fee_charges, terms))
    return _held_where_cash_is_short(decided, terms.cash)


def settle_adjustments(fee_adjustments: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Of each adjustment, say whether it may be made: one that takes more needs consent and cash too.

    Args:
        fee_adjustments: `ADJUSTMENTS`, all PENDING_APPROVAL.
        terms: What holds at the instant.

    Returns:
        `ADJUSTMENTS` in the same order: PENDING_APPROVAL, or BLOCKED or HELD with the reason. What is given
        back needs no consent.

    Source: domain_rules 3.5, 3.6.
    """
    nothing = {
        "charge_id": pl.col("adjustment_id"),
        "days": pl.lit(1),
        "is_minimum": pl.lit(value=False),
        "status": pl.lit(DUE),
    }
    takes = fee_adjustments.filter(pl.col("total") > 0)
    as_charges = takes.with_columns(**nothing).select(
        (pl.col(name) if name in {*takes.columns, *nothing} else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in FEE_CHARGES.schema.items()
    )
    settled = settle_charges(as_charges, terms).select(
        pl.col("charge_id").alias("adjustment_id"),
        pl.col("status").alias("said"),
        pl.col("reason").alias("why"),
        pl.col("consent_ids").alias("under"),
        pl.col("exemption_code").alias("exempt"),
    )
    is_taken = pl.col("said").is_not_null()
    return (
        fee_adjustments.join(settled, on="adjustment_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("said").is_in([BLOCKED, HELD]))
            .then("said")
            .otherwise(pl.lit(PENDING_APPROVAL))
            .alias("status"),
            pl.when(is_taken).then("why").otherwise("reason").alias("reason"),
            pl.when(is_taken).then("under").otherwise("consent_ids").alias("consent_ids"),
            pl.when(is_taken).then("exempt").otherwise("exemption_code").alias("exemption_code"),
        )
        .select(ADJUSTMENTS.schema.names())
        .cast(ADJUSTMENTS.schema)
    )


def cash_of(transactions: pl.DataFrame) -> pl.DataFrame:
    """What each portfolio's account holds, by currency: ``portfolio_id``, ``ccy``, ``cash``.

    Args:
        transactions: `TRANSACTIONS` as known, with the ledger's fees among them.
    """
    return transactions.group_by("portfolio_id", "ccy").agg(pl.col("amount").sum().cast(MONEY).alias("cash"))


def _gate(fee_charges: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    return gate_consents(
        fee_charges=fee_charges,
        fee_arrangements=terms.fee_arrangements,
        fee_schedules=terms.fee_schedules,
        consents=terms.consents,
        clients=terms.clients,
        charged=terms.charged,
        deducted_at=terms.at,
        timezone=terms.timezone,
        estimate_tolerance_pct=terms.tolerance,
    )


def _held_where_cash_is_short(decided: pl.DataFrame, cash: pl.DataFrame) -> pl.DataFrame:
    """Hold what the cash does not cover, the smallest charges of an account first served.

    An account is asked in one order, so that the same charges give the same answer.
    """
    account = ["portfolio_id", "ccy"]
    due = decided.filter(pl.col("status") == DUE).select("charge_id", *account, "total")
    # Most accounts cover all that is asked of them; only in the others the order matters.
    overdrawn = (
        due.group_by(account)
        .agg(pl.col("total").sum())
        .join(cash, on=account, how="left")
        .filter(pl.col("total") > pl.col("cash").fill_null(0))
        .select(*account, "cash")
    )
    short = (
        due.join(overdrawn, on=account)
        .sort(*account, "total", "charge_id")
        .with_columns(pl.col("total").cum_sum().over(account).alias("asked"))
        .filter(pl.col("asked") > pl.col("cash").fill_null(0))
        .select("charge_id", pl.lit(value=True).alias("is_short"))
    )
    # Of two rows with one id only one can be DUE.
    is_short = pl.col("is_short").fill_null(value=False) & (pl.col("status") == DUE)
    none = pl.lit([], dtype=pl.List(pl.String))
    return (
        decided.join(short, on="charge_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(is_short).then(pl.lit(HELD)).otherwise("status").alias("status"),
            pl.when(is_short)
            .then(pl.lit(f"HELD_FOR_REVIEW: {CASH_SHORT}"))
            .otherwise("reason")
            .alias("reason"),
            pl.when(is_short).then(none).otherwise("consent_ids").alias("consent_ids"),
            pl.when(is_short).then(None).otherwise("exemption_code").alias("exemption_code"),
        )
        .drop("is_short")
    )
