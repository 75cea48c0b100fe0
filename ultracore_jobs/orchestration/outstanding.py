"""The sensor that launches what should run and stops what should not: the only one that acts on intents.

It decides nothing. `application.outstanding` says what is outstanding; here run storage is asked, and the
answer becomes requests for runs.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ultracore_jobs.application import Application
from ultracore_jobs.application.outstanding import SeenRun, outstanding_work
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle.canonical import instant_text
from ultracore_jobs.orchestration.identity import ACTOR_TAG, JOB_TAG, KNOWN_AT_TAG, attempt_of
from ultracore_jobs.orchestration.partitions import TENANTS, partition_key, partitions_of
from ultracore_jobs.orchestration.resources import Platform
from ultracore_jobs.orchestration.run_facts import CANCEL_REASON_TAG, CANCELLED_BY_TAG
from ultracore_jobs.ports.occurrences import Cancellation, Occurrence

_AT_WORK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def outstanding_sensor(jobs: Sequence[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """Launches what should run now and does not: run now, and retries whose wait is over.

    It also stops what was cancelled. Level-triggered: it asks what is outstanding, so nothing is forgotten
    while the daemon is away. An occurrence is noted as launched only when its run has been seen.
    """

    @dg.sensor(
        name="outstanding_work",
        jobs=jobs,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=outstanding_sensor.__doc__,
    )
    def sense(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        app = platform.application
        found = outstanding_work(app, DagsterRuns(app, context.instance))
        if str(found):
            context.log.warning("%s", found)
        if not found.launch:
            return dg.SensorResult(skip_reason=str(found) or "nothing is outstanding")
        requests = [run_request(app.jobs[one.job_type], one, context.instance) for one in found.launch]
        return dg.SensorResult(run_requests=requests)

    return sense


def run_request(spec: JobSpec, occurrence: Occurrence, instance: dg.DagsterInstance) -> dg.RunRequest:
    """The run of an occurrence; asking for it twice is asking once, by its run key.

    A retry computes with what was known when its job first started.
    """
    known_at = _known_at(instance, occurrence.job_id) if occurrence.attempt > 1 else None
    return dg.RunRequest(
        run_key=occurrence.run_key,
        job_name=spec.name,
        partition_key=partition_key(spec, occurrence.logical_date, occurrence.tenant),
        run_config=run_config(occurrence),
        tags={**run_tags(occurrence), **({KNOWN_AT_TAG: known_at} if known_at else {})},
    )


def run_config(occurrence: Occurrence) -> dict[str, Any]:
    """Parameters as run config; nothing where the page's own are wanted."""
    if not occurrence.parameters:
        return {}
    return {"ops": {f"{occurrence.job_type}_compute": {"config": dict(occurrence.parameters)}}}


def run_tags(occurrence: Occurrence) -> dict[str, str]:
    """Tags by which the run is known to be of this job and attempt, by whoever looks."""
    return {
        JOB_TAG: occurrence.job_id,
        ACTOR_TAG: occurrence.requested_by,
        "ultracore/job_type": occurrence.job_type,
        "ultracore/tenant": occurrence.tenant,
        "ultracore/logical_date": occurrence.logical_date.isoformat(),
        "ultracore/schedule_id": occurrence.schedule_id,
        "ultracore/due_at": instant_text(occurrence.due_at),
        "ultracore/attempt": str(occurrence.attempt),
        "dagster/priority": str(occurrence.priority),
    }


class DagsterRuns:
    """`RunStorage` of an instance."""

    def __init__(self, app: Application, instance: dg.DagsterInstance) -> None:
        """Ask *instance*; pages say which days have a partition."""
        self._app, self._instance = app, instance

    def of_jobs(self, job_ids: Collection[str]) -> Sequence[SeenRun]:
        """Every run that says it is of one of these jobs, oldest first."""
        if not job_ids:
            return ()
        found = self._instance.get_runs(dg.RunsFilter(tags={JOB_TAG: sorted(job_ids)}))
        return [_seen(run) for run in reversed(found)]

    def by_id(self, run_id: str) -> SeenRun | None:
        """One run."""
        run = self._instance.get_run_by_id(run_id)
        return None if run is None else _seen(run)

    def busy(self, occurrence: Occurrence) -> str | None:
        """A run, queued or at work, of the same job type, tenant and logical date."""
        wanted = run_tags(occurrence)
        same = {
            f"ultracore/{name}": wanted[f"ultracore/{name}"]
            for name in ("job_type", "tenant", "logical_date")
        }
        found = self._instance.get_runs(dg.RunsFilter(tags=same, statuses=_AT_WORK), limit=1)
        return found[0].run_id if found else None

    def fault(self, occurrence: Occurrence) -> str | None:
        """Why no run of it can be made: its day has no partition. A tenant's partition is added."""
        spec = self._app.jobs[occurrence.job_type]
        day = occurrence.logical_date.isoformat()
        partitions = partitions_of(spec)
        dates: dg.PartitionsDefinition[str] = partitions
        if isinstance(partitions, dg.MultiPartitionsDefinition):
            dates = partitions.get_partitions_def_for_dimension("date")
            if not self._instance.has_dynamic_partition(str(TENANTS.name), occurrence.tenant):
                self._instance.add_dynamic_partitions(str(TENANTS.name), [occurrence.tenant])
        if dates.has_partition_key(day):
            return None
        return f"{spec.name} has no partition of {day}: it is due {spec.cadence.value}"

    def stop(self, run_id: str, wish: Cancellation) -> None:
        """Ask a run to stop, with reason and actor as its tags before.

        A run in a process that Dagster did not start cannot be reached from here. Asking for it all the same
        would let Dagster take it for stopped after a while, though it works; it looks for the wish itself.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        tags = {CANCEL_REASON_TAG: wish.reason[:1000], CANCELLED_BY_TAG: wish.requested_by}
        if any(run.tags.get(name) != tag for name, tag in tags.items()):
            self._instance.add_run_tags(run_id, tags)
        coordinator = self._instance.run_coordinator
        if run.remote_job_origin is not None and coordinator is not None:
            # Where the worker cannot be told, run monitoring ends the run; others do not wait for that.
            with suppress(dg.DagsterError):
                coordinator.cancel_run(run_id)


def _known_at(instance: dg.DagsterInstance, job_id: str) -> str | None:
    """The cut-off that a job was given; a run that could not start for want of inputs gave it back."""
    runs = reversed(instance.get_runs(dg.RunsFilter(tags={JOB_TAG: job_id})))
    return next((run.tags[KNOWN_AT_TAG] for run in runs if run.tags.get(KNOWN_AT_TAG)), None)


def _seen(run: dg.DagsterRun) -> SeenRun:
    return SeenRun(
        run_id=run.run_id,
        job_id=run.tags.get(JOB_TAG, ""),
        attempt=attempt_of(run),
        is_submitted=run.status not in {dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.MANAGED},
        has_ended=run.is_finished,
        is_stopping=run.status is dg.DagsterRunStatus.CANCELING,
        status=run.status.value,
    )
