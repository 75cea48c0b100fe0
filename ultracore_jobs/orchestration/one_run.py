"""One job as a named Dagster run in this process: for the command line, where no daemon need be up."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.application.batches import StandingBatch
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.application.results import Status
from ultracore_jobs.orchestration.effects import receipts_key
from ultracore_jobs.orchestration.identity import ACTOR_TAG, OUTCOME_TAG, REASON_TAG, WAITING_TAG
from ultracore_jobs.orchestration.instance import LOCATION_NAME
from ultracore_jobs.orchestration.location import build_definitions
from ultracore_jobs.orchestration.partitions import TENANTS, partition_key
from ultracore_jobs.orchestration.recording import record_now
from ultracore_jobs.orchestration.resources import Platform
from ultracore_jobs.orchestration.sensors import receipts_tags

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class JobRun:
    """One job, as it ended.

    Attributes:
        result: The job's result; for a job that failed or was skipped, ``error`` or ``waiting_for``.
        why: Why it did not do all it was to do: what it waits for, who froze effects.
    """

    job_type: str
    tenant: str
    job_id: str
    run_id: str
    status: str
    seconds: float
    result: dict[str, Any]
    why: str = ""

    @property
    def went_well(self) -> bool:
        """Whether its tables stand; decisions that wait for a person are no trouble."""
        return self.status in {
            Status.COMPLETED,
            Status.COMPLETED_WITH_ERRORS,
            Status.AWAITING_APPROVAL,
            Status.FROZEN,
        }


def run_here(
    app: Application,
    instance: dg.DagsterInstance,
    *,
    job_type: str,
    as_of: date,
    tenant: str,
    actor: str,
    parameters: Mapping[str, Any] | None = None,
) -> JobRun:
    """Run one job, from fetch to apply, as a named run that shows in the UI."""
    config = {f"{job_type}_compute": {"config": dict(parameters)}} if parameters else {}
    return _run(
        app, instance, job_type, as_of, tenant, tags={ACTOR_TAG: actor}, run_config={**_QUIET, "ops": config}
    )


def apply_here(app: Application, instance: dg.DagsterInstance, batch: StandingBatch) -> JobRun:
    """Apply an approved batch: a run of its receipts alone, as the daemon would make it."""
    if batch.verdict is None:
        message = f"batch {batch.batch.batch_id} was not approved"
        raise ValueError(message)
    return _run(
        app,
        instance,
        batch.spec.name,
        batch.as_of,
        batch.tenant,
        tags=receipts_tags(batch.verdict, due_at=_due_at(app, instance, batch), attempt=1),
        run_config=_QUIET,
        selection=[receipts_key(batch.spec)],
    )


def _due_at(app: Application, instance: dg.DagsterInstance, batch: StandingBatch) -> datetime:
    """When the approval was given; for who applies it again, now: that is another job."""
    tags = {"ultracore/schedule_id": f"approval:{batch.batch.batch_id}"}
    again = instance.get_runs_count(dg.RunsFilter(tags=tags)) > 0
    return app.clock.now() if again or batch.verdict is None else batch.verdict.at


def _run(
    app: Application,
    instance: dg.DagsterInstance,
    job_type: str,
    as_of: date,
    tenant: str,
    *,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
    selection: Sequence[dg.AssetKey] | None = None,
) -> JobRun:
    began = time.monotonic()
    if tenant != SHARED:
        instance.add_dynamic_partitions(str(TENANTS.name), [tenant])
    definitions = build_definitions(app.jobs, Platform(lambda: app))
    finished = definitions.resolve_job_def(job_type).execute_in_process(
        instance=instance,
        partition_key=partition_key(app.jobs[job_type], as_of, tenant),
        run_config=dict(run_config),
        # The UI files runs under the repository that a launch names; these come from none.
        tags={".dagster/repository": f"__repository__@{LOCATION_NAME}", **tags},
        asset_selection=selection,
        raise_on_error=False,
    )
    record_now(app, instance, finished.run_id)
    run = instance.get_run_by_id(finished.run_id)
    found = run.tags if run else {}
    return JobRun(
        job_type=job_type,
        tenant=tenant,
        job_id=found.get("ultracore/job_id", ""),
        run_id=finished.run_id,
        status=found.get(OUTCOME_TAG, Status.FAILED.value),
        seconds=round(time.monotonic() - began, 3),
        result=_result(finished, found),
        why=found.get(REASON_TAG, ""),
    )


def _result(finished: dg.ExecuteInProcessResult, tags: Mapping[str, str]) -> dict[str, Any]:
    for event in finished.get_asset_materialization_events():
        found = event.materialization.metadata.get("ultracore/result")
        if isinstance(found, dg.JsonMetadataValue) and isinstance(found.data, dict):
            return found.data
    if tags.get(WAITING_TAG):
        return {"waiting_for": tags[WAITING_TAG]}
    failures = [event for event in finished.all_events if event.is_step_failure]
    if failures:
        data = failures[0].step_failure_data
        failure_data = data.user_failure_data
        if failure_data is not None and failure_data.description:
            return {"error": failure_data.description}
        return {"error": data.error_display_string}
    return {}
