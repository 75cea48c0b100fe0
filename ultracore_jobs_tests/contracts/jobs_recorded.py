"""Jobs whose events are kept by a store under test, and what several writers do at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from ultracore_jobs.errors import VersionConflictError
from ultracore_jobs.lifecycle.events import Event, JobPriority, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.ports import EventStore, StoredEvent

MONDAY = datetime(2024, 1, 15, 12, tzinfo=UTC)
A_DAY = timedelta(days=1)
OpenEvents = Callable[..., EventStore]


@dataclass
class HandClock:
    """Says the instant it is set to."""

    instant: datetime = MONDAY

    def now(self) -> datetime:
        """That instant."""
        return self.instant


def job(name: str = "job_1", tenant: str = "t1", *, steps: int = 1, **about: Any) -> JobAggregate:
    """A job that is scheduled, started, and has reported so many steps."""
    made = JobAggregate(tenant, name, clock=lambda: MONDAY)
    made.schedule("daily", MONDAY, JobPriority.HIGH, {"note": "Zoë"}, **about)
    made.start("executor_1")
    for step in range(steps):
        made.update_progress(step % 101, f"step {step}", {"done": step})
    return made


def keep(store: EventStore, made: JobAggregate) -> tuple[StoredEvent, ...]:
    """Append what is not kept yet, as every caller does."""
    stored = store.append(job_stream(made.tenant_id, made.job_id), made.committed_version, made.uncommitted)
    made.mark_committed()
    return stored


def fill(store: EventStore, *names: str, steps: int = 1) -> tuple[StoredEvent, ...]:
    """Keep a job of each name."""
    return tuple(stored for name in names for stored in keep(store, job(name, steps=steps)))


def steps_of(writer: int, name: str, times: int) -> Sequence[Event]:
    """What one writer adds to a job, an event at a time."""
    made = job(name)
    made.mark_committed()
    for number in range(times):
        made.update_progress(0, f"{writer}.{number}", {})
    return made.uncommitted


def insist(open_events: OpenEvents, together: Barrier, writer: int, name: str, times: int) -> int:
    """Add to a job from a thread: read where it stands, append, and again where somebody was first.

    Returns:
        How often somebody was first.
    """
    store, stream, lost = open_events(), job_stream("t1", name), 0
    together.wait(60)
    for event in steps_of(writer, name, times):
        while True:
            head = store.heads([stream]).get(stream)
            try:
                store.append(stream, head.seq if head else 0, [event])
            except VersionConflictError:
                lost += 1
            else:
                break
    return lost
