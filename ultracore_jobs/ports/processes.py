"""Which process this is, and whether another one still lives."""

from typing import Protocol


class Processes(Protocol):
    """The processes of this machine, as far as a claim needs to know them."""

    def pid(self) -> int:
        """The number of this process."""
        ...

    def boot_id(self) -> str:
        """Names this start of this machine; a pid means nothing after another start, or elsewhere."""
        ...

    def lives(self, pid: int) -> bool:
        """Whether a process of that number runs on this machine."""
        ...
