"""What instant a wall time is, where the clocks go forward and back.

The rules of a zone come from the IANA database. Only the offset before and after is asked of it, so
changes of any size at any hour are treated alike: Lord Howe's half hour, Sao Paulo's midnight, the day
Samoa left out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ultracore_jobs.errors import UsageError

_A_SECOND = timedelta(seconds=1)


class Landing(StrEnum):
    """How a wall time became an instant.

    PLAIN: it occurs once.
    AFTER_GAP: it does not occur, because the clocks went forward over it.
    SECOND_PASS: it occurs twice, because the clocks went back over it.
    """

    PLAIN = "plain"
    AFTER_GAP = "after gap"
    SECOND_PASS = "second pass"  # noqa: S105 - not a password


@dataclass(frozen=True, slots=True)
class Landed:
    """An instant, in UTC, and how it was found."""

    at: datetime
    landing: Landing


@cache
def zone_named(name: str) -> ZoneInfo:
    """A zone of the IANA database.

    Raises:
        UsageError: There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise UsageError(
            f"timezone: {name!r} is no IANA time zone; write one such as Australia/Sydney or UTC"
        ) from unknown


def as_utc(instant: datetime) -> datetime:
    """*instant* in UTC; without a zone it is taken to be in UTC already."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def instants_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Every instant, in UTC and ascending, at which the clocks of *zone* show *wall*: none, one or two."""
    before, after = _both_readings(wall, zone)
    if before == after:
        return (before,)
    return (before, after) if before < after else ()


def land(wall: datetime, zone: ZoneInfo) -> Landed:
    """The one instant, in UTC, at which what is due at *wall* fires.

    Returns:
        The first instant after the gap where *wall* is left out, the second where it occurs twice.

    Source: domain_rules 21.2.
    """
    before, after = _both_readings(wall, zone)
    if before == after:
        return Landed(before, Landing.PLAIN)
    if before < after:
        return Landed(after, Landing.SECOND_PASS)
    return Landed(_change_between(after, before, zone), Landing.AFTER_GAP)


def still_to_repeat(local: datetime) -> timedelta:
    """How far back the clocks will be put after *local*, while it is in a first pass; else 0."""
    offset, later = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if local.fold or offset is None or later is None or offset <= later:
        return timedelta(0)
    return offset - later


def already_shown(local: datetime) -> timedelta:
    """How far back the clocks were put before *local*, while it is in a second pass; else 0."""
    return still_to_repeat(local.replace(fold=0)) if local.fold else timedelta(0)


def _both_readings(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """*wall* read with the offset from before a change and from after it (PEP 495)."""
    local = wall.replace(tzinfo=zone)
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _change_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first instant in ``(low, high]`` with the offset of *high*, by halving."""
    offset = high.astimezone(zone).utcoffset()
    while high - low > _A_SECOND:
        middle = low + (high - low) // 2 // _A_SECOND * _A_SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high
