"""Runs by every door, and the question of all record tests: where do Dagster's runs and our streams differ?

The oracle knows nothing of the writer. It goes by each run's row in Dagster and by the tags of its steps.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef  # no public way to make an instance from overrides
from dagster._core.remote_origin import (  # what a queued run must have, and only the daemon makes
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from ultracore_jobs.application import Application
from ultracore_jobs.lifecycle.events import EXECUTIONS, Event, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs.orchestration.identity import job_of_run
from ultracore_jobs.orchestration.instance import LOCATION_NAME, dagster_settings
from ultracore_jobs.orchestration.record_sensor import Cursor, Tick, record_changes
from ultracore_jobs_tests.stage import FRIDAY

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ACACIA_FRIDAY = dg.MultiPartitionKey({"date": FRIDAY.isoformat(), "tenant": "acacia"})

_ENDS = {"JobCompleted", "JobCancelled", "JobSkipped", "JobFailed"}
_STANDS: Mapping[dg.DagsterRunStatus, set[JobStatus]] = {
    dg.DagsterRunStatus.SUCCESS: {
        JobStatus.COMPLETED,
        JobStatus.COMPLETED_WITH_ERRORS,
        JobStatus.SKIPPED_UPSTREAM,
    },
    dg.DagsterRunStatus.FAILURE: {JobStatus.FAILED, JobStatus.RETRYING},
    dg.DagsterRunStatus.CANCELED: {JobStatus.CANCELLED},
    dg.DagsterRunStatus.STARTED: {JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.RUNNING},
    dg.DagsterRunStatus.QUEUED: {JobStatus.QUEUED},
}


def instance_at(folder: Path, *, sharded: bool = False) -> dg.DagsterInstance:
    """An instance in files: as the product sets it up, or with Dagster's default of a file for each run."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = dagster_settings(folder)
    if sharded:
        module = {"module": "dagster._core.storage.event_log", "class": "SqliteEventLogStorage"}
        settings["event_log_storage"] = {**module, "config": {"base_dir": str(folder / "history" / "runs")}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=settings))


def launch(
    app: Application, instance: dg.DagsterInstance, job: str = "account_balance", **given: Any
) -> dg.ExecuteInProcessResult:
    """Launch a named job as a person does in the UI; `config` is the form, by step."""
    ops = {step: {"config": form} for step, form in given.pop("form", {}).items()}
    shared = job == "daily_factor"
    return (
        build_definitions(app.jobs, Platform(lambda: app))
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            partition_key=given.pop("partition_key", FRIDAY.isoformat() if shared else ACACIA_FRIDAY),
            run_config={**QUIET, "ops": ops},
            raise_on_error=False,
            **given,
        )
    )


@dg.job
def _nowhere() -> None:
    """Stands for the code of a queued run, which is never loaded here."""


def again(run_id: str, **tags: str) -> dict[str, str]:
    """The tags of the re-execution of a first run."""
    return {"dagster/root_run_id": run_id, "dagster/parent_run_id": run_id, **tags}


def enqueue(
    app: Application, instance: dg.DagsterInstance, job: str = "daily_factor", **tags: str
) -> dg.DagsterRun:
    """A run that waits in the queue, as the queued run coordinator leaves it."""
    partition = {"dagster/partition": FRIDAY.isoformat()}
    definition = build_definitions(app.jobs, Platform(lambda: app)).resolve_job_def(job)
    # Nobody answers there; the queue only wants a name.
    location = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name=LOCATION_NAME)
    run = instance.create_run_for_job(
        definition,
        tags={**partition, **tags},
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job),
        job_code_origin=dg.reconstructable(_nowhere).get_python_origin(),
    )
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_ENQUEUED.value, job_name=job)
    instance.report_dagster_event(event, run_id=run.run_id)
    return run


