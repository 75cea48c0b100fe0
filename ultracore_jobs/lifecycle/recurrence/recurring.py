"""What every recurrence can be asked: what fires next, what fired before, what fires between."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ultracore_jobs.lifecycle.recurrence.zones import as_utc

_A_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Firing:
    """One moment a recurrence fires.

    Attributes:
        at: The instant, in UTC.
        wall: The wall time it stands for, in the recurrence's zone (naive); not what the clock
            shows where the clocks have just gone forward over it.
        reason: What a person should know about the moment; None where there is nothing.
    """

    at: datetime
    wall: datetime
    reason: str | None = None


class Recurring(ABC):
    """A set of instants, none twice. Instants are taken and given in UTC; naive ones mean UTC."""

    __slots__ = ()

    zone: str

    @abstractmethod
    def firing_after(self, instant: datetime) -> Firing | None:
        """The first firing strictly after *instant*; None where there is none."""

    @abstractmethod
    def firing_before(self, instant: datetime) -> Firing | None:
        """The last firing strictly before *instant*; None where there is none."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The first instant strictly after *instant*; None where there is none."""
        firing = self.firing_after(instant)
        return firing.at if firing else None

    def previous(self, instant: datetime) -> datetime | None:
        """The last instant strictly before *instant*; None where there is none."""
        firing = self.firing_before(instant)
        return firing.at if firing else None

    def firings_from(self, start: datetime) -> Iterator[Firing]:
        """Every firing at or after *start*, in order; without end where the recurrence has none."""
        firing = self.firing_after(as_utc(start) - _A_MICROSECOND)
        while firing:
            yield firing
            firing = self.firing_after(firing.at)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every instant in the half-open period ``[start, end)``, in order."""
        until = as_utc(end)
        for firing in self.firings_from(start):
            if firing.at >= until:
                return
            yield firing.at
