"""Occurrences and intents: what should run, and what somebody wants stopped (DESIGN 4 and 6).

An occurrence is one attempt of one job that a schedule, a person or a failure made due. It is recorded by
whoever wants it, and launched by one sensor. Nobody marks it as launched for having asked for a run: it is
FIRED only when a run that bears its job and attempt has been seen, so that no crash in between loses it.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ultracore_jobs.lifecycle.fields import JsonObject, Message, Name, TenantName, Words


class OccurrenceState(StrEnum):
    """Where an occurrence stands; all but DUE are for good."""

    DUE = "DUE"
    FIRED = "FIRED"
    CANCELLED = "CANCELLED"
    MISSED = "MISSED"


ASKED_FOR: Final = ("tenant", "job_id", "job_type", "logical_date", "parameters")
"""What must be the same where somebody asks twice under one name."""


class Occurrence(BaseModel):
    """One attempt of one job, due at an instant.

    Attributes:
        tenant: Whose; ``shared`` for market data.
        schedule_id: What made it due: a schedule, or ``now:<id>`` where a person asked.
        due_at: When the job was due; with `schedule_id` the identity of the job, the same for each attempt.
        attempt: 1, 2, ...; a retry is the next attempt of the same job.
        ready_at: From when on this attempt may start; later than `due_at` for a retry.
        job_id: The business execution.
        job_type: Such as ``fee_charging``.
        logical_date: Day that it is about, or the first day of its period.
        priority: Dagster's number; a higher one goes first.
        parameters: What the job runs with.
        requested_by: Who wanted it.
        requested_at: When it was recorded.
        idempotency_key: Name that a caller gave to the request, so that asking again is asking once.
        state: Where it stands.
        run_id: The run that was seen.
        settled_at: When it stopped being DUE.
        note: Why it was cancelled or missed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tenant: TenantName
    schedule_id: Name
    due_at: AwareDatetime
    attempt: int = Field(default=1, ge=1)
    ready_at: AwareDatetime
    job_id: Name
    job_type: Name
    logical_date: date
    priority: int
    parameters: JsonObject = {}
    requested_by: Words
    requested_at: AwareDatetime
    idempotency_key: Name | None = None
    state: OccurrenceState = OccurrenceState.DUE
    run_id: Name | None = None
    settled_at: AwareDatetime | None = None
    note: Message = ""

    @property
    def run_key(self) -> str:
        """What its run is known by: one job, one attempt."""
        return f"{self.job_id}:{self.attempt}"


class Cancellation(BaseModel):
    """Somebody's wish that a job stop for good.

    Attributes:
        tenant: Whose job.
        job_id: Which.
        reason: Why.
        requested_by: Who wants it.
        requested_at: Since when.
        acknowledged_at: When it was seen to that nothing of the job goes on; None while it is not.
        outcome: What came of it: stopped, not started, or too late.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: TenantName
    job_id: Name
    reason: Words
    requested_by: Words
    requested_at: AwareDatetime
    acknowledged_at: AwareDatetime | None = None
    outcome: Message = ""


class Occurrences(Protocol):
    """Keeps occurrences and cancellations. Instants are given by the caller; there is no clock."""

    def put(self, occurrence: Occurrence) -> Occurrence:
        """Record what should run; asking again gives back what stands.

        An attempt of a job that somebody cancelled is recorded as CANCELLED: a retry does not undo it.

        Returns:
            The occurrence of that idempotency key, or of that (tenant, schedule, due instant, attempt).

        Raises:
            UsageError: One stands under that key or place that asks for something else.
        """
        ...

    def due(self, now: datetime, limit: int) -> tuple[Occurrence, ...]:
        """What is DUE and ready at *now*: higher priority first, then by due instant, then by job id."""
        ...

    def of_job(self, job_id: str) -> tuple[Occurrence, ...]:
        """Every occurrence of a job, first attempt first."""
        ...

    def fire(self, job_id: str, attempt: int, run_id: str, *, at: datetime) -> bool:
        """Note that a run of a DUE occurrence was seen; whether this call noted it.

        What is not DUE any more stays as it is.
        """
        ...

    def miss(self, job_id: str, attempt: int, note: str, *, at: datetime) -> bool:
        """Note that a DUE occurrence will never run, and why; whether this call noted it."""
        ...

    def cancel(self, wish: Cancellation) -> Cancellation:
        """Record that a job is to stop, and cancel what of it is DUE, in one commit.

        Returns:
            The wish that stands: the first one.
        """
        ...

    def cancellation(self, job_id: str) -> Cancellation | None:
        """The wish that a job stop; None where nobody has it."""
        ...

    def open_cancellations(self, limit: int) -> tuple[Cancellation, ...]:
        """Wishes that are not acknowledged, oldest first."""
        ...

    def acknowledge(self, job_id: str, outcome: str, *, at: datetime) -> bool:
        """Note what came of a wish; whether this call noted it: the first word stands."""
        ...
