"""Post, and be killed at the n-th write boundary of the database: ``python -m ... URL``.

A database cannot be copied as a folder can, so each child has charges of its own: for each n one posts four
charges of portfolios named after n, two a commit, and is killed at its n-th boundary. Then a second one finds
what is there and posts the same again. The first n that is not killed ends it. Printed, for each n: how many
receipts the dead one left, and how many there are in the end.
"""

import sys
from functools import partial
from itertools import count

from ultracore_jobs.adapters.database import open_database
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.ports import Posting
from ultracore_jobs_tests.contracts.charges import AT_TEN, ROBOT, charges
from ultracore_jobs_tests.kills.boundaries import die_at
from ultracore_jobs_tests.kills.forking import in_child


def four(number: int) -> list[Posting]:
    """The charges of the *number*-th child."""
    return charges(*(f"PF-{number}-{index}" for index in range(4)))


def die(url: str, number: int) -> None:
    """Post the four, two a commit, as far as the *number*-th boundary."""
    die_at(None, number)
    SqlLedger(open_database(url), decisions_per_commit=2).post(four(number), actor=ROBOT, at=AT_TEN)


def post_again(url: str, number: int) -> tuple[int, int]:
    """Post the same; how many receipts there were before, and after."""
    ledger = SqlLedger(open_database(url), decisions_per_commit=2)
    postings = four(number)
    left = len(ledger.receipts(posting.decision.decision_id for posting in postings))
    return left, len({receipt.seq for receipt in ledger.post(postings, actor=ROBOT, at=AT_TEN)})


def main(url: str) -> None:
    """Kill one child after the other until one gets through."""
    for number in count(1):
        dead = in_child(partial(die, url, number))
        left, ended = in_child(partial(post_again, url, number)).value()
        sys.stdout.write(f"{left} {ended}\n")
        if not dead.killed:
            dead.value()
            return


if __name__ == "__main__":
    main(sys.argv[1])
