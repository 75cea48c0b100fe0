"""A cron expression in a time zone, with Dagster's meaning of the days on which the clocks change.

Ours, and not a library's, because none of those tried keeps the rules below;
``benchmarks/agree_recurrence.py`` shows where they differ, and why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ultracore_jobs.lifecycle.recurrence.fields import CronFields, parse_fields
from ultracore_jobs.lifecycle.recurrence.recurring import Firing, Recurring
from ultracore_jobs.lifecycle.recurrence.walls import first_wall, last_wall
from ultracore_jobs.lifecycle.recurrence.zones import (
    Landing,
    already_shown,
    as_utc,
    instants_of,
    land,
    still_to_repeat,
    zone_named,
)

_Fire = Callable[[datetime, ZoneInfo], Firing | None]
"""What a matching wall time stands for, if anything."""

_A_MINUTE = timedelta(minutes=1)
_REASONS = {
    Landing.AFTER_GAP: "the clocks skip {wall:%H:%M} on {wall:%Y-%m-%d} in {zone}: fires just after the gap",
    Landing.SECOND_PASS: "{wall:%H:%M} occurs twice on {wall:%Y-%m-%d} in {zone}: fires the second time",
}


@dataclass(frozen=True, slots=True)
class Cron(Recurring):
    """Fires whenever the clocks of *zone* match *expression*.

    A wall time that the clocks skip fires at the first instant after the gap, several in one gap
    once. A wall time that occurs twice fires once, the second time. If the hour field covers all 24
    hours the schedule is elapsed-hourly: hours in the gap are left out and repeated hours fire both
    times.

    Attributes:
        expression: Five fields, as in `parse_fields`.
        zone: IANA name.

    Raises:
        UsageError: The expression or the zone cannot be used; says what can.

    Source: domain_rules 21.1 and 21.2.
    """

    expression: str
    zone: str = "UTC"
    fields: CronFields = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the expression, and look the zone up."""
        zone_named(self.zone)
        object.__setattr__(self, "fields", parse_fields(self.expression))

    def firing_after(self, instant: datetime) -> Firing | None:
        """The first firing strictly after *instant*."""
        after = as_utc(instant)
        local = after.astimezone(zone_named(self.zone))
        wall = local.replace(tzinfo=None, fold=0)
        # In the first pass, wall times that were shown already will be shown, and may fire, again.
        again = wall - still_to_repeat(local)
        if not self.fields.every_hour:
            return self._first(_on_landing, again, after)
        passes = self._first(_on_first_pass, wall, after), self._first(_on_last_pass, again, after)
        return min((found for found in passes if found), key=_instant, default=None)

    def firing_before(self, instant: datetime) -> Firing | None:
        """The last firing strictly before *instant*."""
        before = as_utc(instant)
        local = before.astimezone(zone_named(self.zone))
        wall = local.replace(tzinfo=None, fold=0)
        if not self.fields.every_hour:
            return self._last(_on_landing, wall, before)
        # In the second pass, wall times still to come were shown, and may have fired, before.
        shown = wall + already_shown(local)
        passes = self._last(_on_last_pass, wall, before), self._last(_on_first_pass, shown, before)
        return max((found for found in passes if found), key=_instant, default=None)

    def _first(self, fire: _Fire, wall: datetime, after: datetime) -> Firing | None:
        zone = zone_named(self.zone)
        found = first_wall(self.fields, wall)
        while found:
            firing = fire(found, zone)
            if firing and firing.at > after:
                return firing
            found = first_wall(self.fields, found + _A_MINUTE)
        return None

    def _last(self, fire: _Fire, wall: datetime, before: datetime) -> Firing | None:
        zone = zone_named(self.zone)
        found = last_wall(self.fields, wall)
        while found:
            firing = fire(found, zone)
            if firing and firing.at < before:
                return firing
            found = last_wall(self.fields, found - _A_MINUTE)
        return None


def _on_landing(wall: datetime, zone: ZoneInfo) -> Firing:
    landed = land(wall, zone)
    reason = _REASONS.get(landed.landing)
    return Firing(landed.at, wall, reason and reason.format(wall=wall, zone=zone.key))


def _on_first_pass(wall: datetime, zone: ZoneInfo) -> Firing | None:
    instants = instants_of(wall, zone)
    return Firing(instants[0], wall) if instants else None


def _on_last_pass(wall: datetime, zone: ZoneInfo) -> Firing | None:
    instants = instants_of(wall, zone)
    return Firing(instants[-1], wall) if instants else None


def _instant(firing: Firing) -> datetime:
    return firing.at
