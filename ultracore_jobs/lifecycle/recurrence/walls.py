"""The wall times that cron fields match, forwards and backwards, on a clock that never changes.

A wall time is a naive datetime: what a clock on the wall shows. Which instant it is, if any, is for
`zones` to say.
"""

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta

from ultracore_jobs.lifecycle.recurrence.fields import CronFields

_DECEMBER = 12
_EVERY_DAY = (1 << 32) - 2
_EACH_WEEK = sum(1 << 7 * week for week in range(6))
_A_MINUTE = timedelta(minutes=1)


def first_wall(fields: CronFields, wall: datetime) -> datetime | None:
    """The first matching wall time at or after *wall*; None past the year 9999."""
    if wall.second or wall.microsecond:
        wall = wall.replace(second=0, microsecond=0) + _A_MINUTE
    day = _first_day(fields, wall.year, wall.month, wall.day)
    if day is None:
        return None
    if day == wall.date():
        at = _first_time(fields, wall.hour, wall.minute)
        if at is not None:
            return datetime.combine(day, at)
        day = _first_day(fields, wall.year, wall.month, wall.day + 1)
        if day is None:
            return None
    return datetime.combine(day, time(_lowest(fields.hours), _lowest(fields.minutes)))


def last_wall(fields: CronFields, wall: datetime) -> datetime | None:
    """The last matching wall time at or before *wall*; None before the year 1."""
    day = _last_day(fields, wall.year, wall.month, wall.day)
    if day is None:
        return None
    if day == wall.date():
        at = _last_time(fields, wall.hour, wall.minute)
        if at is not None:
            return datetime.combine(day, at)
        day = _last_day(fields, wall.year, wall.month, wall.day - 1)
        if day is None:
            return None
    return datetime.combine(day, time(_highest(fields.hours), _highest(fields.minutes)))


def _first_time(fields: CronFields, hour: int, minute: int) -> time | None:
    if fields.hours >> hour & 1 and (minutes := fields.minutes >> minute << minute):
        return time(hour, _lowest(minutes))
    if hours := fields.hours >> hour + 1 << hour + 1:
        return time(_lowest(hours), _lowest(fields.minutes))
    return None


def _last_time(fields: CronFields, hour: int, minute: int) -> time | None:
    if fields.hours >> hour & 1 and (minutes := fields.minutes & _up_to(minute)):
        return time(hour, _highest(minutes))
    if hours := fields.hours & _up_to(hour - 1):
        return time(_highest(hours), _highest(fields.minutes))
    return None


def _first_day(fields: CronFields, year: int, month: int, day: int) -> date | None:
    while year <= MAXYEAR:
        if fields.months >> month & 1 and (days := _days(fields, year, month) >> day << day):
            return date(year, month, _lowest(days))
        year, month, day = (year, month + 1, 1) if month < _DECEMBER else (year + 1, 1, 1)
    return None


def _last_day(fields: CronFields, year: int, month: int, day: int) -> date | None:
    while year >= MINYEAR:
        if fields.months >> month & 1 and (days := _days(fields, year, month) & _up_to(day)):
            return date(year, month, _highest(days))
        year, month, day = (year, month - 1, 31) if month > 1 else (year - 1, _DECEMBER, 31)
    return None


def _days(fields: CronFields, year: int, month: int) -> int:
    """The matching days of one month, as bits."""
    monday_based, length = monthrange(year, month)
    if fields.every_day:
        days = _EVERY_DAY
    else:
        # The week, seen from the weekday of the first: bit 0 is the first of the month.
        sunday_based = (monday_based + 1) % 7
        week = (fields.days_of_week * 0x81 >> sunday_based) & 0x7F
        days = week * _EACH_WEEK << 1 | fields.days_of_month | fields.last_day_of_month << length
    return days & _up_to(length)


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _highest(bits: int) -> int:
    return bits.bit_length() - 1


def _up_to(value: int) -> int:
    return (1 << value + 1) - 1
