"""A code location with the sensor `outstanding_work` in it, and what a tick of it asks for."""

import warnings

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_run_for_test

from ultracore_jobs.application import Application
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs.orchestration.outstanding import outstanding_sensor

SENSOR = "outstanding_work"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def location(app: Application) -> dg.Definitions:
    """The code location on the test's platform."""
    made = build_definitions(app.jobs, Platform(lambda: app))
    if any(sensor.name == SENSOR for sensor in made.sensors or ()):
        return made
    jobs = [job for job in made.jobs or () if isinstance(job, UnresolvedAssetJobDefinition)]
    return dg.Definitions.merge(made, dg.Definitions(sensors=[outstanding_sensor(jobs)]))


def ticked(app: Application, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """What the sensor asks for now."""
    found = location(app)
    context = dg.build_sensor_context(
        instance=instance, definitions=found, resources={"platform": Platform(lambda: app)}
    )
    with dg.partition_loading_context(dynamic_partitions_store=instance), warnings.catch_warnings():
        # Dagster 1.13 finds fault with the tags of its own that name the dimensions of a partition.
        warnings.filterwarnings("ignore", "Non-compliant tag keys", DeprecationWarning)
        said = found.resolve_sensor_def(SENSOR).evaluate_tick(context)
    return list(said.run_requests or [])


def answer(app: Application, instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.DagsterRun:
    """Do what the daemon does with a request: run it, with all its tags; the run as it ended."""
    finished = (
        location(app)
        .resolve_job_def(str(request.job_name))
        .execute_in_process(
            instance=instance,
            partition_key=_key(request),
            run_config={**QUIET, **dict(request.run_config or {})},
            tags={name: tag for name, tag in request.tags.items() if not name.startswith("dagster/partition")}
            | {"dagster/sensor_name": SENSOR},
            raise_on_error=False,
        )
    )
    run = instance.get_run_by_id(finished.run_id)
    assert run is not None
    return run


def made(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """A run of a request that stands so; one that works does so in a process that no daemon launched."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("ultracore_jobs"), "__repository__")
    launched = RemoteJobOrigin(repository, str(request.job_name))
    run: dg.DagsterRun = create_run_for_test(
        instance,
        job_name=str(request.job_name),
        tags=dict(request.tags),
        status=status,
        remote_job_origin=launched if status is dg.DagsterRunStatus.QUEUED else None,
    )
    return run


def _key(request: dg.RunRequest) -> str:
    day, bar, tenant = str(request.partition_key).partition("|")
    return dg.MultiPartitionKey({"date": day, "tenant": tenant}) if bar else day
