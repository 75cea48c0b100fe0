"""Rows of the record, in and out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from ultracore_jobs.adapters.database import Instant
from ultracore_jobs.adapters.event_driver import Driver, copy, insert, say
from ultracore_jobs.adapters.event_tables import EVENTS, STREAMS
from ultracore_jobs.adapters.ledger_standing import chunks
from ultracore_jobs.lifecycle.chain import GENESIS
from ultracore_jobs.ports import StoredEvent

_NAMED_AT_ONCE, _READ_AT_ONCE = 1_000, 5_000

_COLUMNS = "uc_events (position, stream_no, seq, body, hash, recorded_at)"
_LAST = "SELECT position, recorded_at FROM uc_events ORDER BY position DESC LIMIT 1"
_LAST_STREAM = "SELECT COALESCE(MAX(stream_no), 0) FROM uc_streams"
_ENDS = (
    "SELECT last.position, last.recorded_at, standing.stream_no, standing.seq, standing.hash "  # noqa: S608 - ours
    f"FROM (SELECT 1) AS one LEFT JOIN ({_LAST}) AS last ON 1 = 1 LEFT JOIN ("
    "SELECT e.stream_no, e.seq, e.hash FROM uc_streams s JOIN uc_events e ON e.stream_no = s.stream_no "
    "WHERE s.stream_id = ? ORDER BY e.seq DESC LIMIT 1) AS standing ON 1 = 1"
)
"""Where the record and one stream end, in one question: one row, with nulls for what is not there."""

_STANDING = (
    "SELECT s.stream_id, s.stream_no, e.seq, e.hash FROM uc_streams s "
    "JOIN uc_events e ON e.stream_no = s.stream_no "
    "WHERE e.seq = (SELECT MAX(seq) FROM uc_events WHERE stream_no = s.stream_no) AND s.stream_id IN "
)
_STREAM = (
    "SELECT e.position, e.seq, e.body, e.hash, e.recorded_at FROM uc_streams s "
    "JOIN uc_events e ON e.stream_no = s.stream_no WHERE s.stream_id = ? AND e.seq >= ? ORDER BY e.seq"
)
_VERIFY = {
    dialect: f"SELECT position, stream_no, seq, body, hash, {recorded_at} FROM uc_events "  # noqa: S608 - ours
    "WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
    for dialect, recorded_at in (
        ("sqlite", "recorded_at"),
        ("postgresql", """to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""),
    )
}
"""Instants as text of fixed width, which sorts."""

_INSTANT = Instant()
_BEFORE = EVENTS.alias("before")

STORED = (
    sa.select(
        EVENTS.c.position,
        STREAMS.c.stream_id,
        EVENTS.c.seq,
        EVENTS.c.body,
        sa.func.coalesce(_BEFORE.c.hash, GENESIS),
        EVENTS.c.hash,
        EVENTS.c.recorded_at,
    )
    .join_from(EVENTS, STREAMS, STREAMS.c.stream_no == EVENTS.c.stream_no)
    .outerjoin(_BEFORE, (_BEFORE.c.stream_no == EVENTS.c.stream_no) & (_BEFORE.c.seq == EVENTS.c.seq - 1))
)
"""The columns of a `StoredEvent`: each with the hash of the one before it in its stream."""


class End(NamedTuple):
    """Where the record ends, and when that place was taken."""

    position: int
    recorded_at: datetime | None


class Standing(NamedTuple):
    """Where a stream ends, and the number it is kept under; 0 while it has none."""

    number: int
    seq: int
    hash: str


NEW = Standing(0, 0, GENESIS)


def ends(driver: Driver, streams: Sequence[str]) -> tuple[End, dict[str, Standing]]:
    """Where the record ends and where these streams do, to append to them."""
    if len(streams) > 1:
        return end_of_record(driver), standing_of(driver, streams)
    position, recorded_at, *standing = say(driver, _ENDS, streams).fetchone()
    end = End(position or 0, _INSTANT.process_result_value(recorded_at, driver.dialect))
    return end, {} if standing[0] is None else {streams[0]: Standing(*standing)}


