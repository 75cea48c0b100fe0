"""One time a schedule is due, or would have been."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time a schedule is due.

    Attributes:
        due_at: The instant, in UTC; with the schedule's id it names the occurrence.
        local: The same instant in the schedule's zone.
        nominal: The wall time the recurrence named (naive), before clocks and calendar had their say.
        rolled_from: The closed day it was moved from; None where it was not moved.
        reason: Why it is not when it was named; None where it is.
        calendar_id: The calendar it was decided on, if any.
        calendar_version: In which version.
    """

    due_at: datetime
    local: datetime
    nominal: datetime
    rolled_from: date | None = None
    reason: str | None = None
    calendar_id: str | None = None
    calendar_version: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """One time a schedule would have been due, and is not.

    Attributes:
        at: The instant at which it would have been due, in UTC.
        local: The same instant in the schedule's zone.
        nominal: The wall time the recurrence named (naive).
        reason: Why it is left out.
        calendar_id: The calendar it was decided on, if any.
        calendar_version: In which version.
    """

    at: datetime
    local: datetime
    nominal: datetime
    reason: str
    calendar_id: str | None = None
    calendar_version: str | None = None


Entry = Occurrence | Skipped
"""What a preview lists."""


def instant_of(entry: Entry) -> datetime:
    """When it is due, or would have been."""
    return entry.due_at if isinstance(entry, Occurrence) else entry.at
