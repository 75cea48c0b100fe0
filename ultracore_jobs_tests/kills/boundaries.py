"""Write boundaries: each place where something is about to become durable, or has just become so.

They are met on the way down, whoever writes: functions of `os` and files opened for writing, below one
folder, and statements and commits of SQLAlchemy, wherever the database is. Each has a name without chance
in it, such as ``before link fee_charges/v000001.parquet``: the same work meets the same ones everywhere.

To die after one is to die before the next, for nothing durable happens between. So *after* is a boundary of
its own only for what others see from then on: a link, a rename, a removal, a commit. For the same reason a
statement that only reads is none. A file is also left half-written.

Nothing is put back: watch in a process that is about to end (`forking`).
"""

import builtins
import io
import os
import re
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

Reached = Callable[[str], None]
"""Called with the name of a boundary at that very place."""

_SHOWN = frozenset({"link", "rename", "replace", "unlink", "remove"})
"""What others see from then on."""

_ON_A_PATH = {"mkdir": 0, "chmod": 0, "unlink": 0, "remove": 0, "link": 1, "rename": 1, "replace": 1}
"""Functions of `os` that change a folder, and which argument says what changes."""

_CHANCE = (
    (re.compile(r"\.tmp-\w+"), ".tmp"),
    (re.compile(r"(v\d+)-[0-9a-f]{12}"), r"\1"),
    (re.compile(r"job_[0-9a-f]{32}"), "job"),
)
"""What in a name is drawn or hashed, and what is said instead."""

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\s+(?:INTO\s+|FROM\s+)?\"?(\w+)", re.IGNORECASE)


def watch(place: Path | None, reached: Reached) -> None:
    """Tell of every boundary from now on, to the end of this process.

    Args:
        place: Files elsewhere are not looked at; None: no files at all.
        reached: Told of each.
    """
    if place is not None:
        _Files(place, reached).watch()
    _Database(reached).watch()


def die_at(place: Path | None, number: int) -> None:
    """Kill this process at the *number*-th boundary from now on: SIGKILL, no clean-up."""
    numbers = count(1)

    def reached(_name: str) -> None:
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(place, reached)


class _Files:
    """What is done to files below a folder."""

    def __init__(self, place: Path, reached: Reached) -> None:
        self._place = os.path.realpath(place)
        self._reached = reached
        self._open: dict[int, str] = {}

    def watch(self) -> None:
        """Take the place of the functions that write."""
        for name, index in _ON_A_PATH.items():
            setattr(os, name, self._told(name, getattr(os, name), index))
        os.open = self._opening(os.open)
        os.fsync = self._flushing(os.fsync)  # type: ignore[assignment]
        # `Path.open` and `os.fdopen` look in `io`, everybody else in the built-in names.
        io.open = builtins.open = self._writing(io.open)

    def _told(self, verb: str, function: Callable[..., Any], index: int) -> Callable[..., Any]:
        def told(*args: Any, **kwargs: Any) -> Any:
            what = self._name(args[index])
            if what is None:
                return function(*args, **kwargs)
            self._reached(f"before {verb} {what}")
            done = function(*args, **kwargs)
            if verb in _SHOWN:
                self._reached(f"after {verb} {what}")
            return done

        return told

    def _opening(self, function: Callable[..., int]) -> Callable[..., int]:
        def opening(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            what = self._name(path)
            if what is not None and flags & os.O_CREAT:
                self._reached(f"before create {what}")
            handle = function(path, flags, *args, **kwargs)
            self._open.pop(handle, None)
            if what is not None:
                self._open[handle] = what
            return handle

        return opening

    def _flushing(self, function: Callable[[Any], None]) -> Callable[[Any], None]:
        def flushing(handle: Any) -> None:
            if handle in self._open:
                self._reached(f"before fsync {self._open[handle]}")
            function(handle)

        return flushing

    def _writing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def writing(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            what = self._open.get(file) if isinstance(file, int) else self._name(file)
            if what is None or not set(mode) & set("wax+"):
                return function(file, mode, *args, **kwargs)
            if not isinstance(file, int):
                self._reached(f"before create {what}")
            return _Torn(function(file, mode, *args, **kwargs), what, self._reached)

        return writing

    def _name(self, path: Any) -> str | None:
        """The end of a path below the folder, without chance in it; None for a path elsewhere."""
        if isinstance(path, int):
            return self._open.get(path)
        full = os.path.realpath(os.fspath(path))
        if not full.startswith(self._place + os.sep):
            return None
        parts = Path(full).relative_to(self._place).parts
        is_file = "." in parts[-1]
        # A file is named by its dataset, not by its tenant and partition.
        name = f"{parts[-3]}/{parts[-1]}" if is_file and len(parts) > 3 else "/".join(parts)
        for chance, instead in _CHANCE:
            name = chance.sub(instead, name)
        return name


class _Torn:
    """A file whose writes reach the disk in two halves."""

    def __init__(self, file: Any, what: str, reached: Reached) -> None:
        self._file, self._what, self._reached = file, what, reached

    def write(self, data: Any) -> int:
        """Write all of it, with a boundary before and one in the middle."""
        self._reached(f"before write {self._what}")
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._reached(f"half of write {self._what}")
        return half + int(self._file.write(data[half:]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()


class _Database:
    """What is said to databases."""

    def __init__(self, reached: Reached) -> None:
        self._reached = reached
        self._written: list[str] = []

    def watch(self) -> None:
        """Listen to every engine, opened before or after."""
        sa.event.listen(sa.Engine, "before_cursor_execute", self._before_statement)
        commit: Callable[[DefaultDialect, Any], None] = DefaultDialect.do_commit

        def do_commit(dialect: DefaultDialect, dbapi_connection: Any) -> None:
            what = " ".join(dict.fromkeys(self._written)) or "of nothing"
            self._written.clear()
            self._reached(f"before commit {what}")
            commit(dialect, dbapi_connection)
            self._reached(f"after commit {what}")

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _before_statement(self, *args: Any) -> None:
        statement = args[2]
        found = _WRITES.match(statement)
        if found is None:
            return
        self._written.append(found[2])
        self._reached(f"before {found[1].lower()} {found[2]}")
