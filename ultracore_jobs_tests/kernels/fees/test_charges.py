"""Decisions after the gate, re-runs, and performance charges."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.columns import INSTANT, MONEY
from ultracore_jobs.kernels.fees.charges import decide
from ultracore_jobs.kernels.fees.reruns import Rerun, compare_with_posted
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, CONSENT_OUTCOMES, FEE_CHARGES
from ultracore_jobs_tests.kernels.fees.fee_books import charged, steady

AT = datetime(2026, 7, 1, 1, tzinfo=UTC)
_POSTED = [
    "tenant_id", "charge_id", "portfolio_id", "client_id", "arrangement_id", "fee_schedule_id", "fee_type",
    "ccy", "period_start", "period_end", "consent_ids", "exemption_code", "reason", "fee_ex_gst", "gst",
    "total", "settled_fee_days", "adjustments",
]  # fmt: skip


def ledger(
    charges: pl.DataFrame, fee: str, gst: str, adjustments: int = 0, charge_id: str | None = None
) -> pl.DataFrame:
    """What is posted for the charge, or for another one."""
    posted = charges.with_columns(
        pl.lit(charge_id or charges["charge_id"].item()).alias("charge_id"),
        pl.lit(Decimal(fee)).cast(MONEY).alias("fee_ex_gst"),
        pl.lit(Decimal(gst)).cast(MONEY).alias("gst"),
        pl.lit(adjustments).cast(pl.Int64).alias("adjustments"),
    )
    return posted.select(_POSTED)


def of_98() -> pl.DataFrame:
    """A charge of 98.00, with GST 9.80."""
    return charged(steady("600000")).with_columns(
        pl.lit(Decimal(98)).cast(MONEY).alias("fee_ex_gst"), pl.lit(Decimal("9.80")).cast(MONEY).alias("gst")
    )


def outcome(charges: pl.DataFrame, **columns: Any) -> pl.DataFrame:
    """What the gate said of the charge."""
    row = {
        "charge_id": charges["charge_id"].item(), "arrangement_id": "A-1", "deducted_at": AT,
        "outcome": "CLEARED", "reason": None, "exemption_code": None, "consent_ids": ["C-1", "C-2"],
        "live_until": None, "consented_amount": None, "cumulative": None, **columns,
    }  # fmt: skip
    return pl.DataFrame([row], schema=CONSENT_OUTCOMES.schema).with_columns(
        pl.col("deducted_at").cast(INSTANT)
    )


def test_a_changed_amount_is_one_adjustment_for_the_difference() -> None:
    """Posted 100.00 + 10.00, now 98.00: -2.00 and -0.20, waiting for a person (worked example)."""
    charges = of_98()

    rerun = compare_with_posted(charges, ledger(charges, "100", "10"))

    assert rerun.adjustments.select("charge_id", "fee_ex_gst", "gst", "total", "status").rows() == [
        (charges["charge_id"].item(), Decimal(-2), Decimal("-0.20"), Decimal("-2.20"), "PENDING_APPROVAL")
    ]
    assert rerun.fresh.is_empty()
    conform(rerun.adjustments, ADJUSTMENTS)


def test_the_same_amount_writes_nothing() -> None:
    """Neither a charge nor an adjustment."""
    charges = of_98()

    rerun = compare_with_posted(charges, ledger(charges, "98", "9.80"))

    assert (rerun.fresh.height, rerun.adjustments.height) == (0, 0)
    assert rerun.unchanged.rows() == [(charges["charge_id"].item(), None)]


def test_a_run_repeated_after_its_adjustment_adjusts_nothing() -> None:
    """The ledger's amounts include adjustments that wait."""
    charges = of_98()
    once = compare_with_posted(charges, ledger(charges, "100", "10")).adjustments

    posted = ledger(charges, "100", "10", adjustments=1).with_columns(
        (pl.col("fee_ex_gst") + once["fee_ex_gst"].item()).cast(MONEY).alias("fee_ex_gst"),
        (pl.col("gst") + once["gst"].item()).cast(MONEY).alias("gst"),
    )

    assert compare_with_posted(charges, posted).adjustments.is_empty()


