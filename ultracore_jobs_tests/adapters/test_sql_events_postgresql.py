"""The record on a real PostgreSQL server."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest
import sqlalchemy as sa

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.event_driver import alone
from ultracore_jobs.adapters.event_rows import insert_events
from ultracore_jobs.errors import StoreError
from ultracore_jobs.lifecycle.bodies import event_bodies
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.ports import StoredEvent
from ultracore_jobs_tests.adapters import recorder_contract
from ultracore_jobs_tests.adapters.event_kills import kill_at_every_boundary
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.event_tampering import GUARDED, EventTampering
from ultracore_jobs_tests.adapters.sql_places import opened
from ultracore_jobs_tests.contracts.events import EventStoreContract
from ultracore_jobs_tests.contracts.jobs_recorded import MONDAY, OpenEvents, fill, job
from ultracore_jobs_tests.postgres import PostgresServer


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A migrated, empty database."""
    return postgres.database()


class TestPostgresEvents(EventStoreContract):
    """The port's suite, on a database of its own."""

    @pytest.fixture
    def open_events(self, url: str) -> OpenEvents:
        """The record in a new database."""
        return partial(open_events, url)


class TestPostgresTampering(EventTampering):
    """What is seen of tampering by a superuser."""

    @pytest.fixture
    def url(self, postgres: PostgresServer) -> str:
        """A migrated, empty database."""
        return postgres.database()

    @pytest.mark.parametrize("table", GUARDED)
    def test_a_table_is_not_emptied(self, url: str, table: str) -> None:
        """TRUNCATE asks no trigger of a row; and a session that plays replica switches none off."""
        fill(open_events(url), "job_1")
        for change in (f"TRUNCATE {table}", f"DELETE FROM {table}"):  # noqa: S608 - from the list
            with pytest.raises(StoreError, match="is append-only"), writing(opened(url)) as connection:
                connection.execute(sa.text(f"SET LOCAL session_replication_role = replica; {change}"))


class TestPostgresAggregateRecorder(recorder_contract.AggregateRecorders):
    """Their tests of streams."""


class TestPostgresApplicationRecorder(recorder_contract.ApplicationRecorders):
    """Their tests of the order over all streams."""


def test_kill_at_every_boundary(url: str) -> None:
    """On PostgreSQL."""
    kill_at_every_boundary(url)


def test_a_sequence_loses_who_commits_late(url: str) -> None:
    """The hazard: numbers are handed out at the insert and seen at the commit, so a reader passes one by."""
    with writing(opened(url)) as connection:
        connection.execute(sa.text("CREATE TABLE naive (id bigserial PRIMARY KEY, name text)"))
    insert = sa.text("INSERT INTO naive (name) VALUES (:name)")
    with opened(url).connect() as slow, opened(url).begin() as quick:
        slow.execute(insert, {"name": "slow"})
        quick.execute(insert, {"name": "quick"})
        quick.commit()
        seen = _names_after(url, 0)
        slow.commit()

    assert seen == {2: "quick"}
    assert _names_after(url, max(seen)) == {}


def test_the_record_loses_nothing_to_who_commits_late(url: str) -> None:
    """One writes and does not commit yet; the other waits, so no reader sees a later place first."""
    events, begun, go_on = open_events(url), Event(), Event()
    made = job("slow").uncommitted
    stream = job_stream("t1", "slow")

    def slow() -> None:
        [body] = event_bodies(stream, made[:1])
        with alone(opened(url)) as driver:
            row = StoredEvent(1, stream, 1, body, GENESIS, link(GENESIS, body), MONDAY)
            insert_events(driver, [row], {})
            begun.set()
            assert go_on.wait(60)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slow)
        assert begun.wait(60)
        second = threads.submit(fill, open_events(url), "quick")
        _until_somebody_waits(url)
        seen = events.read_all(0)
        go_on.set()
        first.result()
        second.result()

    assert seen == ()
    assert [(one.position, one.stream) for one in events.read_all(0)] == [
        (1, stream),
        *((place, job_stream("t1", "quick")) for place in (2, 3, 4)),
    ]


def _names_after(url: str, number: int) -> dict[int, str]:
    with reading(opened(url)) as connection:
        rows = connection.execute(sa.text("SELECT id, name FROM naive WHERE id > :after"), {"after": number})
        return dict(rows.all())


def _until_somebody_waits(url: str) -> None:
    """Return once a session waits for the writers' lock."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    while True:
        with reading(opened(url)) as connection:
            if connection.scalar(waiting):
                return
