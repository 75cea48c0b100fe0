"""Retry, one way only: the next attempt of a failed job is an occurrence, due when its wait is over.

By itself, where the cause of the failure may go away; or because a person says so.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from ultracore_jobs.application.job_standing import standing_of
from ultracore_jobs.application.job_streams import find_job, record_occurrence
from ultracore_jobs.application.people import named
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.record import RetryRule, by_cause
from ultracore_jobs.application.record_facts import RunFacts
from ultracore_jobs.application.results import plain
from ultracore_jobs.application.submit import Submission
from ultracore_jobs.errors import IllegalTransitionError, UsageError
from ultracore_jobs.jobs import Priority
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.lifecycle.retry import RetryDecision
from ultracore_jobs.ports.occurrences import Occurrence, OccurrenceState

BY_ITSELF: Final = "service:retry"
"""Who asks for an attempt that follows from a failure."""

_KEPT: Final = {
    "tenant",
    "schedule_id",
    "due_at",
    "job_id",
    "job_type",
    "logical_date",
    "priority",
    "parameters",
}
"""What all attempts of a job have in common."""


def retry_job(app: Application, job_id: str, *, actor: str) -> Submission:
    """Let a failed job be tried again now; asking twice is asking once.

    A person may know better than the failure did: what said that it would not be tried again still can be.
    It computes with what was known when the job first started; to see what came since, run it anew.

    Raises:
        UnknownNameError: No such job.
        IllegalTransitionError: It has not failed.
        UsageError: Nobody is named, or nothing is known of what it is to do.
    """
    who = named(actor)
    job = find_job(app, job_id)
    attempts = app.occurrences.of_job(job_id)
    waiting = [one for one in attempts if one.state is OccurrenceState.DUE]
    if waiting and job.status in {JobStatus.FAILED, JobStatus.RETRYING}:
        return Submission(waiting[-1], standing_of(app, record_occurrence(app, waiting[-1])))
    if job.status is not JobStatus.FAILED:
        standing = standing_of(app, job)
        raise IllegalTransitionError(
            f"cannot retry a job that is {standing.word}; it must be failed ({job_id}: {standing.reason})"
        )
    now = app.clock.now()
    occurrence = _put_attempt(app, _of_job(job), after=job.retry_count + 1, ready_at=now, by=who, at=now)
    if occurrence.state is OccurrenceState.CANCELLED:
        raise IllegalTransitionError(f"cannot retry a job that was cancelled: {occurrence.note} ({job_id})")
    return Submission(occurrence, standing_of(app, record_occurrence(app, occurrence)))


def by_occurrence(app: Application) -> RetryRule:
    """The rule for the writer of the record: what is to be tried again becomes an occurrence.

    The occurrence is recorded before the writer's events. Whoever is killed in between decides the same when
    he looks at the failure again, and finds the occurrence there.
    """

    def decide(facts: RunFacts, attempt: int) -> RetryDecision:
        decision = by_cause(facts, attempt)
        if decision.next_retry_at is None or facts.logical_date is None:
            return decision._replace(will_retry=False, next_retry_at=None)
        wish = app.occurrences.cancellation(facts.job_id)
        if wish is not None:
            why = f"{wish.requested_by} cancelled it: {wish.reason}"
            return decision._replace(will_retry=False, next_retry_at=None, reason=why)
        _put_attempt(
            app,
            _of_run(facts),
            after=attempt,
            ready_at=decision.next_retry_at,
            by=BY_ITSELF,
            at=facts.over_at,
        )
        return decision

    return decide


def _put_attempt(
    app: Application, job: Occurrence, *, after: int, ready_at: datetime, by: str, at: datetime
) -> Occurrence:
    """Record the attempt after the one that failed; the one that is there already, where it is.

    Args:
        app: The platform.
        job: What is known of the job, where it has no occurrence yet.
        after: The attempt that failed.
        ready_at: From when on the next one may start.
        by: Who wants it.
        at: When.
    """
    attempts = app.occurrences.of_job(job.job_id)
    for one in attempts:
        if one.attempt > 1 and one.ready_at == ready_at:
            return one
    # A run that found its inputs missing, or that a person launched, has used a number of its own.
    used = [
        after,
        *(one.attempt for one in attempts),
        *(claim.attempt for claim in app.claims.attempts(job.job_id)),
    ]
    first = attempts[0] if attempts else job
    kept = first.model_dump(include=_KEPT)
    return app.occurrences.put(
        Occurrence(**kept, attempt=max(used) + 1, ready_at=ready_at, requested_by=by, requested_at=at)
    )


def _of_job(job: JobAggregate) -> Occurrence:
    """A job that no occurrence of ours made due, such as one that was launched in the UI, from its stream."""
    due_at, priority = job.scheduled_time, job.priority
    if job.job_type is None or job.logical_date is None or due_at is None or priority is None:
        raise UsageError(f"{job.job_id} does not say what it is to do for which day; run it anew")
    return _made_due(
        tenant=job.tenant_id,
        job_id=job.job_id,
        job_type=str(job.job_type),
        logical_date=job.logical_date,
        due_at=due_at,
        priority=Priority[priority.name],
        parameters=job.parameters,
    )


def _of_run(facts: RunFacts) -> Occurrence:
    """The same from the facts of its run."""
    if facts.logical_date is None:
        raise UsageError(f"run {facts.run_id} does not say for which day it works")
    return _made_due(
        tenant=facts.tenant,
        job_id=facts.job_id,
        job_type=facts.job_type,
        logical_date=facts.logical_date,
        due_at=facts.due_at or facts.created_at,
        priority=Priority[facts.priority.name],
        parameters=facts.parameters,
    )


def _made_due(
    *,
    tenant: str,
    job_id: str,
    job_type: str,
    logical_date: date,
    due_at: datetime,
    priority: Priority,
    parameters: Mapping[str, Any],
) -> Occurrence:
    return Occurrence(
        tenant=tenant,
        schedule_id=f"retry:{job_id}",
        due_at=due_at,
        ready_at=due_at,
        job_id=job_id,
        job_type=job_type,
        logical_date=logical_date,
        priority=int(priority),
        parameters=plain(parameters),
        requested_by=BY_ITSELF,
        requested_at=due_at,
    )
