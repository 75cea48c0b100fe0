"""From a Dagster run to the job it does: id, tenant, logical date, cut-off; and what became of it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.catalog import Scope
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle.identity import job_identifier

KNOWN_AT_TAG = "ultracore/known_at"
OUTCOME_TAG = "ultracore/outcome"
WAITING_TAG = "ultracore/waiting_for"


def describe_run(
    context: dg.AssetExecutionContext, job: JobSpec, app: Application, parameters: Mapping[str, Any]
) -> JobRequest:
    """The job that this run does; its tags are set so that a person finds it by any of them.

    The cut-off K is fixed when the job first starts and kept in a tag, which a re-execution copies.
    A job that could not start for want of its inputs has none: see `remember_not_started`.
    """
    run = context.run
    tenant, day = _tenant_and_day(context, job)
    occurrence = run.tags.get("ultracore/schedule_id"), run.tags.get("ultracore/due_at")
    key = ":".join(filter(None, occurrence)) if all(occurrence) else (run.root_run_id or run.run_id)
    job_id = job_identifier(tenant, job.name, key)
    known_at = run.tags.get(KNOWN_AT_TAG) or app.clock.now().isoformat()
    context.instance.add_run_tags(
        run.run_id,
        {
            "ultracore/job_id": job_id,
            "ultracore/job_type": job.name,
            "ultracore/tenant": tenant,
            "ultracore/logical_date": day.isoformat(),
            KNOWN_AT_TAG: known_at,
        },
    )
    moment = Moment(tenant, day, datetime.fromisoformat(known_at))
    return JobRequest(job, moment, job_id, run.run_id, parameters)


def remember_outcome(context: dg.AssetExecutionContext, outcome: str) -> None:
    """Tag the run with what became of the job; green alone does not mean good."""
    # A re-execution of a run that waited has its tag; this one waits no longer.
    waited = {WAITING_TAG: ""} if WAITING_TAG in context.run.tags else {}
    context.instance.add_run_tags(context.run.run_id, {OUTCOME_TAG: outcome, **waited})


def remember_not_started(context: dg.AssetExecutionContext, outcome: str, waiting_for: str = "") -> None:
    """Tag a run that found its inputs missing, and give its cut-off back.

    A re-execution copies the tags; with the cut-off of before it would be blind to what came since.
    """
    tags = {OUTCOME_TAG: outcome, WAITING_TAG: waiting_for[:1000], KNOWN_AT_TAG: ""}
    context.instance.add_run_tags(context.run.run_id, tags)


def _tenant_and_day(context: dg.AssetExecutionContext, job: JobSpec) -> tuple[str, date]:
    if job.scope is Scope.SHARED:
        return SHARED, date.fromisoformat(context.partition_key)
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        message = f"{job.name} is partitioned by date and tenant, but the key is {key!r}"
        raise TypeError(message)
    return key.keys_by_dimension["tenant"], date.fromisoformat(key.keys_by_dimension["date"])
