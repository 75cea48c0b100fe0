"""Cron against the rule read minute by minute, in every zone: those Dagster gets wrong as well."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.lifecycle.recurrence import Cron
from ultracore_jobs_tests.lifecycle.recurrence.minute_walk import Pattern, walk
from ultracore_jobs_tests.lifecycle.recurrence.patterns import ODD_ZONES, clock_changes

_A_MICROSECOND = timedelta(microseconds=1)
_A_DAY = timedelta(days=1)


def subset(low: int, high: int, at_most: int = 4) -> st.SearchStrategy[frozenset[int] | None]:
    """A literal ``*``, or some values."""
    return st.none() | st.frozensets(st.integers(low, high), min_size=1, max_size=at_most)


patterns = st.builds(
    Pattern,
    minutes=subset(0, 59),
    hours=subset(0, 23, at_most=8),
    days=subset(1, 31, at_most=9),
    months=st.none(),
    weekdays=subset(0, 6),
)


@pytest.mark.parametrize("zone", [*ODD_ZONES, "Australia/Sydney", "Europe/London", "America/New_York"])
def test_the_clocks_may_change_at_any_hour_and_by_any_size(zone: str) -> None:
    """Patterns of the hours around ten changes: what fires is what the rule says, minute by minute."""
    random = Random(zone)  # noqa: S311 - the same patterns on every machine
    changes = clock_changes(zone)
    for change in random.sample(changes, min(10, len(changes))):
        hours = {(wall - timedelta(minutes=1)).hour for wall in change.walls} | {change.walls[0].hour}
        pattern = Pattern(
            minutes=random.choice((None, {0}, {0, 30}, {15, 45}, {59})),
            hours=random.choice((None, hours, hours, {*hours, random.randint(0, 23)})),
        )
        _fires_as_walked(pattern, zone, change.at - _A_DAY, change.at + _A_DAY)


@given(pattern=patterns, start=st.datetimes(datetime(2007, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 - bounds of naive ones
def test_what_fires_is_what_the_rule_says(pattern: Pattern, start: datetime) -> None:
    """Any fields, any three days, in a zone with clock changes."""
    begin = start.replace(second=0, microsecond=0, tzinfo=UTC)
    _fires_as_walked(pattern, "Australia/Sydney", begin, begin + 3 * _A_DAY)


def _fires_as_walked(pattern: Pattern, zone: str, start: datetime, end: datetime) -> None:
    cron = Cron(str(pattern), zone)
    expected = walk(pattern, zone, start, end)

    assert list(cron.between(start, end)) == expected

    backwards, at = [], cron.previous(end)
    while at is not None and at >= start:
        backwards.append(at)
        at = cron.previous(at)
    assert backwards[::-1] == expected


@given(
    pattern=patterns,
    zone=st.sampled_from(("Australia/Sydney", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC")),
    moment=st.datetimes(datetime(2007, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - bounds of naive ones
)
def test_next_and_previous_are_strict_and_undo_each_other(
    pattern: Pattern, zone: str, moment: datetime
) -> None:
    """Strictly after, strictly before, and nothing in between."""
    cron, instant = Cron(str(pattern), zone), moment.replace(tzinfo=UTC)
    following = cron.next_after(instant)
    assert following is not None
    before = cron.previous(following)
    assert before is not None
    assert before <= instant < following
    assert cron.next_after(before) == following
    assert cron.next_after(following - _A_MICROSECOND) == following
