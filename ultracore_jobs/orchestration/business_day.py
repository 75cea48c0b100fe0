"""A whole business day, in process: each planned job as its own named Dagster run, in order."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.application.planner import PlannedJob, plan_day
from ultracore_jobs.application.results import Status
from ultracore_jobs.orchestration.identity import OUTCOME_TAG, WAITING_TAG
from ultracore_jobs.orchestration.instance import LOCATION_NAME
from ultracore_jobs.orchestration.location import build_definitions
from ultracore_jobs.orchestration.partitions import TENANTS, is_session, partition_key
from ultracore_jobs.orchestration.resources import Platform

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class JobRun:
    """One job of the day, as it ended.

    Attributes:
        result: The job's result; for a job that failed or was skipped, ``error`` or ``waiting_for``.
    """

    job_type: str
    tenant: str
    job_id: str
    run_id: str
    status: str
    seconds: float
    result: dict[str, Any]

    @property
    def went_well(self) -> bool:
        """Whether its tables stand."""
        return self.status in {Status.COMPLETED, Status.COMPLETED_WITH_ERRORS}


@dataclass(frozen=True)
class DayReport:
    """All jobs of one business day."""

    as_of_date: date
    tenants: tuple[str, ...]
    jobs: tuple[JobRun, ...]

    @property
    def went_well(self) -> bool:
        """Whether every job's tables stand."""
        return all(job.went_well for job in self.jobs)

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of `ultracore-jobs demo --json`, without the locations."""
        keys = ("job_type", "tenant", "job_id", "run_id", "status", "result")
        return {
            "as_of_date": self.as_of_date.isoformat(),
            "tenants": list(self.tenants),
            "jobs": [{key: asdict(job)[key] for key in keys} for job in self.jobs],
        }


def run_business_day(
    app: Application,
    instance: dg.DagsterInstance,
    *,
    as_of: date,
    tenants: Sequence[str],
    started: Callable[[PlannedJob, int, int], None] = lambda _job, _position, _total: None,
    ended: Callable[[JobRun], None] = lambda _run: None,
) -> DayReport:
    """Run every planned job of *as_of* for *tenants*, each after what it reads from.

    A job that fails does not stop the day: what does not depend on it goes on, what does ends
    SKIPPED_UPSTREAM. The runs are ordinary named runs and show in the UI.
    """
    instance.add_dynamic_partitions(str(TENANTS.name), list(tenants))
    plan = plan_day(app.jobs, tenants=tenants, is_session=is_session(as_of))
    definitions = build_definitions(app.jobs, Platform(lambda: app))
    runs = []
    for position, planned in enumerate(plan, start=1):
        started(planned, position, len(plan))
        run = _run(
            definitions, instance, planned, partition_key(app.jobs[planned.job_type], as_of, planned.tenant)
        )
        ended(run)
        runs.append(run)
    return DayReport(as_of, tuple(tenants), tuple(runs))


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance, planned: PlannedJob, key: str) -> JobRun:
    began = time.monotonic()
    finished = definitions.resolve_job_def(planned.job_type).execute_in_process(
        instance=instance,
        partition_key=key,
        run_config=_QUIET,
        # The UI files runs under the repository that a launch names; these come from none.
        tags={".dagster/repository": f"__repository__@{LOCATION_NAME}", "ultracore/actor": "cli"},
        raise_on_error=False,
    )
    return _describe(planned, instance, finished, time.monotonic() - began)


def _describe(
    planned: PlannedJob, instance: dg.DagsterInstance, finished: dg.ExecuteInProcessResult, seconds: float
) -> JobRun:
    run = instance.get_run_by_id(finished.run_id)
    tags = run.tags if run else {}
    return JobRun(
        job_type=planned.job_type,
        tenant=planned.tenant,
        job_id=tags.get("ultracore/job_id", ""),
        run_id=finished.run_id,
        status=tags.get(OUTCOME_TAG, Status.FAILED.value),
        seconds=round(seconds, 3),
        result=_result(finished, tags),
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
