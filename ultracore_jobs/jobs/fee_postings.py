"""From decided fees to the ledger: what each comes to for who approves it, and its double entry."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.jobs.effect import APPLY, DECISION_VIEW, HOLD, NOTHING, REFUSE, Batch
from ultracore_jobs.kernels.fees.posted import CASH_ACCOUNT, FEE_ADJUSTMENT, fees_in_ledger, with_fee_cash
from ultracore_jobs.kernels.fees.settlement import Terms, cash_of, settle_adjustments, settle_charges
from ultracore_jobs.kernels.fees.standing import charged_under
from ultracore_jobs.kernels.fees.tables import BLOCKED, DUE, HELD, NOTHING_DUE, PENDING_APPROVAL
from ultracore_jobs.ports import Decision, Entry, Outcome, Posting

LATE_AFTER = timedelta(days=45)
"""A month that ended longer ago is not charged without a person, whatever the limit."""

_GST = "gst_payable"
_ZERO = Decimal(0)
_TOLD = (
    "portfolio_id",
    "client_id",
    "arrangement_id",
    "fee_schedule_id",
    "fee_type",
    "exemption_code",
)


def view_fees(
    *, fee_charges: pl.DataFrame, fee_adjustments: pl.DataFrame, known_at: datetime
) -> pl.DataFrame:
    """Fees and adjustments as a person sees them before they are applied.

    Args:
        fee_charges: `FEE_CHARGES`.
        fee_adjustments: `ADJUSTMENTS`.
        known_at: When they were decided; charges of a month that ended `LATE_AFTER` ago need a person, and so
            does every adjustment.

    Returns:
        `DECISION_VIEW`, charges first.
    """
    status = pl.col("status")
    # A crystallisation moves the mark although nothing is due.
    moves = (status == NOTHING_DUE) & pl.col("mark_unit").is_not_null()
    is_late = pl.col("period_end") < known_at.date() - LATE_AFTER
    charges = fee_charges.select(
        pl.col("charge_id").alias("decision_id"),
        pl.format("{}_FEE", "fee_type").alias("kind"),
        pl.col("portfolio_id").alias("party"),
        pl.col("total").fill_null(0).alias("amount"),
        "ccy",
        pl.when((status == DUE) | moves)
        .then(pl.lit(APPLY))
        .when(status == BLOCKED)
        .then(pl.lit(REFUSE))
        .when(status == HELD)
        .then(pl.lit(HOLD))
        .otherwise(pl.lit(NOTHING))
        .alias("asks"),
        pl.when(is_late)
        .then(pl.coalesce("reason", pl.lit("ENDED_LONG_AGO")))
        .otherwise("reason")
        .alias("reason"),
        is_late.alias("needs_person"),
    )
    adjustments = fee_adjustments.select(
        pl.col("adjustment_id").alias("decision_id"),
        pl.lit(FEE_ADJUSTMENT).alias("kind"),
        pl.col("portfolio_id").alias("party"),
        pl.col("total").alias("amount"),
        "ccy",
        pl.when(status == PENDING_APPROVAL)
        .then(pl.lit(APPLY))
        .when(status == BLOCKED)
        .then(pl.lit(REFUSE))
        .otherwise(pl.lit(HOLD))
        .alias("asks"),
        pl.coalesce("reason", pl.lit("ADJUSTS_POSTED_CHARGE")).alias("reason"),
        pl.lit(value=True).alias("needs_person"),
    )
    # A charge that is refused as the copy of another has that one's id, and is none of its own.
    first = pl.concat([charges, adjustments]).unique("decision_id", keep="first", maintain_order=True)
    return first.select(DECISION_VIEW.names()).cast(DECISION_VIEW)


def post_fees(  # noqa: PLR0913 - each table is bound by its name on the page
    *,
    fee_charges: pl.DataFrame,
    fee_adjustments: pl.DataFrame,
    portfolios: pl.DataFrame,
    clients: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    consents: pl.DataFrame,
    transactions: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    at: datetime,
    batch: Batch,
    tenant: str,
    timezone: str,
    estimate_tolerance_pct: str,
) -> Sequence[Posting]:
    """The postings of fees that stand at the instant *at*: consents and cash are asked once more.

    What was refused when it was decided is refused on record, also where it would pass by now: who approved
    saw it refused. What is DUE and passes no more is refused, or left out where it waits for a person.

    Args:
        fee_charges: `FEE_CHARGES` not applied yet.
        fee_adjustments: `ADJUSTMENTS` not applied yet.
        portfolios: `PORTFOLIOS` as known at *at*; so the tables that follow.
        clients: `CLIENTS`.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        consents: `CONSENTS`.
        transactions: `TRANSACTIONS`.
        ledger_decisions: `LEDGER_DECISIONS`.
        ledger_entries: `LEDGER_ENTRIES`.
        at: Instant of the deduction.
        batch: What they are applied with.
        tenant: Whose.
        timezone: IANA zone of the tenant; its day is the day of the deduction.
        estimate_tolerance_pct: By how much charges may exceed an estimate.

    Returns:
        One posting for each decision that is applied or refused: cash pays fee income and GST payable.

    Source: domain_rules 3.3, 3.5, 3.6.
    """
    on = at.astimezone(ZoneInfo(timezone)).date()
    fees = fees_in_ledger(ledger_decisions)
    booked = with_fee_cash(transactions, ledger_entries, portfolios, TRANSACTIONS)
    terms = Terms(
        fee_arrangements=fee_arrangements,
        fee_schedules=fee_schedules,
        consents=consents,
        clients=clients,
        charged=charged_under(fees),
        cash=cash_of(booked.filter(pl.col("trade_on") <= on)),
        at=at,
        timezone=timezone,
        tolerance=Decimal(estimate_tolerance_pct),
    )
    post = _Poster(tenant, batch, on, frozenset(ledger_entries["entry_id"]))
    charges = settle_charges(fee_charges, terms).unique("charge_id", keep="first", maintain_order=True)
    adjustments = settle_adjustments(fee_adjustments, terms)
    return [*post.charges(charges), *post.adjustments(adjustments)]


class _Poster:
    """Makes postings of rows."""

    def __init__(self, tenant: str, batch: Batch, on: date, known_entries: frozenset[str]) -> None:
        self._tenant, self._batch, self._on, self._known = tenant, batch, on, known_entries

    def charges(self, rows: pl.DataFrame) -> Iterator[Posting]:
        for row in rows.filter(pl.col("status") != HELD).iter_rows(named=True):
            refused = row["status"] == BLOCKED
            mark = row["mark_if_refused_unit"] if refused else row["mark_unit"]
            told = {
                **self._told(row, row["charge_id"]),
                "mark_unit": _text(mark),
                "marked_on": _text(row["marked_on"]),
            }
            yield self._posting(row, row["charge_id"], f"{row['fee_type']}_FEE", told, refused=refused)

    def adjustments(self, rows: pl.DataFrame) -> Iterator[Posting]:
        for row in rows.filter(pl.col("status") != HELD).iter_rows(named=True):
            refused = row["status"] == BLOCKED
            told = {**self._told(row, row["charge_id"]), "mark_unit": None, "marked_on": None}
            yield self._posting(
                row, row["adjustment_id"], FEE_ADJUSTMENT, told, refused=refused, adjusts=row["charge_id"]
            )

    def _posting(
        self,
        row: dict[str, Any],
        decision_id: str,
        kind: str,
        told: dict[str, Any],
        *,
        refused: bool,
        adjusts: str | None = None,
    ) -> Posting:
        return Posting(
            decision=Decision(
                decision_id=decision_id,
                tenant=self._tenant,
                kind=kind,
                job_id=self._batch.job_id,
                as_of=self._on,
                amount=row["total"] or _ZERO,
                ccy=row["ccy"],
                payload=told,
                batch_id=self._batch.batch_id,
            ),
            entries=() if refused or not row["total"] else self._entries(row, adjusts),
            outcome=Outcome.BLOCKED if refused else Outcome.POSTED,
        )

    def _entries(self, row: dict[str, Any], adjusts: str | None) -> tuple[Entry, ...]:
        amounts = (
            (f"{CASH_ACCOUNT}{row['portfolio_id']}", -row["total"]),
            (f"fee_income:{row['fee_type']}", row["fee_ex_gst"]),
            (_GST, row["gst"]),
        )
        return tuple(
            Entry(account=account, ccy=row["ccy"], amount=amount, adjusts=self._adjusted(adjusts, number))
            for number, (account, amount) in enumerate(amounts, start=1)
        )

    def _adjusted(self, charge_id: str | None, number: int) -> str | None:
        """The entry of the charge that is adjusted; a charge of nothing has none."""
        entry = f"{charge_id}.{number}"
        return entry if charge_id is not None and entry in self._known else None

    def _told(self, row: dict[str, Any], charge_id: str) -> dict[str, Any]:
        return {
            "charge_id": charge_id,
            **{name: row[name] for name in _TOLD},
            **{
                name: _text(row[name])
                for name in ("period_start", "period_end", "fee_ex_gst", "gst", "total", "settled_fee_days")
            },
            "consent_ids": list(row["consent_ids"] or ()),
            "reason": row["reason"],
        }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
