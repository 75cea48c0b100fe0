"""The examples of the original document, with the same calls and the same keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import ultracore_jobs.api as front_door
from ultracore_jobs.api import (
    FeeChargingJob,
    JobAggregate,
    JobPriority,
    JobScheduler,
    JobStatus,
    JobType,
    PortfolioValuationJob,
    ScheduleAggregate,
    ScheduleType,
)
from ultracore_jobs.errors import MissingInputError, UsageError
from ultracore_jobs_tests.fee_stage import ACME, JUNE, fee_platform


def noon_tomorrow() -> datetime:
    """As the document has it: a naive datetime, which means UTC."""
    return datetime(2026, 11, 26, 12)  # noqa: DTZ001 - the document's examples are naive


@pytest.fixture
def schedule() -> ScheduleAggregate:
    """A schedule that nothing has happened to."""
    return ScheduleAggregate(tenant_id="t1", schedule_id="portfolio_valuation_daily")


@pytest.mark.parametrize(
    ("job_type", "schedule_type", "cron", "interval", "time", "priority"),
    [
        (JobType.PORTFOLIO_VALUATION, ScheduleType.CRON, "0 2 * * *", None, None, JobPriority.HIGH),
        (JobType.PRICE_ALERT_CHECK, ScheduleType.INTERVAL, None, 3600, None, JobPriority.NORMAL),
        (JobType.FEE_CHARGING, ScheduleType.CRON, "0 1 1 * *", None, None, JobPriority.CRITICAL),
        (JobType.REPORT_GENERATION, ScheduleType.ONE_TIME, None, None, noon_tomorrow(), JobPriority.HIGH),
    ],
)
def test_the_four_schedules_are_created(  # noqa: PLR0917 - a row of the document
    schedule: ScheduleAggregate,
    job_type: JobType,
    schedule_type: ScheduleType,
    cron: str | None,
    interval: int | None,
    time: datetime | None,
    priority: JobPriority,
) -> None:
    """Examples 1 to 4: created by `system`, enabled, with their parameters; then switched off and on."""
    schedule.create(
        job_type=job_type,
        schedule_type=schedule_type,
        cron_expression=cron,
        interval_seconds=interval,
        scheduled_time=time,
        enabled=True,
        priority=priority,
        parameters={"include_all_portfolios": True},
        created_by="system",
    )
    schedule.disable(disabled_by="olga")
    schedule.enable(enabled_by="olga")

    assert schedule.enabled
    assert [type(event).__name__ for event in schedule.uncommitted] == [
        "JobScheduleCreated",
        "ScheduleDisabled",
        "ScheduleEnabled",
    ]


@pytest.fixture
def job() -> JobAggregate:
    """A job that is scheduled and started, as in the document."""
    job = JobAggregate(tenant_id="t1", job_id="job_123")
    job.schedule(
        schedule_id="portfolio_valuation_daily",
        scheduled_time=noon_tomorrow(),
        priority=JobPriority.HIGH,
        parameters={"include_all_portfolios": True},
    )
    job.start(executor_id="executor_1")
    return job


def test_a_job_is_run_to_its_end(job: JobAggregate) -> None:
    """Execution example 1: progress, then complete with the result."""
    job.update_progress(
        progress_pct=25, current_step="Fetching market prices", details={"symbols_fetched": 100}
    )
    job.complete(result={"portfolios_updated": 150, "total_value": "50000000.00"}, duration_seconds=45.2)

    assert job.status is JobStatus.COMPLETED
    assert job.result == {"portfolios_updated": 150, "total_value": "50000000.00"}


def test_a_job_that_failed_is_retried(job: JobAggregate) -> None:
    """Execution example 2: fail with will_retry, then retry in five minutes."""
    job.fail(error_message="timed out", error_details={"error_type": "database_timeout"}, will_retry=True)
    job.retry(next_retry_at=noon_tomorrow() + timedelta(minutes=5))

    assert (job.status, job.retry_count) == (JobStatus.RETRYING, 1)
    assert job.next_retry_at == datetime(2026, 11, 26, 12, 5, tzinfo=UTC)


def test_a_job_can_be_cancelled(job: JobAggregate) -> None:
    """With who and why."""
    job.cancel(reason="not needed any more", cancelled_by="olga")

    assert job.status is JobStatus.CANCELLED


def test_the_scheduler_says_what_is_next() -> None:
    """`0 2 * * *` after the 25th at noon is the 26th at two; an expression says its values."""
    scheduler = JobScheduler()

    assert scheduler.get_next_run_time("0 2 * * *", datetime(2026, 11, 25, 12, tzinfo=UTC)) == datetime(
        2026, 11, 26, 2, tzinfo=UTC
    )
    with pytest.raises(UsageError):
        scheduler.parse_cron("0 0 30 2 *")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A platform on which June can be charged, as the environment describes it."""
    fee_platform(tmp_path)
    monkeypatch.setenv("ULTRACORE_HOME", str(tmp_path))
    monkeypatch.setenv("ULTRACORE_FEEDS", str(tmp_path))
    return tmp_path


def test_a_fee_job_runs_from_code_with_the_documents_parameters(home: Path) -> None:
    """`FeeChargingJob().execute({"fee_types": [...]})`: its keys, and safe to run again."""
    assert home.exists()
    parameters: dict[str, Any] = {"fee_types": ["management", "performance"]}

    result = FeeChargingJob().execute(parameters, as_of_date=JUNE)
    again = FeeChargingJob().execute(parameters, tenant=ACME, as_of_date=JUNE)

    assert (result["fees_charged"], result["total_amount"]) == (2, "1012.6000")
    assert result["awaiting_approval"] == again["awaiting_approval"] == 2
    assert again["reused"]


def test_a_job_whose_inputs_are_missing_says_which(home: Path) -> None:
    """No price was ever loaded on this platform."""
    assert home.exists()

    with pytest.raises(MissingInputError, match=r"portfolio_valuation for acme on .* waits for"):
        PortfolioValuationJob().execute({"include_all_portfolios": True})


def test_the_front_door_lists_all_it_has() -> None:
    """`from ultracore_jobs.api import *` gives what the document uses."""
    assert all(hasattr(front_door, name) for name in front_door.__all__)
    assert sorted(front_door.__all__) == list(front_door.__all__)