def test_there_and_back_and_there_again_has_three_ids() -> None:
    """An adjustment undone and made again is another adjustment; a repeated run has the id of the first."""
    charges = of_98()
    first, again = (compare_with_posted(charges, ledger(charges, "100", "10")).adjustments for _ in range(2))
    third = compare_with_posted(charges, ledger(charges, "100", "10", adjustments=2)).adjustments

    assert first.equals(again)
    assert first["adjustment_id"].item() != third["adjustment_id"].item()


def test_a_charge_that_is_due_no_more_is_given_back_whole() -> None:
    """Its arrangement has gone: -98.00 and -9.80. What is not posted yet is fresh."""
    charges = of_98()

    rerun = compare_with_posted(charges, ledger(charges, "98", "9.80", charge_id="chg_" + "0" * 32))

    assert isinstance(rerun, Rerun)
    assert rerun.adjustments.select("fee_ex_gst", "gst").rows() == [(Decimal(-98), Decimal("-9.80"))]
    assert rerun.fresh.equals(charges)


def test_an_amount_that_cannot_be_computed_now_gives_nothing_back() -> None:
    """NO_NAV on a re-run is no ground for a refund; a person sees the reason."""
    charges = of_98().with_columns(
        pl.lit(None, dtype=MONEY).alias("fee_ex_gst"), pl.lit("NO_NAV").alias("reason")
    )

    rerun = compare_with_posted(charges, ledger(charges, "98", "9.80"))

    assert rerun.adjustments.is_empty()
    assert rerun.unchanged["reason"].to_list() == ["NO_NAV"]


def test_a_cleared_charge_is_due_with_its_consents() -> None:
    """No POSTED charge without live consent_ids or an exemption."""
    charges = charged(steady("600000"))

    decided = decide(charges, outcome(charges))

    assert decided.select("status", "consent_ids", "reason").rows() == [("DUE", ["C-1", "C-2"], None)]
    conform(decided, FEE_CHARGES)


@pytest.mark.parametrize(
    ("said", "status"),
    [("BLOCKED_NO_CONSENT", "BLOCKED"), ("BLOCKED_OVER_CONSENT", "BLOCKED"), ("HELD_FOR_REVIEW", "HELD")],
)
def test_a_charge_the_gate_stops_keeps_its_amount_as_information(said: str, status: str) -> None:
    """Accrual stays; no cash moves."""
    charges = charged(steady("600000"))

    decided = decide(charges, outcome(charges, outcome=said, reason="WHY", consent_ids=[]))

    assert decided.select("status", "reason", "total").rows() == [(status, f"{said}: WHY", Decimal("506.30"))]


def test_a_charge_the_gate_has_not_seen_is_blocked() -> None:
    """Silence is no consent."""
    charges = charged(steady("600000"))

    decided = decide(charges, CONSENT_OUTCOMES.empty())

    assert decided.select("status", "reason").rows() == [("BLOCKED", "BLOCKED_NO_CONSENT: NOT_TESTED")]


def test_a_charge_of_nothing_needs_no_consent() -> None:
    """NOTHING_DUE stays so."""
    charges = charged(steady("0"))

    assert decide(charges, CONSENT_OUTCOMES.empty())["status"].to_list() == ["NOTHING_DUE"]


def test_empty_tables_make_empty_decisions() -> None:
    """A month without charges and a ledger without postings."""
    none = charged(steady("1")).clear()
    posted = ledger(charged(steady("1")), "1", "1").clear()

    rerun = compare_with_posted(none, posted)

    assert [each.height for each in rerun] == [0, 0, 0]
    assert date(2026, 7, 1) not in decide(none, CONSENT_OUTCOMES.empty())["period_end"].to_list()
