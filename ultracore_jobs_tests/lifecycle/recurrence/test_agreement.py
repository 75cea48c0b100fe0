"""Cron agrees with the iterator that Dagster ticks its own schedules by.

A short form of ``benchmarks/agree_recurrence.py``, with the same expressions, zones and changes.
"""

from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest
from dagster._utils.schedules import schedule_execution_time_iterator  # there is no public way to it

from ultracore_jobs.lifecycle.recurrence import Cron
from ultracore_jobs_tests.lifecycle.recurrence.patterns import (
    ZONES,
    Change,
    clock_changes,
    dagster_oddity,
    random_expression,
)

_EXPRESSIONS = 50
_FIRINGS = 12
_A_MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "back"])
@pytest.mark.parametrize("zone", ZONES)
def test_cron_fires_when_dagster_would(zone: str, *, forward: bool) -> None:
    """Random expressions, from up to three days before a change on, and back from three days after it."""
    random = Random(f"{zone} {forward}")  # noqa: S311 - the same expressions on every machine
    changes = [
        change
        for change in clock_changes(zone)
        if change.forward is forward and not dagster_oddity("0 0 * * *", zone, [change.at])
    ]
    for _ in range(_EXPRESSIONS):
        change = random.choice(changes)
        expression = random_expression(random, change)
        moment = timedelta(seconds=random.randint(0, 3 * 86400))
        _agree(expression, zone, change, moment)


def _agree(expression: str, zone: str, change: Change, moment: timedelta) -> None:
    cron = Cron(expression, zone)
    start, end = change.at - moment, change.at + moment
    if dagster_oddity(expression, zone, [start, end]):
        return

    ours = [firing.at for firing in islice(cron.firings_from(start), _FIRINGS)]
    assert ours == _dagster(expression, zone, start, ascending=True), f"{expression!r} in {zone} from {start}"

    ours, at = [], cron.previous(end + _A_MICROSECOND)
    while at and len(ours) < _FIRINGS:
        ours.append(at)
        at = cron.previous(at)
    assert ours == _dagster(expression, zone, end, ascending=False), f"{expression!r} in {zone} before {end}"


def _dagster(expression: str, zone: str, start: datetime, *, ascending: bool) -> list[datetime]:
    found = schedule_execution_time_iterator(start.timestamp(), expression, zone, ascending=ascending)
    return [at.astimezone(UTC) for at in islice(found, _FIRINGS)]
