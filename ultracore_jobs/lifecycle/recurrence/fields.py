"""The five fields of a cron expression, read into sets of values, or refused with the remedy.

A set is an integer whose bit *n* says whether *n* belongs to it, so that the next value from any
point on is one shift away.

Refused here is also what other programs accept and people read wrongly: a step that never steps
(``*/90`` fires hourly), a range that runs backwards, a range of one value (croniter takes ``3-3``
for every value), and a day that no month given has.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_

from ultracore_jobs.errors import UsageError

_LONGEST_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SUNDAY_AGAIN = 7
_ELEMENT = re.compile(r"(?P<low>\*|[0-9]+|[a-z]+)(?:-(?P<high>[0-9]+|[a-z]+))?(?:/(?P<step>[0-9]+))?")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class CronFields:
    """What a cron expression asks for.

    Attributes:
        minutes: 0 to 59, as bits; so are all that follow.
        hours: 0 to 23.
        days_of_month: 1 to 31, empty where the field does not decide.
        last_day_of_month: Whether ``L`` is among the days of the month.
        months: 1 to 12.
        days_of_week: 0 (Sunday) to 6, empty where the field does not decide.
    """

    minutes: int
    hours: int
    days_of_month: int
    last_day_of_month: bool
    months: int
    days_of_week: int

    @property
    def every_hour(self) -> bool:
        """Whether the hour field covers all 24 hours, in whatever words."""
        return self.hours == _all(_HOUR)

    @property
    def every_day(self) -> bool:
        """Whether neither day field decides."""
        return not (self.days_of_month or self.last_day_of_month or self.days_of_week)

    def as_lists(self) -> dict[str, list[int | str]]:
        """The values of each field, ascending; every value where the field does not decide."""
        days: list[int | str] = list(members(self.days_of_month))
        if self.last_day_of_month:
            days.append("L")
        return {
            "minute": list(members(self.minutes)),
            "hour": list(members(self.hours)),
            "day_of_month": days or list(members(_all(_DAY_OF_MONTH))),
            "month": list(members(self.months)),
            "day_of_week": list(members(self.days_of_week or _all(_DAY_OF_WEEK))),
        }


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY_OF_MONTH = _Field("day of month", 1, 31)
_MONTH = _Field(
    "month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
)
_DAY_OF_WEEK = _Field("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
_FIELDS = (_MINUTE, _HOUR, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK)


@lru_cache(maxsize=4096)
def parse_fields(expression: str) -> CronFields:
    """Read a cron expression of five fields.

    Each field is ``*`` or a list of values, ranges and steps; months and days of the week have
    English names of three letters, Sunday is 0 or 7, and ``L`` is the last day of the month. Steps
    count from the start of the field or range: ``*/3`` in months is 1, 4, 7, 10.

    If both day fields differ from a literal ``*``, either match fires; if one is ``*``, the other
    decides. ``*/2`` therefore counts as restricted. As in Dagster, a field that spells out every
    value counts as ``*`` beside one that starts with ``*``.

    Raises:
        UsageError: The expression cannot be read, or names a date that never comes. Names each
            field that is wrong, and what to write instead.

    Source: domain_rules 21.1.
    """
    texts = expression.lower().split()
    if len(texts) != len(_FIELDS):
        raise UsageError(_wrong_count(expression, texts))
    complaints: list[str] = []
    bits, last_day = [], False
    for field, text in zip(_FIELDS, texts, strict=True):
        elements = text.split(",")
        if field is _DAY_OF_MONTH and "l" in elements:
            last_day = True
            elements = [element for element in elements if element != "l"]
        found = 0
        for element in elements:
            try:
                found |= _read(field, element, alone=text == element)
            except ValueError as complaint:
                complaints.append(f"{field.name}: {complaint}")
        bits.append(found)
    if complaints:
        raise UsageError(f"cannot schedule {expression!r}: " + "; ".join(complaints))
    minutes, hours, days, months, weekdays = bits
    decides, weekday_decides = _which_day_field_decides(texts[2], texts[4], days, weekdays)
    if decides and not last_day and not _comes(days, months):
        raise UsageError(
            f"cannot schedule {expression!r}: day of month: {_spoken(days)} never comes in month "
            f"{_spoken(months)}; write a day that month has, or L for its last day"
        )
    return CronFields(
        minutes=minutes,
        hours=hours,
        days_of_month=days if decides else 0,
        last_day_of_month=last_day,
        months=months,
        days_of_week=weekdays if weekday_decides else 0,
    )


def members(bits: int) -> Iterator[int]:
    """The values of a set, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _which_day_field_decides(month_text: str, week_text: str, days: int, weekdays: int) -> tuple[bool, bool]:
    month_decides = month_text != "*" and not (days == _all(_DAY_OF_MONTH) and "*" in week_text)
    week_decides = week_text != "*" and not (weekdays == _all(_DAY_OF_WEEK) and "*" in month_text)
    return month_decides, week_decides


