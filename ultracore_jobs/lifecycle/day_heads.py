"""The head of a day: how many events were recorded that UTC day, and the Merkle root over their hashes.

Heads are kept elsewhere than the events, each with the hash of the one before. Whoever rewrites a stream,
hashes and all, or cuts the record short, must forge what is kept elsewhere too. The hashes themselves are
kept along, so that not only the day is named but the first event that differs; a proof of inclusion needs
the root alone.

A day is that of recording: places in the record and days go up together, so a day that is over is
complete, however late a fact is learned.
"""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from ultracore_jobs.lifecycle.canonical import canonical_json
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.merkle import merkle_root


class DayHead(BaseModel):
    """What a day came to.

    Attributes:
        day: UTC date of recording.
        first_position: Place of its first event, or of the next one where it had none.
        events: How many there were.
        merkle_root: Over their hashes, by place.
        prev_hash: Of the head before; 64 zeros for the first.
        hash: SHA-256 of `prev_hash` and the canonical JSON of the four fields above.
        leaves: The hashes, by place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    first_position: int = Field(ge=1)
    events: int = Field(ge=0)
    merkle_root: str
    prev_hash: str
    hash: str
    leaves: tuple[str, ...]

    @classmethod
    def over(cls, day: date, leaves: Sequence[str], previous: Self | None) -> Self:
        """The head of a day that follows *previous* without a gap between their events."""
        first = previous.next_position if previous else 1
        before = previous.hash if previous else GENESIS
        root = merkle_root(leaves)
        return cls(
            day=day,
            first_position=first,
            events=len(leaves),
            merkle_root=root,
            prev_hash=before,
            hash=link(before, _content(day, first, len(leaves), root)),
            leaves=tuple(leaves),
        )

    @property
    def next_position(self) -> int:
        """The place after its last event."""
        return self.first_position + self.events

    def follows(self, previous: Self | None) -> bool:
        """Whether it is whole in itself, and the one after *previous*."""
        first, before = (previous.next_position, previous.hash) if previous else (1, GENESIS)
        return (
            (previous is None or previous.day < self.day)
            and (self.first_position, self.prev_hash, self.events) == (first, before, len(self.leaves))
            and merkle_root(self.leaves) == self.merkle_root
            and link(before, _content(self.day, first, self.events, self.merkle_root)) == self.hash
        )


def _content(day: date, first_position: int, events: int, root: str) -> str:
    return canonical_json(
        {"day": day, "events": events, "first_position": first_position, "merkle_root": root}
    )
