"""Sealing: the head of every day that is over goes to where the events are not."""

from datetime import UTC, datetime, timedelta

from ultracore_jobs.lifecycle.day_heads import DayHead
from ultracore_jobs.ports import EventStore, Heads

_GRACE = timedelta(hours=1)


def seal_days(
    events: EventStore, heads: Heads, *, now: datetime, grace: timedelta = _GRACE
) -> tuple[DayHead, ...]:
    """Seal each day that has an event and is over; those that were not sealed before, oldest first.

    Args:
        events: The record.
        heads: Where heads are kept.
        now: The present instant.
        grace: How long after midnight a day is taken to be over. A machine whose clock lags by less than
            that cannot put an event into a day that is sealed.

    Raises:
        IntegrityError: What is kept does not fit the record.
    """
    sealed: list[DayHead] = []
    last = heads.last()
    today = (now.astimezone(UTC) - grace).date()
    while True:
        position = last.next_position - 1 if last else 0
        following = events.read_all(position, 1)
        if not following or following[0].recorded_at.date() >= today:
            return tuple(sealed)
        day = following[0].recorded_at.date()
        last = DayHead.over(day, events.day_hashes(day), last)
        heads.keep(last)
        sealed.append(last)
