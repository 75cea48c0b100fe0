"""The record rebuilt from a copy of it: streams with their events, and what became of jobs and schedules.

Nothing is believed that is not checked. An event is taken once, in the order of its stream, whatever comes
when and how often; only if its body has the hash it carries, says the place it is found at, and follows
the event before it. What does not is left out, and is a fault.
"""

from collections.abc import Iterable, Iterator
from typing import NoReturn

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.bodies import place_of
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.events import EXECUTIONS, SCHEDULES
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.schedule_aggregate import ScheduleAggregate
from ultracore_jobs.lifecycle.verification import Fault
from ultracore_jobs.ports import EventStore, StoredEvent

_READ_AT_ONCE = 5_000


class ReadModel:
    """What is known from the events that arrived so far.

    Attributes:
        duplicates: How many came again.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.duplicates = 0
        self._streams: dict[str, list[StoredEvent]] = {}
        self._waiting: dict[str, dict[int, list[StoredEvent]]] = {}
        self._refused: dict[Fault, None] = {}

    def take(self, events: Iterable[StoredEvent]) -> None:
        """Take events in, in any order; those that are known already change nothing."""
        for event in events:
            self._take(event)

    @property
    def position(self) -> int:
        """The greatest place of the record that is known; 0 while nothing is."""
        return max((events[-1].position for events in self._streams.values()), default=0)

    def streams(self) -> tuple[str, ...]:
        """Names of the streams, ascending."""
        return tuple(sorted(self._streams))

    def events(self, stream: str) -> tuple[StoredEvent, ...]:
        """The events of a stream up to the first that is missing; none where there is no such stream."""
        return tuple(self._streams.get(stream, ()))

    def jobs(self) -> dict[str, JobAggregate]:
        """What became of each job, by stream."""
        return {
            stream: JobAggregate.from_events((one.event for one in events), clock=_only_read)
            for stream, events in sorted(self._streams.items())
            if stream.startswith(f"{EXECUTIONS}/")
        }

    def schedules(self) -> dict[str, ScheduleAggregate]:
        """What became of each schedule, by stream."""
        return {
            stream: ScheduleAggregate.from_events((one.event for one in events), clock=_only_read)
            for stream, events in sorted(self._streams.items())
            if stream.startswith(f"{SCHEDULES}/")
        }

    def faults(self, upto: int | None = None) -> tuple[Fault, ...]:
        """What is missing, and what came that cannot be; by position.

        Args:
            upto: Look for missing places of the record up to this one: how far the relay had come when the
                reading began. Without it, up to the greatest that is known; while a relay is sending, what
                is only on its way may then look missing.
        """
        return tuple(sorted([*self._refused, *self._gaps(), *self._missing_places(upto)]))

    def _take(self, event: StoredEvent) -> None:
        known = self._streams.get(event.stream, ())
        waiting = self._waiting.get(event.stream, {}).get(event.seq, ())
        if event in waiting or (0 < event.seq <= len(known) and known[event.seq - 1] == event):
            self.duplicates += 1
        elif 0 < event.seq <= len(known):
            self._refuse(event, "another one is known in its place")
        elif link(event.prev_hash, event.body) != event.hash:
            self._refuse(event, "its hash is not that of what it says")
        elif not _says_its_place(event):
            self._refuse(event, "it says that it belongs elsewhere")
        else:
            self._waiting.setdefault(event.stream, {}).setdefault(event.seq, []).append(event)
            self._settle(event.stream)

    def _settle(self, stream: str) -> None:
        """Take from what waits whatever follows now."""
        waiting, known = self._waiting[stream], self._streams.get(stream, [])
        while candidates := waiting.pop(len(known) + 1, ()):
            before = known[-1].hash if known else GENESIS
            following = [one for one in candidates if one.prev_hash == before]
            for other in candidates:
                if other not in following:
                    self._refuse(other, "it does not follow the one before it")
            for other in following[1:]:
                self._refuse(other, "another one is known in its place")
            if not following:
                break
            known = self._streams.setdefault(stream, known)
            known.append(following[0])
        if not waiting:
            del self._waiting[stream]

    def _refuse(self, event: StoredEvent, what: str) -> None:
        # A dictionary keeps the order, and the same message that comes twice once.
        self._refused[Fault(event.position, event.stream, event.seq, what)] = None

    def _gaps(self) -> Iterator[Fault]:
        for stream, waiting in self._waiting.items():
            first = min(waiting)
            missing = len(self._streams.get(stream, ())) + 1
            what = f"is missing; event {first} comes next"
            yield Fault(waiting[first][0].position, stream, missing, what)

    def _missing_places(self, upto: int | None) -> Iterator[Fault]:
        """A whole stream that never came shows only here."""
        taken = [one for events in self._streams.values() for one in events]
        waiting = [one for seqs in self._waiting.values() for some in seqs.values() for one in some]
        last = 0
        for event in sorted(taken + waiting):
            if upto is not None and event.position > upto:
                break
            if event.position == last:
                yield Fault(last, event.stream, event.seq, "its place in the record is that of another")
            elif event.position > last + 1:
                yield _missing(last + 1, event.position - 1)
            last = event.position
        if upto is not None and last < upto:
            yield _missing(last + 1, upto)


def differences(events: EventStore, model: ReadModel, *, upto: int | None = None) -> tuple[Fault, ...]:
    """What the record and its copy do not have alike, by position.

    A stream that is longer in the copy shows that the record was cut, or that an older backup was restored.

    Args:
        events: The record.
        model: What was rebuilt from the copy.
        upto: Only places of the record up to this one are expected in the copy: how far the relay has come.
    """
    found, last = [], 0
    end = events.position() if upto is None else upto
    copies = {stream: model.events(stream) for stream in model.streams()}
    while last < end and (page := events.read_all(last, min(_READ_AT_ONCE, end - last))):
        for event in page:
            copy = copies.get(event.stream, ())
            if len(copy) < event.seq:
                what = "is in the record, but not in the copy"
            elif copy[event.seq - 1] != event:
                what = "differs between the record and the copy"
            else:
                continue
            found.append(Fault(event.position, event.stream, event.seq, what))
        last = page[-1].position
    heads = events.heads(copies)
    for stream, copy in copies.items():
        recorded = heads[stream].seq if stream in heads else 0
        what = "is in the copy, but not in the record"
        found += [Fault(one.position, stream, one.seq, what) for one in copy[recorded:]]
    return tuple(sorted(found))


def _says_its_place(event: StoredEvent) -> bool:
    try:
        return event.seq > 0 and place_of(event.body) == (event.stream, event.seq)
    except ValueError:
        return False


def _missing(first: int, last: int) -> Fault:
    which = f"position {first} is" if first == last else f"positions {first} to {last} are"
    return Fault(first, "", 0, f"{which} missing")


def _only_read() -> NoReturn:
    message = "this is a copy to read; give commands to the job or schedule in the record"
    raise UsageError(message)
