"""Work in a child that may be killed, without paying for the imports again.

A copy of a process that has run Polars hangs, for the threads of its pool are not copied. So who forks
imports everything, runs nothing, and lets children do all that touches a table.
"""

import json
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute  # noqa: F401 - Arrow imports it when it is first asked, and every child would pay for it

PATIENCE_SECONDS = 120
"""A child that takes longer hangs, and is ended by an alarm."""

_THREADS = Path("/proc/self/task")


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        killed: Whether by SIGKILL.
        answer: What its work returned, as JSON holds it.
        error: What it raised, with its traceback; empty where it returned or was killed.
    """

    killed: bool = False
    answer: Any = None
    error: str = ""

    def value(self) -> Any:
        """The answer.

        Raises:
            RuntimeError: It was killed, or raised.
        """
        if self.killed or self.error:
            raise RuntimeError(self.error or "it was killed")
        return self.answer


class Child:
    """A child at work."""

    def __init__(self, work: Callable[[], Any], patience: int = PATIENCE_SECONDS) -> None:
        """Fork, and let the child work.

        Raises:
            RuntimeError: This process has run Polars, so that a copy of it would hang.
        """
        _require_no_pool()
        self._answer, told = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of threads; there are those of jemalloc and OpenBLAS, which know of forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            os.close(self._answer)
            _work(work, told, patience)
        os.close(told)

    def end(self) -> Ended:
        """Wait for it."""
        with os.fdopen(self._answer, "rb") as answer:
            said = answer.read()
        _, status = os.waitpid(self._pid, 0)
        if os.WIFSIGNALED(status):
            by = signal.Signals(os.WTERMSIG(status))
            return Ended(killed=True) if by is signal.SIGKILL else Ended(error=f"ended by {by.name}")
        return Ended(**json.loads(said)) if said else Ended(error=f"ended with status {status}")


def in_child(work: Callable[[], Any]) -> Ended:
    """Work in a child, and wait for it."""
    return Child(work).end()


def in_children(works: Sequence[Callable[[], Any]], patience: int) -> list[Ended]:
    """Work in several children at once, and wait for all, each for so many seconds."""
    children = [Child(work, patience) for work in works]
    return [child.end() for child in children]


def start_together(works: Sequence[Callable[[Callable[[], None]], Any]]) -> list[Ended]:
    """Work in several children that wait for each other.

    Args:
        works: Each is given a function that returns when all have called it; it is to be called once.
    """
    barrier = _Barrier(len(works))
    children = [Child(lambda work=work: work(barrier.wait)) for work in works]  # type: ignore[misc]
    barrier.open()
    return [child.end() for child in children]


class _Barrier:
    """Two pipes: one in which each says that it is there, and one that ends when all are."""

    def __init__(self, parties: int) -> None:
        self._parties = parties
        self._there = os.pipe()
        self._go = os.pipe()

    def wait(self) -> None:
        """In a child: say that it is there, and wait for the end of the other pipe."""
        os.close(self._go[1])
        os.write(self._there[1], b".")
        os.close(self._there[1])
        os.read(self._go[0], 1)

    def open(self) -> None:
        """In the parent: let them go when all are there."""
        os.close(self._there[1])
        present = 0
        while present < self._parties:
            arrived = os.read(self._there[0], 1)
            if not arrived:
                break
            present += 1
        for handle in (*self._go, self._there[0]):
            os.close(handle)


def _work(work: Callable[[], Any], told: int, patience: int) -> None:
    """In the child: work, tell, and leave without any clean-up of the parent's."""
    signal.alarm(patience)
    try:
        said = {"answer": work()}
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        said = {"error": traceback.format_exc()}
    with os.fdopen(told, "wb") as pipe:
        pipe.write(json.dumps(said).encode())
    os._exit(0)


def _require_no_pool() -> None:
    names = [(thread / "comm").read_text().strip() for thread in _THREADS.glob("*")]
    if "polars-0" in names:
        raise RuntimeError("this process has run Polars, so a copy of it would hang; let a child do it")