def many_runs(app: Application, instance: dg.DagsterInstance) -> None:
    """What a day brings: good, skipped, broken, run again, queued, cancelled."""
    launch(app, instance)
    launch(app, instance, "daily_factor")
    broken = launch(app, instance, form={"account_balance_compute": {"skew": True}})
    launch(app, instance, tags=again(broken.run_id))
    enqueue(app, instance)
    cancelled = instance.get_run_by_id(enqueue(app, instance).run_id)
    assert cancelled is not None
    instance.report_run_canceled(cancelled)


def record_all(app: Application, instance: dg.DagsterInstance, cursor: Cursor | None = None) -> Tick:
    """Ticks until one of them leaves nothing over; the last of them."""
    tick = Tick(cursor or Cursor())
    while True:
        tick = record_changes(app, instance, tick.cursor)
        assert tick.troubles == []
        if not tick.cursor.lag.left_over and tick.cursor.going_through is None:
            return tick


def job_id_of(app: Application, instance: dg.DagsterInstance, run_id: str) -> str:
    """The job of a run: as its steps said, where they did, else as anyone can compute it."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    spec = app.jobs[run.tags.get("ultracore/job_type", run.job_name)]
    return run.tags.get("ultracore/job_id") or job_of_run(run, spec, _tenant(run), instance)


def events_of(app: Application, instance: dg.DagsterInstance, run_id: str) -> list[Event]:
    """What the record says of the job of a run."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    stream = job_stream(_tenant(run), job_id_of(app, instance, run_id))
    return [stored.event for stored in app.events.read(stream)]


def names(events: Sequence[Event]) -> list[str]:
    """Their types, but for progress: how often a run reports depends on how long it takes."""
    kinds = [type(event).__name__ for event in events]
    return [kind for kind in kinds if kind != "JobProgressUpdated"]


def job_in_record(app: Application, instance: dg.DagsterInstance, run_id: str) -> JobAggregate:
    """The job of a run, as the record has it."""
    return JobAggregate.from_events(events_of(app, instance, run_id), clock=app.clock.now)


def differences(app: Application, instance: dg.DagsterInstance) -> list[str]:
    """Where runs and streams do not say the same; empty where all is well."""
    found = []
    runs_of: dict[str, list[dg.RunRecord]] = defaultdict(list)
    for record in instance.get_run_records(ascending=True):
        run = record.dagster_run
        if run.job_name in app.jobs and run.tags.get("ultracore/outcome") != "IGNORED":
            job_id = job_id_of(app, instance, run.run_id)
            runs_of[job_stream(_tenant(run), job_id)].append(record)
    streams = set(app.events.streams(f"{EXECUTIONS}/"))
    found += [f"{stream} has no run" for stream in streams - set(runs_of)]
    found += [f"{stream} has no stream" for stream in set(runs_of) - streams]
    for stream in streams & set(runs_of):
        found += [f"{stream}: {wrong}" for wrong in _wrong(app, stream, runs_of[stream])]
    found += [str(fault) for fault in app.events.verify().faults]
    return found


def _wrong(app: Application, stream: str, runs: list[dg.RunRecord]) -> list[str]:
    stored = app.events.read(stream)
    events = [one.event for one in stored]
    kinds = names(events)
    job = JobAggregate.from_events(events, clock=app.clock.now)
    last = runs[-1].dagster_run
    found = []
    if [one.seq for one in stored] != list(range(1, len(stored) + 1)):
        found.append("versions are not contiguous")
    if job.status not in _STANDS[last.status]:
        found.append(f"it is {job.status}, its last run {last.run_id} {last.status.value}")
    ended = sum(record.dagster_run.is_finished for record in runs)
    if sum(kind in _ENDS for kind in kinds) != ended:
        found.append(f"{ended} run(s) ended, and the events are {kinds}")
    if kinds.count("JobRetried") < len(runs) - 1:
        found.append(f"{len(runs)} runs, and the events are {kinds}")
    if kinds.count("JobScheduled") != 1:
        found.append(f"scheduled {kinds.count('JobScheduled')} times")
    causes = [event.causation_id for event in events]
    if len(set(causes)) < len(causes):
        found.append("a fact is there twice")
    return found


def _tenant(run: dg.DagsterRun) -> str:
    return run.tags.get("dagster/partition/tenant", "shared")
