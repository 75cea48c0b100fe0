"""A job's life: the examples of the original document, and what may not happen."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ultracore_jobs.errors import IllegalTransitionError, UsageError
from ultracore_jobs.lifecycle.events import JobPriority, JobStatus, JobType
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs_tests.lifecycle.clocks import NOON, FrontDoorJob, new_job, ticking

Command = Callable[[JobAggregate], None]

COMMANDS: dict[str, Command] = {
    "schedule": lambda job: job.schedule("daily", NOON, JobPriority.HIGH, {}),
    "queue": lambda job: job.queue(run_id="run-1"),
    "start": lambda job: job.start("executor_1"),
    "update_progress": lambda job: job.update_progress(25, "Fetching", {}),
    "complete": lambda job: job.complete({}, 45.2),
    "fail": lambda job: job.fail("database timeout", {}, will_retry=True),
    "retry": lambda job: job.retry(NOON),
    "cancel": lambda job: job.cancel("not needed", "olga"),
    "skip": lambda job: job.skip(JobStatus.MISSED, "a day late"),
    "record_check": lambda job: job.record_check("nav_reconciled", passed=True, details={}),
}

WAYS: dict[JobStatus | None, tuple[str, ...]] = {
    None: (),
    JobStatus.SCHEDULED: ("schedule",),
    JobStatus.QUEUED: ("schedule", "queue"),
    JobStatus.RUNNING: ("schedule", "start"),
    JobStatus.COMPLETED: ("schedule", "start", "complete"),
    JobStatus.FAILED: ("schedule", "start", "fail"),
    JobStatus.RETRYING: ("schedule", "start", "fail", "retry"),
    JobStatus.CANCELLED: ("schedule", "cancel"),
    JobStatus.MISSED: ("schedule", "skip"),
}

ALLOWED: dict[str, tuple[JobStatus | None, ...]] = {
    "schedule": (None,),
    "queue": (JobStatus.SCHEDULED, JobStatus.RETRYING),
    "start": (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RETRYING),
    "update_progress": (JobStatus.RUNNING,),
    "complete": (JobStatus.RUNNING,),
    "fail": (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING),
    "retry": (JobStatus.FAILED,),
    "cancel": (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING),
    "skip": (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RETRYING),
    "record_check": tuple(status for status in WAYS if status is not None),
}


def job_that_is(status: JobStatus | None) -> JobAggregate:
    """A job brought there by commands."""
    job = new_job()
    for command in WAYS[status]:
        COMMANDS[command](job)
    assert job.status == status
    return job


def names(job: JobAggregate) -> list[str]:
    """Of the events that it recorded."""
    return [type(event).__name__ for event in job.uncommitted]


def test_a_valuation_runs_as_the_original_document_has_it() -> None:
    """Its first execution example, made through a front door: only the import differs."""
    job = FrontDoorJob(tenant_id="t1", job_id="job_123")
    job.schedule(
        schedule_id="portfolio_valuation_daily",
        scheduled_time=datetime(2024, 1, 15, 2),  # noqa: DTZ001 - naive, as utcnow() gives it
        priority=JobPriority.HIGH,
        parameters={"include_all_portfolios": True},
    )
    job.start(executor_id="executor_1")
    job.update_progress(
        progress_pct=25, current_step="Fetching market prices", details={"symbols_fetched": 100}
    )
    job.complete(result={"portfolios_updated": 150, "total_value": 50000000.00}, duration_seconds=45.2)

    assert names(job) == ["JobScheduled", "JobStarted", "JobProgressUpdated", "JobCompleted"]
    assert (job.status, job.progress_percentage, job.duration_seconds) == (JobStatus.COMPLETED, 100, 45.2)
    assert job.scheduled_time == datetime(2024, 1, 15, 2, tzinfo=UTC)
    assert job.result == {"portfolios_updated": 150, "total_value": 50000000}
    assert {event.code_version for event in job.uncommitted} == {"1.2.3"}


def test_a_fee_run_fails_and_is_tried_again_as_the_original_document_has_it() -> None:
    """Its second example: fails, is due again in five minutes, and then succeeds."""
    job = FrontDoorJob(tenant_id="t1", job_id="job_456")
    job.schedule(
        schedule_id="fee_charging_monthly",
        scheduled_time=NOON,
        priority=JobPriority.CRITICAL,
        parameters={"fee_types": ["management", "performance"]},
    )
    job.start(executor_id="executor_2")
    job.fail(error_message="timed out", error_details={"error_type": "database_timeout"}, will_retry=True)
    next_retry = NOON + timedelta(minutes=5)
    job.retry(next_retry_at=next_retry)

    assert (job.status, job.retry_count, job.next_retry_at) == (JobStatus.RETRYING, 1, next_retry)
    assert (job.error_message, job.will_retry, job.finished_at) == ("timed out", True, None)
    job.start(executor_id="executor_3")
    assert (job.next_retry_at, job.progress_percentage) == (None, 0)
    job.complete({"fees_charged": 150}, 120.5)
    failed, retried = job.uncommitted[2:4]
    assert failed.model_dump()["retry_count"] == 0
    assert retried.model_dump()["retry_count"] == 1


@pytest.mark.parametrize("status", WAYS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_allowed_where_the_rules_have_it_and_nowhere_else(
    command: str, status: JobStatus | None
) -> None:
    """Each of ten commands in each of nine states; what is refused records nothing."""
    job = job_that_is(status)
    before = job.version
    if status in ALLOWED[command]:
        COMMANDS[command](job)
        assert job.version == before + 1
        return

    with pytest.raises(
        IllegalTransitionError, match=r"^cannot .* a job that is .*; it must be .*\(job_123\)$"
    ):
        COMMANDS[command](job)
    assert (job.version, job.status) == (before, status)


def test_the_error_says_what_is_and_what_must_be() -> None:
    """In one sentence."""
    with pytest.raises(IllegalTransitionError) as refused:
        job_that_is(JobStatus.COMPLETED).start("executor_1")

    assert str(refused.value) == (
        "cannot start a job that is completed; it must be scheduled, queued or retrying (job_123)"
    )


def test_a_job_ends_with_errors_is_skipped_or_missed() -> None:
    """The states that no event of the original leads to."""
    job = job_that_is(JobStatus.RUNNING)
    job.complete({"quarantined": 3}, 1, status=JobStatus.COMPLETED_WITH_ERRORS)
    skipped = job_that_is(JobStatus.SCHEDULED)
    skipped.skip(JobStatus.SKIPPED_UPSTREAM, "no prices for 2024-01-12")

    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert (skipped.status, skipped.reason) == (JobStatus.SKIPPED_UPSTREAM, "no prices for 2024-01-12")
    with pytest.raises(UsageError, match="status"):
        job_that_is(JobStatus.SCHEDULED).skip(JobStatus.COMPLETED, "no")  # type: ignore[arg-type]


def test_every_event_says_who_did_it() -> None:
    """The executor, who cancelled, the service; or whom the caller names."""
    job = new_job()
    job.schedule("daily", NOON, JobPriority.LOW, {}, actor="olga")
    job.start("executor_1")
    job.update_progress(1, "", {})
    job.fail("", {}, will_retry=True)
    job.retry(NOON)
    job.cancel("stop", "paul")

    assert [event.actor for event in job.uncommitted] == [
        "olga",
        "executor_1",
        "executor_1",
        "executor_1",
        "system",
        "paul",
    ]
    with pytest.raises(UsageError, match="actor"):
        new_job().schedule("daily", NOON, JobPriority.LOW, {}, actor=" ")


def test_a_fact_may_be_recorded_later_than_it_happened() -> None:
    """With when, and what it came from: a line of Dagster's log."""
    job = new_job()
    job.schedule(
        "daily", NOON, JobPriority.LOW, {}, job_type=JobType.DATA_CLEANUP, logical_date=date(2024, 1, 14)
    )
    job.start(
        "ex", run_id="run-7", at=NOON - timedelta(hours=1), causation_id="run-7:12", correlation_id="run-7"
    )

    scheduled, started = job.uncommitted
    assert (scheduled.at, started.at) == (NOON, NOON - timedelta(hours=1))
    assert (started.causation_id, started.correlation_id) == ("run-7:12", "run-7")
    assert (job.job_type, job.logical_date, job.run_id) == (JobType.DATA_CLEANUP, date(2024, 1, 14), "run-7")


