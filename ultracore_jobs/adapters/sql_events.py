"""The record in the database.

Whoever writes is alone until the commit (`alone`). So the head of a stream is still its head when the
next event is linked to it, and places are taken in the order of commits: a database sequence would hand
them out before, and a reader would pass by the one that commits late.

What can be done before is done before: bodies are written while others may still commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.event_driver import Driver, alone
from ultracore_jobs.adapters.event_rows import (
    NEW,
    STORED,
    Standing,
    end_of_record,
    ends,
    first_recorded_from,
    insert_events,
    read_stream,
    rows_to_verify,
    standing_of,
)
from ultracore_jobs.adapters.event_tables import EVENTS, RELAYS, STREAMS
from ultracore_jobs.errors import UsageError, VersionConflictError
from ultracore_jobs.lifecycle.bodies import event_bodies
from ultracore_jobs.lifecycle.chain import link
from ultracore_jobs.lifecycle.day_heads import DayHead
from ultracore_jobs.lifecycle.events import Event
from ultracore_jobs.lifecycle.verification import Verification, Verifier
from ultracore_jobs.ports import Append, Clock, StoredEvent, StreamHead


class SqlEventStore:
    """An `EventStore` in a migrated database (SQLite or PostgreSQL)."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        """Keep events in the database of *engine*; *clock* says when they are recorded."""
        self._engine = engine
        self._clock = clock

    def append(self, stream: str, expected_version: int, events: Sequence[Event]) -> tuple[StoredEvent, ...]:
        """Add events to a stream that has *expected_version* of them; all or none."""
        return self.append_many([Append(stream, expected_version, events)])

    def append_many(self, appends: Sequence[Append]) -> tuple[StoredEvent, ...]:
        """Add to many streams in one commit; all or none, in the order given."""
        wanted = [
            (one, event_bodies(one.stream, one.events, one.expected_version + 1))
            for one in appends
            if one.events
        ]
        names = [one.stream for one, _ in wanted]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            message = f"a stream may come once in a commit; these come more often: {', '.join(twice)}"
            raise UsageError(message)
        if not wanted:
            return ()
        now = self._clock.now().astimezone(UTC)
        with alone(self._engine) as driver:
            end, standing = ends(driver, names)
            _require_versions(appends, standing)
            # Never before the event at the place before: clocks of several machines differ.
            recorded_at = now if end.recorded_at is None else max(now, end.recorded_at)
            added = _placed(wanted, standing, end.position, recorded_at)
            insert_events(driver, added, standing)
        return tuple(added)

    def read(self, stream: str, from_version: int = 1) -> tuple[StoredEvent, ...]:
        """The events of a stream from a place on."""
        with reading(self._engine) as connection:
            return read_stream(Driver.of(connection), stream, from_version)

    def read_all(self, after_position: int = 0, limit: int = 1000) -> tuple[StoredEvent, ...]:
        """Up to *limit* events of all streams after a place, in the order of recording."""
        query = STORED.where(EVENTS.c.position > after_position)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(EVENTS.c.position).limit(limit))
            return tuple(StoredEvent._make(row) for row in rows)

    def position(self) -> int:
        """The last place in the record; 0 while it is empty."""
        with reading(self._engine) as connection:
            return end_of_record(Driver.of(connection)).position

    def streams(self, prefix: str = "") -> tuple[str, ...]:
        """Names of the streams that begin with *prefix*, ascending."""
        name = STREAMS.c.stream_id
        query = sa.select(name).where(sa.func.substr(name, 1, len(prefix)) == prefix)
        with reading(self._engine) as connection:
            # Sorted here: the databases differ in how they order text.
            return tuple(sorted(connection.scalars(query)))

    def heads(self, streams: Iterable[str]) -> dict[str, StreamHead]:
        """Where these streams end; those that do not exist are left out."""
        with reading(self._engine) as connection:
            standing = standing_of(Driver.of(connection), list(dict.fromkeys(streams)))
        return {name: StreamHead(one.seq, one.hash) for name, one in standing.items()}

    def day_hashes(self, day: date) -> tuple[str, ...]:
        """Hashes of the events that were recorded on a UTC day, by place."""
        begins = datetime.combine(day, time(), tzinfo=UTC)
        with reading(self._engine) as connection:
            first = first_recorded_from(connection, begins)
            after = first_recorded_from(connection, begins + timedelta(days=1))
            query = sa.select(EVENTS.c.hash).where(EVENTS.c.position >= first, EVENTS.c.position < after)
            return tuple(connection.scalars(query.order_by(EVENTS.c.position)))

    def verify(self, *, stream: str | None = None, heads: Iterable[DayHead] = ()) -> Verification:
        """Look for what is not as it was, in the whole record or in one stream."""
        verifier = Verifier(() if stream else heads, whole=stream is None)
        with reading(self._engine) as connection:
            driver = Driver.of(connection)
            query = sa.select(STREAMS.c.stream_no, STREAMS.c.stream_id)
            if stream is not None:
                query = query.where(STREAMS.c.stream_id == stream)
            names = dict(connection.execute(query).all())
            only = None if stream is None else next(iter(names), 0)
            for rows in rows_to_verify(driver, end_of_record(driver).position, names, only=only):
                verifier.look_at(rows)
        return verifier.result()

    def pending_outbox(self, limit: int, *, relay: str = "kafka") -> tuple[StoredEvent, ...]:
        """What a relay has not sent yet, at most *limit*, in the order of recording."""
        with reading(self._engine) as connection:
            sent = connection.scalar(sa.select(RELAYS.c.position).where(RELAYS.c.relay == relay)) or 0
        return self.read_all(sent, limit)

    def mark_relayed(self, position: int, *, relay: str = "kafka") -> None:
        """Note that a relay has sent everything up to a place."""
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        new = insert(RELAYS).values(relay=relay, position=position)
        forward = new.on_conflict_do_update(
            index_elements=[RELAYS.c.relay],
            set_={"position": new.excluded.position},
            where=RELAYS.c.position < new.excluded.position,
        )
        with writing(self._engine) as connection:
            last = end_of_record(Driver.of(connection)).position
            if position > last:
                message = f"relay {relay} cannot have sent position {position}: the record ends at {last}"
                raise UsageError(message)
            connection.execute(forward)


def _placed(
    wanted: Sequence[tuple[Append, list[str]]],
    standing: Mapping[str, Standing],
    position: int,
    recorded_at: datetime,
) -> list[StoredEvent]:
    """The events with their places and hashes, linked to where their streams stand."""
    placed = []
    for one, bodies in wanted:
        stream, (_, seq, previous) = one.stream, standing.get(one.stream, NEW)
        for body in bodies:
            position, seq = position + 1, seq + 1
            digest = link(previous, body)
            placed.append(StoredEvent(position, stream, seq, body, previous, digest, recorded_at))
            previous = digest
    return placed


def _require_versions(appends: Sequence[Append], standing: Mapping[str, Standing]) -> None:
    wrong = [
        f"{one.stream} is at version {found}, not {one.expected_version}"
        for one in appends
        if one.events
        for found in (standing.get(one.stream, NEW).seq,)
        if found != one.expected_version
    ]
    if wrong:
        message = f"{'; '.join(wrong)}. Nothing was appended: read again and retry"
        raise VersionConflictError(message)
