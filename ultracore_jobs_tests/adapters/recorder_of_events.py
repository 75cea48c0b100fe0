"""Our store as a recorder of library ``eventsourcing``, so that its own tests can be run on it.

Their event is any bytes under a topic; here it is a step of a job that carries both. Their versions are
told to begin at 0, ours begin at 1.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)

from ultracore_jobs.errors import StoreError, UsageError, VersionConflictError
from ultracore_jobs.lifecycle.events import JobProgressUpdated, job_stream
from ultracore_jobs.ports import Append, EventStore
from ultracore_jobs.ports import StoredEvent as OurStoredEvent
from ultracore_jobs_tests.contracts.jobs_recorded import MONDAY


class OurAggregateRecorder(AggregateRecorder):
    """Streams."""

    def __init__(self, store: EventStore) -> None:
        """Keep their events in *store*."""
        self._store = store

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append them, each stream after what it has; theirs is to say which version that is."""
        self._append(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Those of a stream."""
        found = [_theirs(one) for one in self._store.read(_stream(originator_id))]
        wanted = [
            one
            for one in found
            if (gt is None or one.originator_version > gt) and (lte is None or one.originator_version <= lte)
        ]
        return wanted[::-1][:limit] if desc else wanted[:limit]

    def _append(self, stored_events: Sequence[StoredEvent]) -> list[int]:
        streams: dict[str, list[StoredEvent]] = {}
        for one in stored_events:
            streams.setdefault(_stream(one.originator_id), []).append(one)
        for name, events in streams.items():
            first = events[0].originator_version
            if [one.originator_version for one in events] != list(range(first, first + len(events))):
                message = f"versions of {name} do not follow each other"
                raise IntegrityError(message)
        try:
            added = self._store.append_many(
                [
                    Append(name, events[0].originator_version, [_ours(one) for one in events])
                    for name, events in streams.items()
                ]
            )
        except (VersionConflictError, UsageError, StoreError) as error:
            raise IntegrityError(str(error)) from error
        return [one.position for one in added]


class OurApplicationRecorder(OurAggregateRecorder, ApplicationRecorder):
    """Streams, and all of them in one order."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append them; their places."""
        return self._append(stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """A page of all, in the order of recording."""
        found: list[Notification] = []
        after = (start or 1) - (inclusive_of_start or start is None)
        while len(found) < limit and (page := self._store.read_all(after, limit)):
            after = page[-1].position
            found += [
                Notification(
                    id=one.position,
                    originator_id=theirs.originator_id,
                    originator_version=theirs.originator_version,
                    topic=theirs.topic,
                    state=theirs.state,
                )
                for one in page
                for theirs in (_theirs(one),)
                if (stop is None or one.position <= stop) and (not topics or theirs.topic in topics)
            ]
        return found[:limit]

    def max_notification_id(self) -> int | None:
        """The last place."""
        return self._store.position() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[Any]:
        """Not ours to offer: readers ask again."""
        raise NotImplementedError


def _stream(originator_id: UUID | str) -> str:
    return job_stream("theirs", str(originator_id))


def _ours(event: StoredEvent) -> JobProgressUpdated:
    return JobProgressUpdated(
        tenant_id="theirs",
        job_id=str(event.originator_id),
        at=MONDAY,
        actor="eventsourcing",
        progress_percentage=0,
        current_step=event.topic,
        details={"state": event.state.hex(), "version": event.originator_version},
    )


def _theirs(one: OurStoredEvent) -> StoredEvent:
    event = one.event
    assert isinstance(event, JobProgressUpdated)
    state = event.details["state"]
    assert isinstance(state, str)
    return StoredEvent(
        originator_id=UUID(event.job_id),
        originator_version=one.seq - 1,
        topic=event.current_step,
        state=bytes.fromhex(state),
    )