def end_of_record(driver: Driver) -> End:
    """The last place; 0 while the record is empty."""
    row = say(driver, _LAST).fetchone()
    return End(row[0], _INSTANT.process_result_value(row[1], driver.dialect)) if row else End(0, None)


def standing_of(driver: Driver, streams: Sequence[str]) -> dict[str, Standing]:
    """Where streams end; those that do not exist are left out."""
    found: dict[str, Standing] = {}
    for some in chunks(streams, _NAMED_AT_ONCE):
        rows = say(driver, f"{_STANDING}({', '.join('?' * len(some))})", some).fetchall()
        found.update((name, Standing(*standing)) for name, *standing in rows)
    return found


def insert_events(driver: Driver, events: Sequence[StoredEvent], standing: Mapping[str, Standing]) -> None:
    """Write rows that are recorded at one instant, and the names of streams that are new."""
    numbers = {name: one.number for name, one in standing.items()}
    new = [name for name in dict.fromkeys(event.stream for event in events) if name not in numbers]
    if new:
        last = say(driver, _LAST_STREAM).fetchone()[0]
        added = list(enumerate(new, start=last + 1))
        numbers.update((name, number) for number, name in added)
        insert(driver, "INSERT INTO uc_streams (stream_no, stream_id)", added)
    when = _INSTANT.process_bind_param(events[0].recorded_at, driver.dialect)
    rows = [
        (position, numbers[stream], seq, body, digest, when)
        for position, stream, seq, body, _, digest, _ in events
    ]
    if driver.is_sqlite:
        insert(driver, f"INSERT INTO {_COLUMNS}", rows)
    else:
        copy(driver, _COLUMNS, rows)


def read_stream(driver: Driver, stream: str, first: int) -> tuple[StoredEvent, ...]:
    """The events of a stream from a place on; the row before it only lends its hash."""
    events: list[StoredEvent] = []
    previous, moments = GENESIS, _Moments(driver.dialect)
    for position, seq, body, digest, recorded_at in say(driver, _STREAM, (stream, first - 1)).fetchall():
        if seq >= first:
            at = moments[recorded_at]
            events.append(StoredEvent(position, stream, seq, body, previous, digest, at))
        previous = digest
    return tuple(events)


def rows_to_verify(
    driver: Driver, upto: int, names: Mapping[int, str], *, only: int | None
) -> Iterator[Iterable[tuple[int, str, int, str, str, str]]]:
    """Rows as a `Verifier` takes them, some thousand at a time, up to a place.

    Args:
        driver: Of a connection that reads.
        upto: The last place.
        names: Of the streams, by number.
        only: The number of the one stream that is wanted.
    """
    sql, after = _VERIFY[driver.dialect.name], 0
    if only is not None:
        sql = sql.replace("WHERE", f"WHERE stream_no = {only} AND")
    while rows := say(driver, sql, (after, upto, _READ_AT_ONCE)).fetchall():
        # A name that was removed must not hide its events.
        yield [(at, names.get(number, ""), *rest) for at, number, *rest in rows]
        after = rows[-1][0]


def first_recorded_from(connection: sa.Connection, moment: datetime) -> int:
    """The first place that was taken at *moment* or later; the one after the last where there is none.

    Instants go up with places, so it is found by halving: the table needs no index on them.
    """
    low, high = 1, end_of_record(Driver.of(connection)).position + 1
    while low < high:
        middle = (low + high) // 2
        query = (
            sa.select(EVENTS.c.recorded_at)
            .where(EVENTS.c.position >= middle)
            .order_by(EVENTS.c.position)
            .limit(1)
        )
        recorded = connection.scalar(query)
        if recorded is not None and recorded < moment:
            low = middle + 1
        else:
            high = middle
    return low


class _Moments(dict[Any, datetime]):
    """Instants as the driver gives them -> in UTC; events of one commit share theirs."""

    def __init__(self, dialect: sa.Dialect) -> None:
        super().__init__()
        self._dialect = dialect

    def __missing__(self, given: Any) -> datetime:
        moment = _INSTANT.process_result_value(given, self._dialect)
        assert moment is not None  # noqa: S101 - the column takes no null
        self[given] = moment
        return moment
