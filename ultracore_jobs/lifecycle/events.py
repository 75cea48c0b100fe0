"""What can happen to a schedule and to a job: the ten events of the original document, and three more.

An event is a fact: frozen, with who, when and by which release, and never changed once recorded. Its own
fields are the payload; a field that is None is left out of it. Fields are only ever added, with a
default; anything else is a new ``SCHEMA_VERSION`` and an upcaster (`upcasting`).

Source: original_document, domain_rules 21.9 and 22, DESIGN 5 and 6.
"""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.canonical import canonical_json, instant_text, quoted
from ultracore_jobs.lifecycle.fields import AnyJobType, Instant, JsonObject, Message, Name, TenantName, Words
from ultracore_jobs.lifecycle.kinds import JobPriority, JobStatus, JobType, ScheduleType

SCHEDULES: Final = "jobs.schedules"
EXECUTIONS: Final = "jobs.executions"

_OPTIONAL: Final = ("causation_id", "code_version", "correlation_id")


class Event(BaseModel):
    """A fact about one stream.

    Attributes:
        tenant_id: Whose.
        at: When it happened, UTC; a naive datetime means UTC.
        actor: Person or service that did it, never blank.
        correlation_id: What it belongs to, such as a Dagster run.
        causation_id: What brought it about, such as one entry of Dagster's log or an intent.
        code_version: Release that recorded it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    TOPIC: ClassVar[str]
    IDENTITY: ClassVar[str]
    SCHEMA_VERSION: ClassVar[int] = 1
    PAYLOAD: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Own fields in canonical order, each with its key as JSON."""

    tenant_id: TenantName
    at: Instant
    actor: Words
    correlation_id: Name | None = None
    causation_id: Name | None = None
    code_version: Name | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note which fields are the payload."""
        super().__pydantic_init_subclass__(**kwargs)
        own = set(cls.model_fields) - set(Event.model_fields) - {cls.IDENTITY}
        cls.PAYLOAD = tuple((name, f"{quoted(name)}:") for name in sorted(own))

    @cached_property
    def unplaced(self) -> tuple[str, str]:
        """The canonical body but for its place in the stream: what stands before that number, and after.

        Written once, when the event is recorded; whoever appends it only adds the place.

        Raises:
            UsageError: A field holds what has no canonical JSON.
        """
        own = self.__dict__
        try:
            fields = [key + canonical_json(own[name]) for name, key in self.PAYLOAD if own[name] is not None]
            payload = f'"payload":{{{",".join(fields)}}}'
            # Half of a surrogate pair is no text; better refused here than when it is to be hashed.
            payload.encode()
        except ValueError as error:
            message = f"{type(self).__name__} of {self.subject} cannot be recorded: {error}"
            raise UsageError(message) from error
        optional = "".join([f'"{name}":{quoted(own[name])},' for name in _OPTIONAL if own[name] is not None])
        subject = f'"{self.IDENTITY}":{quoted(self.subject)}'
        # In the order of RFC 8785 a job's name comes before the payload, a schedule's after it.
        what = f"{subject},{payload}" if self.IDENTITY < "payload" else f"{payload},{subject}"
        before = (
            f'{{"actor":{quoted(self.actor)},"at":"{instant_text(self.at)}",{optional}'
            f'"event_type":"{type(self).__name__}",{what},"schema_version":{self.SCHEMA_VERSION},"seq":'
        )
        return before, f',"tenant_id":{quoted(self.tenant_id)}}}'

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, which writes its own text."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("unplaced", None)
        return copied

    @property
    def subject(self) -> str:
        """Which schedule or job, within the tenant."""
        subject: str = self.__dict__[self.IDENTITY]
        return subject

    @property
    def stream(self) -> str:
        """The stream it belongs to."""
        return f"{self.TOPIC}/{self.tenant_id}/{self.subject}"


def schedule_stream(tenant_id: str, schedule_id: str) -> str:
    """The name of a schedule's stream; two tenants may call theirs the same."""
    return f"{SCHEDULES}/{tenant_id}/{schedule_id}"


