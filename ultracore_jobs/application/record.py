"""The one writer of job events: from what is known of a run to what its job's stream does not say yet.

Nothing is believed to come in order, or once. Each look at a run gives all that is known of it; what the
stream has of it already is found by its causation, ``run:<run id>:<fact>``, and left out. So the same facts
twice, an old look after a new one, or two writers at once change nothing, and whoever was killed is simply
started again. What cannot be said yet, because another run of the job is still at work as far as the record
knows, names that run; whoever asks records that one first.

A run that found another one at work leaves no trace, except where it was seen waiting before: then its job
is called off. A run that found its inputs missing was never started. A failed job goes on with its next run.

Source: DESIGN 6, domain_rules 21.7, 21.9, 22.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple, cast

from ultracore_jobs.application.people import UNATTRIBUTED
from ultracore_jobs.application.record_facts import RunFacts, RunState
from ultracore_jobs.application.results import Status, plain
from ultracore_jobs.errors import IllegalTransitionError, VersionConflictError
from ultracore_jobs.lifecycle.aggregate import About
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.lifecycle.retry import RetryDecision, decide_retry, unit_of
from ultracore_jobs.ports import EventStore, StoredEvent

ON_DEMAND = "on-demand"
"""Schedule of a job that a person asked for."""

RECORDER = "ultracore-jobs"
"""Who does what no person and no run is named for."""

_ALIASES = {"fee_consent": "fee_disclosure"}
"""Names under which a check was known before (domain_rules 22)."""

_CLOSED = {JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS, JobStatus.CANCELLED, JobStatus.MISSED}
_OVER = {JobStatus.FAILED, JobStatus.SKIPPED_UPSTREAM}
_WAITING = {JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RETRYING}
_ENDS = ("completed", "failed", "skipped", "cancelled")
_MOST_CONFLICTS = 50

RetryRule = Callable[[RunFacts, int], RetryDecision | None]
"""What is to become of a failure, from the facts of the run and which attempt it was."""


def never(_facts: RunFacts, _attempt: int) -> None:
    """No failed job is tried again by itself."""


def by_cause(facts: RunFacts, attempt: int) -> RetryDecision:
    """A failed job is tried again where its cause may go away (domain_rules 21.7)."""
    return decide_retry(
        facts.error, attempt, facts.over_at, unit_of(facts.job_id, attempt), worker_died=facts.worker_died
    )


class Recorded(NamedTuple):
    """What one look at a run brought.

    Attributes:
        events: What was appended, oldest first.
        waits_for: The run of the same job that must be recorded before; None where nothing is held back.
        late: Whether it worked on a job that had come to its end before: the record cannot say so.
    """

    events: tuple[StoredEvent, ...] = ()
    waits_for: str | None = None
    late: bool = False


def record_run(
    store: EventStore, facts: RunFacts, *, retry: RetryRule = never, code_version: str | None = None
) -> Recorded:
    """Append what the record does not say yet of a run.

    Args:
        store: The record.
        facts: What is known of the run.
        retry: Says which failures are tried again, and when.
        code_version: Release that records.

    Raises:
        StoreError: The database refused or cannot be reached; nothing was appended.
    """
    stream = job_stream(facts.tenant, facts.job_id)
    for _ in range(_MOST_CONFLICTS - 1):
        try:
            return _record(store, stream, facts, retry, code_version)
        except VersionConflictError:
            # Somebody else was first; what he wrote is read, and only the rest is added.
            continue
    return _record(store, stream, facts, retry, code_version)


def fact_id(run_id: str, fact: str) -> str:
    """The causation of what a run brought about: names one fact of one run."""
    return f"run:{run_id}:{fact}"


def _record(
    store: EventStore, stream: str, facts: RunFacts, retry: RetryRule, code_version: str | None
) -> Recorded:
    history = [stored.event for stored in store.read(stream)]
    kind = _aggregate(code_version)
    if history:
        job = kind.from_events(history, clock=lambda: facts.created_at)
    else:
        job = kind(facts.tenant, facts.job_id, clock=lambda: facts.created_at)
    known = {event.causation_id for event in history if event.causation_id is not None}
    held_back = _Look(job, known, facts, retry).take_in()
    if not job.uncommitted:
        return Recorded((), held_back.waits_for, held_back.late)
    appended = store.append(stream, job.committed_version, job.uncommitted)
    return Recorded(appended, held_back.waits_for, held_back.late)


@cache
def _aggregate(code_version: str | None) -> type[JobAggregate]:
    made = type("RecordedJob", (JobAggregate,), {"code_version": code_version, "actor": RECORDER})
    return cast("type[JobAggregate]", made)


class _Look:
    """One look at a run, taken into its job."""

    def __init__(self, job: JobAggregate, known: set[str], facts: RunFacts, retry: RetryRule) -> None:
        self._job, self._known, self._facts, self._retry = job, known, facts, retry

    def take_in(self) -> Recorded:
        """Say to the job what it does not know yet."""
        job, facts = self._job, self._facts
        if job.status in _CLOSED or self._has_ended():
            self._checks()
            works = facts.began_at is not None and not self._is_known("started")
            return Recorded(late=works)
        if facts.after is not None and not self._has_end_of(facts.after):
            return Recorded(waits_for=facts.after)
        if facts.was_ignored:
            self._call_off()
            return Recorded()
        if job.status is None:
            self._schedule()
        in_the_way = self._what_is_in_the_way()
        if in_the_way is None:
            self._go_on()
        return in_the_way or Recorded()

    def _what_is_in_the_way(self) -> Recorded | None:
        """Why the job is not this run's; where it has failed, it goes on with this run."""
        job, facts = self._job, self._facts
        begins = facts.began_at is not None
        if job.status in _OVER:
            if not begins and not facts.state.has_ended:
                # Whether it is to go on shows when somebody begins.
                return Recorded()
            wanted = facts.queued_at or facts.created_at
            try:
                job.retry(wanted, **self._about(self._new("reopened"), facts.created_at, facts.actor))
            except IllegalTransitionError:
                return Recorded(late=begins)
        if job.status in {JobStatus.RUNNING, JobStatus.QUEUED} and job.run_id not in {facts.run_id, None}:
            if not begins:
                # It waits behind its sibling, or went away before it did anything.
                return Recorded()
            if job.status is JobStatus.RUNNING:
                return Recorded(waits_for=job.run_id)
        return None

    def _go_on(self) -> None:
        """The job is this run's: queued, started, how far, what its gates said, how it ended."""
        job, facts = self._job, self._facts
        is_new = job.status in {JobStatus.SCHEDULED, JobStatus.RETRYING} and not self._is_known("queued")
        if is_new and facts.queued_at is not None:
            job.queue(run_id=facts.run_id, **self._about("queued", facts.queued_at))
        if job.status in _WAITING and facts.began_at is not None:
            about = self._about(self._new("started"), facts.began_at, facts.executor)
            job.start(facts.executor, run_id=facts.run_id, **about)
        if job.status is JobStatus.RUNNING:
            self._progress()
        self._checks()
        match facts.state:
            case RunState.SUCCEEDED if facts.was_skipped:
                self._skip()
            case RunState.SUCCEEDED:
                self._complete()
            case RunState.FAILED:
                self._fail(facts.error or "the run failed and said nothing", facts.error_details)
            case RunState.CANCELLED:
                by = facts.cancelled_by or f"ui:{UNATTRIBUTED}"
                job.cancel(facts.cancel_reason, by, **self._about("cancelled", facts.over_at, by))
            case RunState.WAITING | RunState.RUNNING:
                pass

    def _schedule(self) -> None:
        facts = self._facts
        self._job.schedule(
            facts.schedule_id or ON_DEMAND,
            facts.due_at or facts.created_at,
            facts.priority,
            _json(facts.parameters),
            job_type=facts.job_type,
            logical_date=facts.logical_date,
            **self._about("scheduled", facts.created_at, facts.actor),
        )

    def _progress(self) -> None:
        for one in self._facts.progress:
            fact = f"progress:{one.key}"
            if not self._is_known(fact):
                about = self._about(fact, one.at, self._facts.executor)
                self._job.update_progress(min(max(one.percent, 0), 100), one.step, {}, **about)

    def _checks(self) -> None:
        """What gates said may come late, but only of a run that left a trace."""
        if self._job.status is None or not self._has_trace():
            return
        for check in self._facts.checks:
            fact = f"check:{check.name}"
            if not self._is_known(fact):
                alias = _ALIASES.get(check.name)
                details = {**check.details, **({"alias": alias} if alias else {})}
                about = self._about(fact, check.at, self._facts.executor)
                self._job.record_check(check.name, check.passed, _json(details), **about)

    def _complete(self) -> None:
        facts, result = self._facts, _json(self._facts.result)
        if facts.outcome in {Status.AWAITING_APPROVAL, Status.FROZEN}:
            result |= {"outcome": facts.outcome.value, "why": facts.why}
        status: Literal[JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS] = JobStatus.COMPLETED
        if facts.with_errors or facts.outcome is Status.COMPLETED_WITH_ERRORS:
            status = JobStatus.COMPLETED_WITH_ERRORS
        began = facts.began_at or facts.over_at
        self._job.complete(
            result,
            (facts.over_at - began).total_seconds(),
            status=status,
            **self._about("completed", facts.over_at, facts.executor),
        )

    def _skip(self) -> None:
        reason = f"waiting for {self._facts.waiting_for or 'its inputs'}"
        if self._job.status is JobStatus.RUNNING:
            # It was taken to be at work, and a job that runs cannot be skipped any more.
            self._fail(reason, {"outcome": Status.SKIPPED_UPSTREAM.value})
        else:
            about = self._about("skipped", self._facts.over_at)
            self._job.skip(JobStatus.SKIPPED_UPSTREAM, reason[:2000], **about)

    def _fail(self, error: str, details: Any) -> None:
        facts, attempt = self._facts, self._job.retry_count + 1
        final = facts.outcome is Status.REFUSED or facts.state is not RunState.FAILED
        decision = None if final else self._retry(facts, attempt)
        at = decision.next_retry_at if decision is not None else None
        known = {"cause": decision.cause.name, "retry": decision.reason} if decision is not None else {}
        about = self._about("failed", facts.over_at, facts.executor)
        self._job.fail(error, {**_json(details), **known}, at is not None, **about)
        if at is not None:
            self._job.retry(at, **self._about("retried", facts.over_at))

    def _call_off(self) -> None:
        """Another run had the job: where this one was seen waiting before, its job ends here."""
        job, facts = self._job, self._facts
        waits = job.status in _WAITING and job.run_id in {facts.run_id, None}
        if waits and self._has_trace() and not facts.lost_to_sibling:
            reason = f"another run did {facts.job_type} of this period"
            job.cancel(reason, RECORDER, **self._about("cancelled", facts.over_at))

    def _has_ended(self) -> bool:
        """Whether the record has an end of this run; one that was given up may yet turn out to be done."""
        ends = [fact for fact in _ENDS if self._is_known(fact)]
        revived = self._facts.state is RunState.SUCCEEDED and ends == ["failed"]
        return bool(ends) and (not revived or self._facts.was_skipped)

    def _has_end_of(self, run_id: str) -> bool:
        return any(fact_id(run_id, fact) in self._known for fact in _ENDS)

    def _has_trace(self) -> bool:
        own = fact_id(self._facts.run_id, "")
        recorded = (event.causation_id for event in self._job.uncommitted)
        return any(one is not None and one.startswith(own) for one in (*self._known, *recorded))

    def _is_known(self, fact: str) -> bool:
        return fact_id(self._facts.run_id, fact) in self._known

    def _new(self, fact: str) -> str:
        """The fact under a name that the record does not have: of a run that was given up, and lives."""
        return f"{fact}-again" if self._is_known(fact) else fact

    def _about(self, fact: str, at: datetime, actor: str = RECORDER) -> About:
        run_id = self._facts.run_id
        return {"actor": actor, "at": at, "correlation_id": run_id, "causation_id": fact_id(run_id, fact)}


def _json(given: Any) -> dict[str, Any]:
    found: dict[str, Any] = plain(dict(given))
    return found
