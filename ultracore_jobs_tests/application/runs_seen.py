"""Runs as somebody may have seen them, and what the record says of their jobs."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from ultracore_jobs.application.record_facts import RunFacts, RunState
from ultracore_jobs.application.results import Status
from ultracore_jobs.lifecycle.events import Event, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.ports import EventStore

TEN = datetime(2026, 11, 21, 10, tzinfo=UTC)
_NUMBERS = count(1)


def new_name() -> str:
    """A name that no other run and no other job has."""
    return str(next(_NUMBERS))


def at(minute: float) -> datetime:
    """So many minutes after ten."""
    return TEN + timedelta(minutes=minute)


def a_run(**known: Any) -> RunFacts:
    """A run of a job of its own that was asked for at ten, and of which nothing more is known."""
    number = new_name()
    given: dict[str, Any] = {
        "run_id": f"run-{number}",
        "job_id": f"job_{number}",
        "job_type": "fee_charging",
        "tenant": "acme",
        "created_at": TEN,
        "state": RunState.WAITING,
        "actor": "cli:paul",
        "logical_date": date(2026, 6, 1),
    }
    return RunFacts(**(given | known))


def done(**known: Any) -> RunFacts:
    """A run that was queued, took two minutes and succeeded."""
    given: dict[str, Any] = {
        "state": RunState.SUCCEEDED,
        "outcome": Status.COMPLETED,
        "queued_at": at(0),
        "started_at": at(1),
        "ended_at": at(3),
        "executor": "boot:7",
    }
    return a_run(**(given | known))


def failed(**known: Any) -> RunFacts:
    """A run that was queued, worked for two minutes and failed."""
    given: dict[str, Any] = {
        "state": RunState.FAILED,
        "outcome": Status.FAILED,
        "error": "database connection timed out",
        "error_details": {"step": "fee_charging_compute"},
    }
    return done(**(given | known))


def events_of(store: EventStore, facts: RunFacts) -> list[Event]:
    """What the record says of the job of a run."""
    return [stored.event for stored in store.read(job_stream(facts.tenant, facts.job_id))]


def names(store: EventStore, facts: RunFacts) -> list[str]:
    """Of these events."""
    return [type(event).__name__ for event in events_of(store, facts)]


def job_of(store: EventStore, facts: RunFacts) -> JobAggregate:
    """The job as its events left it."""
    return JobAggregate.from_events(events_of(store, facts), clock=lambda: TEN)


def next_run(before: RunFacts, minutes: float, **known: Any) -> RunFacts:
    """The re-execution of a run, so many minutes after it was asked for; all else happens as much later."""
    later = timedelta(minutes=minutes)
    moved = {
        name: getattr(before, name) + later if getattr(before, name) else None
        for name in ("created_at", "queued_at", "started_at", "ended_at")
    }
    number = new_name()
    given: dict[str, Any] = {**moved, "run_id": f"run-{number}", "after": before.run_id, "actor": "ui:olga"}
    return replace(before, **(given | known))
