"""When a schedule is due: its recurrence, as calendar, bounds and freezes leave it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from heapq import heappop, heappush
from itertools import count

from ultracore_jobs.errors import MissingInputError, UsageError
from ultracore_jobs.lifecycle.recurrence.business_calendar import Calendar
from ultracore_jobs.lifecycle.recurrence.calendar_rule import CalendarRule, Roll
from ultracore_jobs.lifecycle.recurrence.cron import Cron
from ultracore_jobs.lifecycle.recurrence.interval import Interval
from ultracore_jobs.lifecycle.recurrence.occurrence import Entry, Occurrence, Skipped, instant_of
from ultracore_jobs.lifecycle.recurrence.one_time import OneTime
from ultracore_jobs.lifecycle.recurrence.policies import FreezeWindow
from ultracore_jobs.lifecycle.recurrence.recurring import Firing
from ultracore_jobs.lifecycle.recurrence.zones import as_utc, land, zone_named

Recurrence = Cron | Interval | OneTime

_A_MICROSECOND = timedelta(microseconds=1)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The occurrences of one schedule.

    Attributes:
        recurrence: The plain rhythm.
        rule: Which business days it keeps to, if it does.
        calendar: The calendar of *rule*, in the version to decide on.
        freezes: Periods in which nothing fires.
        starts_at: No occurrence is due before; naive means UTC.
        ends_at: None is due from then on.

    Raises:
        UsageError: Rule and calendar do not belong together, or the bounds leave no time.
    """

    recurrence: Recurrence
    rule: CalendarRule | None = None
    calendar: Calendar | None = None
    freezes: tuple[FreezeWindow, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what does not belong together; hold the bounds in UTC."""
        asked, given = self.rule and self.rule.calendar_id, self.calendar and self.calendar.calendar_id
        if asked != given:
            raise UsageError(f"calendar: the rule asks for {asked}, and {given} was given; give {asked}")
        for bound in ("starts_at", "ends_at"):
            if (at := getattr(self, bound)) is not None:
                object.__setattr__(self, bound, as_utc(at))
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise UsageError("end: it is no later than the start; write an end after the start")

    def next_after(self, instant: datetime) -> Occurrence | None:
        """The first occurrence strictly after *instant*; None where there is none.

        Raises:
            MissingInputError: The calendar does not reach far enough to say.
        """
        entries = self.entries_from(as_utc(instant) + _A_MICROSECOND)
        return next((entry for entry in entries if isinstance(entry, Occurrence)), None)

    def between(self, start: datetime, end: datetime) -> Iterator[Occurrence]:
        """The occurrences due in the half-open period ``[start, end)``, in order.

        Raises:
            MissingInputError: The calendar does not reach far enough to say.
        """
        until = as_utc(end)
        for entry in self.entries_from(start):
            if instant_of(entry) >= until:
                return
            if isinstance(entry, Occurrence):
                yield entry

    def preview(self, n: int, *, after: datetime) -> list[Entry]:
        """The next *n* occurrences after *after*, and in their places those left out, with reasons.

        Where the calendar ends first, the last entry says so.

        Raises:
            MissingInputError: The calendar does not reach far enough to say anything.
        """
        found: list[Entry] = []
        occurrences = 0
        entries = self.entries_from(as_utc(after) + _A_MICROSECOND)
        while occurrences < n:
            try:
                entry = next(entries, None)
            except MissingInputError as unknown:
                if not found or self.calendar is None:
                    raise
                the_day_after = datetime.combine(self.calendar.last_day + _A_DAY, time())
                at = land(the_day_after, zone_named(self.recurrence.zone)).at
                found.append(self._skipped(at, the_day_after, str(unknown)))
                break
            if entry is None:
                break
            found.append(entry)
            occurrences += isinstance(entry, Occurrence)
        return found

    def entries_from(self, start: datetime) -> Iterator[Entry]:
        """Occurrences and those left out, from *start* on, by the instant they are or would be due.

        Raises:
            MissingInputError: The calendar does not reach far enough to say.
        """
        start = max(as_utc(start), self.starts_at) if self.starts_at else as_utc(start)
        last_due: datetime | None = None
        for entry in self._in_order(start):
            if self.ends_at and instant_of(entry) >= self.ends_at:
                return
            if instant_of(entry) < start:
                continue
            if isinstance(entry, Skipped):
                yield entry
            elif entry.due_at == last_due:
                yield self._skipped(entry.due_at, entry.nominal, f"{entry.reason}, where another one is due")
            else:
                last_due = entry.due_at
                yield entry

    def _in_order(self, start: datetime) -> Iterator[Entry]:
        """Every firing that may be due from *start* on, settled and sorted again."""
        back, ahead = self._reach()
        number = count()
        waiting: list[tuple[datetime, bool, int, Entry]] = []
        for firing in self.recurrence.firings_from(start - back):
            # What a later firing may still be moved to, it is not moved to before this.
            while waiting and waiting[0][0] < firing.at - ahead:
                yield heappop(waiting)[-1]
            if entry := self._settle(firing):
                moved = isinstance(entry, Occurrence) and entry.rolled_from is not None
                heappush(waiting, (instant_of(entry), moved, next(number), entry))
        while waiting:
            yield heappop(waiting)[-1]

    def _reach(self) -> tuple[timedelta, timedelta]:
        """How far rolling may carry an occurrence forwards, and backwards."""
        if self.rule is None or self.calendar is None or self.rule.roll is Roll.SKIP:
            return timedelta(0), timedelta(0)
        # A day more, because the clocks may change on the way.
        reach = self.calendar.longest_closure + _A_DAY
        forwards = self.rule.roll in {Roll.NEXT, Roll.MODIFIED_FOLLOWING}
        backwards = self.rule.roll in {Roll.PREVIOUS, Roll.MODIFIED_FOLLOWING}
        return reach if forwards else timedelta(0), reach if backwards else timedelta(0)

    def _settle(self, firing: Firing) -> Entry | None:
        """What calendar and freezes make of one firing; None where it was never meant."""
        at, wall, reason, rolled_from = firing.at, firing.wall, firing.reason, None
        if self.rule is not None and self.calendar is not None:
            if not self.rule.counts(wall.date(), self.calendar):
                return None
            day = self.rule.settle(wall.date(), self.calendar)
            closed = f"{wall:%A} {wall:%Y-%m-%d} is no business day of {self.calendar.calendar_id}"
            if day is None:
                return self._skipped(at, wall, closed)
            if day != wall.date():
                at = land(datetime.combine(day, wall.time()), zone_named(self.recurrence.zone)).at
                reason, rolled_from = f"{closed}: moved to {day:%A} {day}", wall.date()
        for window in self.freezes:
            if frozen := window.reason_at(at):
                return self._skipped(at, wall, frozen)
        return Occurrence(at, self._local(at), wall, rolled_from, reason, *self._decided_on())

    def _skipped(self, at: datetime, nominal: datetime, reason: str) -> Skipped:
        return Skipped(at, self._local(at), nominal, reason, *self._decided_on())

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(zone_named(self.recurrence.zone))

    def _decided_on(self) -> tuple[str | None, str | None]:
        return (self.calendar.calendar_id, self.calendar.version) if self.calendar else (None, None)
