"""Append, and be killed at the n-th thing said to the database: ``python -m ... URL``.

As `ledger_crashing`: for each n a child appends a job in two commits, one of two new streams and one of a
single event, and kills itself before its n-th statement or on either side of a commit. A second child then
appends what is missing. Printed for each n: how many events the dead one left, and how many there are in
the end.
"""

import os
import signal
import sys
from itertools import count
from typing import Any

import sqlalchemy as sa

from ultracore_jobs.adapters import event_driver, event_rows
from ultracore_jobs.adapters.database import open_database
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.lifecycle.events import Event, job_stream
from ultracore_jobs.ports import Append
from ultracore_jobs_tests.contracts.jobs_recorded import HandClock, job


def jobs_of(number: int) -> list[tuple[str, tuple[Event, ...]]]:
    """The streams of the *number*-th child, and all that is to be in them."""
    long, short = job(f"job_{number}", steps=2), job(f"other_{number}", steps=0)
    return [(job_stream("t1", one.job_id), one.uncommitted) for one in (long, short)]


def append_missing(store: SqlEventStore, number: int) -> None:
    """All but the last event of the first job, and the whole second, in one commit; then that last one."""
    (first, events), (second, others) = jobs_of(number)
    for stream, wanted in ((first, events[:-1]), (second, others), (first, events)):
        found = store.heads([stream]).get(stream)
        seq = found.seq if found else 0
        if stream == first and seq == 0:
            store.append_many([Append(first, 0, wanted), Append(second, 0, others)])
        else:
            store.append(stream, seq, wanted[seq:])


def work(url: str, number: int, *, die: bool) -> None:
    """Append, and die; or say what is there, and append the rest."""
    engine = open_database(url)
    store = SqlEventStore(engine, HandClock())
    if die:
        die_at(number, engine)
        append_missing(store, number)
        return
    streams = [stream for stream, _ in jobs_of(number)]
    left = sum(len(store.read(stream)) for stream in streams)
    append_missing(store, number)
    sys.stdout.write(f"{left} {sum(len(store.read(stream)) for stream in streams)}\n")
    sys.stdout.flush()


def die_at(number: int, engine: sa.Engine) -> None:
    """Kill this process at the *number*-th touch of the database, also of those that only the driver sees."""
    touched = count(1)

    def touch(*_args: Any) -> None:
        if next(touched) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    commit, say, copy = engine.dialect.do_commit, event_driver.say, event_driver.copy

    def commit_between_touches(dbapi_connection: Any) -> None:
        touch()
        commit(dbapi_connection)
        touch()

    def say_after_touch(*arguments: Any) -> Any:
        touch()
        return say(*arguments)

    def copy_after_touch(*arguments: Any) -> None:
        touch()
        copy(*arguments)

    sa.event.listen(engine, "before_cursor_execute", touch)
    engine.dialect.do_commit = commit_between_touches  # type: ignore[method-assign]
    for module in (event_driver, event_rows):
        vars(module).update(say=say_after_touch, copy=copy_after_touch)


def in_a_child(url: str, number: int, *, die: bool) -> bool:
    """Whether the child got through.

    Raises:
        RuntimeError: It failed in another way than by being killed.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(url, number, die=die)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        message = f"child {number} failed"
        raise RuntimeError(message)
    return os.WIFEXITED(status)


def main(url: str) -> None:
    """Kill one child after the other until one gets through."""
    for number in count(1):
        through = in_a_child(url, number, die=True)
        in_a_child(url, number, die=False)
        if through:
            return


if __name__ == "__main__":
    main(sys.argv[1])
