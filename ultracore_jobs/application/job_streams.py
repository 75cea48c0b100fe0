"""The stream of one job: found, read, and added to by whoever asks for something."""

from collections.abc import Callable
from functools import cache
from typing import cast

from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.application.tenants import list_tenants
from ultracore_jobs.errors import UnknownNameError, VersionConflictError
from ultracore_jobs.jobs import Priority
from ultracore_jobs.lifecycle.events import EXECUTIONS, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobPriority, JobStatus
from ultracore_jobs.ports.events import StoredEvent
from ultracore_jobs.ports.occurrences import Occurrence

_PATIENCE = 50
"""How often somebody else may be first before an append is given up."""

_RECENT = 1_000
_NAMED = 5


def load_job(app: Application, tenant: str, job_id: str) -> JobAggregate:
    """A job as its stream has it; one without events where there is no stream."""
    return job_of_events(app, tenant, job_id, app.events.read(job_stream(tenant, job_id)))


def job_of_events(
    app: Application, tenant: str, job_id: str, stored: tuple[StoredEvent, ...]
) -> JobAggregate:
    """A job as its events have it."""
    kind = _aggregate(app.code_version)
    if not stored:
        return kind(tenant, job_id, clock=app.clock.now)
    return kind.from_events((one.event for one in stored), clock=app.clock.now)


def find_job(app: Application, job_id: str) -> JobAggregate:
    """A job by its id alone.

    Raises:
        UnknownNameError: Nobody has asked for such a job, and no run of it was recorded; names recent ones.
    """
    tenant = tenant_of(app, job_id)
    if tenant is None:
        raise UnknownNameError("job", job_id, _recent_jobs(app))
    return load_job(app, tenant, job_id)


def tenant_of(app: Application, job_id: str) -> str | None:
    """Whose job it is; None where there is no such job."""
    for occurrence in app.occurrences.of_job(job_id)[:1]:
        return occurrence.tenant
    tenants = [SHARED, *list_tenants(app)["tenant_id"].to_list()]
    streams = {job_stream(tenant, job_id): tenant for tenant in tenants}
    return next((streams[name] for name in app.events.heads(streams)), None)


def record_occurrence(app: Application, occurrence: Occurrence) -> JobAggregate:
    """Let the stream of a job say what was asked for, as far as it does not say it yet.

    An occurrence is recorded before its events, so that what the record promises is sure to come. Where
    somebody was killed in between, whoever looks at the occurrence next adds what is missing.

    Returns:
        The job as it stands.
    """
    return change_job(app, occurrence.tenant, occurrence.job_id, lambda job: ask(job, occurrence))


def change_job(
    app: Application, tenant: str, job_id: str, change: Callable[[JobAggregate], None]
) -> JobAggregate:
    """Read a job, let *change* give it commands, and append what it recorded; anew where somebody was first.

    Returns:
        The job as it stands.

    Raises:
        VersionConflictError: Somebody else was first, again and again.
    """
    left = _PATIENCE
    while True:
        job = load_job(app, tenant, job_id)
        change(job)
        try:
            _keep(app, job)
        except VersionConflictError:
            left -= 1
            if not left:
                raise
        else:
            return job


def ask(job: JobAggregate, occurrence: Occurrence) -> None:
    """Let a job say what an occurrence asks for, as far as it does not say it yet."""
    by = occurrence.requested_by
    if job.status is None:
        job.schedule(
            occurrence.schedule_id,
            occurrence.due_at,
            JobPriority[Priority(occurrence.priority).name],
            occurrence.parameters,
            job_type=occurrence.job_type,
            logical_date=occurrence.logical_date,
            actor=by,
            at=occurrence.requested_at,
        )
    elif job.status is JobStatus.FAILED and job.retry_count + 1 < occurrence.attempt:
        job.retry(occurrence.ready_at, actor=by, at=occurrence.requested_at)


def _keep(app: Application, job: JobAggregate) -> None:
    if job.uncommitted:
        app.events.append(job_stream(job.tenant_id, job.job_id), job.committed_version, job.uncommitted)
        job.mark_committed()


@cache
def _aggregate(code_version: str) -> type[JobAggregate]:
    made = type("RecordedJob", (JobAggregate,), {"code_version": code_version})
    return cast("type[JobAggregate]", made)


def _recent_jobs(app: Application) -> list[str]:
    events = app.events.read_all(max(0, app.events.position() - _RECENT), _RECENT)
    names = dict.fromkeys(
        one.stream.rpartition("/")[2] for one in reversed(events) if one.stream.startswith(f"{EXECUTIONS}/")
    )
    return list(names)[:_NAMED]
