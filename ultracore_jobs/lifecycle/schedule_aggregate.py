"""A schedule: what makes jobs of one type, from when it is created, while it is enabled.

Source: original_document, DESIGN 7.
"""

from datetime import datetime
from typing import Any, Unpack

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.aggregate import About, Aggregate, Clock
from ultracore_jobs.lifecycle.events import Event, JobScheduleCreated, ScheduleDisabled, ScheduleEnabled
from ultracore_jobs.lifecycle.kinds import JobPriority, JobType, ScheduleType

_WHEN = {
    ScheduleType.CRON: "cron_expression",
    ScheduleType.INTERVAL: "interval_seconds",
    ScheduleType.ONE_TIME: "scheduled_time",
    ScheduleType.ON_DEMAND: None,
}
"""Which argument says when a schedule of that type is due."""


class ScheduleAggregate(Aggregate):
    """One schedule of one tenant.

    Attributes:
        schedule_id: Which.
        enabled: Whether it makes jobs; None before it is created.
        job_type: What its jobs do.
        schedule_type: What makes it due.
        cron_expression: When, for CRON.
        interval_seconds: How often, for INTERVAL.
        scheduled_time: When, for ONE_TIME.
        priority: Of its jobs.
        parameters: Of its jobs.
        created_by: Who created it.
        created_at: When; the anchor of an interval.
    """

    _identity = "schedule_id"

    def __init__(self, tenant_id: str, schedule_id: str, *, clock: Clock | None = None) -> None:
        """Begin a schedule that nothing has happened to."""
        super().__init__(tenant_id, schedule_id, clock=clock)
        self.schedule_id = schedule_id
        self.enabled: bool | None = None
        self.job_type: JobType | str | None = None
        self.schedule_type: ScheduleType | None = None
        self.cron_expression: str | None = None
        self.interval_seconds: int | None = None
        self.scheduled_time: datetime | None = None
        self.priority: JobPriority | None = None
        self.parameters: dict[str, Any] = {}
        self.created_by: str | None = None
        self.created_at: datetime | None = None

    def create(  # noqa: PLR0913, PLR0917 - the nine of the original document, in its order
        self,
        job_type: JobType | str,
        schedule_type: ScheduleType,
        cron_expression: str | None,
        interval_seconds: int | None,
        scheduled_time: datetime | None,
        enabled: bool,  # noqa: FBT001 - as above
        priority: JobPriority,
        parameters: dict[str, Any],
        created_by: str,
        **about: Unpack[About],
    ) -> None:
        """Let there be a schedule. Whether the cron expression can be read is for `recurrence` to say.

        Raises:
            IllegalTransitionError: It is created already.
            UsageError: What says when it is due is missing, or belongs to another type of schedule.
        """
        if self.enabled is not None:
            raise self._refuse("create", self._standing(), ["new"])
        given = {
            "cron_expression": cron_expression,
            "interval_seconds": interval_seconds,
            "scheduled_time": scheduled_time,
        }
        wanted = _WHEN[ScheduleType(schedule_type)]
        if {name for name, value in given.items() if value is not None} != {wanted} - {None}:
            needs = f"{wanted} and nothing else" if wanted else "nothing"
            got = ", ".join(name for name, value in given.items() if value is not None) or "nothing"
            message = f"a schedule of type {schedule_type} needs {needs} to say when; given: {got}"
            raise UsageError(message)
        self._record(
            JobScheduleCreated,
            about,
            actor=created_by,
            job_type=job_type,
            schedule_type=schedule_type,
            enabled=enabled,
            priority=priority,
            parameters=parameters,
            created_by=created_by,
            **given,
        )

    def enable(self, enabled_by: str, **about: Unpack[About]) -> None:
        """Let it make jobs.

        Raises:
            IllegalTransitionError: It is enabled, or not created yet.
        """
        if self.enabled is not False:
            raise self._refuse("enable", self._standing(), ["disabled"])
        self._record(ScheduleEnabled, about, actor=enabled_by, enabled_by=enabled_by)

    def disable(self, disabled_by: str, **about: Unpack[About]) -> None:
        """Let it make no jobs until it is enabled.

        Raises:
            IllegalTransitionError: It is disabled, or not created yet.
        """
        if self.enabled is not True:
            raise self._refuse("disable", self._standing(), ["enabled"])
        self._record(ScheduleDisabled, about, actor=disabled_by, disabled_by=disabled_by)

    def _standing(self) -> str:
        return {None: "new", True: "enabled", False: "disabled"}[self.enabled]

    def _apply(self, event: Event) -> None:
        match event:
            case JobScheduleCreated():
                self.job_type = event.job_type
                self.schedule_type = event.schedule_type
                self.cron_expression = event.cron_expression
                self.interval_seconds = event.interval_seconds
                self.scheduled_time = event.scheduled_time
                self.enabled = event.enabled
                self.priority = event.priority
                self.parameters = event.parameters
                self.created_by = event.created_by
                self.created_at = event.at
            case ScheduleEnabled():
                self.enabled = True
            case ScheduleDisabled():
                self.enabled = False
            case _:
                message = f"{type(event).__name__} says nothing of a schedule"
                raise TypeError(message)