def _read(field: _Field, element: str, *, alone: bool) -> int:
    """The values of one element of a list; a ValueError says what to write instead."""
    found = _ELEMENT.fullmatch(element)
    if found is None or (found["low"] == "*" and found["high"]):
        raise ValueError(_not_understood(field, element))
    if found["low"] == "*":
        low, high = field.low, field.high
        if not found["step"] and not alone:
            raise ValueError("`*` beside other values already means all of them; write `*` alone")
    else:
        low = _value(field, found["low"])
        # `5/15` runs to the end of the field, as in `5-59/15`.
        high = field.high if found["step"] and not found["high"] else low
    step = int(found["step"] or 1)
    if found["high"]:
        low, high = _range(field, low, _value(field, found["high"]))
        if high == low:
            raise ValueError(f"{element!r} is a range of one value; write {low}")
        if high < low:
            raise ValueError(f"{element!r} runs backwards; write {_forwards(field, low, high, step)}")
    values = range(low, high + 1, step) if step else range(0)
    if found["step"] and len(values) <= 1:
        raise ValueError(f"{element!r} never takes a step; write {low} if that is what you mean")
    return _bits(_week_has_seven_days(field, value) for value in values)


def _value(field: _Field, text: str) -> int:
    if text in field.names:
        return field.names.index(text) + field.low
    if not text.isdecimal():
        raise ValueError(_not_understood(field, text))
    if not field.low <= int(text) <= _top(field):
        raise ValueError(f"{text} is not between {field.low} and {_top(field)}")
    return int(text)


def _range(field: _Field, low: int, high: int) -> tuple[int, int]:
    if field is not _DAY_OF_WEEK:
        return low, high
    # A week that begins with Sunday in `7-2`, and ends with it in `fri-sun`.
    if low == _SUNDAY_AGAIN > high:
        return 0, high
    return low, _SUNDAY_AGAIN if low > high == 0 else high


def _week_has_seven_days(field: _Field, value: int) -> int:
    return 0 if field is _DAY_OF_WEEK and value == _SUNDAY_AGAIN else value


def _comes(days: int, months: int) -> bool:
    return any(day <= _LONGEST_MONTHS[month] for month in members(months) for day in members(days))


def _all(field: _Field) -> int:
    return _bits(range(field.low, field.high + 1))


def _bits(values: Iterable[int]) -> int:
    return reduce(or_, (1 << value for value in values), 0)


def _not_understood(field: _Field, text: str) -> str:
    named = f" or a name such as {field.names[0]}" if field.names else ""
    return (
        f"{text!r} is not understood; write `*`, a number from {field.low} to {_top(field)}{named}, "
        "or a range (a-b), step (a-b/n) or list (a,b) of them"
    )


def _top(field: _Field) -> int:
    return _SUNDAY_AGAIN if field is _DAY_OF_WEEK else field.high


def _wrong_count(expression: str, texts: list[str]) -> str:
    if len(texts) == 1 and texts[0] in _MACROS:
        return f"cannot schedule {expression!r}: write its five fields, {_MACROS[texts[0]]!r}"
    return (
        f"cannot schedule {expression!r}: it has {len(texts)} fields; write five: "
        "minute, hour, day of month, month, day of week (no seconds, no year)"
    )


def _forwards(field: _Field, low: int, high: int, step: int) -> str:
    """What a range past the end of the field means, as the field has it."""
    if step == 1:
        spans = (low, field.high), (field.low, high)
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
    size = field.high - field.low + 1
    values = range(low, low + (high - low) % size + 1, step or size)
    return ",".join(str((value - field.low) % size + field.low) for value in values)


def _spoken(bits: int) -> str:
    return ", ".join(str(value) for value in members(bits))