def job_stream(tenant_id: str, job_id: str) -> str:
    """The name of a job's stream."""
    return f"{EXECUTIONS}/{tenant_id}/{job_id}"


class ScheduleEvent(Event):
    """A fact about a schedule."""

    TOPIC = SCHEDULES
    IDENTITY = "schedule_id"

    schedule_id: Name


class JobScheduleCreated(ScheduleEvent):
    """There is a schedule now."""

    job_type: AnyJobType
    schedule_type: ScheduleType
    cron_expression: Words | None = None
    interval_seconds: int | None = Field(default=None, gt=0)
    scheduled_time: Instant | None = None
    enabled: bool
    priority: JobPriority
    parameters: JsonObject
    created_by: Words


class ScheduleEnabled(ScheduleEvent):
    """It makes jobs from now on."""

    enabled_by: Words


class ScheduleDisabled(ScheduleEvent):
    """It makes no jobs until it is enabled."""

    disabled_by: Words


class JobEvent(Event):
    """A fact about a job."""

    TOPIC = EXECUTIONS
    IDENTITY = "job_id"

    job_id: Name


class JobScheduled(JobEvent):
    """There is a job now; `logical_date` is the day or first day of the period that it is about."""

    schedule_id: Name
    scheduled_time: Instant
    priority: JobPriority
    parameters: JsonObject
    job_type: AnyJobType | None = None
    logical_date: date | None = None


class JobQueued(JobEvent):
    """It waits for a free slot."""

    run_id: Name | None = None


class JobStarted(JobEvent):
    """An executor works on it."""

    executor_id: Name
    run_id: Name | None = None


class JobProgressUpdated(JobEvent):
    """How far it is."""

    progress_percentage: float = Field(ge=0, le=100)
    current_step: Message
    details: JsonObject


class JobCompleted(JobEvent):
    """It is done; with errors, where some rows had to be left out."""

    status: Literal[JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS] = JobStatus.COMPLETED
    result: JsonObject
    duration_seconds: float = Field(ge=0)


class JobFailed(JobEvent):
    """It ended without a result; `retry_count` is how often it had been tried again before."""

    error_message: Message
    error_details: JsonObject
    retry_count: int = Field(ge=0)
    will_retry: bool


class JobRetried(JobEvent):
    """It will be tried again, for the `retry_count`-th time."""

    retry_count: int = Field(ge=1)
    next_retry_at: Instant


class JobCancelled(JobEvent):
    """Somebody stopped it."""

    reason: Message
    cancelled_by: Words


class JobSkipped(JobEvent):
    """It will not run: what it needs never came, or its time had passed."""

    status: Literal[JobStatus.SKIPPED_UPSTREAM, JobStatus.MISSED]
    reason: Words


class ComplianceCheckRecorded(JobEvent):
    """What a check of the job said."""

    check_type: Name
    passed: bool
    details: JsonObject = {}


EVENT_TYPES: Final[dict[str, type[Event]]] = {
    event_type.__name__: event_type
    for event_type in (
        JobScheduleCreated,
        ScheduleEnabled,
        ScheduleDisabled,
        JobScheduled,
        JobQueued,
        JobStarted,
        JobProgressUpdated,
        JobCompleted,
        JobFailed,
        JobRetried,
        JobCancelled,
        JobSkipped,
        ComplianceCheckRecorded,
    )
}
"""By the name that is recorded."""

__all__ = [
    "EVENT_TYPES",
    "EXECUTIONS",
    "SCHEDULES",
    "ComplianceCheckRecorded",
    "Event",
    "JobCancelled",
    "JobCompleted",
    "JobEvent",
    "JobFailed",
    "JobPriority",
    "JobProgressUpdated",
    "JobQueued",
    "JobRetried",
    "JobScheduleCreated",
    "JobScheduled",
    "JobSkipped",
    "JobStarted",
    "JobStatus",
    "JobType",
    "ScheduleDisabled",
    "ScheduleEnabled",
    "ScheduleEvent",
    "ScheduleType",
    "job_stream",
    "schedule_stream",
]
