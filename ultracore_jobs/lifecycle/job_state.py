"""What is known of a job, and what each event makes of it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from ultracore_jobs.lifecycle.aggregate import Aggregate, Clock
from ultracore_jobs.lifecycle.events import (
    ComplianceCheckRecorded,
    Event,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobProgressUpdated,
    JobQueued,
    JobRetried,
    JobScheduled,
    JobSkipped,
    JobStarted,
)
from ultracore_jobs.lifecycle.kinds import JobPriority, JobStatus, JobType


class JobState(Aggregate):
    """One business execution, as its events left it; `JobAggregate` adds the commands.

    Attributes:
        job_id: Which.
        status: Where it stands; None before it is scheduled.
        schedule_id: What made it due.
        scheduled_time: When it is or was due.
        priority: How urgent it is.
        parameters: What it runs with.
        job_type: What it does, where recorded.
        logical_date: Day it is about, where recorded.
        executor_id: Who works or worked on it.
        run_id: Dagster's run of the present attempt, where recorded.
        started_at: When the present attempt began.
        progress_percentage: How far the present attempt is; 100 when completed.
        current_step: What it does just now.
        result: What came of it.
        duration_seconds: How long it took.
        error_message: Why it failed last.
        error_details: More about that.
        will_retry: Whether the last failure announced another attempt.
        retry_count: How often it was tried again.
        next_retry_at: When the next attempt is due.
        reason: Why it was cancelled or skipped.
        checks: What its compliance checks said, oldest first.
        finished_at: When it came to its end; None while it may go on.
    """

    _identity = "job_id"

    def __init__(self, tenant_id: str, job_id: str, *, clock: Clock | None = None) -> None:
        """Begin a job that nothing has happened to."""
        super().__init__(tenant_id, job_id, clock=clock)
        self.job_id = job_id
        self.status: JobStatus | None = None
        self.schedule_id: str | None = None
        self.scheduled_time: datetime | None = None
        self.priority: JobPriority | None = None
        self.parameters: dict[str, Any] = {}
        self.job_type: JobType | str | None = None
        self.logical_date: date | None = None
        self.executor_id: str | None = None
        self.run_id: str | None = None
        self.started_at: datetime | None = None
        self.progress_percentage: float = 0
        self.current_step = ""
        self.result: dict[str, Any] | None = None
        self.duration_seconds: float | None = None
        self.error_message: str | None = None
        self.error_details: dict[str, Any] = {}
        self.will_retry = False
        self.retry_count = 0
        self.next_retry_at: datetime | None = None
        self.reason: str | None = None
        self.checks: tuple[ComplianceCheckRecorded, ...] = ()
        self.finished_at: datetime | None = None

    def _apply(self, event: Event) -> None:
        _TAKE_IN[type(event)](self, event)


def _scheduled(job: JobState, event: JobScheduled) -> None:
    job.status = JobStatus.SCHEDULED
    job.schedule_id = event.schedule_id
    job.scheduled_time = event.scheduled_time
    job.priority = event.priority
    job.parameters = event.parameters
    job.job_type = event.job_type
    job.logical_date = event.logical_date


def _queued(job: JobState, event: JobQueued) -> None:
    job.status = JobStatus.QUEUED
    job.run_id = event.run_id


def _started(job: JobState, event: JobStarted) -> None:
    job.status = JobStatus.RUNNING
    job.executor_id = event.executor_id
    job.run_id = event.run_id or job.run_id
    job.started_at = event.at
    job.next_retry_at = None
    job.progress_percentage, job.current_step = 0, ""


def _progressed(job: JobState, event: JobProgressUpdated) -> None:
    job.progress_percentage = event.progress_percentage
    job.current_step = event.current_step


def _completed(job: JobState, event: JobCompleted) -> None:
    job.status = event.status
    job.result = event.result
    job.duration_seconds = event.duration_seconds
    job.progress_percentage = 100
    job.finished_at = event.at


def _failed(job: JobState, event: JobFailed) -> None:
    job.status = JobStatus.FAILED
    job.error_message = event.error_message
    job.error_details = event.error_details
    job.will_retry = event.will_retry
    job.finished_at = None if event.will_retry else event.at


def _retried(job: JobState, event: JobRetried) -> None:
    job.status = JobStatus.RETRYING
    job.retry_count = event.retry_count
    job.next_retry_at = event.next_retry_at
    job.run_id = None
    job.finished_at = None


def _ended(job: JobState, event: JobCancelled | JobSkipped) -> None:
    job.status = event.status if isinstance(event, JobSkipped) else JobStatus.CANCELLED
    job.reason = event.reason
    job.finished_at = event.at


def _checked(job: JobState, event: ComplianceCheckRecorded) -> None:
    job.checks += (event,)


_TAKE_IN: dict[type[Event], Callable[[JobState, Any], None]] = {
    JobScheduled: _scheduled,
    JobQueued: _queued,
    JobStarted: _started,
    JobProgressUpdated: _progressed,
    JobCompleted: _completed,
    JobFailed: _failed,
    JobRetried: _retried,
    JobCancelled: _ended,
    JobSkipped: _ended,
    ComplianceCheckRecorded: _checked,
}
