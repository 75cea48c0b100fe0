"""A fee run: what every portfolio owes for a month, whether it may be taken, and what changed since.

`charge_month` decides and does nothing: its tables are decisions, applied elsewhere by their ids, once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.errors import MissingInputError
from ultracore_jobs.kernels.fees.accrual import accrue_fees, unusable_arrangements
from ultracore_jobs.kernels.fees.charges import charge_accruals, charge_performance
from ultracore_jobs.kernels.fees.crystallisation import crystallised_fees
from ultracore_jobs.kernels.fees.memory import before_fees
from ultracore_jobs.kernels.fees.performance import Crystallisation, HurdleType
from ultracore_jobs.kernels.fees.posted import fees_in_ledger, with_fee_cash
from ultracore_jobs.kernels.fees.reruns import compare_with_posted
from ultracore_jobs.kernels.fees.settlement import Terms, cash_of, settle_adjustments, settle_charges
from ultracore_jobs.kernels.fees.standing import Standing, charged_under, standing_charges
from ultracore_jobs.kernels.fees.tables import BLOCKED, FEE_CHARGES, FEE_TYPES, HELD, NOTHING_DUE

NOT_SELECTED = "NOT_SELECTED"
"""The run was told to leave this kind of fee alone."""

_ROW = ["charge_id", "arrangement_id"]
"""A charge in the table; of two arrangements with one id, the ledger's is the one it was posted under."""

_WORDS = ("reason", "consent_ids", "exemption_code")


class FeeRun(NamedTuple):
    """What `charge_month` returns: `FEE_CHARGES`, `FEE_ACCRUALS`, `ADJUSTMENTS`, and rows set aside."""

    fee_charges: pl.DataFrame
    fee_accruals: pl.DataFrame
    fee_adjustments: pl.DataFrame
    quarantine: pl.DataFrame


def charge_month(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    portfolios: pl.DataFrame,
    clients: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    consents: pl.DataFrame,
    valuations: pl.DataFrame,
    performance_accruals: pl.DataFrame,
    calendars: pl.DataFrame,
    transactions: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    as_of: date,
    period_end: date,
    known_at: datetime,
    tenant: str,
    timezone: str = "Australia/Sydney",
    fee_types: Sequence[str] = FEE_TYPES,
    gst: Decimal = Decimal("0.10"),
    estimate_tolerance_pct: Decimal = Decimal("0.10"),
    hurdle_type: HurdleType = "hard",
    crystallisation: Crystallisation = "30_june",
) -> FeeRun:
    """Decide the fees of the month ``[as_of, period_end)``.

    Args:
        portfolios: `PORTFOLIOS`.
        clients: `CLIENTS`.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        consents: `CONSENTS` as known.
        valuations: `VALUATIONS` of the month and of `CARRIED_DAYS` before it.
        performance_accruals: `PERFORMANCE_ACCRUALS` of the same days.
        calendars: `CALENDARS` of the portfolios.
        transactions: `TRANSACTIONS` as known, for the cash.
        ledger_decisions: `LEDGER_DECISIONS` as known.
        ledger_entries: `LEDGER_ENTRIES` as known.
        as_of: First day of the month.
        period_end: First day after it.
        known_at: Instant for which consents and cash are tested; they are tested again when applied.
        tenant: Owner of the rows.
        timezone: IANA zone of the tenant.
        fee_types: What to charge; charges of other kinds are computed and HELD, reason NOT_SELECTED.
        gst: Rate of GST as a fraction.
        estimate_tolerance_pct: By how much charges may exceed an estimate, as a fraction.
        hurdle_type: Where a schedule does not say.
        crystallisation: Where a schedule does not say.

    Returns:
        `FeeRun`. A charge that the ledger holds already keeps the word it was posted or refused with; where
        its amount would be another now, the difference is an adjustment. Fees of an arrangement by which
        nothing can be computed are set aside, and the others go on.

    Raises:
        MissingInputError: There is not one consent, and some fee asks for it: the register was not loaded.

    Source: domain_rules 3, 20b.
    """
    _require_consents(consents, fee_arrangements, fee_schedules)
    fees = fees_in_ledger(ledger_decisions)
    standing = standing_charges(fees, tenant=tenant, start=as_of, end=period_end, fee_types=FEE_TYPES)
    # A NAV in another base currency is no NAV in this one.
    own = valuations.join(
        portfolios.select("portfolio_id", "base_ccy"), on=["portfolio_id", "base_ccy"], how="semi"
    )
    accruals = accrue_fees(
        fee_arrangements=fee_arrangements,
        fee_schedules=fee_schedules,
        portfolios=portfolios,
        valuations=before_fees(own),
        calendars=calendars,
        start=as_of,
        end=period_end,
    )
    marks = fees.filter(pl.col("mark_unit").is_not_null()).select(
        "portfolio_id",
        "marked_on",
        "mark_unit",
        pl.col("as_of_date").alias("deducted_on"),
        # What was refused is owed by nobody.
        pl.when(pl.col("outcome") == "POSTED").then("fee_ex_gst").otherwise(0).alias("fee_ex_gst"),
    )
    shared = crystallised_fees(
        performance_accruals=performance_accruals,
        valuations=valuations,
        marks=marks,
        fee_arrangements=fee_arrangements,
        fee_schedules=fee_schedules,
        start=as_of,
        end=period_end,
        hurdle_type=hurdle_type,
        crystallisation=crystallisation,
    )
    computed = pl.concat(
        [
            charge_accruals(
                accruals, fee_arrangements=fee_arrangements, fee_schedules=fee_schedules, gst=gst
            ),
            charge_performance(shared, gst=gst),
        ]
    ).sort("arrangement_id", "period_start", "period_end")
    chosen = [name.upper() for name in fee_types]
    on = known_at.astimezone(ZoneInfo(timezone)).date()
    booked = with_fee_cash(transactions, ledger_entries, portfolios, TRANSACTIONS)
    terms = Terms(
        fee_arrangements=fee_arrangements,
        fee_schedules=fee_schedules,
        consents=consents,
        clients=clients,
        charged=charged_under(fees),
        cash=cash_of(booked.filter(pl.col("trade_on") <= on)),
        at=known_at,
        timezone=timezone,
        tolerance=estimate_tolerance_pct,
    )
    selected = pl.col("fee_type").is_in(chosen)
    rerun = compare_with_posted(computed.filter(selected), standing.posted.filter(selected), gst=gst)
    refused = rerun.fresh.join(standing.refused, on="charge_id", how="anti", maintain_order="left")
    settled = settle_charges(refused, terms)
    adjusted = settle_adjustments(rerun.adjustments, _after(terms, settled))
    return FeeRun(
        _whole(computed, settled, standing, chosen),
        accruals,
        adjusted,
        _aside(fee_arrangements, fee_schedules, portfolios),
    )


