"""From what a person writes about a schedule to its recurrence, or to what is wrong with it."""

from datetime import datetime, timedelta

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence.cron import Cron
from ultracore_jobs.lifecycle.recurrence.interval import Interval
from ultracore_jobs.lifecycle.recurrence.one_time import MISFIRE_GRACE, OneTime
from ultracore_jobs.lifecycle.recurrence.timetable import Recurrence


def recurrence_from(
    *,
    cron_expression: str | None = None,
    interval_seconds: float | None = None,
    scheduled_time: datetime | None = None,
    timezone: str = "UTC",
    anchor: datetime | None = None,
    misfire_grace: timedelta = MISFIRE_GRACE,
) -> Recurrence:
    """The recurrence that the one of three fields describes which is given.

    Args:
        cron_expression: Five fields, for a cron schedule.
        interval_seconds: 1 or more, for an interval schedule.
        scheduled_time: The instant of a one-time schedule; naive means UTC.
        timezone: IANA name.
        anchor: From when an interval is counted, such as the creation of the schedule.
        misfire_grace: How late a one-time schedule may still run.

    Raises:
        UsageError: None or several of the three are given, or the one given cannot be used; names
            the field and the remedy.
    """
    given = {
        "cron_expression": cron_expression,
        "interval_seconds": interval_seconds,
        "scheduled_time": scheduled_time,
    }
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise UsageError(
            f"a schedule has one of {', '.join(given)}; here it has {' and '.join(named) or 'none'}: "
            "give exactly one"
        )
    if cron_expression is not None:
        return Cron(cron_expression, timezone)
    if scheduled_time is not None:
        return OneTime(scheduled_time, misfire_grace, timezone)
    if anchor is None or interval_seconds is None:
        raise UsageError("anchor: an interval is counted from an instant; give one")
    return Interval(anchor, timedelta(seconds=interval_seconds), timezone)
