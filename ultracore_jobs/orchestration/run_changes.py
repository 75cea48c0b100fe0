"""Which runs changed since we looked last: read from Dagster's log with an overlap, so that none is missed.

PostgreSQL gives an entry its number when it is written and shows it when it is committed, so an entry may
appear behind one that was read before it. The newest minute is therefore read again each time, and what was
seen of it is remembered by number. The minute is one of the log itself: without new entries nothing grows
old, so an entry may be as late as it likes while nothing follows it. What comes later still is the
reconciler's.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import dagster as dg
from dagster._core.event_api import EventLogCursor  # the only way to say "after entry n" to the log
from pydantic import BaseModel, ConfigDict

_OVERLAP_SECONDS = 60.0
_MOST_SEEN = 300
"""Of a busy minute only so many entries are read again: each costs."""

_KINDS = (
    dg.DagsterEventType.RUN_ENQUEUED,
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)


class Change(NamedTuple):
    """One entry: a run has another status.

    Attributes:
        number: Of the entry, in the whole log.
        run_id: Which run.
        at: When, as Dagster says it.
        left_queue: Whether it has left the queue by it.
    """

    number: int
    run_id: str
    at: float
    left_queue: bool


class Window(BaseModel):
    """How far the log was read.

    Attributes:
        settled: Nothing up to this number is read again.
        seen: Numbers after it that were read, with their times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settled: int = 0
    seen: tuple[tuple[int, float], ...] = ()

    def after(self, changes: Iterable[Change]) -> "Window":
        """How far it is read when these have been taken in."""
        seen = dict(self.seen) | {change.number: change.at for change in changes}
        newest = max(seen.values(), default=0.0)
        numbers = sorted(seen)
        old = [number for number in numbers if seen[number] < newest - _OVERLAP_SECONDS]
        old += numbers[: max(0, len(numbers) - _MOST_SEEN)]
        settled = max([self.settled, *old])
        return Window(settled=settled, seen=tuple((one, seen[one]) for one in numbers if one > settled))


def unseen_changes(instance: dg.DagsterInstance, window: Window, limit: int) -> tuple[list[Change], bool]:
    """Up to *limit* changes that were not seen, in the order of the log, and whether there are more."""
    seen = {number for number, _ in window.seen}
    pages = list(_pages(instance, window, limit + len(seen)))
    # A kind whose page is full says nothing of what comes behind it.
    horizon = min((page[-1].number for page, is_full in pages if is_full), default=None)
    found = sorted(
        change
        for page, _ in pages
        for change in page
        if change.number not in seen and (horizon is None or change.number <= horizon)
    )
    return found[:limit], horizon is not None or len(found) > limit


def _pages(instance: dg.DagsterInstance, window: Window, limit: int) -> Iterator[tuple[list[Change], bool]]:
    after = EventLogCursor.from_storage_id(window.settled).to_string()
    for kind in _KINDS:
        result = instance.fetch_run_status_changes(kind, limit=limit, cursor=after, ascending=True)
        left = kind is not dg.DagsterEventType.RUN_ENQUEUED
        page = [Change(record.storage_id, record.run_id, record.timestamp, left) for record in result.records]
        yield page, result.has_more and bool(page)
