"""Decisions take effect once, when a person said so, and not while effects are frozen."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch, reject_batch
from ultracore_jobs.application.batch_summary import summarise
from ultracore_jobs.application.batches import BatchState, every_batch, find_batch, standing_batch
from ultracore_jobs.application.effects import apply_batch
from ultracore_jobs.application.execution import Execution
from ultracore_jobs.application.freezing import freeze_money, release_money, standing_freezes
from ultracore_jobs.application.results import Status
from ultracore_jobs.catalog.fees import CONSENTS
from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.errors import EffectRefusedError, LedgerConflictError, UnknownNameError, UsageError
from ultracore_jobs.jobs import Batch
from ultracore_jobs.kernels.fees.tables import FEE_CHARGES
from ultracore_jobs_tests.fee_stage import (
    ACME,
    FEES,
    JUNE,
    OLGA,
    balance,
    charge,
    deposit,
    fee_platform,
    signed,
    value,
)
from ultracore_jobs_tests.kernels.fees.fee_books import table
from ultracore_jobs_tests.stage import load

ONE_CHARGE = Decimal("506.30")
"""460.27 and GST 46.03 on A$600,000 over thirty days (domain_rules 3)."""


def batch_of(done: Execution) -> str:
    """The batch that a run decided."""
    return str(done.result["batch_id"])


def approved(app: Application, month: date = JUNE) -> Execution:
    """Decide, approve, and run again."""
    approve_batch(app, batch_of(charge(app, month)), actor=OLGA, note="totals looked at")
    return charge(app, month)


def test_nothing_is_taken_before_a_person_said_so(tmp_path: Path) -> None:
    """Two charges of 506.30 are decided; the ledger stays empty."""
    app = fee_platform(tmp_path)

    done = charge(app)

    assert done.status is Status.AWAITING_APPROVAL
    assert (done.result["fees_charged"], done.result["total_amount"]) == (2, "1012.6000")
    assert done.result["awaiting_approval"] == 2
    assert app.ledger.position() == 0


def test_an_approved_batch_is_taken_once_however_often_it_is_run(tmp_path: Path) -> None:
    """Cash pays income and GST; running twice more, also as another job, posts nothing and writes nothing."""
    app = fee_platform(tmp_path)

    first = approved(app)
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    again, other = charge(app), charge(app, key="by hand")

    assert first.status is Status.COMPLETED
    assert [done.result["effect"]["posted"] for done in (first, again, other)] == [2, 0, 0]
    assert again.result["written"] == other.result["written"] == {}
    assert balance(app, "cash:PF-1") == balance(app, "cash:PF-2") == -ONE_CHARGE
    assert balance(app, "fee_income:MANAGEMENT") == Decimal("920.54")
    assert balance(app, "gst_payable") == Decimal("92.06")


def test_a_batch_within_the_limit_waits_for_nobody(tmp_path: Path) -> None:
    """1,012.60 in all: a limit of 1,012.60 lets it through, one of 1,012.59 does not."""
    let_through = charge(fee_platform(tmp_path / "a"), approval_limit="1012.60")
    stopped = charge(fee_platform(tmp_path / "b"), approval_limit="1012.59")

    assert (let_through.status, let_through.result["effect"]["posted"]) == (Status.COMPLETED, 2)
    assert (stopped.status, stopped.result["effect"]["posted"]) == (Status.AWAITING_APPROVAL, 0)


def test_a_month_long_past_waits_for_a_person_whatever_the_limit(tmp_path: Path) -> None:
    """June, run on 16 August: more than 45 days after it ended."""
    app = fee_platform(tmp_path)
    app.clock.move(timedelta(days=46))  # type: ignore[attr-defined]

    assert charge(app, approval_limit="1000000").status is Status.AWAITING_APPROVAL


def test_who_asked_may_not_approve(tmp_path: Path) -> None:
    """The run was asked for by `schedule:monthly`; whoever bears that name, by whatever door, is refused."""
    app = fee_platform(tmp_path)
    batch_id = batch_of(charge(app))

    for name in ("schedule:monthly", "ui:Monthly", "monthly"):
        with pytest.raises(EffectRefusedError, match="another person"):
            approve_batch(app, batch_id, actor=name, note="mine")
    with pytest.raises(UsageError, match="say who you are"):
        approve_batch(app, batch_id, actor="ui:unattributed", note="who am I")


def test_the_first_word_stands(tmp_path: Path) -> None:
    """Olga approves; saying it again changes nothing, Paul's rejection comes too late."""
    app = fee_platform(tmp_path)
    batch_id = batch_of(charge(app))

    first = approve_batch(app, batch_id, actor=OLGA, note="looked at")
    app.clock.move(timedelta(minutes=5))  # type: ignore[attr-defined]

    assert approve_batch(app, batch_id, actor=OLGA, note="again") == first
    with pytest.raises(LedgerConflictError, match="first word stands"):
        reject_batch(app, batch_id, actor="paul", note="no")


