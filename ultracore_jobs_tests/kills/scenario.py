"""A piece of work to be killed, and what must be true when it has been done again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Tally:
    """What was found to be wrong.

    Attributes:
        doubled: How many accounts moved by more than they should, or the other way.
        lost: How many moved by less, and how many decisions that should be applied were not.
        faults: Everything else, each in a sentence.
    """

    doubled: int = 0
    lost: int = 0
    faults: tuple[str, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.doubled + other.doubled, self.lost + other.lost, self.faults + other.faults)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was."""
        return self == Tally()


Step = Callable[[Path], None]
"""Changes a folder; has a name of its own."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A piece of work, in a folder that is all it touches.

    Every function is called in a child that may do what it likes, and opens what it needs.

    Attributes:
        name: Such as ``fee_charging: apply``.
        prepare: Steps that make the folder as it is before the work; scenarios that begin with the same steps
            share what these made. The folder is copied for each kill.
        act: Do the work. It is called again after it was killed, with the next number each time (0, 1, ...),
            which may be read as hours that have passed; once it is done, it changes nothing more.
        interrupted: What is wrong with what readers see between the kill and the next run.
        examine: What is wrong with the outcome.
        state: What must not change when it is done once more; two equal answers mean that nothing did.
    """

    name: str
    prepare: tuple[Step, ...]
    act: Callable[[Path, int], Any]
    interrupted: Callable[[Path], Tally]
    examine: Callable[[Path], Tally]
    state: Callable[[Path], Any]
