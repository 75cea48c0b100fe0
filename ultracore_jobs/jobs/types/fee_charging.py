"""Fee charging: what every portfolio owes for a month, whether it may be taken, and taking it once."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl
from pydantic import Field, field_validator

from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import CLIENTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.catalog.market import CALENDARS
from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.effect import DecisionTable, Effect
from ultracore_jobs.jobs.examples.fee_charging import fee_example
from ultracore_jobs.jobs.fee_postings import post_fees, view_fees
from ultracore_jobs.jobs.spec import Chart, JobSpec, Parameters, Priority
from ultracore_jobs.kernels.fees import laws
from ultracore_jobs.kernels.fees.crystallisation import CARRIED_DAYS, crystallisations_missed
from ultracore_jobs.kernels.fees.explain import explain_month
from ultracore_jobs.kernels.fees.performance import Crystallisation, HurdleType
from ultracore_jobs.kernels.fees.run import FeeRun, charge_month
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, FEE_ACCRUALS, FEE_CHARGES, FEE_TYPES
from ultracore_jobs.kernels.gates import Gate, Severity
from ultracore_jobs.kernels.high_water_mark import HIGH_WATER_MARKS
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS

_FEE_TYPES = [name.lower() for name in FEE_TYPES]


class FeeParameters(Parameters):
    """Parameters of `fee_charging`."""

    fee_types: list[str] = Field(
        default=_FEE_TYPES,
        description="What to charge, of management, performance and advice; others are computed and held",
        min_length=1,
    )
    gst: str = Field(default="0.10", description="Rate of GST, as a fraction")
    approval_limit: str = Field(
        default="0",
        description="A batch that comes to more in some currency waits for approval; 0: every batch",
    )
    estimate_tolerance_pct: str = Field(
        default="0.10", description="By how much charges may exceed a consented estimate, as a fraction"
    )
    hurdle_type: HurdleType = Field(
        default="hard",
        description="hard: gain above the hurdle; soft: all of it; where a schedule does not say",
    )
    crystallisation: Crystallisation = Field(
        default="30_june", description="When performance fees are charged, where a schedule does not say"
    )
    send_notifications: bool = Field(
        default=True, description="Whether each client charged is told in the daily digest"
    )

    @field_validator("fee_types")
    @classmethod
    def _known_types(cls, fee_types: list[str]) -> list[str]:
        unknown = [name for name in fee_types if name not in _FEE_TYPES]
        if unknown:
            raise ValueError(f"there is no fee of type {unknown[0]}; there are {', '.join(_FEE_TYPES)}")
        return fee_types

    @field_validator("gst", "approval_limit", "estimate_tolerance_pct")
    @classmethod
    def _decimal(cls, value: str) -> str:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise ValueError("write a number with a point, such as 0.10") from None
        if not amount.is_finite() or amount < 0:
            raise ValueError("it must be 0 or more")
        return value


def charge_fees(  # noqa: PLR0913 - each table and parameter is bound by its name
    *,
    portfolios: pl.DataFrame,
    clients: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    consents: pl.DataFrame,
    valuations: pl.DataFrame,
    performance_accruals: pl.DataFrame,
    high_water_marks: pl.DataFrame,  # noqa: ARG001 - read so that marks come before fees
    calendars: pl.DataFrame,
    transactions: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    as_of: date,
    period_end: date,
    known_at: datetime,
    tenant: str,
    timezone: str,
    fee_types: Sequence[str],
    gst: str,
    estimate_tolerance_pct: str,
    hurdle_type: HurdleType,
    crystallisation: Crystallisation,
) -> FeeRun:
    """`charge_month` with the parameters of the page, whose decimals are text."""
    return charge_month(
        portfolios=portfolios,
        clients=clients,
        fee_arrangements=fee_arrangements,
        fee_schedules=fee_schedules,
        consents=consents,
        valuations=valuations,
        performance_accruals=performance_accruals,
        calendars=calendars,
        transactions=transactions,
        ledger_decisions=ledger_decisions,
        ledger_entries=ledger_entries,
        as_of=as_of,
        period_end=period_end,
        known_at=known_at,
        tenant=tenant,
        timezone=timezone,
        fee_types=fee_types,
        gst=Decimal(gst),
        estimate_tolerance_pct=Decimal(estimate_tolerance_pct),
        hurdle_type=hurdle_type,
        crystallisation=crystallisation,
    )


def _result(fee_charges: pl.DataFrame, fee_adjustments: pl.DataFrame) -> dict[str, Any]:
    due = fee_charges.filter(pl.col("status") == "DUE")
    totals = dict(due.group_by("ccy").agg(pl.col("total").sum()).sort("ccy").iter_rows())
    return {
        "fees_charged": due.height,
        "total_amount": totals.pop("AUD", Decimal("0.0000")),
        "total_amount_other_currencies": totals,
        "blocked": (fee_charges["status"] == "BLOCKED").sum(),
        "held": (fee_charges["status"] == "HELD").sum(),
        "adjustments": fee_adjustments.height,
        "stopped_by_reason": dict(
            laws.charges_stopped(fee_charges).group_by("reason").len().sort("reason").iter_rows()
        ),
    }


def _chart(fee_charges: pl.DataFrame) -> Chart:
    sums = (
        fee_charges.filter((pl.col("ccy") == "AUD") & (pl.col("status") != "NOTHING_DUE"))
        .group_by("fee_type", "status")
        .agg(pl.col("total").sum().cast(pl.Float64))
        .sort("fee_type", "status")
    )
    bars = tuple((f"{kind} {status}", total) for kind, status, total in sums.iter_rows())
    return Chart("Fees of the month, GST included", "A$", bars)


def _preview(fee_charges: pl.DataFrame) -> pl.DataFrame:
    """What is stopped first, then the largest."""
    return (
        fee_charges.sort(
            pl.col("status").is_in(["BLOCKED", "HELD"]),
            pl.col("total").fill_null(0).cast(pl.Float64),
            "charge_id",
            descending=[True, True, False],
        )
        .select("portfolio_id", "fee_type", "days", "fee_ex_gst", "gst", "total", "ccy", "status", "reason")
        .head(12)
    )


JOB = JobSpec(
    name="fee_charging",
    family="fees",
    summary="What every portfolio owes for the month, whether it may be taken, and taking it once.",
    rule=(
        "Fees on assets accrue daily: the annual fee of that day's NAV before accrued fees, by tiers, / 365, "
        "summed unrounded and rounded once; a minimum, if larger; GST 10 %. A performance fee is a share of "
        "the gain per unit above the high-water mark and its hurdle, charged at crystallisation and on "
        "redeemed units. Nothing is taken without live consent of every holder, to the arrangement and to "
        "the deduction, within the amount signed for (Corporations Act Pt 7.7A): **no consent, no charge**. "
        "The run decides; charges are posted by their own ids after a person approved the batch, and consent "
        "and cash are asked again at that instant."
    ),
    source="domain_rules 3, 5, 20b",
    reads=(
        PORTFOLIOS,
        CLIENTS,
        FEE_ARRANGEMENTS,
        FEE_SCHEDULES,
        CONSENTS.plainly().optional(),
        VALUATIONS.of_period(and_before=CARRIED_DAYS).only(
            "as_of_date",
            "portfolio_id",
            "base_ccy",
            "status",
            "nav",
            "nav_aud",
            "aud_rate",
            "accrued_fees_base",
            "units",
            "flow_base",
        ),
        PERFORMANCE_ACCRUALS.of_period(and_before=CARRIED_DAYS).optional(),
        HIGH_WATER_MARKS.of_period().only("as_of_date", "portfolio_id"),
        CALENDARS,
        TRANSACTIONS,
        LEDGER_DECISIONS.from_ledger(),
        LEDGER_ENTRIES.from_ledger(),
    ),
    kernel=charge_fees,
    writes=(FEE_CHARGES, FEE_ACCRUALS, ADJUSTMENTS),
    parameters=FeeParameters,
    gates=(
        Gate(
            "fee_consent",
            "fee_charges",
            "No charge is due without live consent, to the arrangement and to the deduction, or an exemption",
            laws.charges_without_consent,
        ),
        Gate(
            "gst_reconciled",
            "fee_charges",
            "GST is the fee times the rate, half a cent up, and the total is their sum",
            laws.gst_not_reconciled,
        ),
        Gate("no_duplicate_charge", "fee_charges", "A charge is due once", laws.duplicate_charges),
        Gate(
            "accruals_reconciled",
            "fee_charges",
            "A charge on assets is the sum of its daily accruals, rounded once, or the minimum, if larger",
            laws.charges_not_accrued,
        ),
        Gate(
            "every_fee_taken",
            "fee_charges",
            "No charge is blocked or held",
            laws.charges_stopped,
            Severity.WARNING,
        ),
        Gate(
            "every_crystallisation_valued",
            "fee_charges",
            "A performance fee that crystallises has a recent NAV to be computed on",
            crystallisations_missed,
            Severity.WARNING,
        ),
    ),
    result=_result,
    chart=_chart,
    preview=_preview,
    explain=explain_month,
    cadence=Cadence.MONTHS,
    priority=Priority.CRITICAL,
    effect=Effect(
        receipts="fee_receipts",
        summary="Takes what was decided and approved out of each portfolio's cash, and records refusals.",
        decisions=(DecisionTable(FEE_CHARGES, "charge_id"), DecisionTable(ADJUSTMENTS, "adjustment_id")),
        view=view_fees,
        postings=post_fees,
        reads=(
            PORTFOLIOS,
            CLIENTS,
            FEE_ARRANGEMENTS,
            FEE_SCHEDULES,
            CONSENTS.plainly().optional(),
            TRANSACTIONS,
            LEDGER_DECISIONS.from_ledger(),
            LEDGER_ENTRIES.from_ledger(),
        ),
        approval="over_limit",
    ),
    rerun="What is posted is never edited. Same amounts, nothing written; another amount for a posted charge "
    "is an adjustment that waits for a person.",
    example=fee_example,
)