def test_a_rejected_batch_is_never_applied(tmp_path: Path) -> None:
    """It says by whom and why, and what to do; the ledger stays empty."""
    app = fee_platform(tmp_path)
    reject_batch(app, batch_of(charge(app)), actor=OLGA, note="the minimum is wrong")

    with pytest.raises(EffectRefusedError, match=r"rejected by olga: the minimum is wrong.*Remedy"):
        apply_batch(app, FEES, tenant=ACME, as_of=JUNE, actor="robot")
    assert app.ledger.position() == 0


def test_nothing_is_applied_that_was_not_decided(tmp_path: Path) -> None:
    """Receipts launched alone, for a month nobody ran."""
    app = fee_platform(tmp_path)

    with pytest.raises(EffectRefusedError, match=r"no decisions of fee_charging.*Remedy: run fee_charging"):
        apply_batch(app, FEES, tenant=ACME, as_of=JUNE, actor="robot")


def test_nothing_is_applied_that_was_not_checked(tmp_path: Path) -> None:
    """Decisions put into the store without their laws found to hold."""
    app = fee_platform(tmp_path)
    charge(app)
    decided = standing_batch(app, FEES, tenant=ACME, as_of=JUNE)
    app.tables.publish(
        FEE_CHARGES,
        tenant=ACME,
        partition="2026-06-01",
        frame=decided.tables["fee_charges"],
        provenance=decided.provenance.model_copy(update={"gates": ()}),
    )

    with pytest.raises(EffectRefusedError, match=r"without fee_consent.*found to hold"):
        apply_batch(app, FEES, tenant=ACME, as_of=JUNE, actor="robot")


def test_while_frozen_decisions_go_on_and_effects_stop(tmp_path: Path) -> None:
    """Who froze, and why, stands in the result; released, the same run takes the fees."""
    app = fee_platform(tmp_path)
    approve_batch(app, batch_of(charge(app)), actor=OLGA, note="looked at")
    frozen = freeze_money(app, actor="paul", reason="the bank is down")

    stopped = charge(app)

    assert (stopped.status, app.ledger.position()) == (Status.FROZEN, 0)
    assert "frozen by paul" in stopped.why
    assert "the bank is down" in stopped.why
    assert standing_freezes(app) == (frozen,)
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    release_money(app, frozen.freeze_id, actor="paul", note="it is up again")
    assert charge(app).result["effect"]["posted"] == 2


def test_a_freeze_needs_a_name_and_a_reason(tmp_path: Path) -> None:
    """It is recorded, so it says who and why."""
    app = fee_platform(tmp_path)

    with pytest.raises(UsageError, match="say why"):
        freeze_money(app, actor="paul", reason="  ")
    with pytest.raises(UsageError, match="say who"):
        freeze_money(app, actor="", reason="because")


def test_a_consent_withdrawn_after_approval_stops_its_charge_and_no_other(tmp_path: Path) -> None:
    """PF-1 withdraws an hour after Olga approved: refused on record; PF-2 pays (domain_rules 20b)."""
    app = fee_platform(tmp_path)
    approve_batch(app, batch_of(charge(app)), actor=OLGA, note="looked at")
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    withdrawn = [
        {**row, "withdrawn_at": app.clock.now(), "known_at": app.clock.now()}
        for row in signed("PF-1")
        if row["kind"] == "DEDUCTION"
    ]
    load(app, CONSENTS, table(CONSENTS, *withdrawn), tenant=ACME, partition="2026-07-02")
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    applied = apply_batch(app, FEES, tenant=ACME, as_of=JUNE, actor="robot")

    assert (applied.as_json()["posted"], applied.as_json()["blocked"]) == (1, 1)
    assert (balance(app, "cash:PF-1"), balance(app, "cash:PF-2")) == (Decimal(0), -ONE_CHARGE)
    told = app.ledger.decisions(ACME, known_at=app.clock.now()).filter(pl.col("outcome") == "BLOCKED")
    assert "BLOCKED_NO_CONSENT: WITHDRAWN" in told["payload"].item()


def test_cash_spent_after_approval_holds_the_charge(tmp_path: Path) -> None:
    """Approved with 5,000.00 in the account; 4,600.00 leave it before the fee does: held, never overdrawn."""
    app = fee_platform(tmp_path)
    approve_batch(app, batch_of(charge(app)), actor=OLGA, note="looked at")
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    spent = {**deposit("PF-1", "-4600.00"), "transaction_id": "T-9", "type": "WITHDRAWAL"}
    rows = table(TRANSACTIONS, spent).with_columns(pl.lit(app.clock.now()).alias("known_at"))
    load(app, TRANSACTIONS, rows.cast(TRANSACTIONS.schema), tenant=ACME, partition="2026-07-02")
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    applied = apply_batch(app, FEES, tenant=ACME, as_of=JUNE, actor="robot")

    assert (applied.as_json()["posted"], applied.as_json()["not_applied"]) == (1, 1)
    assert balance(app, "cash:PF-1") == 0


