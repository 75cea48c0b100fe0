"""What somebody may do to the record who has the database and all rights in it: the same tests on both.

Each finds the guards of the database gone. What is done then must be seen: by the chain alone, or, where
the hashes were made anew as well, by the heads that are kept elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ultracore_jobs.adapters.blobs import LocalBlobs
from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.event_tables import EVENTS, STREAMS
from ultracore_jobs.adapters.heads import FileHeads
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.day_heads import seal_days
from ultracore_jobs.errors import ChainBrokenError, StoreError
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.lifecycle.verification import Fault
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.sql_places import opened
from ultracore_jobs_tests.contracts.jobs_recorded import A_DAY, MONDAY, HandClock, fill, job

GUARDED = {"uc_events": "body", "uc_streams": "stream_id"}
ONE, TWO = job_stream("t1", "job_1"), job_stream("t1", "job_2")


class EventTampering:
    """Inherit it in a ``Test...`` class that has the fixture `url`.

    The record: on Monday five events of job_1 (places 1 to 5) and five of job_2 (6 to 10), on Tuesday five
    of job_3. Monday and Tuesday are sealed.
    """

    @pytest.fixture
    def url(self) -> str:
        """A migrated, empty database."""
        raise NotImplementedError

    @pytest.fixture
    def events(self, url: str) -> SqlEventStore:
        """The record."""
        clock = HandClock()
        store = open_events(url, clock)
        fill(store, "job_1", "job_2", steps=3)
        clock.instant += A_DAY
        fill(store, "job_3", steps=3)
        return store

    @pytest.fixture
    def heads(self, events: SqlEventStore, tmp_path: Path) -> FileHeads:
        """Kept elsewhere."""
        kept = FileHeads(LocalBlobs(str(tmp_path / "elsewhere")))
        seal_days(events, kept, now=MONDAY + 2 * A_DAY)
        return kept

    @pytest.mark.parametrize("table", GUARDED)
    def test_the_database_refuses_to_change_or_remove(
        self, events: SqlEventStore, url: str, table: str
    ) -> None:
        """By any SQL, past our code; the record is whole afterwards."""
        for change in (f"UPDATE {table} SET {GUARDED[table]} = 'x'", f"DELETE FROM {table}"):  # noqa: S608 - as above
            with (
                pytest.raises(StoreError, match=f"{table} is append-only"),
                writing(opened(url)) as connection,
            ):
                connection.execute(sa.text(change))

        assert events.verify() == (15, 3, ())

    def test_what_is_untouched_is_whole(self, events: SqlEventStore, heads: FileHeads) -> None:
        """Also against the heads, and when a day has begun that is not sealed yet."""
        fill(events, "job_4")

        assert [head.events for head in heads.all()] == [10, 5]
        assert events.verify(heads=heads.all()) == (18, 4, ())

    @pytest.mark.parametrize("seq", [1, 3, 5])
    def test_a_flipped_letter_is_found(self, events: SqlEventStore, url: str, seq: int) -> None:
        """In the body, or in the hash: the first bad event is named, and the error is for a person."""
        with tampering(url) as connection:
            change(connection, TWO, seq, body=sa.func.replace(EVENTS.c.body, "job_2", "job_X"))

        fault = Fault(5 + seq, TWO, seq, "its hash is not that of what it says")
        assert events.verify().faults == (fault,)
        assert events.verify(stream=TWO).faults == (fault,)
        assert events.verify(stream=ONE).faults == ()
        with pytest.raises(ChainBrokenError, match=f"event {seq} of {TWO}, position {5 + seq}"):
            events.verify().require_whole()

    def test_a_flipped_hash_is_found(self, events: SqlEventStore, url: str) -> None:
        """There, not at the event after it."""
        with tampering(url) as connection:
            change(connection, ONE, 2, hash="f" * 64)

        assert events.verify().faults == (Fault(2, ONE, 2, "its hash is not that of what it says"),)

    @pytest.mark.parametrize("seq", [1, 3])
    def test_a_deleted_event_is_found(self, events: SqlEventStore, url: str, seq: int) -> None:
        """The stream names its place, and so does the record."""
        with tampering(url) as connection:
            connection.execute(sa.delete(EVENTS).where(EVENTS.c.position == seq))

        assert events.verify().faults == (
            Fault(seq, "", 0, f"is missing; position {seq + 1} comes next"),
            Fault(seq + 1, ONE, seq, f"is missing; event {seq + 1} comes next"),
        )
        assert events.verify(stream=ONE).faults[0].seq == seq

    def test_the_deleted_end_of_a_stream_is_found(self, events: SqlEventStore, url: str) -> None:
        """No later event of the stream tells, but a place in the record is free."""
        with tampering(url) as connection:
            connection.execute(sa.delete(EVENTS).where(EVENTS.c.position == 5))

        assert events.verify().faults == (Fault(5, "", 0, "is missing; position 6 comes next"),)

    def test_an_inserted_event_is_found(self, events: SqlEventStore, url: str, heads: FileHeads) -> None:
        """Between the third and the fourth of job_1, everything after it moved up, its hash well made."""
        forged = job(steps=4).uncommitted[-1]
        with tampering(url) as connection:
            rows = rows_of(connection)
            before = rows[2]
            body = forged.unplaced[0] + "4" + forged.unplaced[1]
            added = before | {"position": 4, "seq": 4, "body": body, "hash": link(before["hash"], body)}
            moved = [
                row
                | {
                    "position": row["position"] + 1,
                    "seq": row["seq"] + (row["stream_no"] == before["stream_no"]),
                }
                for row in rows[3:]
            ]
            rewrite(connection, [*rows[:3], added, *moved])

        assert events.verify().faults == (Fault(5, ONE, 5, "its hash is not that of what it says"),)
        assert events.verify(heads=heads.all()).faults[0] == Fault(
            4, ONE, 4, "it is not the one that was sealed on 2024-01-15"
        )

    def test_reordered_events_are_found(self, events: SqlEventStore, url: str, heads: FileHeads) -> None:
        """Two bodies of a stream exchanged; or two streams exchanged in the record, which only heads show."""
        with tampering(url) as connection:
            rows = rows_of(connection)
            rows[2]["body"], rows[3]["body"] = rows[3]["body"], rows[2]["body"]
            rewrite(connection, rows)
        assert events.verify().faults == (Fault(3, ONE, 3, "its hash is not that of what it says"),)

        with tampering(url) as connection:
            rows[2]["body"], rows[3]["body"] = rows[3]["body"], rows[2]["body"]
            exchanged = [row | {"position": (row["position"] + 4) % 10 + 1} for row in rows[:10]]
            rewrite(connection, [*exchanged, *rows[10:]])
        assert events.verify().faults == ()
        assert [fault.position for fault in events.verify(heads=heads.all()).faults] == [1, 6]

    def test_a_record_that_was_cut_short_is_found_by_its_heads(
        self, events: SqlEventStore, url: str, heads: FileHeads
    ) -> None:
        """As after an old backup was restored: in itself it is whole."""
        with tampering(url) as connection:
            connection.execute(sa.delete(EVENTS).where(EVENTS.c.position > 12))

        assert events.verify().faults == ()
        assert events.verify(heads=heads.all()).faults == (
            Fault(13, "", 0, "is cut off: the head of 2024-01-16 knows more events"),
        )

    def test_a_stream_that_was_rewritten_hashes_and_all_is_found_by_its_heads(
        self, events: SqlEventStore, url: str, heads: FileHeads
    ) -> None:
        """The chain is valid; the first event that is not the sealed one is named."""
        with tampering(url) as connection:
            rows = rows_of(connection)
            rows[7]["body"] = rows[7]["body"].replace("step 0", "step 9")
            previous = rows[6]["hash"]
            for row in rows[7:10]:
                row["hash"] = previous = link(previous, row["body"])
            rewrite(connection, rows)

        assert events.verify().faults == ()
        assert events.verify(heads=heads.all()).faults == (
            Fault(8, TWO, 3, "it is not the one that was sealed on 2024-01-15"),
        )

    def test_a_stream_under_another_name_is_found(self, events: SqlEventStore, url: str) -> None:
        """Nothing of its events was touched, but they say whose they are; and so where the name is gone."""
        with tampering(url) as connection:
            connection.execute(
                sa.update(STREAMS)
                .where(STREAMS.c.stream_id == TWO)
                .values(stream_id="jobs.executions/t1/job_9")
            )
        assert events.verify().faults == (
            Fault(6, "jobs.executions/t1/job_9", 1, "it says that it belongs elsewhere"),
        )
        with tampering(url) as connection:
            connection.execute(sa.delete(STREAMS).where(STREAMS.c.stream_id == ONE))
        assert events.verify().faults[0] == Fault(1, "", 1, "it says that it belongs elsewhere")

    def test_another_day_of_recording_is_found(
        self, events: SqlEventStore, url: str, heads: FileHeads
    ) -> None:
        """Days only go up; and a sealed event stays on its day."""
        with tampering(url) as connection:
            connection.execute(
                sa.update(EVENTS).where(EVENTS.c.position == 12).values(recorded_at=MONDAY - A_DAY)
            )
        assert events.verify().faults == (
            Fault(12, job_stream("t1", "job_3"), 2, "it was recorded before the one before it"),
        )
        with tampering(url) as connection:
            connection.execute(
                sa.update(EVENTS).where(EVENTS.c.position > 5).values(recorded_at=MONDAY + A_DAY)
            )
        assert events.verify().faults == ()
        assert events.verify(heads=heads.all()).faults == (
            Fault(6, TWO, 1, "it was sealed on 2024-01-15, not 2024-01-16"),
        )

    def test_a_forged_head_is_found(self, events: SqlEventStore, heads: FileHeads) -> None:
        """Who forges a head must forge all after it; the newest is then compared by a person."""
        monday, tuesday = heads.all()
        forged = monday.model_copy(update={"leaves": (GENESIS, *monday.leaves[1:])})

        faults = events.verify(heads=[forged, tuesday]).faults
        assert Fault(1, "", 0, "the head of 2024-01-15 is not what it was") in faults


def rows_of(connection: sa.Connection) -> list[dict[str, Any]]:
    """All rows of the record, by place."""
    return [dict(row) for row in connection.execute(sa.select(EVENTS).order_by(EVENTS.c.position)).mappings()]


def rewrite(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Put these rows in place of all there are."""
    connection.execute(sa.delete(EVENTS))
    connection.execute(sa.insert(EVENTS), sorted(rows, key=lambda row: row["position"]))


def change(connection: sa.Connection, stream: str, seq: int, **values: Any) -> None:
    """Change one row."""
    number = sa.select(STREAMS.c.stream_no).where(STREAMS.c.stream_id == stream).scalar_subquery()
    connection.execute(
        sa.update(EVENTS).where(EVENTS.c.stream_no == number, EVENTS.c.seq == seq).values(**values)
    )


@contextmanager
def tampering(url: str) -> Iterator[sa.Connection]:
    """The database without its guards."""
    engine = opened(url)
    with reading(engine) as connection:
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "postgresql":
            query = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        triggers = [row for row in connection.execute(sa.text(query)) if row[1] in GUARDED]
    with writing(engine) as connection:
        for name, table in triggers:
            on = f" ON {table}" if engine.dialect.name == "postgresql" else ""
            connection.execute(sa.text(f"DROP TRIGGER {name}{on}"))
        yield connection
