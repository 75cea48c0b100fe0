"""Business days as a value: what one calendar said, in the version it said it.

Calendars are data (domain_rules 1). Which rows are in force at a cut-off is for the reader of the
table to say; here they have become one calendar with a version, which an occurrence can carry, so
that a later declared holiday never changes what an earlier occurrence was decided on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from ultracore_jobs.errors import ContractError, MissingInputError
from ultracore_jobs.lifecycle.identity import identifier

_A_DAY = timedelta(days=1)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of one calendar, for every day of a range.

    Attributes:
        calendar_id: Such as ``XASX``.
        version: Follows from the content alone: equal days have equal versions.
        first_day: First day known.
        last_day: Last day known.
        business_days: The days on which the market or the banks are open, ascending.
    """

    calendar_id: str
    version: str
    first_day: date
    last_day: date
    business_days: tuple[date, ...] = field(repr=False)

    @classmethod
    def from_rows(cls, calendar_id: str, rows: Iterable[tuple[str, date, bool]]) -> "Calendar":
        """The calendar *calendar_id* in *rows*.

        Args:
            calendar_id: Which calendar to take.
            rows: calendar_id, date and is_business_day, in any order, as known at one cut-off; those
                of other calendars are passed over.

        Raises:
            MissingInputError: No row is of this calendar.
            ContractError: A day is there twice, or left out: unknown is not closed.
        """
        mine = sorted((day, is_open) for of, day, is_open in rows if of == calendar_id)
        if not mine:
            raise MissingInputError(f"calendar {calendar_id}: no row; load the calendar first")
        days = [day for day, _ in mine]
        complaints = [
            f"{day} is {'there twice' if step < _A_DAY else 'followed by a day left out'}"
            for day, step in ((day, after - day) for day, after in pairwise(days))
            if step != _A_DAY
        ]
        if complaints:
            more = f" and {len(complaints) - _SHOWN} more" if len(complaints) > _SHOWN else ""
            raise ContractError(f"calendar {calendar_id}: {'; '.join(complaints[:_SHOWN])}{more}")
        open_days = tuple(day for day, is_open in mine if is_open)
        return cls(
            calendar_id=calendar_id,
            version=identifier(
                "cal_", calendar_id, str(days[0]), str(days[-1]), *(str(day) for day in open_days)
            ),
            first_day=days[0],
            last_day=days[-1],
            business_days=open_days,
        )

    @property
    def longest_closure(self) -> timedelta:
        """The most days in a row that are no business days."""
        edges = (self.first_day - _A_DAY, *self.business_days, self.last_day + _A_DAY)
        return max(after - before for before, after in pairwise(edges)) - _A_DAY

    def is_business_day(self, day: date) -> bool:
        """Whether *day* is a business day.

        Raises:
            MissingInputError: The calendar does not reach *day*.
        """
        self._require(day)
        at = bisect_left(self.business_days, day)
        return at < len(self.business_days) and self.business_days[at] == day

    def at_or_after(self, day: date) -> date:
        """The first business day from *day* on.

        Raises:
            MissingInputError: The calendar does not reach it.
        """
        self._require(day)
        at = bisect_left(self.business_days, day)
        if at == len(self.business_days):
            self._require(self.last_day + _A_DAY)
        return self.business_days[at]

    def at_or_before(self, day: date) -> date:
        """The last business day up to *day*.

        Raises:
            MissingInputError: The calendar does not reach it.
        """
        self._require(day)
        at = bisect_right(self.business_days, day)
        if at == 0:
            self._require(self.first_day - _A_DAY)
        return self.business_days[at - 1]

    def is_nth_of_month(self, day: date, nth: int) -> bool:
        """Whether *day* is the *nth* business day of its month; counted from the end where negative.

        Raises:
            MissingInputError: The calendar does not have the whole part of the month to count.
        """
        if not self.is_business_day(day):
            return False
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - _A_DAY
        self._require(first if nth > 0 else last)
        at = bisect_left(self.business_days, day)
        if nth > 0:
            return at - bisect_left(self.business_days, first) + 1 == nth
        return bisect_right(self.business_days, last) - at == -nth

    def _require(self, day: date) -> None:
        if not self.first_day <= day <= self.last_day:
            raise MissingInputError(
                f"calendar {self.calendar_id} is known from {self.first_day} to {self.last_day}, "
                f"which leaves {day} open; load more of the calendar"
            )
