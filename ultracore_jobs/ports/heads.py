"""The heads of days, kept elsewhere than the events, so that both must be forged."""

from collections.abc import Iterator
from typing import Protocol

from ultracore_jobs.lifecycle.day_heads import DayHead


class Heads(Protocol):
    """Keeps one head a day, for ever."""

    def keep(self, head: DayHead) -> None:
        """Keep a head; keeping the same again changes nothing.

        Raises:
            IntegrityError: Another head is kept for that day, or it does not follow the last one.
        """
        ...

    def last(self) -> DayHead | None:
        """The head of the latest day; None where there is none."""
        ...

    def all(self) -> Iterator[DayHead]:
        """Every head, oldest first.

        Raises:
            IntegrityError: What is kept is no head.
        """
        ...
