"""Intervals that do not drift, and one-time schedules that may be late."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence import Interval, OneTime, Punctuality

ANCHOR = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

instants = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds of naive ones
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=400))


def test_an_interval_is_counted_from_its_anchor() -> None:
    """09:30 and every hour; exactly at 11:30 the next is 12:30, however late the last one ran."""
    hourly = Interval(ANCHOR, HOUR)

    assert hourly.next_after(ANCHOR - DAY) == ANCHOR
    assert hourly.next_after(ANCHOR) == ANCHOR + HOUR
    assert hourly.next_after(ANCHOR + 2 * HOUR) == ANCHOR + 3 * HOUR
    assert hourly.next_after(ANCHOR + 2 * HOUR + timedelta(seconds=59)) == ANCHOR + 3 * HOUR
    assert hourly.previous(ANCHOR) is None
    assert hourly.previous(ANCHOR + HOUR) == ANCHOR
    assert hourly.previous(ANCHOR + HOUR + timedelta(microseconds=1)) == ANCHOR + HOUR


def test_a_day_of_elapsed_time_moves_on_the_wall_when_the_clocks_change() -> None:
    """Every 24 hours from Saturday 12:00 in Sydney: 13:00 on the wall once summer time begins."""
    daily = Interval(datetime.fromisoformat("2025-10-04T12:00:00+10:00"), DAY, "Australia/Sydney")

    assert [firing.wall.isoformat() for firing in islice(daily.firings_from(daily.anchor), 2)] == [
        "2025-10-04T12:00:00",
        "2025-10-05T13:00:00",
    ]


@given(anchor=instants, every=intervals, moment=instants)
def test_it_is_the_smallest_multiple_strictly_after(
    anchor: datetime, every: timedelta, moment: datetime
) -> None:
    """A whole number of intervals from the anchor, at most one interval away, without drift."""
    interval = Interval(anchor, every)
    found = interval.next_after(moment)
    assert found is not None
    assert (found - anchor) % every == timedelta(0)
    assert found > moment
    assert found == anchor or found - every <= moment
    assert interval.previous(found) == (None if found == anchor else found - every)


def test_an_interval_shorter_than_a_second_is_refused() -> None:
    """Zero would never move on."""
    for seconds in (0, -60, 0.5):
        with pytest.raises(UsageError, match=r"interval: .* is too short; write 1 second or more"):
            Interval(ANCHOR, timedelta(seconds=seconds))


def test_one_time_fires_once() -> None:
    """Before it, it is next; at it and after it, nothing is."""
    once = OneTime(ANCHOR)

    assert once.next_after(ANCHOR - HOUR) == ANCHOR
    assert once.next_after(ANCHOR) is None
    assert once.previous(ANCHOR) is None
    assert once.previous(ANCHOR + HOUR) == ANCHOR
    assert list(once.between(ANCHOR, ANCHOR + HOUR)) == [ANCHOR]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (-timedelta(microseconds=1), Punctuality.NOT_DUE),
        (timedelta(0), Punctuality.ON_TIME),
        (timedelta(minutes=1), Punctuality.ON_TIME),
        (timedelta(minutes=1, microseconds=1), Punctuality.LATE),
        (DAY, Punctuality.LATE),
        (DAY + timedelta(microseconds=1), Punctuality.MISSED),
    ],
)
def test_one_time_may_be_a_day_late(late: timedelta, expected: Punctuality) -> None:
    """Up to 24 hours it runs, flagged; after that it is missed, and a person is told."""
    assert OneTime(ANCHOR).punctuality(ANCHOR + late) is expected


def test_the_grace_can_be_set() -> None:
    """None at all: half a minute late is missed already."""
    once = OneTime(ANCHOR, misfire_grace=timedelta(0))
    assert once.punctuality(ANCHOR) is Punctuality.ON_TIME
    assert once.punctuality(ANCHOR + timedelta(seconds=30)) is Punctuality.MISSED
    with pytest.raises(UsageError, match="misfire grace: it is negative"):
        OneTime(ANCHOR, misfire_grace=-HOUR)
