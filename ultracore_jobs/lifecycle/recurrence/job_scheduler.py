"""The scheduler engine of the original document: what an expression says, what is next, what is due."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence.build import recurrence_from
from ultracore_jobs.lifecycle.recurrence.cron import Cron
from ultracore_jobs.lifecycle.recurrence.fields import CronFields, parse_fields
from ultracore_jobs.lifecycle.recurrence.interval import Interval
from ultracore_jobs.lifecycle.recurrence.one_time import ON_TIME_WITHIN, OneTime, Punctuality
from ultracore_jobs.lifecycle.recurrence.zones import as_utc


class Scheduled(Protocol):
    """What must be known of a schedule to say whether it should run; `ScheduleAggregate` has it.

    Two attributes more are used where there are any: ``timezone`` (IANA name; else UTC), and
    ``last_due_at``, the newest occurrence that was made of it (None before the first).
    """

    @property
    def enabled(self) -> bool | None:
        """Whether it fires at all; None before it is created."""
        ...

    @property
    def cron_expression(self) -> str | None:
        """Five fields, of a cron schedule."""
        ...

    @property
    def interval_seconds(self) -> float | None:
        """Seconds between two runs, of an interval schedule."""
        ...

    @property
    def scheduled_time(self) -> datetime | None:
        """The instant of a one-time schedule."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When it was created; an interval is counted from here."""
        ...


class JobScheduler:
    """Says when schedules run; it neither runs nor stores anything.

    Naive datetimes mean UTC.

    Args:
        clock: Tells the present instant.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Keep the clock."""
        self._clock = clock

    def parse_cron(self, expression: str) -> CronFields:
        """The values of the five fields.

        Raises:
            UsageError: The expression cannot be used; says which field, and what to write.
        """
        return parse_fields(expression)

    def get_next_run_time(
        self, cron_expression: str, from_time: datetime | None = None, timezone: str = "UTC"
    ) -> datetime:
        """The first instant strictly after *from_time*, aware, in UTC.

        Args:
            cron_expression: Five fields.
            from_time: From when to look; now, if left out.
            timezone: IANA name, in which the expression is read.

        Raises:
            UsageError: Expression or time zone cannot be used, or nothing comes before the year 10000.
        """
        found = Cron(cron_expression, timezone).next_after(from_time or self._clock())
        if found is None:
            raise UsageError(f"{cron_expression!r} does not fire again before the year 10000")
        return found

    def should_run(self, schedule: Scheduled, now: datetime | None = None) -> bool:
        """Whether an occurrence of *schedule* is due at *now*.

        Where the schedule knows its last occurrence, any later one is due until it was made. Where it
        does not, an occurrence is due for a minute, as with cron itself; which is why the platform
        goes by `Timetable` and its own memory. A one-time schedule may be up to `MISFIRE_GRACE` late.

        Args:
            schedule: Such as a `ScheduleAggregate`; disabled, or on demand, it never should run.
            now: The instant to look from; the present, if left out.
        """
        given = schedule.cron_expression, schedule.interval_seconds, schedule.scheduled_time
        if not schedule.enabled or given == (None, None, None):
            return False
        present = as_utc(now or self._clock())
        recurrence = recurrence_from(
            cron_expression=schedule.cron_expression,
            interval_seconds=schedule.interval_seconds,
            scheduled_time=schedule.scheduled_time,
            timezone=getattr(schedule, "timezone", None) or "UTC",
            anchor=schedule.created_at,
        )
        last_due_at: datetime | None = getattr(schedule, "last_due_at", None)
        if isinstance(recurrence, OneTime):
            may_run = recurrence.punctuality(present) in {Punctuality.ON_TIME, Punctuality.LATE}
            return may_run and last_due_at is None
        since = as_utc(last_due_at) if last_due_at else present - ON_TIME_WITHIN
        if isinstance(recurrence, Interval):
            # The moment of creation is the anchor, and no run of what was created in it.
            since = max(since, recurrence.anchor)
        due_at = recurrence.next_after(since)
        return due_at is not None and due_at <= present
