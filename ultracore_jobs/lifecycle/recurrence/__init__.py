"""When something is due: cron, interval and one-time rhythms, business calendars, and what to do with delays.

Pure values: the present instant, the calendar and the zone come in as arguments. Instants go out in
UTC; a naive datetime that comes in means UTC.
"""

from ultracore_jobs.lifecycle.recurrence.build import recurrence_from
from ultracore_jobs.lifecycle.recurrence.business_calendar import Calendar
from ultracore_jobs.lifecycle.recurrence.calendar_rule import CalendarRule, Roll
from ultracore_jobs.lifecycle.recurrence.cron import Cron
from ultracore_jobs.lifecycle.recurrence.fields import CronFields, parse_fields
from ultracore_jobs.lifecycle.recurrence.interval import Interval
from ultracore_jobs.lifecycle.recurrence.job_scheduler import JobScheduler, Scheduled
from ultracore_jobs.lifecycle.recurrence.occurrence import Entry, Occurrence, Skipped
from ultracore_jobs.lifecycle.recurrence.one_time import MISFIRE_GRACE, OneTime, Punctuality, punctuality
from ultracore_jobs.lifecycle.recurrence.policies import (
    CatchUp,
    FreezeWindow,
    OnOverlap,
    Overlap,
    OverlapVerdict,
    Reckoning,
    judge_overlap,
    reckon,
)
from ultracore_jobs.lifecycle.recurrence.timetable import Recurrence, Timetable

__all__ = [
    "MISFIRE_GRACE",
    "Calendar",
    "CalendarRule",
    "CatchUp",
    "Cron",
    "CronFields",
    "Entry",
    "FreezeWindow",
    "Interval",
    "JobScheduler",
    "Occurrence",
    "OnOverlap",
    "OneTime",
    "Overlap",
    "OverlapVerdict",
    "Punctuality",
    "Reckoning",
    "Recurrence",
    "Roll",
    "Scheduled",
    "Skipped",
    "Timetable",
    "judge_overlap",
    "parse_fields",
    "punctuality",
    "reckon",
    "recurrence_from",
]
