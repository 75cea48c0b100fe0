"""What a job and a schedule have in common: a command checks, then records; only `_apply` changes state.

So one that was rebuilt from its events equals the one that recorded them. Nothing here saves or publishes:
whoever keeps the events appends `uncommitted` after `committed_version`, then calls `mark_committed`.

The clock is injected: by name when an aggregate is made, or once for all by a subclass that sets
``default_clock`` (a front door does, so that ``JobAggregate(tenant_id=..., job_id=...)`` is enough there).
Without either, an aggregate refuses to be made: this layer reads no clock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar, Self, TypedDict

from pydantic import ValidationError

from ultracore_jobs.errors import IllegalTransitionError, UsageError
from ultracore_jobs.lifecycle.events import Event

Clock = Callable[[], datetime]


class About(TypedDict, total=False):
    """What every command takes beside its own arguments.

    Attributes:
        actor: Who does it; where left out, who the command names, else the aggregate's.
        at: When it happened; where left out, now. For facts that are recorded later.
        correlation_id: What it belongs to.
        causation_id: What brought it about.
    """

    actor: str
    at: datetime
    correlation_id: str
    causation_id: str


class Aggregate(ABC):
    """One stream's state.

    Attributes:
        tenant_id: Whose.
        version: Events so far, recorded or rebuilt.
    """

    default_clock: ClassVar[Clock | None] = None
    """Used where no clock is given; a subclass sets it."""

    code_version: ClassVar[str | None] = None
    """Release that is noted in each event; a subclass sets it."""

    actor: ClassVar[str] = "system"
    """Who does what no person is named for."""

    _identity: ClassVar[str]

    def __init__(self, tenant_id: str, subject: str, *, clock: Clock | None = None) -> None:
        """Begin a stream without events.

        Raises:
            UsageError: There is no clock.
        """
        chosen = clock or type(self).default_clock
        if chosen is None:
            message = f"{type(self).__name__} needs a clock: pass clock=, or set default_clock in a subclass"
            raise UsageError(message)
        self.tenant_id = tenant_id
        self.version = 0
        self._uncommitted: list[Event] = []
        self._subject = subject
        self._clock: Clock = chosen

    @classmethod
    def from_events(cls, events: Iterable[Event], *, clock: Clock | None = None) -> Self:
        """The aggregate as its events left it.

        Raises:
            UsageError: There are no events, they are of several streams, or of another kind of thing.
        """
        history = iter(events)
        first = next(history, None)
        if first is None or cls._identity != first.IDENTITY:
            kind = "no event" if first is None else type(first).__name__
            message = f"{cls.__name__} is rebuilt from the events of one {cls._noun()}; the first is {kind}"
            raise UsageError(message)
        found = cls(first.tenant_id, first.subject, clock=clock)
        found._replay(first)
        for event in history:
            found._replay(event)
        return found

    @property
    def uncommitted(self) -> tuple[Event, ...]:
        """Events that nobody has kept yet, oldest first."""
        return tuple(self._uncommitted)

    @property
    def committed_version(self) -> int:
        """How many of the events are kept already: the version to expect when appending the others."""
        return self.version - len(self._uncommitted)

    def mark_committed(self) -> None:
        """Take note that `uncommitted` has been kept."""
        self._uncommitted.clear()

    def _replay(self, event: Event) -> None:
        if self._identity != event.IDENTITY or event.subject != self._subject:
            message = f"{event.stream} is not the stream of {self._noun()} {self._subject}"
            raise UsageError(message)
        self._apply(event)
        self.version += 1

    def _record(self, event_type: type[Event], about: About, actor: str | None = None, **fields: Any) -> None:
        """Make the event, take it in, and keep it for whoever saves.

        Raises:
            UsageError: A field cannot be as given, or is not plain JSON.
        """
        envelope: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            self._identity: self._subject,
            "actor": actor or self.actor,
            "at": about["at"] if "at" in about else self._clock(),
            "code_version": self.code_version,
            **about,
        }
        try:
            event = event_type(**envelope, **fields)
            _ = event.unplaced  # Refuses what is not plain JSON, and need not be written again.
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            message = f"cannot record {event_type.__name__} of {self._subject}: {wrong}"
            raise UsageError(message) from error
        self._apply(event)
        self.version += 1
        self._uncommitted.append(event)

    @abstractmethod
    def _apply(self, event: Event) -> None:
        """Take an event in: the only place where state changes."""

    def _refuse(self, command: str, standing: str, allowed: Iterable[str]) -> IllegalTransitionError:
        """The error that says what is, and what must be."""
        *others, last = [one.lower().replace("_", " ") for one in allowed]
        either = f"{', '.join(others)} or {last}" if others else last
        message = (
            f"cannot {command} a {self._noun()} that is {standing.lower().replace('_', ' ')}; "
            f"it must be {either} ({self._subject})"
        )
        return IllegalTransitionError(message)

    @classmethod
    def _noun(cls) -> str:
        return cls._identity.removesuffix("_id")
