"""A job's life, from the moment it is scheduled to its one final event, with retries in between.

::

    new -> SCHEDULED -> QUEUED -> RUNNING -> COMPLETED | COMPLETED_WITH_ERRORS
                                          -> FAILED -> RETRYING -> QUEUED | RUNNING
    SKIPPED_UPSTREAM -> RETRYING, where somebody runs it again
    CANCELLED, and FAILED, from any of SCHEDULED, QUEUED, RUNNING, RETRYING
    SKIPPED_UPSTREAM, MISSED from SCHEDULED, QUEUED, RETRYING

A run may fail before it starts, as where its process cannot be launched. A failed job may be tried again
even where its failure said that it would not be: a person may know better.

Source: original_document, domain_rules 21.7 and 21.9.
"""

from datetime import date, datetime
from typing import Any, Literal, Unpack

from ultracore_jobs.lifecycle.aggregate import About
from ultracore_jobs.lifecycle.events import (
    ComplianceCheckRecorded,
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
from ultracore_jobs.lifecycle.job_state import JobState
from ultracore_jobs.lifecycle.kinds import JobPriority, JobStatus, JobType

_WAITING = (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RETRYING)
_ACTIVE = (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING)


class JobAggregate(JobState):
    """One business execution: what may happen to it, and what did.

    Attributes: those of `JobState`.
    """

    def schedule(
        self,
        schedule_id: str,
        scheduled_time: datetime,
        priority: JobPriority,
        parameters: dict[str, Any],
        *,
        job_type: JobType | str | None = None,
        logical_date: date | None = None,
        **about: Unpack[About],
    ) -> None:
        """Let there be a job, due at *scheduled_time*.

        Raises:
            IllegalTransitionError: It is scheduled already.
        """
        if self.status is not None:
            raise self._refuse("schedule", self.status, ["new"])
        self._record(
            JobScheduled,
            about,
            schedule_id=schedule_id,
            scheduled_time=scheduled_time,
            priority=priority,
            parameters=parameters,
            job_type=job_type,
            logical_date=logical_date,
        )

    def queue(self, *, run_id: str | None = None, **about: Unpack[About]) -> None:
        """Let it wait for a free slot.

        Raises:
            IllegalTransitionError: It waits already, runs, or has ended.
        """
        self._require("queue", JobStatus.SCHEDULED, JobStatus.RETRYING)
        self._record(JobQueued, about, run_id=run_id)

    def start(self, executor_id: str, *, run_id: str | None = None, **about: Unpack[About]) -> None:
        """Give it to an executor.

        Raises:
            IllegalTransitionError: It is not waiting.
        """
        self._require("start", *_WAITING)
        self._record(JobStarted, about, actor=executor_id, executor_id=executor_id, run_id=run_id)

    def update_progress(
        self, progress_pct: float, current_step: str, details: dict[str, Any], **about: Unpack[About]
    ) -> None:
        """Say how far it is, in percent.

        Raises:
            IllegalTransitionError: It does not run.
        """
        self._require("report the progress of", JobStatus.RUNNING)
        self._record(
            JobProgressUpdated,
            about,
            actor=self.executor_id,
            progress_percentage=progress_pct,
            current_step=current_step,
            details=details,
        )

    def complete(
        self,
        result: dict[str, Any],
        duration_seconds: float,
        *,
        status: Literal[JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS] = JobStatus.COMPLETED,
        **about: Unpack[About],
    ) -> None:
        """Say that it is done, and what came of it.

        Raises:
            IllegalTransitionError: It does not run.
        """
        self._require("complete", JobStatus.RUNNING)
        self._record(
            JobCompleted,
            about,
            actor=self.executor_id,
            status=status,
            result=result,
            duration_seconds=duration_seconds,
        )

    def fail(
        self,
        error_message: str,
        error_details: dict[str, Any],
        will_retry: bool,  # noqa: FBT001 - as the original document has it
        **about: Unpack[About],
    ) -> None:
        """Say that it ended without a result.

        Raises:
            IllegalTransitionError: It has ended already.
        """
        self._require("fail", *_ACTIVE)
        self._record(
            JobFailed,
            about,
            actor=self.executor_id,
            error_message=error_message,
            error_details=error_details,
            retry_count=self.retry_count,
            will_retry=will_retry,
        )

    def retry(self, next_retry_at: datetime, **about: Unpack[About]) -> None:
        """Let it be tried again.

        Raises:
            IllegalTransitionError: It has neither failed nor been skipped for want of its inputs.
        """
        self._require("retry", JobStatus.FAILED, JobStatus.SKIPPED_UPSTREAM)
        self._record(JobRetried, about, retry_count=self.retry_count + 1, next_retry_at=next_retry_at)

    def cancel(self, reason: str, cancelled_by: str, **about: Unpack[About]) -> None:
        """Stop it for good.

        Raises:
            IllegalTransitionError: It has ended already.
        """
        self._require("cancel", *_ACTIVE)
        self._record(JobCancelled, about, actor=cancelled_by, reason=reason, cancelled_by=cancelled_by)

    def skip(
        self,
        status: Literal[JobStatus.SKIPPED_UPSTREAM, JobStatus.MISSED],
        reason: str,
        **about: Unpack[About],
    ) -> None:
        """Say that it will not run, and why.

        Raises:
            IllegalTransitionError: It runs, or has ended.
        """
        self._require("skip", *_WAITING)
        self._record(JobSkipped, about, status=status, reason=reason)

    def record_check(
        self,
        check_type: str,
        passed: bool,  # noqa: FBT001 - in the order of the event's fields, as every command
        details: dict[str, Any],
        **about: Unpack[About],
    ) -> None:
        """Keep what a compliance check said; it may be read after the job has ended.

        Raises:
            IllegalTransitionError: There is no job yet.
        """
        if self.status is None:
            self._require("check", *JobStatus)
        self._record(
            ComplianceCheckRecorded,
            about,
            actor=self.executor_id,
            check_type=check_type,
            passed=passed,
            details=details,
        )

    def _require(self, command: str, *allowed: JobStatus) -> None:
        if self.status not in allowed:
            raise self._refuse(command, self.status or "new", allowed)
