"""Runs whose worker is gone, and runs that somebody deleted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.lifecycle.events import JobFailed
from ultracore_jobs.orchestration.identity import job_of_run
from ultracore_jobs.orchestration.recording import record_now, sweep
from ultracore_jobs_tests.orchestration.record_stage import (
    again,
    enqueue,
    events_of,
    instance_at,
    job_in_record,
    launch,
    names,
)
from ultracore_jobs_tests.stage import FRIDAY, StillClock, application
from ultracore_jobs_tests.toys import TOYS


@dataclass(frozen=True)
class Machine:
    """A machine since one start, and the processes on it."""

    boot: str
    alive: frozenset[int] = frozenset()

    def pid(self) -> int:
        """Of this process."""
        return 1

    def boot_id(self) -> str:
        """Of this start."""
        return self.boot

    def lives(self, pid: int) -> bool:
        """Whether it is there."""
        return pid in self.alive


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """The toys."""
    return application(tmp_path, TOYS, clock=StillClock())


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance in files, which are on one machine."""
    with instance_at(tmp_path / "dagster") as instance:
        yield instance


def begin(
    app: Application, instance: dg.DagsterInstance, *, boot: str | None, suffix: str = ""
) -> dg.DagsterRun:
    """A run at work in process 7, which holds the claim on *suffix* of the job if *boot* is given."""
    run = enqueue(app, instance)
    for kind in (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START):
        event = dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name)
        instance.report_dagster_event(event, run_id=run.run_id)
    if boot is not None:
        app.claims.claim(
            job_type=f"daily_factor{suffix}",
            tenant="shared",
            period=FRIDAY.isoformat(),
            job_id=job_of_run(run, app.jobs["daily_factor"], "shared", instance) + suffix,
            attempt=1,
            run_id=run.run_id,
            pid=7,
            boot_id=boot,
            at=app.clock.now(),
        )
    return run


@pytest.mark.parametrize(
    ("machine", "is_gone"),
    [
        (Machine("today", frozenset({7})), False),
        (Machine("today"), True),
        (Machine("restarted", frozenset({7})), True),
    ],
    ids=["it lives", "it died", "the machine was started again"],
)
def test_a_run_whose_worker_is_gone_is_reported(
    app: Application, instance: dg.DagsterInstance, machine: Machine, *, is_gone: bool
) -> None:
    """A number means nothing after another start: there, another process may have it."""
    run = begin(app, instance, boot="today")

    assert sweep(replace(app, processes=machine), instance) == ([run.run_id] if is_gone else [])


def test_a_run_of_another_machine_is_left_alone(app: Application) -> None:
    """Its instance is in no file of ours: nothing here tells whether its process lives."""
    with dg.DagsterInstance.ephemeral() as instance:
        begin(app, instance, boot="theirs")
        begin(app, instance, boot=None)

        assert sweep(replace(app, processes=Machine("ours")), instance) == []


def test_a_run_that_says_nothing_of_its_process_is_left_alone(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """It may just have begun; Dagster's own limits on time remain."""
    begin(app, instance, boot=None)

    assert sweep(replace(app, processes=Machine("today")), instance) == []


def test_what_the_sweeper_reported_is_a_failed_job_of_a_dead_worker(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """It began, as the claim shows; and it is tried again, since nothing was wrong with the work itself."""
    run = begin(app, instance, boot="today")
    sweep(replace(app, processes=Machine("today")), instance)

    record_now(app, instance, run.run_id)

    assert names(events_of(app, instance, run.run_id)) == [
        "JobScheduled", "JobQueued", "JobStarted", "JobFailed", "JobRetried",
    ]  # fmt: skip
    job = job_in_record(app, instance, run.run_id)
    assert job.error_message == "The worker of this run is gone: its process does not exist."


def test_a_job_goes_on_although_its_first_run_was_deleted(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """It is at work as far as the record knows, and has no row: that attempt failed, the next goes on."""
    first = begin(app, instance, boot="today", suffix=":effects")
    record_now(app, instance, first.run_id)
    instance.delete_run(first.run_id)
    second = launch(app, instance, "daily_factor", tags=again(first.run_id))

    record_now(app, instance, second.run_id)

    events = events_of(app, instance, second.run_id)
    assert names(events) == [
        "JobScheduled", "JobQueued", "JobStarted", "JobFailed", "JobRetried", "JobStarted", "JobCompleted",
    ]  # fmt: skip
    failure = events[3]
    assert isinstance(failure, JobFailed)
    assert failure.error_message == "its run was deleted from Dagster before it ended"