def test_other_inputs_after_posting_make_an_adjustment_that_waits(tmp_path: Path) -> None:
    """NAV of the last two days restated to 500,000: 457.01 instead of 460.27, GST 45.70: -3.26 and -0.33."""
    app = fee_platform(tmp_path)
    approved(app)
    value(app, {"PF-1": "500000", "PF-2": "600000"}, start=date(2026, 6, 29))
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    rerun = charge(app, approval_limit="1000000")
    batch = find_batch(app, batch_of(rerun))

    assert rerun.status is Status.AWAITING_APPROVAL, "an adjustment waits, whatever the limit"
    assert balance(app, "cash:PF-1") == -ONE_CHARGE
    # 28 days of 5,600 and 2 of 5,000 are 156,800 + 10,000 = 166,800; / 365 = 456.99.
    assert batch.tables["fee_adjustments"].select("fee_ex_gst", "gst", "total").rows() == [
        (Decimal("-3.28"), Decimal("-0.33"), Decimal("-3.61"))
    ]
    approve_batch(app, batch.batch.batch_id, actor=OLGA, note="restated")
    assert charge(app).result["effect"]["posted"] == 1
    assert balance(app, "cash:PF-1") == Decimal("-502.69")
    assert balance(app, "cash:PF-2") == -ONE_CHARGE
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    assert charge(app, key="once more").result["effect"]["posted"] == 0


def test_an_approval_does_not_count_for_what_was_decided_since(tmp_path: Path) -> None:
    """Approved, then restated before anything was posted: the new batch waits for a new word."""
    app = fee_platform(tmp_path)
    old = batch_of(charge(app))
    approve_batch(app, old, actor=OLGA, note="looked at")
    value(app, {"PF-1": "500000", "PF-2": "500000"})
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    rerun = charge(app)

    assert rerun.status is Status.AWAITING_APPROVAL
    assert batch_of(rerun) != old
    with pytest.raises(UnknownNameError, match="standing batch"):
        find_batch(app, old)


def test_one_bad_portfolio_never_stops_the_rest(tmp_path: Path) -> None:
    """PF-2 has signed nothing, PF-3 has a dollar: refused on record, and held; PF-1 pays."""
    app = fee_platform(tmp_path, "PF-1", "PF-2", "PF-3", unsigned=("PF-2",), poor=("PF-3",))

    done = approved(app)

    assert done.status is Status.COMPLETED_WITH_ERRORS
    effect = done.result["effect"]
    assert (effect["posted"], effect["blocked"], effect["held"]) == (1, 1, 1)
    assert [balance(app, f"cash:PF-{n}") for n in (1, 2, 3)] == [-ONE_CHARGE, 0, 0]


def test_a_batch_is_shown_with_totals_exceptions_and_the_change(tmp_path: Path) -> None:
    """June had two charges of 506.30; in July PF-1 is worth 500,000: 31 x 5,000 / 365 = 424.66, GST 42.47."""
    july = date(2026, 7, 1)
    app = fee_platform(tmp_path)
    approved(app)
    app.clock.instant = datetime(2026, 8, 2, 22, 30, tzinfo=UTC)  # type: ignore[attr-defined]
    value(app, {"PF-1": "500000", "PF-2": "600000"}, start=july, end=date(2026, 8, 1))

    summary = summarise(app, find_batch(app, batch_of(charge(app, july))))

    assert summary.last_as_of == JUNE
    # 31 x 5,600 / 365 = 475.62, GST 47.56.
    assert summary.totals.select("kind", "decisions", "amount", "last_amount", "change_pct").rows() == [
        ("MANAGEMENT_FEE", 2, Decimal("990.31"), Decimal("1012.60"), -2.2)
    ]
    assert summary.largest_changes.select("party", "change").rows() == [
        ("PF-1", Decimal("-39.17")),
        ("PF-2", Decimal("16.88")),
    ]
    assert [batch.state for batch in every_batch(app)] == [BatchState.WAITING, BatchState.APPLIED]


def test_an_unknown_batch_names_those_that_wait(tmp_path: Path) -> None:
    """So that a typing error is mended at once."""
    app = fee_platform(tmp_path)
    waiting = batch_of(charge(app))

    with pytest.raises(UnknownNameError, match=waiting):
        find_batch(app, "bat_nothing")


def test_a_batch_is_named_by_what_it_decides() -> None:
    """Two names of one thing would be two approvals."""
    assert Batch("bat_1", "job_1") == Batch("bat_1", "job_1")
