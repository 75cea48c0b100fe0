"""The writer on real runs: by every door, ended in every way, and afterwards no difference to Dagster."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.application.batches import find_batch
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.application.record import by_cause
from ultracore_jobs.lifecycle.events import JobProgressUpdated
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.orchestration import Platform, assets, build_definitions, run_here
from ultracore_jobs.orchestration.one_run import apply_here
from ultracore_jobs.orchestration.record_sensor import Cursor, job_events, record_changes
from ultracore_jobs.orchestration.recording import record_now
from ultracore_jobs.orchestration.run_facts import CANCEL_REASON_TAG, CANCELLED_BY_TAG
from ultracore_jobs_tests.fee_stage import ACME, JUNE, OLGA, fee_platform
from ultracore_jobs_tests.orchestration.record_stage import (
    differences,
    enqueue,
    events_of,
    job_id_of,
    job_in_record,
    launch,
    names,
    record_all,
)
from ultracore_jobs_tests.stage import FRIDAY, StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, TOYS, accounts

PATIENCE_SECONDS = 120
BALANCED = [
    "JobScheduled",
    "JobStarted",
    "ComplianceCheckRecorded",
    "ComplianceCheckRecorded",
    "JobCompleted",
]


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Acacia has accounts."""
    app = application(tmp_path, TOYS, clock=StillClock())
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    return app


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", ["acacia", ACME])
        yield instance


