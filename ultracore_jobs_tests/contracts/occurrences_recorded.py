"""Occurrences whose keeper is under test, and what several processes do with one."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

from ultracore_jobs.ports.occurrences import Cancellation, Occurrence, Occurrences

ACME = "acme"
MONDAY_TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OLGA, PAUL = "cli:olga", "mcp:paul"

OpenOccurrences = Callable[[], Occurrences]


def occurrence(job_id: str = "job_1", **changed: Any) -> Occurrence:
    """Fees of November, that Olga wants at ten on Monday."""
    due_at = changed.get("due_at", MONDAY_TEN)
    fields: dict[str, Any] = {
        "tenant": ACME,
        "schedule_id": f"now:{job_id}",
        "due_at": due_at,
        "ready_at": due_at,
        "job_id": job_id,
        "job_type": "fee_charging",
        "logical_date": date(2026, 11, 1),
        "priority": 10,
        "parameters": {"approval_limit": "10000.00", "dry": False, "tables": ["a", "b"]},
        "requested_by": OLGA,
        "requested_at": MONDAY_TEN,
    }
    return Occurrence(**{**fields, **changed})


def wish(job_id: str = "job_1", *, by: str = PAUL, at: datetime = MONDAY_TEN) -> Cancellation:
    """Paul wants it stopped."""
    return Cancellation(tenant=ACME, job_id=job_id, reason="wrong month", requested_by=by, requested_at=at)


def put_together(open_occurrences: OpenOccurrences, together: Barrier, name: str, answers: Any) -> None:
    """In a process of its own: ask under one key for what the other asks too."""
    kept = open_occurrences()
    together.wait(60)
    answers.put(kept.put(occurrence(name, idempotency_key="month-end")).job_id)


def fire_together(open_occurrences: OpenOccurrences, together: Barrier, name: str, answers: Any) -> None:
    """In a process of its own: note the run that it saw, or cancel."""
    kept = open_occurrences()
    together.wait(60)
    if name == "cancel":
        answers.put((name, kept.cancel(wish()).requested_by == PAUL))
    else:
        answers.put((name, kept.fire("job_1", 1, name, at=MONDAY_TEN)))
