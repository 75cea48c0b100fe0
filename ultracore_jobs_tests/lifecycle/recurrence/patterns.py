"""Random cron expressions, the zones and clock changes to try them on, and where Dagster is known to differ.

Shared by the short agreement test and by the campaign, ``benchmarks/agree_recurrence.py``.
"""

from calendar import isleap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from ultracore_jobs.lifecycle.recurrence import parse_fields

ZONES = (
    "Australia/Sydney",
    "Australia/Melbourne",
    "Australia/Hobart",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Paris",
    "Europe/Berlin",
    "Europe/Madrid",
    "Europe/Zurich",
    "Europe/Vienna",
    "Europe/Stockholm",
    "Europe/Athens",
    "Europe/Helsinki",
    "Europe/Bucharest",
    "Europe/Kyiv",
    "Europe/Chisinau",
    "Europe/Istanbul",
    "Europe/Warsaw",
    "Asia/Jerusalem",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Halifax",
    "America/Toronto",
    "America/Tijuana",
    "America/Mexico_City",
)
"""30 zones whose clocks change by an hour, on the hour, between 01:00 and 03:59."""

ODD_ZONES = (
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Norfolk",
    "Pacific/Apia",
    "Pacific/Easter",
    "Antarctica/Troll",
    "Europe/Dublin",
    "Europe/Moscow",
    "Atlantic/Azores",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Tehran",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
)
"""Zones whose clocks change, or changed, otherwise."""

FIRST_YEAR, LAST_YEAR = 2007, 2027

_A_MINUTE = timedelta(minutes=1)
_AN_HOUR = timedelta(hours=1)
_A_DAY = timedelta(days=1)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Change:
    """One change of the clocks.

    Attributes:
        at: The first instant with the new offset.
        before: Offset until then.
        after: Offset from then on.
    """

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def forward(self) -> bool:
        """Whether wall time is left out; otherwise it repeats."""
        return self.after > self.before

    @property
    def walls(self) -> tuple[datetime, datetime]:
        """The wall time, half-open, that is left out or repeats."""
        first, last = sorted((self.before, self.after))
        return (self.at + first).replace(tzinfo=None), (self.at + last).replace(tzinfo=None)


@cache
def clock_changes(zone: str) -> tuple[Change, ...]:
    """Every change of the clocks of *zone* from `FIRST_YEAR` to `LAST_YEAR`."""
    tz, found = ZoneInfo(zone), []
    day = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    while day.year <= LAST_YEAR:
        before, after = _offset(day, tz), _offset(day + _A_DAY, tz)
        if before != after:
            at = next(at for minute in range(1, 1441) if _offset(at := day + minute * _A_MINUTE, tz) == after)
            found.append(Change(at, before, after))
        day += _A_DAY
    return tuple(found)


def random_expression(random: Random, change: Change) -> str:
    """A valid expression, that often concerns the hours around *change*."""
    near = [wall.hour for wall in (*change.walls, change.walls[0] - _A_MINUTE)]
    minute = (
        _field(random, 0, 59, star=0.05)
        if random.random() < 0.6
        else random.choice(("0", "30", "*/15", "0,30", "45"))
    )
    hour = random.choice(
        (_field(random, 0, 23, star=0.3), _field(random, 0, 23, star=0.1), str(random.choice(near)), "*")
    )
    if random.random() < 0.5:
        return f"{minute} {hour} * * *"
    # Days over 28 only beside every month, so that each date given comes some day.
    month = _field(random, 1, 12, star=0.7, names=_MONTHS)
    days = _field(random, 1, 31 if month == "*" else 28, star=0.6)
    return f"{minute} {hour} {days} {month} {_field(random, 0, 7, star=0.5, names=_DAYS)}"


def _field(random: Random, low: int, high: int, *, star: float, names: tuple[str, ...] = ()) -> str:
    if random.random() < star:
        return "*"
    return ",".join(_element(random, low, high, names) for _ in range(random.choice((1, 1, 1, 2, 3))))


def _element(random: Random, low: int, high: int, names: tuple[str, ...]) -> str:
    kind = random.random()
    first, last = sorted((random.randint(low, high), random.randint(low, high)))
    if kind < 0.5 or first == last:
        name = first - low
        return names[name] if name < len(names) and random.random() < 0.3 else str(first)
    if kind < 0.7:
        return f"{first}-{last}"
    if kind < 0.85:
        return f"{first}-{last}/{random.randint(1, last - first)}"
    return f"*/{random.randint(1, min(high - low, 6))}"


def dagster_oddity(expression: str, zone: str, around: Iterable[datetime]) -> str | None:
    """Why Dagster's iterator may differ from domain_rules 21 near the instants *around*; None if it may not.

    Told from the expression and the rules of the zone alone, never from what either side answered.
    """
    if expression.endswith(" 29 2 *"):
        return "29 February: Dagster takes 28 February plus a day, and loses the year between the two"
    instants = list(around)
    fields = parse_fields(expression)
    if fields.days_of_month >> 29 & 1 and any(isleap(at.year) and at.month in {2, 3} for at in instants):
        return "the 29th, about March of a leap year: Dagster's search back misses 29 February, and it raises"
    if fields.every_hour and _minutes_of_offset_change(zone):
        return "hourly, where the minutes of the offset change: Dagster goes by those of today, or by UTC's"
    near = [c for c in clock_changes(zone) if any(abs(c.at - at) <= 2 * _A_DAY for at in instants)]
    return next(filter(None, (_odd_change(change, ZoneInfo(zone)) for change in near)), None)


def _odd_change(change: Change, tz: ZoneInfo) -> str | None:
    first, last = change.walls
    size = last - first
    if size > _AN_HOUR or first.minute or size % _AN_HOUR:
        return "a change that is not one hour on the hour: Dagster looks only at the hour and adds dst()"
    if first.hour not in {1, 2, 3}:
        return "a change outside 01:00 to 03:59: Dagster resolves no other hours"
    if change.forward and last.replace(tzinfo=tz).dst() != size:
        return "a change forward that dst() does not tell: Dagster's single times a day come an hour early"
    return None


def _minutes_of_offset_change(zone: str) -> bool:
    return len({o % _AN_HOUR for c in clock_changes(zone) for o in (c.before, c.after)}) > 1


def _offset(at: datetime, tz: ZoneInfo) -> timedelta:
    offset = at.astimezone(tz).utcoffset()
    assert offset is not None
    return offset
