"""The record elsewhere: a relay that sends it on, and the copy that others read.

Sent is *at least once*: an event may arrive twice, also long after, and events of different streams in any
order. So whoever reads a copy goes by stream and seq, and not by what comes when (`application.read_model`
does).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ultracore_jobs.ports.events import StoredEvent

Take = Callable[[Sequence[StoredEvent]], object]
"""What is called with events as they arrive; whatever it does must bear to be done twice."""


class Relayed(NamedTuple):
    """What a pass of a relay did.

    Attributes:
        sent: Events whose arrival was confirmed, and noted.
        behind: Events that are recorded and not sent yet: the lag.
    """

    sent: int
    behind: int


class Relay(Protocol):
    """Sends the record on, in its order."""

    def relay(self, limit: int = 10_000) -> Relayed:
        """Send what has not been sent, at most *limit* events, and note how far that came.

        Raises:
            StoreError: Not everything arrived; what did is noted, the rest is sent again by the next pass.
        """
        ...

    def behind(self) -> int:
        """How many events are recorded and not sent yet."""
        ...

    def close(self) -> None:
        """Let go of the connection; `relay` makes another."""
        ...


class Reading(NamedTuple):
    """What came of reading a copy.

    Attributes:
        events: Events that were handed over, those that came twice counted twice.
        unreadable: What stands in the copy and is no event of ours: where, and what is wrong with it.
    """

    events: int
    unreadable: tuple[str, ...] = ()


class RecordCopy(Protocol):
    """The record as a relay sent it."""

    def read(self, take: Take, *, from_beginning: bool = False) -> Reading:
        """Hand over what stands in the copy up to its present end.

        Args:
            take: Called with some events at a time; how far one has read is noted after it returns.
            from_beginning: Everything; else what follows the place that was noted last.

        Raises:
            StoreError: The copy cannot be reached, or what comes next in it was removed.
        """
        ...
