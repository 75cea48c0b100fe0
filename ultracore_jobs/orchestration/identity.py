"""From a Dagster run to the job it does: id, tenant, logical date, cut-off; and what became of it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.application.people import UNATTRIBUTED
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.application.results import Status
from ultracore_jobs.catalog import Scope
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle.identity import job_identifier

KNOWN_AT_TAG = "ultracore/known_at"
OUTCOME_TAG = "ultracore/outcome"
WAITING_TAG = "ultracore/waiting_for"
ACTOR_TAG = "ultracore/actor"
JOB_TAG = "ultracore/job_id"
REASON_TAG = "ultracore/reason"
BATCH_TAG = "ultracore/batch_id"

_RETRY = "retry:"
"""Begins the schedule of an attempt of a job that had no occurrence: ``retry:<job id>`` names the job."""

RunContext = dg.AssetExecutionContext | dg.OpExecutionContext


def describe_run(
    context: dg.AssetExecutionContext, job: JobSpec, app: Application, parameters: Mapping[str, Any]
) -> JobRequest:
    """The job that this run does; its tags are set so that a person finds it by any of them.

    The cut-off K is fixed when the job first starts and kept in a tag, which a re-execution copies.
    A job that could not start for want of its inputs has none: see `remember_not_started`.
    """
    run = context.run
    tenant, day = tenant_and_day(context, job)
    job_id = job_of_run(run, job, tenant, context.instance)
    actor = actor_of(run)
    known_at = run.tags.get(KNOWN_AT_TAG) or app.clock.now().isoformat()
    context.instance.add_run_tags(
        run.run_id,
        {
            JOB_TAG: job_id,
            ACTOR_TAG: actor,
            "ultracore/job_type": job.name,
            "ultracore/tenant": tenant,
            "ultracore/logical_date": day.isoformat(),
            KNOWN_AT_TAG: known_at,
        },
    )
    moment = moment_of(app, job, tenant, day, datetime.fromisoformat(known_at))
    return JobRequest(job, moment, job_id, run.run_id, parameters, actor)


def job_of_run(
    run: dg.DagsterRun, job: JobSpec, tenant: str, instance: dg.DagsterInstance | None = None
) -> str:
    """The job that a run does: of its occurrence, where it answers one, else of its first run.

    A re-execution of what failed or was skipped is the next attempt of the same job. Where the job had come
    to its end before somebody asked for it, it is a new one: what is done is not done again under its name.

    Args:
        run: The run.
        job: What it does.
        tenant: For whom.
        instance: Knows the runs before it; without it every re-execution is of the first run's job.
    """
    key = _first_key(run)
    if parent_of(run) is not None and instance is not None:
        key = _key_of_re_execution(run, instance)
    if key.startswith(_RETRY):
        return key.removeprefix(_RETRY)
    return job_identifier(tenant, job.name, key)


def parent_of(run: dg.DagsterRun) -> str | None:
    """The run that a run executes again."""
    return run.parent_run_id or run.tags.get("dagster/parent_run_id")


def _root_of(run: dg.DagsterRun) -> str:
    """The first of the runs that each executed the one before it again."""
    return run.root_run_id or run.tags.get("dagster/root_run_id") or run.run_id


def _first_key(run: dg.DagsterRun) -> str:
    occurrence = run.tags.get("ultracore/schedule_id"), run.tags.get("ultracore/due_at")
    if (occurrence[0] or "").startswith(_RETRY):
        return str(occurrence[0])
    return ":".join(filter(None, occurrence)) if all(occurrence) else _root_of(run)


def _key_of_re_execution(run: dg.DagsterRun, instance: dg.DagsterInstance) -> str:
    """Goes through all runs that came of the first one, oldest first: whose job each is, what was over."""
    root = _root_of(run)
    found = {
        record.dagster_run.run_id: record
        for filters in (dg.RunsFilter(run_ids=[root]), dg.RunsFilter(tags={"dagster/root_run_id": root}))
        for record in instance.get_run_records(filters)
    }
    keys: dict[str, str] = {}
    for run_id, record in sorted(found.items(), key=lambda item: item[1].storage_id):
        one = record.dagster_run
        key = keys.get(parent_of(one) or "", _first_key(one))
        asked = record.create_timestamp.timestamp()
        was_over = any(
            keys[other] == key and _closes_its_job(found[other].dagster_run)
            for other in keys
            if (ended := found[other].end_time) is not None and ended <= asked
        )
        keys[run_id] = run_id if was_over else key
    return keys.get(run.run_id, _first_key(run))


def _closes_its_job(run: dg.DagsterRun) -> bool:
    """Whether nothing more can come of the job of a run that has ended."""
    if run.status is dg.DagsterRunStatus.CANCELED:
        return True
    # One that found another run at work, and was called off, is not taken up again.
    return run.is_success and run.tags.get(OUTCOME_TAG) != Status.SKIPPED_UPSTREAM.value


def attempt_of(run: dg.DagsterRun) -> int | None:
    """Which attempt of its job a run is, where its occurrence says so.

    A re-execution has the tags of the run before it, and is another attempt.
    """
    attempt = run.tags.get("ultracore/attempt", "")
    return int(attempt) if attempt.isdigit() and parent_of(run) is None else None


def actor_of(run: dg.DagsterRun) -> str:
    """Who wanted a run: as its door says, else the schedule or sensor, else nobody known at the UI."""
    tags = run.tags
    for kind in ("schedule", "sensor"):
        if tags.get(f"dagster/{kind}_name"):
            return tags.get(ACTOR_TAG) or f"{kind}:{tags[f'dagster/{kind}_name']}"
    return tags.get(ACTOR_TAG) or f"ui:{UNATTRIBUTED}"


def has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run that holds a claim works no more; one that was deleted does not either."""
    run = instance.get_run_by_id(run_id)
    return run.is_finished if run is not None else not run_id.startswith("local:")


def remember_outcome(context: RunContext, outcome: str) -> None:
    """Tag the run with what became of the job; green alone does not mean good."""
    # A re-execution of a run that waited has its tag; this one waits no longer.
    waited = {WAITING_TAG: ""} if WAITING_TAG in context.run.tags else {}
    context.instance.add_run_tags(context.run.run_id, {OUTCOME_TAG: outcome, **waited})


def remember_not_started(context: RunContext, outcome: str, waiting_for: str = "") -> None:
    """Tag a run that found its inputs missing, and give its cut-off back.

    A re-execution copies the tags; with the cut-off of before it would be blind to what came since.
    """
    tags = {OUTCOME_TAG: outcome, WAITING_TAG: waiting_for[:1000], KNOWN_AT_TAG: ""}
    context.instance.add_run_tags(context.run.run_id, tags)


def tenant_and_day(context: RunContext, job: JobSpec) -> tuple[str, date]:
    """Whose partition of which day a run is about."""
    if job.scope is Scope.SHARED:
        return SHARED, date.fromisoformat(context.partition_key)
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        message = f"{job.name} is partitioned by date and tenant, but the key is {key!r}"
        raise TypeError(message)
    return key.keys_by_dimension["tenant"], date.fromisoformat(key.keys_by_dimension["date"])
