"""What a calendar makes of the dates a recurrence falls on: keep, move, or leave out."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence.business_calendar import Calendar

_MOST_BUSINESS_DAYS = 23


class Roll(StrEnum):
    """What becomes of an occurrence on a day that is no business day.

    SKIP: it is left out, with a reason.
    NEXT: it moves to the next business day.
    PREVIOUS: it moves to the previous business day.
    MODIFIED_FOLLOWING: it moves to the next, unless that is in another month; then to the previous.
    """

    SKIP = "skip"
    NEXT = "next"
    PREVIOUS = "previous"
    MODIFIED_FOLLOWING = "modified_following"


@dataclass(frozen=True, slots=True)
class CalendarRule:
    """Ties a recurrence to the business days of a calendar.

    Attributes:
        calendar_id: Such as ``XASX``; whoever evaluates the rule brings the calendar.
        roll: What becomes of an occurrence on a closed day.
        nth_of_month: Where given, only occurrences on that business day of their month count: 1 is
            the first, -1 the last. The recurrence then gives the time of day, and *roll* is SKIP.

    Raises:
        UsageError: The two cannot be combined, or no month has that many business days.
    """

    calendar_id: str
    roll: Roll = Roll.SKIP
    nth_of_month: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be kept."""
        if self.nth_of_month is None:
            return
        if not 1 <= abs(self.nth_of_month) <= _MOST_BUSINESS_DAYS:
            raise UsageError(
                f"business day of the month: {self.nth_of_month} never comes; write 1 to "
                f"{_MOST_BUSINESS_DAYS}, or -1 (the last) to -{_MOST_BUSINESS_DAYS}"
            )
        if self.roll is not Roll.SKIP:
            raise UsageError(
                f"roll: the business day of the month needs no rolling; leave out {self.roll.value!r}"
            )

    def counts(self, day: date, calendar: Calendar) -> bool:
        """Whether an occurrence on *day* is meant at all, open or closed."""
        return self.nth_of_month is None or calendar.is_nth_of_month(day, self.nth_of_month)

    def settle(self, day: date, calendar: Calendar) -> date | None:
        """The day on which what falls on *day* is due; None where it is left out.

        Raises:
            MissingInputError: The calendar does not reach far enough to say.
        """
        if calendar.is_business_day(day):
            return day
        match self.roll:
            case Roll.SKIP:
                return None
            case Roll.NEXT:
                return calendar.at_or_after(day)
            case Roll.PREVIOUS:
                return calendar.at_or_before(day)
            case Roll.MODIFIED_FOLLOWING:
                following = calendar.at_or_after(day)
                return following if following.month == day.month else calendar.at_or_before(day)