def test_a_type_that_was_added_as_a_page_is_recorded_by_its_name() -> None:
    """The enum needs no 22nd member."""
    job = new_job()
    job.schedule("daily", NOON, JobPriority.LOW, {}, job_type="dividend_check")

    assert job.job_type == "dividend_check"
    assert len(JobType) == 21


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"limit": Decimal("1.5")}, "parameters"),
        ({"limit": float("nan")}, "parameters.limit"),
        ({"count": 2**60}, "cannot be recorded"),
        ({"name": "\ud800"}, "."),
        ({1: "a"}, "parameters"),
    ],
)
def test_what_is_not_plain_json_is_refused_when_it_is_said(parameters: dict[Any, Any], words: str) -> None:
    """Not hours later, when it is appended; and nothing is recorded."""
    job = new_job()
    with pytest.raises(UsageError, match=words):
        job.schedule("daily", NOON, JobPriority.LOW, parameters)

    assert (job.version, job.status) == (0, None)


@pytest.mark.parametrize("percent", [-1, 100.5, float("nan")])
def test_progress_is_a_percentage(percent: float) -> None:
    """From 0 to 100."""
    with pytest.raises(UsageError, match="progress_percentage"):
        job_that_is(JobStatus.RUNNING).update_progress(percent, "", {})


def test_what_the_caller_changes_later_is_not_in_the_record() -> None:
    """Neither in the event nor in the state, however deep."""
    parameters: dict[str, Any] = {"fee_types": ["management"]}
    job = new_job()
    job.schedule("daily", NOON, JobPriority.LOW, parameters)
    parameters["fee_types"].append("performance")

    assert job.parameters == {"fee_types": ["management"]}


def test_events_are_uncommitted_until_somebody_keeps_them() -> None:
    """The version to expect is that of what is kept."""
    job = job_that_is(JobStatus.RUNNING)
    assert (job.version, job.committed_version, len(job.uncommitted)) == (2, 0, 2)
    job.mark_committed()
    job.complete({}, 1)

    assert (job.version, job.committed_version, names(job)) == (3, 2, ["JobCompleted"])


def test_a_job_is_rebuilt_from_its_own_events_only() -> None:
    """None, those of another job, or those of a schedule are refused."""
    one, other = job_that_is(JobStatus.RUNNING), new_job("job_9")
    other.schedule("daily", NOON, JobPriority.LOW, {})
    for events in ((), (*one.uncommitted, *other.uncommitted)):
        with pytest.raises(UsageError, match="job"):
            JobAggregate.from_events(events, clock=ticking())


def test_a_clock_must_be_given_or_built_in() -> None:
    """This layer reads none of its own."""
    with pytest.raises(UsageError, match="JobAggregate needs a clock"):
        JobAggregate("t1", "job_1")
    assert FrontDoorJob("t1", "job_1").version == 0
