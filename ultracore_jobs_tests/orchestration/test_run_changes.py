"""Reading Dagster's log with an overlap: an entry that appears late, behind others, is found all the same."""

from dataclasses import dataclass, field
from typing import Any

from dagster._core.event_api import EventLogCursor
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.orchestration.run_changes import Window, unseen_changes


@dataclass(frozen=True)
class Entry:
    """An entry of the log; every one is of a run that began."""

    storage_id: int
    run_id: str
    timestamp: float


@dataclass
class Page:
    """What the log answers."""

    records: list[Entry]
    has_more: bool


@dataclass
class FakeLog:
    """A log as PostgreSQL keeps it: an entry has its number before it is committed, and is seen after."""

    committed: list[Entry] = field(default_factory=list)

    def fetch_run_status_changes(self, kind: Any, *, limit: int, cursor: str, ascending: bool) -> Page:
        """Committed entries after a number, as Dagster's storages answer."""
        assert ascending
        after = EventLogCursor.parse(cursor).storage_id()
        if kind.name != "RUN_START":
            return Page([], has_more=False)
        found = sorted(
            (one for one in self.committed if one.storage_id > after), key=lambda one: one.storage_id
        )
        return Page(found[:limit], has_more=len(found[:limit]) == limit)


def read(log: FakeLog, window: Window, limit: int = 100) -> tuple[list[int], Window]:
    """The numbers that one tick finds, and where it ends."""
    instance: Any = log
    changes, _ = unseen_changes(instance, window, limit)
    return [change.number for change in changes], window.after(changes)


def entry(number: int, at: float | None = None) -> Entry:
    """An entry; one each second, unless said otherwise."""
    return Entry(number, f"run-{number}", float(number) if at is None else at)


def test_an_entry_that_is_committed_late_is_not_passed_by() -> None:
    """585 is written first and committed after 586 was read: a plain cursor would never see it."""
    log = FakeLog([entry(586)])
    first, window = read(log, Window())
    log.committed.append(entry(585))

    second, window = read(log, window)
    third, _ = read(log, window)

    assert (first, second, third) == ([586], [585], [])


def test_without_new_entries_an_entry_may_be_as_late_as_it_likes() -> None:
    """The overlap is a minute of the log, not of the clock; a hundred idle ticks change nothing."""
    log = FakeLog([entry(10)])
    _, window = read(log, Window())
    for _ in range(100):
        _, window = read(log, window)
    log.committed.append(entry(9))

    assert read(log, window)[0] == [9]


def test_what_is_older_than_a_minute_is_read_no_more() -> None:
    """Entries at 0, 30 and 100 s: the first two are settled, and cost nothing any more."""
    log = FakeLog([entry(1, 0.0), entry(2, 30.0), entry(3, 100.0)])
    _, window = read(log, Window())

    assert window.settled == 2
    assert [number for number, _ in window.seen] == [3]


def test_a_busy_minute_does_not_make_the_window_grow() -> None:
    """A thousand entries in one second: the last 300 are remembered."""
    log = FakeLog([entry(number, 1.0) for number in range(1, 1001)])
    _, window = read(log, Window(), limit=1000)

    assert (window.settled, len(window.seen)) == (700, 300)


def test_a_tick_takes_in_a_bounded_amount_and_the_next_goes_on() -> None:
    """Ten entries, four a tick: the oldest first, none twice, none left out."""
    log = FakeLog([entry(number) for number in range(1, 11)])
    window, found = Window(), []
    for _ in range(4):
        some, window = read(log, window, limit=4)
        found.append(some)

    assert found == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []]


@given(
    order=st.permutations(range(1, 30)),
    at_once=st.lists(st.integers(1, 5), min_size=30, max_size=30),
    limit=st.integers(1, 7),
)
def test_whatever_the_order_of_commits_each_entry_is_found_once(
    order: list[int], at_once: list[int], limit: int
) -> None:
    """All within a minute, committed a few at a time between ticks, in any order."""
    log, window, left, found = FakeLog(), Window(), list(order), []
    for some in at_once:
        log.committed += [entry(number) for number in left[:some]]
        left = left[some:]
        numbers, window = read(log, window, limit=limit)
        found += numbers
    for _ in range(30):
        numbers, window = read(log, window, limit=limit)
        found += numbers

    assert sorted(found) == list(range(1, 30))
