"""Whether a record is what it was: the first bad event of every stream, and of the whole.

Three things are asked of each event, in the order of recording: places go up by one without a gap, in the
whole and in its stream; its hash follows from the one before it and its body; its body names the stream
and the place it is found at. Days whose heads are kept elsewhere are held against those as well: only
that sees a stream that was rewritten hashes and all, or a record that was cut short.

What came after the last head and was cut off at the end is not seen here; a copy on a broker shows it.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from ultracore_jobs.errors import ChainBrokenError
from ultracore_jobs.lifecycle.bodies import place_of
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.day_heads import DayHead


class Row(NamedTuple):
    """One event as it is found.

    Attributes:
        position: Place in the record.
        stream: Which stream it is found in.
        seq: Place in the stream.
        body: Canonical body.
        hash: Hash it carries.
        day: UTC date of recording, as text; any that sorts as the instants do, and begins with the date.
    """

    position: int
    stream: str
    seq: int
    body: str
    hash: str
    day: str


class Fault(NamedTuple):
    """One thing that is not as it was.

    Attributes:
        position: Where in the record; the first place that is wrong.
        stream: Which stream; empty where no stream can be named.
        seq: First bad place in the stream; 0 where no stream can be named.
        what: What is wrong there.
    """

    position: int
    stream: str
    seq: int
    what: str

    def __str__(self) -> str:
        """Where and what, in one sentence."""
        where = f"event {self.seq} of {self.stream}" if self.stream else "the record"
        return f"{where}, position {self.position}: {self.what}"


class Verification(NamedTuple):
    """What was found.

    Attributes:
        events: How many were looked at.
        streams: In how many streams.
        faults: By position; of each stream only the first.
    """

    events: int
    streams: int
    faults: tuple[Fault, ...]

    def require_whole(self) -> None:
        """Go on only if nothing is wrong.

        Raises:
            ChainBrokenError: Something is; names the first.
        """
        if self.faults:
            more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
            message = f"the record is not what it was: {self.faults[0]}{more}"
            raise ChainBrokenError(message)


class Verifier:
    """Looks at the events of a record, or of one stream, in the order of recording."""

    def __init__(self, heads: Iterable[DayHead] = (), *, whole: bool = True) -> None:
        """Begin before the first event.

        Args:
            heads: What is kept elsewhere, oldest first.
            whole: All events of the record follow; else those of some streams, from their first.
        """
        self._whole = whole
        self._position = 0
        self._day = ""
        self._events = 0
        self._reached: dict[str, tuple[int, str]] = {}
        self._bad: dict[str, Fault] = {}
        self._faults: list[Fault] = []
        self._sealed = self._leaves(heads)
        self._next = next(self._sealed, None)

    def look_at(self, rows: Iterable[tuple[int, str, int, str, str, str]]) -> None:
        """Look at the next events."""
        reached, bad, start = self._reached, self._bad, (0, GENESIS)
        for position, stream, seq, body, digest, recorded in rows:
            self._events += 1
            if self._whole:
                self._in_the_record(position, stream, seq, digest, recorded)
            if stream in bad:
                continue
            last, before = reached.get(stream, start)
            if seq != last + 1:
                self._blame(position, stream, last + 1, f"is missing; event {seq} comes next")
            elif link(before, body) != digest:
                self._blame(position, stream, seq, "its hash is not that of what it says")
            elif not _says(body, stream, seq):
                self._blame(position, stream, seq, "it says that it belongs elsewhere")
            reached[stream] = (seq, digest)

    def result(self) -> Verification:
        """What was found, after the last event."""
        if self._next is not None:
            position, _, day = self._next
            self._blame(position, "", 0, f"is cut off: the head of {day} knows more events")
        return Verification(self._events, len(self._reached), tuple(sorted(self._faults)))

    def _in_the_record(self, position: int, stream: str, seq: int, digest: str, recorded: str) -> None:
        if position != self._position + 1:
            self._blame(self._position + 1, "", 0, f"is missing; position {position} comes next")
        if recorded < self._day:
            self._blame(position, stream, seq, "it was recorded before the one before it")
        while self._next is not None and self._next[0] < position:
            self._next = next(self._sealed, None)
        if self._next is not None and self._next[0] == position:
            if self._next[1] != digest:
                self._blame(position, stream, seq, f"it is not the one that was sealed on {self._next[2]}")
            elif not recorded.startswith(self._next[2]):
                self._blame(position, stream, seq, f"it was sealed on {self._next[2]}, not {recorded[:10]}")
            self._next = next(self._sealed, None)
        self._position, self._day = position, recorded

    def _blame(self, position: int, stream: str, seq: int, what: str) -> None:
        fault = Fault(position, stream, seq, what)
        if not stream or self._bad.setdefault(stream, fault) is fault:
            self._faults.append(fault)

    def _leaves(self, heads: Iterable[DayHead]) -> Iterator[tuple[int, str, str]]:
        """Position, hash and day of every event that is sealed; says so where a head itself is wrong."""
        previous: DayHead | None = None
        for head in heads:
            if not head.follows(previous):
                self._blame(head.first_position, "", 0, f"the head of {head.day} is not what it was")
            day = date.isoformat(head.day)
            for place, leaf in enumerate(head.leaves, start=head.first_position):
                yield place, leaf, day
            previous = head


def _says(body: str, stream: str, seq: int) -> bool:
    try:
        return place_of(body) == (stream, seq)
    except ValueError:
        return False
