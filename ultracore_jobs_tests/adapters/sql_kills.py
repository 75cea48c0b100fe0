"""kill -9 before each statement that writes and on each side of each commit: nothing lost or doubled."""

import subprocess
import sys

from ultracore_jobs_tests.adapters.ledger_crashing import four
from ultracore_jobs_tests.adapters.sql_places import open_ledger
from ultracore_jobs_tests.contracts.charges import ACME, AT_TEN


def kill_at_every_boundary(url: str) -> None:
    """Run the killer on an empty database, and hold the ledger against what should be in it."""
    command = [sys.executable, "-m", "ultracore_jobs_tests.adapters.ledger_crashing", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours
    assert (done.returncode, done.stderr) == (0, "")
    left = [int(line.split()[0]) for line in done.stdout.splitlines()]
    ended = [int(line.split()[1]) for line in done.stdout.splitlines()]

    # A commit is all of its two decisions or nothing, and who died later had committed no less.
    assert set(left) == {0, 2, 4}
    assert left == sorted(left)
    assert ended == [4] * len(ended)
    assert len(ended) > 10
    whole(url, len(ended))


def whole(url: str, children: int) -> None:
    """Every decision of every child is there once, with its three entries, and the books balance."""
    ledger = open_ledger(url)
    wanted = {one.decision.decision_id for number in range(1, children + 1) for one in four(number)}
    decisions = ledger.decisions(ACME, known_at=AT_TEN)
    entries = ledger.entries(ACME, known_at=AT_TEN)
    held = ledger.balances(ACME, known_at=AT_TEN)

    assert decisions["seq"].to_list() == list(range(1, len(wanted) + 1))
    assert set(decisions["decision_id"]) == wanted
    assert entries["decision_id"].value_counts()["count"].to_list() == [3] * len(wanted)
    assert held["amount"].sum() == 0
    assert held.row(-2, named=True)["amount"] == 100 * len(wanted)
