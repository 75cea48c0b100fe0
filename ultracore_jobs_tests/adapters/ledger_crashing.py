"""Post, and be killed at the n-th thing said to the database: ``python -m ... URL``.

A process of its own, which imports everything, runs nothing, and forks. For each n a child posts four
charges of portfolios named after n, two a commit, and kills itself (SIGKILL, no clean-up) before its n-th
statement or commit, or right after a commit. Then a second child finds what is there and posts the same
again. The first n that is not killed ends it. Printed, for each n: how many receipts the dead one left,
and how many there are in the end.
"""

import os
import signal
import sys
from itertools import count
from typing import Any

import sqlalchemy as sa

from ultracore_jobs.adapters.database import open_database
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.ports import Posting
from ultracore_jobs_tests.contracts.charges import AT_TEN, ROBOT, charges


def four(number: int) -> list[Posting]:
    """The charges of the *number*-th child."""
    return charges(*(f"PF-{number}-{index}" for index in range(4)))


def die_at(number: int, engine: sa.Engine) -> None:
    """Kill this process at the *number*-th touch of the database."""
    touched = count(1)

    def touch(*_args: Any) -> None:
        if next(touched) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    commit = engine.dialect.do_commit

    def commit_between_touches(dbapi_connection: Any) -> None:
        touch()
        commit(dbapi_connection)
        touch()

    sa.event.listen(engine, "before_cursor_execute", touch)
    engine.dialect.do_commit = commit_between_touches  # type: ignore[method-assign]


def work(url: str, number: int, *, die: bool) -> None:
    """Post the four, two a commit."""
    engine = open_database(url)
    ledger = SqlLedger(engine, decisions_per_commit=2)
    postings = four(number)
    if die:
        die_at(number, engine)
        ledger.post(postings, actor=ROBOT, at=AT_TEN)
        return
    left = len(ledger.receipts(posting.decision.decision_id for posting in postings))
    done = len({receipt.seq for receipt in ledger.post(postings, actor=ROBOT, at=AT_TEN)})
    sys.stdout.write(f"{left} {done}\n")
    sys.stdout.flush()


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
