"""Heads of days as files: one JSON file a day, ``<day>.json``, written whole or not at all, never replaced.

The folder belongs where whoever can write the database cannot: another disk, another account, a bucket
that only takes new objects.
"""

from collections.abc import Iterator

from pydantic import ValidationError

from ultracore_jobs.adapters.blobs import Blobs
from ultracore_jobs.errors import ConcurrentWriteError, IntegrityError
from ultracore_jobs.lifecycle.day_heads import DayHead

_SUFFIX = ".json"


class FileHeads:
    """`Heads` in a place for files."""

    def __init__(self, blobs: Blobs) -> None:
        """Keep heads in *blobs*."""
        self._blobs = blobs

    def keep(self, head: DayHead) -> None:
        """Keep a head; keeping the same again changes nothing."""
        name = f"{head.day.isoformat()}{_SUFFIX}"
        if name not in self._names():
            last = self.last()
            if not head.follows(last):
                after = f"that of {last.day}" if last else "nothing, as the first"
                message = f"the head of {head.day} does not follow {after}; it is not kept"
                raise IntegrityError(message)
            try:
                self._blobs.write_new(name, f"{head.model_dump_json(indent=1)}\n".encode())
            except ConcurrentWriteError:
                # Somebody else sealed the same day meanwhile.
                pass
            else:
                return
        if self._read(name) != head:
            message = f"{self._blobs.address(name)} holds another head of {head.day}; what is sealed stays"
            raise IntegrityError(message)

    def last(self) -> DayHead | None:
        """The head of the latest day; None where there is none."""
        names = self._names()
        return self._read(names[-1]) if names else None

    def all(self) -> Iterator[DayHead]:
        """Every head, oldest first."""
        return map(self._read, self._names())

    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in self._blobs.names("") if name.endswith(_SUFFIX))

    def _read(self, name: str) -> DayHead:
        found = self._blobs.read(name)
        try:
            return DayHead.model_validate_json(found.data if found else b"")
        except ValidationError as error:
            message = f"{self._blobs.address(name)} is no head of a day: {error.errors()[0]['msg']}"
            raise IntegrityError(message) from error
