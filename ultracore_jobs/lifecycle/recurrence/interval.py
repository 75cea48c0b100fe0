"""Every so many seconds of elapsed time, counted from an anchor."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence.recurring import Firing, Recurring
from ultracore_jobs.lifecycle.recurrence.zones import as_utc, zone_named

_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Interval(Recurring):
    """Fires at ``anchor + k x every`` for k = 0, 1, 2 and so on.

    Elapsed time: no clock change moves it, and it never drifts, because each firing is counted from
    the anchor and none from the one before.

    Attributes:
        anchor: The first firing; naive means UTC.
        every: One second or more.
        zone: IANA name, of the dates that a calendar rule asks about and of the times shown.

    Raises:
        UsageError: *every* is too short, or the zone does not exist.

    Source: domain_rules 21.3.
    """

    anchor: datetime
    every: timedelta
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what cannot be kept; hold the anchor in UTC."""
        if self.every < _SHORTEST:
            raise UsageError(
                f"interval: {self.every.total_seconds():g} seconds is too short; write 1 second or more"
            )
        zone_named(self.zone)
        object.__setattr__(self, "anchor", as_utc(self.anchor))

    def firing_after(self, instant: datetime) -> Firing | None:
        """The first firing strictly after *instant*."""
        return self._firing((as_utc(instant) - self.anchor) // self.every + 1)

    def firing_before(self, instant: datetime) -> Firing | None:
        """The last firing strictly before *instant*; None up to the anchor."""
        whole, rest = divmod(as_utc(instant) - self.anchor, self.every)
        number = whole if rest else whole - 1
        return self._firing(number) if number >= 0 else None

    def _firing(self, number: int) -> Firing | None:
        try:
            at = self.anchor + max(number, 0) * self.every
        except OverflowError:  # past the year 9999
            return None
        return Firing(at, at.astimezone(zone_named(self.zone)).replace(tzinfo=None, fold=0))
