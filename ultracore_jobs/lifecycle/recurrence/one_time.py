"""Once, and what to make of it when the platform was off at the time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence.recurring import Firing, Recurring
from ultracore_jobs.lifecycle.recurrence.zones import as_utc, zone_named

MISFIRE_GRACE = timedelta(hours=24)
"""How late a one-time job may still run."""

ON_TIME_WITHIN = timedelta(minutes=1)
"""Lateness that is only the daemon's pace, and no one's to know about."""


class Punctuality(StrEnum):
    """How an occurrence stands to the clock.

    NOT_DUE: its time has not come.
    ON_TIME: due, within `ON_TIME_WITHIN`.
    LATE: runs, and is flagged.
    MISSED: too late to run; a person is told.
    """

    NOT_DUE = "NOT_DUE"
    ON_TIME = "ON_TIME"
    LATE = "LATE"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class OneTime(Recurring):
    """Fires once.

    Attributes:
        at: When; naive means UTC.
        misfire_grace: How late it may still run.
        zone: IANA name, of the date that a calendar rule asks about and of the time shown.

    Raises:
        UsageError: The grace is negative, or the zone does not exist.

    Source: domain_rules 21.3.
    """

    at: datetime
    misfire_grace: timedelta = MISFIRE_GRACE
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what cannot be kept; hold the instant in UTC."""
        if self.misfire_grace < timedelta(0):
            raise UsageError("misfire grace: it is negative; write 0 seconds or more")
        zone_named(self.zone)
        object.__setattr__(self, "at", as_utc(self.at))

    def firing_after(self, instant: datetime) -> Firing | None:
        """The firing, if it is still to come after *instant*."""
        return self._firing() if self.at > as_utc(instant) else None

    def firing_before(self, instant: datetime) -> Firing | None:
        """The firing, if it came before *instant*."""
        return self._firing() if self.at < as_utc(instant) else None

    def punctuality(self, now: datetime) -> Punctuality:
        """What to make of it at *now*, if it has not run yet."""
        return punctuality(self.at, now=now, grace=self.misfire_grace)

    def _firing(self) -> Firing:
        return Firing(self.at, self.at.astimezone(zone_named(self.zone)).replace(tzinfo=None, fold=0))


def punctuality(due_at: datetime, *, now: datetime, grace: timedelta = MISFIRE_GRACE) -> Punctuality:
    """How an occurrence that has not run yet stands to the clock.

    Args:
        due_at: When it should run.
        now: The present instant.
        grace: Greatest lateness with which it may still run; exactly that late, it still runs.
    """
    late = as_utc(now) - as_utc(due_at)
    if late < timedelta(0):
        return Punctuality.NOT_DUE
    if late > grace:
        return Punctuality.MISSED
    return Punctuality.ON_TIME if late <= ON_TIME_WITHIN else Punctuality.LATE
