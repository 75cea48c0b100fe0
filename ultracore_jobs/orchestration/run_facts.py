"""From a Dagster run to the facts that the record is written from.

A run's own row says where it stands; its log says the rest. A status that this release does not know means
that nothing is known yet: the run is looked at again when it changes.

While a run is at work it may still turn out that its inputs are missing, and then its job was never started.
So it counts as started once it has shown work, holds the claim on its decisions, or has ended otherwise.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.application.record_facts import RunFacts, RunState
from ultracore_jobs.application.results import Status
from ultracore_jobs.catalog import Scope
from ultracore_jobs.errors import UsageError
from ultracore_jobs.jobs import JobSpec, Priority
from ultracore_jobs.lifecycle.kinds import JobPriority
from ultracore_jobs.orchestration.effects import receipts_key
from ultracore_jobs.orchestration.identity import (
    OUTCOME_TAG,
    REASON_TAG,
    WAITING_TAG,
    actor_of,
    attempt_of,
    job_of_run,
    parent_of,
)
from ultracore_jobs.orchestration.run_log import Failure, RunLog, read_log
from ultracore_jobs.ports import Claim

CANCEL_REASON_TAG = "ultracore/cancel_reason"
CANCELLED_BY_TAG = "ultracore/cancelled_by"
"""Set on a run before it is terminated: Dagster itself does not know who and why."""

_STATES: Mapping[str, RunState] = {
    "STARTED": RunState.RUNNING,
    "CANCELING": RunState.RUNNING,
    "SUCCESS": RunState.SUCCEEDED,
    "FAILURE": RunState.FAILED,
    "CANCELED": RunState.CANCELLED,
}

_REFUSED = {"EffectRefusedError"}


def types_of(run: dg.DagsterRun, jobs: Mapping[str, JobSpec]) -> tuple[JobSpec, ...]:
    """The job types that a run is of: by its name, or by what a person or a backfill chose to materialise."""
    if run.job_name in jobs:
        return (jobs[run.job_name],)
    chosen = {key.path[-1] for key in run.asset_selection or ()}
    return tuple(
        job for job in jobs.values() if chosen & {*(table.name for table in job.writes), *(_receipts(job))}
    )


def facts_of(app: Application, instance: dg.DagsterInstance, record: dg.RunRecord) -> tuple[RunFacts, ...]:
    """What is known of a run, for each job type that it does; none where it does none of ours.

    A launch without a partition is about no day and nobody: there is no job that it could be.
    """
    run = record.dagster_run
    types = types_of(run, app.jobs)
    if not types:
        return ()
    log = read_log(instance, run.run_id)
    return tuple(
        _facts(app, instance, record, job, RunLog(log, job, alone=len(types) == 1))
        for job in types
        if _partition(run, job) is not None
    )


def identities_of(
    run: dg.DagsterRun, jobs: Mapping[str, JobSpec], instance: dg.DagsterInstance
) -> Iterator[tuple[str, str, str]]:
    """Tenant, job type and job id of each job that a run does."""
    for job in types_of(run, jobs):
        about = _partition(run, job)
        if about is not None:
            yield about[0], job.name, job_of_run(run, job, about[0], instance)


def _facts(
    app: Application, instance: dg.DagsterInstance, record: dg.RunRecord, job: JobSpec, log: RunLog
) -> RunFacts:
    run, tags = record.dagster_run, record.dagster_run.tags
    tenant, day = _partition(run, job) or (SHARED, None)
    job_id = job_of_run(run, job, tenant, instance)
    claims = [claim for name in (job_id, f"{job_id}:effects") for claim in app.claims.attempts(name)]
    own = [claim for claim in claims if claim.run_id == run.run_id]
    state = _STATES.get(run.status.value, RunState.WAITING)
    alone = len(types_of(run, app.jobs)) == 1
    failure = log.failure if state is RunState.FAILED else None
    if not alone and state is RunState.FAILED and (failure is None or (failure.worker_died and log.result)):
        # Another job type of the same run failed, or was at work when the process died.
        state, failure = RunState.SUCCEEDED, None
    outcome = _outcome(tags, log, state, failure.details if failure else {}, alone=alone)
    return RunFacts(
        run_id=run.run_id,
        job_id=job_id,
        job_type=job.name,
        tenant=tenant,
        created_at=record.create_timestamp.astimezone(UTC),
        state=state,
        logical_date=day,
        after=_run_before(instance, record, job, tenant, claims),
        schedule_id=_schedule(tags),
        due_at=_instant(tags.get("ultracore/due_at") or tags.get(".dagster/scheduled_execution_time")),
        actor=actor_of(run),
        priority=_priority(tags.get("dagster/priority", ""), job),
        parameters=_parameters(run, job),
        queued_at=log.queued_at,
        started_at=_began(log, own, state, failure),
        ended_at=_ended(record),
        outcome=outcome,
        waiting_for=tags.get(WAITING_TAG, ""),
        why=tags.get(REASON_TAG, ""),
        result=_result(log, tags, outcome),
        with_errors=log.with_errors,
        error=failure.message if failure else "",
        error_details=failure.details if failure else {},
        worker_died=failure is not None and failure.worker_died,
        checks=log.checks,
        progress=log.progress,
        cancel_reason=tags.get(CANCEL_REASON_TAG) or log.cancellation,
        cancelled_by=tags.get(CANCELLED_BY_TAG, ""),
        executor=f"{own[0].boot_id[:8]}:{own[0].pid}" if own else "dagster",
        lost_to_sibling=any(_was_in_the_way(claim, record) for claim in claims if claim not in own),
    )


def _outcome(
    tags: Mapping[str, str], log: RunLog, state: RunState, details: Mapping[str, Any], *, alone: bool
) -> Status | None:
    """What became of the job; only an end counts: a re-execution begins with the tags of the run before."""
    if not state.has_ended or state is RunState.CANCELLED:
        return None
    if state is RunState.FAILED:
        return Status.REFUSED if details.get("error_type") in _REFUSED else Status.FAILED
    said = tags.get(OUTCOME_TAG, "")
    found = Status(said) if said in set(Status) else Status.COMPLETED
    if log.result:
        # What it computed stands, whatever the next step found.
        return found if found in {Status.AWAITING_APPROVAL, Status.FROZEN} else Status.COMPLETED
    if not alone and not log.has_shown_work:
        return Status.IGNORED
    return found if found not in {Status.FAILED, Status.REFUSED} else Status.COMPLETED


def _began(log: RunLog, own: list[Claim], state: RunState, failure: Failure | None) -> datetime | None:
    if state is RunState.WAITING or (state is RunState.SUCCEEDED and log.started_at is None):
        return None
    applies = any(claim.job_id.endswith(":effects") for claim in own)
    shows = log.has_shown_work or applies
    if state is RunState.RUNNING:
        return log.started_at if shows else None
    has_tried = failure is not None and not failure.worker_died
    return log.started_at if state is RunState.SUCCEEDED or own or shows or has_tried else None


def _run_before(
    instance: dg.DagsterInstance, record: dg.RunRecord, job: JobSpec, tenant: str, claims: list[Claim]
) -> str | None:
    """The run of the same job before this one: which had the claim before it, or which it runs again."""
    run = record.dagster_run
    mine = max((claim.attempt for claim in claims if claim.run_id == run.run_id), default=0)
    earlier = [claim for claim in claims if claim.run_id != run.run_id and claim.attempt < mine]
    if earlier:
        return max(earlier, key=lambda claim: claim.attempt).run_id
    again = parent_of(run)
    parent = instance.get_run_by_id(again) if again is not None else None
    if parent is None:
        return None
    same = job_of_run(parent, job, tenant, instance) == job_of_run(run, job, tenant, instance)
    return parent.run_id if same else None


def _ended(record: dg.RunRecord) -> datetime | None:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time is not None else None


def _result(log: RunLog, tags: Mapping[str, str], outcome: Status | None) -> dict[str, Any]:
    if outcome in {None, Status.FAILED, Status.REFUSED, Status.SKIPPED_UPSTREAM}:
        return {}
    applied = log.effects
    ignored = {"outcome": Status.IGNORED.value} if tags.get(OUTCOME_TAG) == Status.IGNORED.value else {}
    return {**log.result, **({"effects": {**applied, **ignored}} if applied or ignored else {})}


def _was_in_the_way(claim: Claim, record: dg.RunRecord) -> bool:
    """Whether another run of the job had the attempt, or worked at some time since this one was asked for."""
    if claim.released_at is None or claim.attempt == attempt_of(record.dagster_run):
        return True
    return claim.released_at >= record.create_timestamp


def _partition(run: dg.DagsterRun, job: JobSpec) -> tuple[str, date] | None:
    """Whose partition of which day."""
    tags = run.tags
    if job.scope is Scope.SHARED:
        tenant, day = SHARED, tags.get("dagster/partition", "")
    else:
        tenant, day = tags.get("dagster/partition/tenant", ""), tags.get("dagster/partition/date", "")
    try:
        return (tenant, date.fromisoformat(day)) if tenant else None
    except ValueError:
        return None


def _receipts(job: JobSpec) -> Iterator[str]:
    if job.effect is not None:
        yield receipts_key(job).path[-1]


def _schedule(tags: Mapping[str, str]) -> str | None:
    backfill = tags.get("dagster/backfill")
    return (
        tags.get("ultracore/schedule_id")
        or tags.get("dagster/schedule_name")
        or (f"backfill:{backfill}" if backfill else None)
    )


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _priority(tag: str, job: JobSpec) -> JobPriority:
    """The greatest of ours that the number reaches; the page's, where it is none."""
    number = int(tag) if tag.lstrip("-").isdigit() else int(job.priority)
    reached = [priority for priority in sorted(Priority, reverse=True) if number >= priority]
    return JobPriority((reached[0] if reached else Priority.LOW).name)


def _parameters(run: dg.DagsterRun, job: JobSpec) -> dict[str, Any]:
    """What it runs with, defaults included; as given, where that cannot be."""
    found: Any = run.run_config
    for name in ("ops", f"{job.name}_compute", "config"):
        found = found.get(name) if isinstance(found, Mapping) else None
    given = dict(found) if isinstance(found, Mapping) else {}
    try:
        return read_parameters(job, given).model_dump()
    except UsageError:
        return given