def test_a_launch_in_the_ui_is_recorded_with_its_checks(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Nobody known launched the balances of Friday; both gates are compliance checks, the result is whole."""
    launch(app, instance, "daily_factor")
    run = launch(app, instance)

    record_all(app, instance)

    events = events_of(app, instance, run.run_id)
    job = job_in_record(app, instance, run.run_id)
    assert names(events) == BALANCED
    assert (events[0].actor, job.schedule_id) == ("ui:unattributed", "on-demand")
    assert (job.job_type, job.logical_date, job.priority) == ("account_balance", FRIDAY, "HIGH")
    assert job.parameters == {"max_reject_pct": 0.05, "skew": False}
    assert [(check.check_type, check.passed) for check in job.checks] == [
        ("balances_reconciled", True),
        ("no_small_balance", True),
    ]
    assert job.checks[0].details["law"] == "A balance is amount times factor"
    assert job.result is not None
    assert job.result["total"] == "60.0000"
    assert job.run_id == run.run_id
    assert differences(app, instance) == []


def test_a_second_tick_adds_nothing_and_looks_at_nothing(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The newest minute is read again, and known; a lost cursor costs looks and adds nothing either."""
    launch(app, instance, "daily_factor")
    tick = record_all(app, instance)
    position = app.events.position()

    quiet = record_changes(app, instance, tick.cursor)
    anew = record_changes(app, instance, Cursor.read("no cursor"))

    assert (quiet.looked_at, quiet.events) == (0, 0)
    assert anew.looked_at > 0
    assert app.events.position() == position


def test_a_broken_law_is_a_failed_job_with_the_check_that_failed(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """`balances_reconciled` fails; the message is the one for people."""
    launch(app, instance, "daily_factor")
    run = launch(app, instance, form={"account_balance_compute": {"skew": True}})

    record_all(app, instance)

    job = job_in_record(app, instance, run.run_id)
    assert job.status is JobStatus.FAILED
    assert job.error_message is not None
    assert job.error_message.startswith("balances_reconciled is broken by 2 row(s)")
    assert job.error_details["error_type"] == "GateError"
    assert [(check.check_type, check.passed) for check in job.checks][:1] == [("balances_reconciled", False)]
    assert differences(app, instance) == []


def test_a_job_whose_upstream_is_missing_is_skipped(app: Application, instance: dg.DagsterInstance) -> None:
    """The run is green; the job was never started, and the record says what it waits for."""
    run = launch(app, instance)

    record_all(app, instance)

    assert names(events_of(app, instance, run.run_id)) == ["JobScheduled", "JobSkipped"]
    assert job_in_record(app, instance, run.run_id).reason == (
        "waiting for factors of 2026-11-20 (daily_factor for tenant shared)"
    )
    assert differences(app, instance) == []


def test_an_ignored_run_leaves_no_trace(app: Application, instance: dg.DagsterInstance) -> None:
    """Another process of this machine holds the period."""
    moment = moment_of(app, app.jobs["daily_factor"], "shared", FRIDAY, app.clock.now())
    with claimed(app, job_type="daily_factor", moment=moment, job_id="job_other", run_id="local:other"):
        launch(app, instance, "daily_factor")

    record_all(app, instance)

    assert app.events.position() == 0
    assert differences(app, instance) == []


def test_the_tick_of_a_schedule_is_an_occurrence(app: Application, instance: dg.DagsterInstance) -> None:
    """Its id is computed before the run exists; who wanted it is the schedule."""
    location = build_definitions(TOYS, Platform(lambda: app))
    due = {"ultracore/schedule_id": "factors_daily", "ultracore/due_at": "2026-11-20T22:30:00+00:00"}
    schedule = dg.ScheduleDefinition(
        name="factors_daily",
        job=location.resolve_job_def("daily_factor"),
        cron_schedule="30 22 * * *",
        tags=due,
    )
    with dg.build_schedule_context(instance=instance) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    ticked = {name: tag for name, tag in request.tags.items() if not name.startswith(".")}

    run = launch(app, instance, "daily_factor", tags=ticked)
    twice = launch(app, instance, "daily_factor", tags={**ticked, "ultracore/attempt": "1"})
    record_all(app, instance)

    events = events_of(app, instance, run.run_id)
    assert names(events) == ["JobScheduled", "JobStarted", "JobCompleted"]
    assert events[0].actor == "schedule:factors_daily"
    assert job_in_record(app, instance, run.run_id).schedule_id == "factors_daily"
    assert job_id_of(app, instance, twice.run_id) == job_id_of(app, instance, run.run_id)
    assert differences(app, instance) == []


def test_each_run_of_a_backfill_is_a_job_of_its_own(app: Application, instance: dg.DagsterInstance) -> None:
    """Three days of the asset, as the UI launches them: by assets, not by the name of a job."""
    location = build_definitions(TOYS, Platform(lambda: app))
    key = dg.AssetKey(["factors"])
    job = location.resolve_implicit_job_def_def_for_assets([key])
    assert job is not None
    runs = [
        job.execute_in_process(
            instance=instance, partition_key=day, asset_selection=[key], tags={"dagster/backfill": "abcdefgh"}
        )
        for day in ("2026-11-18", "2026-11-19", "2026-11-20")
    ]

    record_all(app, instance)

    jobs = [job_in_record(app, instance, run.run_id) for run in runs]
    assert [job.status for job in jobs] == [JobStatus.COMPLETED] * 3
    assert {job.schedule_id for job in jobs} == {"backfill:abcdefgh"}
    assert len(app.events.streams("jobs.executions/")) == 3


def test_progress_is_recorded_step_by_step(
    app: Application, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the throttle: each of the pipeline's five reports is an event."""
    monkeypatch.setattr(assets, "_SECONDS_BETWEEN_OBSERVATIONS", -1.0)
    run = launch(app, instance, "daily_factor")

    record_all(app, instance)

    reported = [
        event for event in events_of(app, instance, run.run_id) if isinstance(event, JobProgressUpdated)
    ]
    assert [event.progress_percentage for event in reported] == [5, 30, 70, 85, 100]
    assert reported[0].current_step == "Fetching inputs"


def test_one_run_that_cannot_be_recorded_does_not_hold_up_the_others(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """A name longer than any person's: the tick says so, and goes on."""
    odd = launch(app, instance, "daily_factor", tags={"ultracore/actor": "x" * 3000})
    good = launch(app, instance, "daily_factor")

    tick = record_changes(app, instance, Cursor())

    assert job_in_record(app, instance, good.run_id).status is JobStatus.COMPLETED
    assert tick.cursor.lag.troubles == len(tick.troubles) > 0
    assert tick.troubles[0].startswith(f"run {odd.run_id} cannot be recorded")


def test_a_run_cancelled_in_the_queue_says_who_and_why(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The tags are set before it is taken out; they are what the record says."""
    run = enqueue(app, instance)
    tick = record_all(app, instance)
    waiting = job_in_record(app, instance, run.run_id).status
    instance.add_run_tags(run.run_id, {CANCEL_REASON_TAG: "wrong day", CANCELLED_BY_TAG: "cli:paul"})
    stored = instance.get_run_by_id(run.run_id)
    assert stored is not None
    instance.report_run_canceled(stored)

    record_all(app, instance, tick.cursor)

    events = events_of(app, instance, run.run_id)
    assert waiting is JobStatus.QUEUED
    assert names(events) == ["JobScheduled", "JobQueued", "JobCancelled"]
    assert (events[-1].actor, job_in_record(app, instance, run.run_id).reason) == ("cli:paul", "wrong day")
    assert differences(app, instance) == []


def test_fees_are_recorded_from_decision_to_receipt(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """Paul's batch waits, and that is a completed job; what Olga approved is applied by a job of its own."""
    app = fee_platform(tmp_path)
    decided = run_here(app, instance, job_type="fee_charging", as_of=JUNE, tenant=ACME, actor="cli:paul")
    approve_batch(app, decided.result["batch_id"], actor=OLGA, note="looked at")
    applied = apply_here(app, instance, find_batch(app, decided.result["batch_id"]))

    record_all(app, instance)

    first = job_in_record(app, instance, decided.run_id)
    second = job_in_record(app, instance, applied.run_id)
    assert first.status is second.status is JobStatus.COMPLETED
    assert first.result is not None
    assert (first.result["outcome"], first.result["awaiting_approval"]) == ("AWAITING_APPROVAL", 2)
    assert {"fee_consent", "gst_reconciled", "no_duplicate_charge"} <= {
        check.check_type for check in first.checks if check.passed
    }
    assert second.result is not None
    assert second.result["effects"]["posted"] == 2
    assert second.schedule_id == f"approval:{decided.result['batch_id']}"
    assert events_of(app, instance, applied.run_id)[0].actor == OLGA
    assert differences(app, instance) == []


def test_what_was_refused_has_failed_for_good(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """Receipts of a month that nobody decided, launched by hand."""
    app = fee_platform(tmp_path)
    run = launch(
        app,
        instance,
        "fee_charging",
        partition_key=dg.MultiPartitionKey({"date": "2026-05-01", "tenant": ACME}),
        asset_selection=[dg.AssetKey(["fee_receipts"])],
    )

    record_changes(app, instance, Cursor(), retry=by_cause)

    job = job_in_record(app, instance, run.run_id)
    assert (job.status, job.will_retry) == (JobStatus.FAILED, False)
    assert job.error_details["error_type"] == "EffectRefusedError"
    assert differences(app, instance) == []


def test_a_door_that_does_not_wait_for_the_daemon_records_its_run_at_once(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """And the daemon has nothing to add."""
    run = launch(app, instance, "daily_factor")

    now = record_now(app, instance, run.run_id)
    tick = record_all(app, instance)

    assert now.events >= 3
    assert tick.events == 0
    assert record_now(app, instance, "no such run").events == 0


def test_the_reconciler_finds_what_the_log_kept_back(
    app: Application, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log shows no change at all; three minutes later the runs themselves are gone through."""
    tick = record_all(app, instance)
    run = launch(app, instance, "daily_factor")
    monkeypatch.setattr(instance, "fetch_run_status_changes", lambda *_, **__: _Nothing())

    soon = record_changes(app, instance, tick.cursor)
    app.clock.move(timedelta(minutes=3))  # type: ignore[attr-defined]
    later = record_changes(app, instance, soon.cursor)

    assert soon.events == 0
    assert later.events >= 3
    assert job_in_record(app, instance, run.run_id).status is JobStatus.COMPLETED


class _Nothing:
    """A page of the log without entries."""

    records = ()
    has_more = False


def test_the_sensor_itself_ticks(app: Application, instance: dg.DagsterInstance) -> None:
    """As the daemon evaluates it: a reason to skip that says what was done, and the next cursor."""
    launch(app, instance, "daily_factor")
    location = dg.Definitions(sensors=[job_events()], resources={"platform": Platform(lambda: app)})
    sensor: Any = location.resolve_sensor_def("job_events")
    context = dg.build_sensor_context(
        instance=instance, definitions=location, resources={"platform": Platform(lambda: app)}
    )

    ticked = sensor.evaluate_tick(context)

    assert ticked.skip_message.endswith("event(s) of 2 run(s); 0 s behind")
    assert Cursor.read(ticked.cursor).window.seen != ()
    assert differences(app, instance) == []