def _require_consents(
    consents: pl.DataFrame, fee_arrangements: pl.DataFrame, fee_schedules: pl.DataFrame
) -> None:
    """An empty register would block every charge, and blame the clients for it."""
    asking = fee_schedules.filter(pl.col("consent_required"))
    needy = fee_arrangements.join(asking, on="fee_schedule_id", how="semi")
    if consents.is_empty() and needy.height:
        raise MissingInputError(
            f"table 'consents' has no rows, and {needy.height} arrangements need consent, "
            f"{needy['arrangement_id'][0]} the first; nothing was decided. "
            "Remedy: ultracore-jobs import consents FILE --tenant TENANT"
        )


def _after(terms: Terms, settled: pl.DataFrame) -> Terms:
    """What is left of the cash once the charges are taken."""
    taken = (
        settled.filter(pl.col("status") == "DUE").group_by("portfolio_id", "ccy").agg(pl.col("total").sum())
    )
    left = pl.col("cash") - pl.col("total").fill_null(0)
    cash = terms.cash.join(taken, on=["portfolio_id", "ccy"], how="left").select(
        "portfolio_id", "ccy", left.cast(terms.cash.schema["cash"]).alias("cash")
    )
    return replace(terms, cash=cash)


def _whole(
    computed: pl.DataFrame, settled: pl.DataFrame, standing: Standing, chosen: Sequence[str]
) -> pl.DataFrame:
    """Every charge of the month: settled now, as it stands on the ledger, or left alone by this run."""
    spoken = pl.concat(
        [
            settled.select(*_ROW, "status", *_WORDS),
            standing.posted.select(*_ROW, pl.lit(None, dtype=pl.String).alias("status"), *_WORDS),
            standing.refused.select(*_ROW, pl.lit(BLOCKED).alias("status"), *_WORDS),
        ]
    ).select(*_ROW, *(pl.col(name).alias(f"said_{name}") for name in ("status", *_WORDS)))
    is_said = pl.col("is_said").fill_null(value=False)
    is_chosen = pl.col("fee_type").is_in(chosen)
    held = ~is_said & ~is_chosen & (pl.col("status") != NOTHING_DUE)
    return (
        computed.join(
            spoken.with_columns(pl.lit(value=True).alias("is_said")),
            on=_ROW,
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.when(held)
            .then(pl.lit(HELD))
            .when(is_said)
            .then(pl.coalesce("said_status", "status"))
            .otherwise("status")
            .alias("status"),
            pl.when(held)
            .then(pl.lit(NOT_SELECTED))
            .when(is_said)
            .then("said_reason")
            .otherwise("reason")
            .alias("reason"),
            pl.when(is_said).then("said_consent_ids").otherwise("consent_ids").alias("consent_ids"),
            pl.when(is_said).then("said_exemption_code").otherwise("exemption_code").alias("exemption_code"),
        )
        .select(FEE_CHARGES.schema.names())
        .cast(FEE_CHARGES.schema)
    )


def _aside(
    fee_arrangements: pl.DataFrame, fee_schedules: pl.DataFrame, portfolios: pl.DataFrame
) -> pl.DataFrame:
    """Arrangements by which nothing can be charged."""
    unusable = unusable_arrangements(fee_arrangements, fee_schedules, portfolios)
    return unusable.select(
        pl.lit("fee_arrangements").alias("table_name"),
        pl.lit(None, dtype=pl.Int64).alias("row_number"),
        pl.col("arrangement_id").alias("row_key"),
        pl.lit("fee_schedule_id").alias("column_name"),
        pl.lit(None, dtype=pl.String).alias("value"),
        "reason",
        pl.lit("mend the schedule or the arrangement in the fee register, and run the month again").alias(
            "remedy"
        ),
    ).cast(REJECTS_SCHEMA)
