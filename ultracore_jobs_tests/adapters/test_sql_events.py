"""The record on SQLite."""

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs_tests.adapters import recorder_contract
from ultracore_jobs_tests.adapters.event_kills import kill_at_every_boundary
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.event_tampering import EventTampering
from ultracore_jobs_tests.adapters.sql_places import opened
from ultracore_jobs_tests.contracts.events import EventStoreContract
from ultracore_jobs_tests.contracts.jobs_recorded import HandClock, OpenEvents, fill


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A migrated, empty database."""
    migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
    return f"sqlite:///{tmp_path / 'ultracore.db'}"


class TestSqliteEvents(EventStoreContract):
    """The port's suite, on a file."""

    @pytest.fixture
    def open_events(self, url: str) -> OpenEvents:
        """The record in the test's folder."""
        return partial(open_events, url)


class TestSqliteTampering(EventTampering):
    """What is seen of tampering with a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """A migrated, empty database."""
        migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
        return f"sqlite:///{tmp_path / 'ultracore.db'}"


class TestSqliteAggregateRecorder(recorder_contract.AggregateRecorders):
    """Their tests of streams."""


class TestSqliteApplicationRecorder(recorder_contract.ApplicationRecorders):
    """Their tests of the order over all streams."""


def test_kill_at_every_boundary(url: str) -> None:
    """On SQLite."""
    kill_at_every_boundary(url)


def test_a_replace_is_refused_on_any_connection(url: str, tmp_path: Path) -> None:
    """``INSERT OR REPLACE`` of another program, which has none of our settings, deletes nothing."""
    events = open_events(url)
    fill(events, "job_1", "job_2")
    other = sqlite3.connect(tmp_path / "ultracore.db")
    row = "stream_no, seq, 'forged', hash, recorded_at FROM uc_events WHERE position = 2"
    for position in (2, 7):
        with pytest.raises(sqlite3.IntegrityError, match="uc_events is append-only"):
            other.execute(f"INSERT OR REPLACE INTO uc_events SELECT {position}, {row}")
    for number in (1, 9):
        with pytest.raises(sqlite3.IntegrityError, match="uc_streams is append-only"):
            other.execute(
                "INSERT OR REPLACE INTO uc_streams VALUES (?, 'jobs.executions/t1/job_1')", (number,)
            )
    other.close()

    assert events.verify() == (6, 2, ())


def test_a_place_is_never_left_out(url: str, tmp_path: Path) -> None:
    """Neither in the record nor in a stream, whoever writes."""
    fill(open_events(url), "job_1")
    other = sqlite3.connect(tmp_path / "ultracore.db")
    for position, seq in ((5, 4), (4, 5)):
        with pytest.raises(sqlite3.IntegrityError, match="the next place of a stream"):
            other.execute("INSERT INTO uc_events VALUES (?, 1, ?, 'b', 'h', 'r')", (position, seq))
    other.close()


def test_a_record_in_memory_is_a_record_too() -> None:
    """For a simulation: one process, nothing on the disk."""
    engine = opened("sqlite://")
    migrate(engine)
    events = SqlEventStore(engine, HandClock())
    fill(events, "job_1", "job_2")

    assert events.verify() == (6, 2, ())
