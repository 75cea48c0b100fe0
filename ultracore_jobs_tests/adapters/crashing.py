"""Publish, and be killed by the n-th thing done to the disk: ``python -m ... FOLDER``.

A process of its own, because a copy of one that has run Polars may hang: this one imports everything,
runs nothing, and forks a child for each n. Child n works in ``FOLDER/n``, a copy of ``FOLDER/before``,
and kills itself (SIGKILL, no clean-up) where it is about to touch the disk for the n-th time. The first
child that gets through ends it; what is printed is its n.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.ports import Clock, VersionRef
from ultracore_jobs_tests.adapters.still import StillClock
from ultracore_jobs_tests.contracts.tables_to_store import TENANT, TOTALS, provenance, totals

JOB_ID = "job_c19355e71ae8a0bac470a5a02d7c17c3"
PARTITION = "2026-11-20"

_TOUCHES = {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.chmod"}
"""Names under which Python tells its audit hooks that a program is about to do this."""

_WRITES = {"write", "flush", "fsync"}
"""Functions written in C that Python tells a profiler of, not an audit hook."""


def work(folder: Path, clock: Clock) -> None:
    """What a job does last: publish two portfolios, and note that it did."""
    store = ParquetTables(str(folder), clock)
    version = store.publish(
        TOTALS, tenant=TENANT, partition=PARTITION, frame=totals("PF-1", "PF-2"), provenance=provenance()
    )
    ref = VersionRef(tenant=TENANT, dataset=TOTALS.name, partition=PARTITION, version=version.version)
    store.remember_job(JOB_ID, (ref,))


def die_at(number: int, folder: Path) -> None:
    """Kill this process where it is about to touch *folder*, or to write, for the *number*-th time."""
    touched = count(1)

    def touch() -> None:
        if next(touched) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event in _TOUCHES and str(args[0]).startswith(str(folder)):
            touch()

    def profile(_frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and function.__name__ in _WRITES:
            touch()

    sys.addaudithook(audit)
    sys.setprofile(profile)


def main(folder: Path) -> int:
    """Kill one child after the other until one gets through; its number."""
    for number in count(1):
        place = folder / str(number)
        shutil.copytree(folder / "before", place)
        child = os.fork()
        if child == 0:
            die_at(number, place)
            work(place, StillClock())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return number if os.WEXITSTATUS(status) == 0 else -1
    raise AssertionError


if __name__ == "__main__":
    sys.stdout.write(str(main(Path(sys.argv[1]))))
