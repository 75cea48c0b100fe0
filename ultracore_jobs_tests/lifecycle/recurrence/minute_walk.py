"""Domain_rules 21.1 and 21.2 read word by word: look at the clock on the wall, minute after minute.

Slow, and shares nothing with `Cron` but the zone database: no search, no bits, no PEP 495 readings.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

_A_MINUTE = timedelta(minutes=1)
_BEYOND = timedelta(days=2)
"""Samoa left out a whole day; a repeated hour is seen as the last only from beyond it."""


@dataclass(frozen=True)
class Pattern:
    """The values of five fields; None is a literal ``*``."""

    minutes: Collection[int] | None = None
    hours: Collection[int] | None = None
    days: Collection[int] | None = None
    months: Collection[int] | None = None
    weekdays: Collection[int] | None = None

    def __str__(self) -> str:
        """As a cron expression, in plain lists."""
        fields = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        return " ".join("*" if field is None else ",".join(map(str, sorted(field))) for field in fields)

    def matches(self, wall: datetime) -> bool:
        """Whether a clock that shows *wall* matches."""
        on_day = self.days is not None and wall.day in self.days
        on_weekday = self.weekdays is not None and wall.isoweekday() % 7 in self.weekdays
        any_day = self.days is None and self.weekdays is None
        return (
            (self.minutes is None or wall.minute in self.minutes)
            and (self.hours is None or wall.hour in self.hours)
            and (self.months is None or wall.month in self.months)
            and (any_day or on_day or on_weekday)
        )

    @property
    def every_hour(self) -> bool:
        """Whether the hour field covers all 24 hours."""
        return self.hours is None or set(self.hours) == set(range(24))


def walk(pattern: Pattern, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Every instant in ``[start, end)`` at which *pattern* fires, in UTC, ascending."""
    shown = list(_clock(zone, start - _BEYOND, end + _BEYOND))
    if pattern.every_hour:
        fired = {at for at, wall in shown if pattern.matches(wall)}
    else:
        fired = set({wall: at for at, wall in shown if pattern.matches(wall)}.values())
        for (_, before), (at, wall) in pairwise(shown):
            skipped = before + _A_MINUTE
            while skipped < wall:
                if pattern.matches(skipped):
                    fired.add(at)
                skipped += _A_MINUTE
    return sorted(at for at in fired if start <= at < end)


def _clock(zone: str, at: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    tz = ZoneInfo(zone)
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    while at < end:
        yield at, at.astimezone(tz).replace(tzinfo=None, fold=0)
        at += _A_MINUTE
