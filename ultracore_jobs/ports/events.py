"""The record: what happened to every schedule and job, in one order, hash-chained, only ever added to.

Places in the record (`position`) are taken in the order of commits and without a gap. So whoever has read
up to a place has seen everything up to it: no event appears later behind a reader's back. That also makes
the record its own outbox: what a relay has not sent yet is what stands after the place it has noted.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from ultracore_jobs.lifecycle.bodies import read_body
from ultracore_jobs.lifecycle.day_heads import DayHead
from ultracore_jobs.lifecycle.events import Event
from ultracore_jobs.lifecycle.verification import Verification


class StoredEvent(NamedTuple):
    """An event and its place.

    Attributes:
        position: Place in the record, over all streams, from 1.
        stream: Which stream.
        seq: Place in the stream, from 1.
        body: Canonical body: what was hashed.
        prev_hash: Hash of the event before it in the stream; 64 zeros for the first.
        hash: SHA-256 of `prev_hash` and `body`.
        recorded_at: When it was recorded, UTC; never before the event at the place before.
    """

    position: int
    stream: str
    seq: int
    body: str
    prev_hash: str
    hash: str
    recorded_at: datetime

    @property
    def event(self) -> Event:
        """The event, in today's form; read from the body each time.

        Raises:
            StoreError: This release does not know it.
        """
        return read_body(self.body)


class Append(NamedTuple):
    """Events to add to one stream.

    Attributes:
        stream: Which.
        expected_version: How many events it has; 0 for a new one.
        events: What to add, oldest first.
    """

    stream: str
    expected_version: int
    events: Sequence[Event]


class StreamHead(NamedTuple):
    """Where a stream ends: its last place, and the hash that all of it hangs on."""

    seq: int
    hash: str


class EventStore(Protocol):
    """Keeps events."""

    def append(self, stream: str, expected_version: int, events: Sequence[Event]) -> tuple[StoredEvent, ...]:
        """Add events to a stream that has *expected_version* of them; all or none.

        Raises:
            VersionConflictError: It has more, or fewer: somebody else was first.
            UsageError: An event is of another stream, or has no canonical JSON.
            StoreError: The database refused or cannot be reached.
        """
        ...

    def append_many(self, appends: Sequence[Append]) -> tuple[StoredEvent, ...]:
        """Add to many streams in one commit; all or none, in the order given.

        Raises:
            VersionConflictError: Some stream is at another version; all such are named.
            UsageError: An event is of another stream, has no canonical JSON, or a stream comes twice.
            StoreError: The database refused or cannot be reached.
        """
        ...

    def read(self, stream: str, from_version: int = 1) -> tuple[StoredEvent, ...]:
        """The events of a stream from a place on; none where there is no such stream."""
        ...

    def read_all(self, after_position: int = 0, limit: int = 1000) -> tuple[StoredEvent, ...]:
        """Up to *limit* events of all streams after a place, in the order of recording."""
        ...

    def position(self) -> int:
        """The last place in the record; 0 while it is empty."""
        ...

    def streams(self, prefix: str = "") -> tuple[str, ...]:
        """Names of the streams that begin with *prefix*, ascending."""
        ...

    def heads(self, streams: Iterable[str]) -> Mapping[str, StreamHead]:
        """Where these streams end; those that do not exist are left out."""
        ...

    def day_hashes(self, day: date) -> tuple[str, ...]:
        """Hashes of the events that were recorded on a UTC day, by place: the leaves of its Merkle tree."""
        ...

    def verify(self, *, stream: str | None = None, heads: Iterable[DayHead] = ()) -> Verification:
        """Look for what is not as it was, in the whole record or in one stream.

        Args:
            stream: Only this one.
            heads: Heads that were kept elsewhere, oldest first; for the whole record only.
        """
        ...

    def pending_outbox(self, limit: int, *, relay: str = "kafka") -> tuple[StoredEvent, ...]:
        """What a relay has not sent yet, at most *limit*, in the order of recording."""
        ...

    def mark_relayed(self, position: int, *, relay: str = "kafka") -> None:
        """Note that a relay has sent everything up to a place; noting less than before changes nothing.

        Raises:
            UsageError: The record does not go that far.
        """
        ...
