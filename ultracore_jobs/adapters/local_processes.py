"""The processes of this machine."""

import os
from functools import cache
from pathlib import Path
from uuid import getnode

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LocalProcesses:
    """`Processes`, asked of the operating system."""

    def pid(self) -> int:
        """The number of this process."""
        return os.getpid()

    def boot_id(self) -> str:
        """What the kernel drew at its start; where it tells nothing, the machine's network address."""
        return _boot_id()

    def lives(self, pid: int) -> bool:
        """Whether a process of that number runs here; one that only waits to be buried does not."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        # The state stands behind the name, which is in parentheses and may hold anything.
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@cache
def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else f"machine-{getnode():012x}"
