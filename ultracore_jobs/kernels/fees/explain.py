"""Why a portfolio is charged what it is charged: every stored number of its month, with its formula."""

from datetime import date, datetime
from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.kernels.explained import Explained
from ultracore_jobs.kernels.fees.explain_adjustment import explain_adjustments
from ultracore_jobs.kernels.fees.explain_charge import explain_accruals, explain_charges
from ultracore_jobs.kernels.fees.explain_consent import explain_consents
from ultracore_jobs.kernels.fees.explain_month import Month
from ultracore_jobs.kernels.fees.performance import Crystallisation, HurdleType
from ultracore_jobs.kernels.fees.posted import fees_in_ledger, with_fee_cash


def explain_month(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    portfolios: pl.DataFrame,
    clients: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    consents: pl.DataFrame,
    valuations: pl.DataFrame,
    performance_accruals: pl.DataFrame,
    transactions: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    fee_charges: pl.DataFrame,
    fee_accruals: pl.DataFrame,
    fee_adjustments: pl.DataFrame,
    as_of: date,
    period_end: date,
    known_at: datetime,
    tenant: str,
    timezone: str,
    portfolio_id: str,
    gst: str,
    estimate_tolerance_pct: str,
    hurdle_type: HurdleType,
    crystallisation: Crystallisation,
) -> list[Explained]:
    """Explain every number that a fee run stored about one portfolio, and why each charge may be taken.

    Args:
        portfolios: As read by the run; so the tables that follow.
        clients: `CLIENTS`.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        consents: `CONSENTS`.
        valuations: `VALUATIONS`.
        performance_accruals: `PERFORMANCE_ACCRUALS`.
        transactions: `TRANSACTIONS`.
        ledger_decisions: `LEDGER_DECISIONS`.
        ledger_entries: `LEDGER_ENTRIES`.
        fee_charges: As stored by the run; so the tables that follow.
        fee_accruals: `FEE_ACCRUALS`.
        fee_adjustments: `ADJUSTMENTS`.
        as_of: First day of the month.
        period_end: First day after it.
        known_at: Instant for which consents and cash were tested.
        tenant: Owner of the portfolio.
        timezone: IANA zone of the tenant.
        portfolio_id: Which.
        gst: Rate of GST, as text.
        estimate_tolerance_pct: By how much charges may exceed an estimate, as text.
        hurdle_type: Where a schedule does not say.
        crystallisation: Where a schedule does not say.

    Returns:
        The charges first, then why they may be taken, adjustments, and the accruals day by day.

    Source: domain_rules 3, 5.
    """
    is_ours = pl.col("portfolio_id") == portfolio_id
    arranged = fee_arrangements.filter(is_ours)
    month = Month(
        tenant=tenant,
        start=as_of,
        end=period_end,
        known_at=known_at,
        timezone=timezone,
        fee_charges=fee_charges.filter(is_ours),
        fee_accruals=fee_accruals.filter(is_ours),
        fee_adjustments=fee_adjustments.filter(is_ours),
        fee_arrangements=arranged,
        fee_schedules=fee_schedules,
        consents=consents.join(arranged, on="arrangement_id", how="semi"),
        clients=clients,
        valuations=valuations.filter(is_ours),
        performance_accruals=performance_accruals.filter(is_ours),
        fees=fees_in_ledger(ledger_decisions).filter(is_ours),
        moves=with_fee_cash(transactions, ledger_entries, portfolios, TRANSACTIONS).filter(is_ours),
        gst=Decimal(gst),
        tolerance=Decimal(estimate_tolerance_pct),
        hurdle_type=hurdle_type,
        crystallisation=crystallisation,
    )
    return [
        *explain_charges(month),
        *explain_consents(month),
        *explain_adjustments(month),
        *explain_accruals(month),
    ]
