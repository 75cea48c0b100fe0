"""The writer of job events when others write at the same time, and when looks come in any order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.record import Recorded, by_cause, record_run
from ultracore_jobs.application.record_facts import CheckFact, ProgressFact, RunFacts, RunState
from ultracore_jobs.application.results import Status
from ultracore_jobs.errors import VersionConflictError
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobPriority
from ultracore_jobs.ports import EventStore, StoredEvent
from ultracore_jobs_tests.application.runs_seen import TEN, a_run, at, done, events_of, names, new_name
from ultracore_jobs_tests.stage import OPENED, StillClock

AFTER: Mapping[str, set[str]] = {
    "new": {"JobScheduled"},
    "JobScheduled": {"JobQueued", "JobStarted", "JobFailed", "JobCancelled", "JobSkipped"},
    "JobQueued": {"JobStarted", "JobFailed", "JobCancelled", "JobSkipped"},
    "JobStarted": {"JobProgressUpdated", "JobCompleted", "JobFailed", "JobCancelled"},
    "JobProgressUpdated": {"JobProgressUpdated", "JobCompleted", "JobFailed", "JobCancelled"},
    "JobFailed": {"JobRetried"},
    "JobRetried": {"JobQueued", "JobStarted", "JobFailed", "JobCancelled", "JobSkipped"},
    "JobCompleted": set(),
    "JobCancelled": set(),
    "JobSkipped": set(),
}
"""What may follow what (domain_rules 21.9), written down here once more: replaying events checks nothing."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlEventStore]:
    """A record in a file, for all tests of this module; each takes a job of its own."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('record') / 'record.db'}")
    migrate(engine)
    yield SqlEventStore(engine, StillClock())
    engine.dispose()


class _Interfering:
    """A record in which somebody else is always first, for the first few times."""

    def __init__(self, store: EventStore, times: int, meanwhile: Callable[[], object]) -> None:
        self._store, self._left, self._meanwhile = store, times, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, stream: str, expected_version: int, events: Any) -> tuple[StoredEvent, ...]:
        """Let the other one append before."""
        if self._left:
            self._left -= 1
            self._meanwhile()
        return self._store.append(stream, expected_version, events)


def test_who_finds_that_another_was_first_reads_again(store: SqlEventStore) -> None:
    """Between reading and appending the other writer records all of it: nothing is left to add."""
    facts = done()
    contested: Any = _Interfering(store, 1, lambda: record_run(store, facts))

    assert record_run(contested, facts) == Recorded()
    assert names(store, facts) == ["JobScheduled", "JobQueued", "JobStarted", "JobCompleted"]


def test_who_is_never_first_gives_up_and_says_so(store: SqlEventStore) -> None:
    """Fifty times somebody else was first: an error of the record, not an endless loop."""
    facts = a_run(queued_at=at(0))
    made = JobAggregate(facts.tenant, facts.job_id, clock=lambda: TEN)
    made.schedule("s", TEN, JobPriority.LOW, {})
    made.start("e")
    stream = job_stream(facts.tenant, facts.job_id)
    store.append(stream, 0, made.uncommitted)
    made.mark_committed()

    def others() -> None:
        made.update_progress(0, "", {})
        store.append(stream, made.committed_version, made.uncommitted)
        made.mark_committed()

    contested: Any = _Interfering(store, 99, others)
    with pytest.raises(VersionConflictError):
        record_run(contested, done(job_id=facts.job_id, run_id=facts.run_id))


def test_sixteen_writers_at_once_record_each_fact_once(tmp_path: Path) -> None:
    """All look at the same twenty runs, in threads, on connections of their own."""
    engine = open_database(f"sqlite:///{tmp_path / 'record.db'}")
    migrate(engine)
    OPENED.append(engine)
    store = SqlEventStore(engine, StillClock())
    runs = [done() for _ in range(20)]
    together = Barrier(16)

    def write() -> None:
        together.wait(60)
        for facts in runs:
            record_run(store, facts)

    writers = [Thread(target=write) for _ in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)

    assert [names(store, facts) for facts in runs] == [
        ["JobScheduled", "JobQueued", "JobStarted", "JobCompleted"]
    ] * 20
    assert store.verify().faults == ()


ENDS = ("done", "failed", "refused", "skipped", "cancelled", "cancelled in the queue", "unlaunched")


@st.composite
def a_jobs_life(draw: st.DrawFn) -> list[list[RunFacts]]:
    """The looks at each run of one job, oldest first: what is known only grows; the last is all there is."""
    ends = draw(st.lists(st.sampled_from(["failed", "unlaunched"]), max_size=3))
    ends.append(draw(st.sampled_from(ENDS)))
    lives: list[list[RunFacts]] = []
    job_id, before = f"job_{new_name()}", None
    for place, end in enumerate(ends):
        begins = end not in {"skipped", "cancelled in the queue", "unlaunched"}
        started = at(10 * place + 1) if begins else None
        progress = tuple(
            ProgressFact(key=str(n), at=at(10 * place + 2 + n), percent=30 * n, step="")
            for n in range(draw(st.integers(0, 3)) if begins else 0)
        )
        checks = tuple(
            CheckFact(name=f"check_{n}", passed=True, at=at(10 * place + 5))
            for n in range(draw(st.integers(0, 2)) if begins else 0)
        )
        asked = a_run(job_id=job_id, created_at=at(10 * place), after=before)
        queued = replace(asked, queued_at=at(10 * place) if draw(st.booleans()) else None)
        looks = [asked, queued]
        if begins:
            begun = replace(queued, state=RunState.RUNNING, started_at=started)
            looks += [begun, *(replace(begun, progress=progress[:n]) for n in range(1, len(progress) + 1))]
        last = replace(looks[-1], ended_at=at(10 * place + 9), checks=checks, **_END[end])
        lives.append([*looks, last])
        before = asked.run_id
    return lives


_END: Mapping[str, dict[str, Any]] = {
    "done": {"state": RunState.SUCCEEDED, "outcome": Status.COMPLETED},
    "failed": {"state": RunState.FAILED, "outcome": Status.FAILED, "error": "deadlock"},
    "refused": {"state": RunState.FAILED, "outcome": Status.REFUSED, "error": "rejected"},
    "skipped": {"state": RunState.SUCCEEDED, "outcome": Status.SKIPPED_UPSTREAM},
    "cancelled": {"state": RunState.CANCELLED},
    "cancelled in the queue": {"state": RunState.CANCELLED},
    "unlaunched": {"state": RunState.FAILED, "outcome": Status.FAILED, "error": "code error: KeyError"},
}
_STANDS = {
    "JobCompleted": RunState.SUCCEEDED,
    "JobSkipped": RunState.SUCCEEDED,
    "JobFailed": RunState.FAILED,
    "JobCancelled": RunState.CANCELLED,
}


@given(lives=a_jobs_life(), chance=st.randoms(use_true_random=False), retried=st.booleans())
def test_whatever_is_seen_when_and_how_often_the_record_comes_out_whole(
    store: SqlEventStore, lives: list[list[RunFacts]], chance: Any, *, retried: bool
) -> None:
    """Looks at all runs in any order, some twice or never; then, as the reconciler does, the last of each.

    Nothing follows what it may not follow, no fact is there twice, every run that began and every check and
    step of the last looks is there, one end is the last, and one more look at anything adds nothing.
    """
    looks = [look for life in lives for look in life]
    shuffled = chance.choices(looks, k=chance.randrange(2 * len(looks) + 1))
    rule: dict[str, Any] = {"retry": by_cause} if retried else {}
    for look in shuffled:
        record_run(store, look, **rule)
        legal(names(store, look))
    truth = [life[-1] for life in lives]
    for facts in truth:
        record_run(store, facts, **rule)

    kinds = names(store, truth[-1])
    legal(kinds)
    causes = [event.causation_id for event in events_of(store, truth[-1])]
    assert len(set(causes)) == len(causes)
    assert kinds.count("JobStarted") == sum(facts.began_at is not None for facts in truth)
    assert kinds.count("ComplianceCheckRecorded") == sum(len(facts.checks) for facts in truth)
    ends = [kind for kind in kinds if kind in _STANDS]
    assert len(ends) == len(truth)
    assert [_STANDS[kind] for kind in ends] == [facts.state for facts in truth]
    assert all(record_run(store, look, **rule).events == () for look in looks)


def legal(kinds: list[str]) -> None:
    """Nothing follows what it may not follow; checks may stand anywhere after the first event."""
    before = "new"
    for kind in kinds:
        if kind == "ComplianceCheckRecorded" and before != "new":
            continue
        assert kind in AFTER[before], kinds
        before = kind
