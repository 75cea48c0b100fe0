"""The writer when things go wrong: workers killed and cancelled, two daemons, and no daemon for a while."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Thread

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.record import by_cause
from ultracore_jobs.orchestration.record_sensor import Cursor, record_changes
from ultracore_jobs.orchestration.recording import sweep
from ultracore_jobs.orchestration.run_facts import CANCEL_REASON_TAG, CANCELLED_BY_TAG
from ultracore_jobs_tests.orchestration.record_stage import (
    again,
    differences,
    events_of,
    instance_at,
    job_id_of,
    launch,
    many_runs,
    names,
    record_all,
)
from ultracore_jobs_tests.stage import StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, TOYS, accounts

PATIENCE_SECONDS = 120


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Acacia has accounts."""
    app = application(tmp_path, TOYS, clock=StillClock())
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    return app


@contextmanager
def at_work(folder: Path, storage: str) -> Iterator[subprocess.Popen[str]]:
    """A worker in the middle of its kernel."""
    command = [
        sys.executable,
        "-m",
        "ultracore_jobs_tests.orchestration.worker_to_kill",
        str(folder),
        storage,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - ours
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work on 2026-11-20\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["consolidated", "sharded"])
def test_a_worker_that_is_killed_is_found_and_its_job_goes_on(
    tmp_path: Path, app: Application, storage: str
) -> None:
    """Kill -9 in the kernel. Dagster says STARTED for ever; the first tick of a process finds it gone."""
    with instance_at(tmp_path / "dagster", sharded=storage == "sharded") as instance:
        with at_work(tmp_path, storage) as worker:
            tick = record_changes(app, instance, Cursor(), is_first=True)
            (run,) = instance.get_runs()
            alive = sweep(app, instance)
            worker.send_signal(signal.SIGKILL)
            worker.wait(PATIENCE_SECONDS)
        before = run.status

        tick = record_changes(app, instance, tick.cursor, is_first=True, retry=by_cause)
        second = launch(app, instance, "daily_factor", tags=again(run.run_id))
        record_changes(app, instance, tick.cursor)

        assert (alive, before) == ([], dg.DagsterRunStatus.STARTED)
        assert tick.swept == [run.run_id]
        events = events_of(app, instance, run.run_id)
        assert names(events) == [
            "JobScheduled", "JobStarted", "JobFailed", "JobRetried", "JobStarted", "JobCompleted",
        ]  # fmt: skip
        assert job_id_of(app, instance, second.run_id) == job_id_of(app, instance, run.run_id)
        assert differences(app, instance) == []


@pytest.mark.slow
def test_a_run_cancelled_at_work_is_no_failure(tmp_path: Path, app: Application) -> None:
    """Its step fails as Dagster has it; the job was cancelled, by whom the tags say."""
    with instance_at(tmp_path / "dagster") as instance, at_work(tmp_path, "consolidated") as worker:
        (run,) = instance.get_runs()
        tags = {CANCEL_REASON_TAG: "wrong day", CANCELLED_BY_TAG: "cli:paul"}
        instance.add_run_tags(run.run_id, tags)
        stored = instance.get_run_by_id(run.run_id)
        assert stored is not None
        instance.report_run_canceling(stored)
        worker.send_signal(signal.SIGINT)
        worker.wait(PATIENCE_SECONDS)

        record_all(app, instance)

        log = [
            record.event_log_entry.dagster_event
            for record in instance.get_records_for_run(run.run_id).records
        ]
        assert "STEP_FAILURE" in [event.event_type_value for event in log if event is not None]
        assert names(events_of(app, instance, run.run_id)) == ["JobScheduled", "JobStarted", "JobCancelled"]
        assert differences(app, instance) == []


def test_two_sensors_at_once_record_each_fact_once(tmp_path: Path, app: Application) -> None:
    """Two daemons where there should be one: in threads, from the start of the log, on files."""
    with instance_at(tmp_path / "dagster") as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
        many_runs(app, instance)
        together, failures = Barrier(2), []

        def tick() -> None:
            together.wait(PATIENCE_SECONDS)
            try:
                record_changes(app, instance, Cursor(), is_first=True)
            except Exception as error:  # noqa: BLE001 - a thread must not die in silence
                failures.append(error)

        sensors = [Thread(target=tick) for _ in range(2)]
        for sensor in sensors:
            sensor.start()
        for sensor in sensors:
            sensor.join(PATIENCE_SECONDS)

        assert failures == []
        assert differences(app, instance) == []


@pytest.mark.parametrize("sharded", [False, True], ids=["consolidated", "sharded"])
def test_what_happened_while_the_daemon_was_off_is_recorded_afterwards(
    tmp_path: Path, app: Application, *, sharded: bool
) -> None:
    """One tick before, six runs without a daemon, then ticks again; also with a file for each run."""
    with instance_at(tmp_path / "dagster", sharded=sharded) as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
        launch(app, instance, "daily_factor", partition_key="2026-11-19")
        tick = record_all(app, instance)
        many_runs(app, instance)
        behind = differences(app, instance)

        record_all(app, instance, tick.cursor)

        assert len(behind) == 5
        assert differences(app, instance) == []
