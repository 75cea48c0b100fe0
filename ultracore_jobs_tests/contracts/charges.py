"""Postings for tests of the ledger: fee charges with GST, and what two processes do with them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from typing import Any

from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Claims, Decision, Entry, Ledger, Outcome, Posting

ACME = "acme"
JANUARY = date(2026, 1, 31)
AT_TEN = datetime(2026, 2, 2, 10, tzinfo=UTC)
AT_ELEVEN = datetime(2026, 2, 2, 11, tzinfo=UTC)
AT_NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
ROBOT = "service:fee_charging"
OLGA = "olga@acme.example"
PAUL = "paul@acme.example"


def charge_id(portfolio: str, tenant: str = ACME) -> str:
    """The id of January's management fee (domain_rules 3.6)."""
    return identifier("chg_", tenant, portfolio, "MANAGEMENT", "FS-1", "2026-01-01", "2026-02-01")


def charge(portfolio: str, fee: str = "100.00", gst: str = "10.00", **changed: Any) -> Posting:
    """January's management fee and its GST, out of the portfolio's cash."""
    total = Decimal(fee) + Decimal(gst)
    tenant = changed.get("tenant", ACME)
    decision = {
        "decision_id": charge_id(portfolio, tenant),
        "tenant": tenant,
        "kind": "MANAGEMENT_FEE",
        "job_id": "job_1",
        "as_of": JANUARY,
        "amount": total,
        "ccy": "AUD",
        "payload": {"portfolio_id": portfolio, "fee_ex_gst": fee, "gst": gst, "consent_ids": ["C-1"]},
        "batch_id": "batch_1",
    }
    return Posting(
        decision=Decision(**(decision | changed)),
        entries=(
            Entry(account=f"cash:{portfolio}", ccy="AUD", amount=-total),
            Entry(account="fee_income:MANAGEMENT", ccy="AUD", amount=Decimal(fee)),
            Entry(account="gst_payable", ccy="AUD", amount=Decimal(gst)),
        ),
    )


def charges(*portfolios: str) -> list[Posting]:
    """A charge of 100.00 and 10.00 for each portfolio."""
    return [charge(portfolio) for portfolio in portfolios]


def blocked(portfolio: str) -> Posting:
    """A charge without consent."""
    decision = charge(portfolio).decision
    return Posting(decision=decision, outcome=Outcome.BLOCKED)


def adjustment(of: Posting, fee: str = "-2.00", gst: str = "-0.20") -> Posting:
    """Of a posted charge, for `new - posted`; each entry names the one it adjusts."""
    change = {0: -(Decimal(fee) + Decimal(gst)), 1: Decimal(fee), 2: Decimal(gst)}
    decision_id = identifier("adj_", of.decision.decision_id, fee)
    return Posting(
        decision=of.decision.model_copy(
            update={
                "decision_id": decision_id,
                "kind": "FEE_ADJUSTMENT",
                "amount": -change[0],
                "batch_id": "batch_2",
            }
        ),
        entries=tuple(
            entry.model_copy(update={"amount": change[index], "adjusts": of.entry_id(index + 1)})
            for index, entry in enumerate(of.entries)
        ),
    )


def post(ledger: Ledger, *postings: Posting, at: datetime = AT_TEN, actor: str = ROBOT) -> tuple[int, ...]:
    """Post, and give the places taken."""
    return tuple(receipt.seq for receipt in ledger.post(postings, actor=actor, at=at))


def post_together(open_ledger: Callable[[], Ledger], together: Barrier, portfolios: Sequence[str]) -> None:
    """In a process of its own: open, wait for the others, post."""
    ledger = open_ledger()
    postings = charges(*portfolios)
    together.wait(60)
    ledger.post(postings, actor=ROBOT, at=AT_TEN)


def claim_together(open_claims: Callable[[], Claims], together: Barrier, run_id: str, answers: Any) -> None:
    """In a process of its own: open, wait for the others, claim, and say whether it was got."""
    claims = open_claims()
    together.wait(60)
    got = claim(claims, run_id=run_id, job_id=f"job_{run_id}")
    answers.put((run_id, got is not None))


def claim(claims: Claims, **changed: Any) -> Any:
    """Claim January's fees of acme for the first attempt of a job."""
    wanted: dict[str, Any] = {
        "job_type": "fee_charging",
        "tenant": ACME,
        "period": "2026-01-01",
        "job_id": "job_1",
        "attempt": 1,
        "run_id": "run_1",
        "pid": 41,
        "boot_id": "boot_1",
        "at": AT_TEN,
    }
    return claims.claim(**(wanted | changed))
