"""Sealing the days that are over."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ultracore_jobs.adapters.blobs import LocalBlobs
from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.heads import FileHeads
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.day_heads import seal_days
from ultracore_jobs_tests.contracts.jobs_recorded import A_DAY, MONDAY, HandClock, fill
from ultracore_jobs_tests.stage import OPENED


@pytest.fixture
def clock() -> HandClock:
    """Monday noon."""
    return HandClock()


@pytest.fixture
def events(clock: HandClock) -> SqlEventStore:
    """An empty record, in memory."""
    engine = open_database("sqlite://")
    OPENED.append(engine)
    migrate(engine)
    return SqlEventStore(engine, clock)


@pytest.fixture
def heads(tmp_path: Path) -> FileHeads:
    """None yet."""
    return FileHeads(LocalBlobs(str(tmp_path)))


def test_each_day_that_is_over_is_sealed_once(
    events: SqlEventStore, heads: FileHeads, clock: HandClock
) -> None:
    """Monday and Thursday have events, Tuesday and Wednesday none; Thursday is not over yet."""
    fill(events, "job_1", "job_2")
    clock.instant += 3 * A_DAY
    fill(events, "job_3")

    assert [head.day for head in seal_days(events, heads, now=clock.instant)] == [date(2024, 1, 15)]
    assert seal_days(events, heads, now=clock.instant) == ()
    [thursday] = seal_days(events, heads, now=clock.instant + A_DAY)
    assert (thursday.day, thursday.first_position, thursday.events) == (date(2024, 1, 18), 7, 3)
    assert events.verify(heads=heads.all()) == (9, 3, ())


def test_a_day_is_over_an_hour_after_midnight(
    events: SqlEventStore, heads: FileHeads, clock: HandClock
) -> None:
    """So that a machine whose clock lags a little puts no event into a day that is sealed."""
    fill(events, "job_1")
    midnight = MONDAY + timedelta(hours=12)

    assert seal_days(events, heads, now=midnight + timedelta(minutes=59, seconds=59)) == ()
    clock.instant = midnight - timedelta(seconds=1)
    fill(events, "late")
    [monday] = seal_days(events, heads, now=midnight + timedelta(hours=1))
    assert monday.events == 6


def test_an_empty_record_has_nothing_to_seal(events: SqlEventStore, heads: FileHeads) -> None:
    """Nor does it keep a head."""
    assert seal_days(events, heads, now=MONDAY) == ()
    assert heads.last() is None
