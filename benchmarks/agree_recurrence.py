"""How far our cron, Dagster's iterator, croniter and cronsim agree, as Markdown tables with reasons.

Random expressions around every kind of clock change, forwards and backwards in time. Where two differ,
the reason is told from the expression and the zone, never from the answers; a difference without a
reason, or one in which we are not what domain_rules 21 says minute by minute, fails the command.

    pip install croniter cronsim      # dev only; each is left out where it is not installed
    python -m benchmarks.agree_recurrence [--expressions 200] [--croniter-sdist PATH]
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from random import Random

from dagster._check import CheckError

from benchmarks.cron_peers import Peer, Question, croniter_excuse, ours, peers
from benchmarks.croniter_suite import Asked, run_suite
from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence import Cron
from ultracore_jobs_tests.lifecycle.recurrence.minute_walk import Pattern, walk
from ultracore_jobs_tests.lifecycle.recurrence.patterns import (
    ODD_ZONES,
    ZONES,
    Change,
    clock_changes,
    random_expression,
)

_FIRINGS = 12
_A_DAY = timedelta(days=1)
_DISPUTED = (
    "0 0 30 2 *",
    "0 0 31 4 *",
    "0 0 30 2 mon",
    "*/90 * * * *",
    "0 3-3 * * *",
    "0 22-4 * * *",
    "0 0 * * sat-mon",
    "0 0 *,1 * *",
    "0 0 L * *",
    "0 0 * * mon#1",
    "0 0 ? * *",
    "@daily",
    "0 0 2 * * *",
)
_TRAPS = (
    "runs backwards",
    "is a range of one value",
    "never comes",
    "never takes a step",
    "beside other values",
    "write its five fields",
)


@dataclass
class Tally:
    """Comparisons with one peer in one zone."""

    compared: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def compare(peer: Peer, zone: str, expressions: int) -> Tally:
    """Ask *peer* and us the same: *expressions* around changes forward, and as many around those back."""
    random, tally = Random(zone), Tally()  # noqa: S311 - the same expressions on every machine
    for forward in (True, False):
        changes = [change for change in clock_changes(zone) if change.forward is forward]
        for _ in range(expressions):
            _compare_once(peer, zone, random, random.choice(changes), tally)
    return tally


def _compare_once(peer: Peer, zone: str, random: Random, change: Change, tally: Tally) -> None:
    expression, moment = random_expression(random, change), timedelta(seconds=random.randint(0, 3 * 86400))
    for question in (
        Question(expression, zone, change.at - moment, forward=True),
        Question(expression, zone, change.at + moment, forward=False),
    ):
        mine = list(islice(ours(question), _FIRINGS))
        try:
            theirs = list(islice(peer.ask(question), _FIRINGS))
        except CheckError:  # Dagster notices that its search went wrong
            theirs = [question.instant]
        tally.compared += 1
        if mine == theirs:
            continue
        pairs = (list(pair) for pair in zip(mine, theirs, strict=False))
        apart = next((pair for pair in pairs if pair[0] != pair[1]), [mine[-1], question.instant])
        reason = peer.excuse(expression, zone, apart)
        if reason and _as_the_rule_says(expression, zone, apart):
            tally.reasons[reason] += 1
        else:
            tally.unexplained.append(f"{question}: ours {apart[0]}, theirs {apart[1]}")


def _as_the_rule_says(expression: str, zone: str, instants: list[datetime]) -> bool:
    """Whether we are right, around the first of *instants*."""
    cron = Cron(expression, zone)
    pattern = Pattern(*(set(values) for values in cron.fields.as_lists().values()))  # type: ignore[arg-type]
    if not cron.fields.days_of_month:
        pattern = replace(pattern, days=None)
    if not cron.fields.days_of_week:
        pattern = replace(pattern, weekdays=None)
    start, end = instants[0] - _A_DAY, instants[0] + _A_DAY
    return walk(pattern, zone, start, end) == list(cron.between(start, end))


def agreement(found: list[Peer], expressions: int) -> tuple[list[str], list[str]]:
    """The table of peers and groups of zones, and what has no reason."""
    rows = ["| with | zones | compared | equal | differ | why |", "|---|---|---|---|---|---|"]
    usual, unusual = "changing by an hour between 1:00 and 4:00", "changing otherwise"
    groups = [(peer, ZONES, usual) for peer in found] + [(found[0], ODD_ZONES, unusual)]
    unexplained: list[str] = []
    for peer, zones, label in groups:
        tallies = [compare(peer, zone, expressions) for zone in zones]
        reasons = sum((tally.reasons for tally in tallies), Counter[str]())
        without = [one for tally in tallies for one in tally.unexplained]
        compared, differ = sum(tally.compared for tally in tallies), reasons.total() + len(without)
        equal = f"{1 - differ / compared:.3%}"  # of 36,000, one is seen
        rows.append(f"| {peer.name} | {len(zones)}, {label} | {compared:,} | {equal} | {differ:,} | |")
        for reason, times in reasons.most_common():
            where = sum(reason in tally.reasons for tally in tallies)
            rows.append(f"| | {where} of these | | | {times:,} | {reason} |")
        unexplained += without
    return rows, unexplained


def refusals(found: list[Peer]) -> list[str]:
    """The table of expressions that not everybody takes, with what we say to them."""
    names = " | ".join(peer.name for peer in found)
    rows = [f"| expression | ours | {names} |", "|---" * (len(found) + 2) + "|"]
    for expression in _DISPUTED:
        said = "takes"
        try:
            Cron(expression)
        except UsageError as refused:
            said = str(refused).removeprefix(f"cannot schedule {expression!r}: ")
        theirs = " | ".join("takes" if peer.takes(expression) else "refuses" for peer in found)
        rows.append(f"| `{expression}` | {said} | {theirs} |")
    return rows


def suite(archive: Path | None) -> tuple[list[str], list[str]]:
    """The table of croniter's own suite, and what has no reason."""
    run = run_suite(archive)
    outcomes: Counter[str] = Counter()
    unexplained = []
    for asked in run.asked:
        outcome = _outcome(asked)
        outcomes[outcome or "differs"] += 1
        if outcome is None:
            unexplained.append(str(asked))
    rows = [
        f"{run.summary}; {run.others} questions are about seconds, years, hashes or switches of its own.",
        "",
        "| questions | outcome |",
        "|---|---|",
        *(f"| {times:,} | {outcome} |" for outcome, times in outcomes.most_common()),
    ]
    return rows, unexplained


def _outcome(asked: Asked) -> str | None:
    try:
        cron = Cron(asked.expression, asked.zone)
    except UsageError as refused:
        return f"refused: {next((trap for trap in _TRAPS if trap in str(refused)), 'is not understood')}"
    answer = cron.next_after(asked.instant) if asked.forward else cron.previous(asked.instant)
    if answer == asked.answer:
        return "equal"
    return croniter_excuse(asked.expression, asked.zone, [asked.answer])


def main() -> int:
    """Print the tables; 1 if any difference has no reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--expressions", type=int, default=200, help="for each zone and kind of change")
    parser.add_argument("--croniter-sdist", type=Path, help="croniter's source archive; else pip fetches it")
    asked = parser.parse_args()
    found = peers()
    rows, unexplained = agreement(found, asked.expressions)
    print("\n".join(["## Random expressions around clock changes", "", *rows]))
    print("\n".join(["", "## Expressions not everybody takes", "", *refusals(found)]))
    if find_spec("croniter"):
        rows, more = suite(asked.croniter_sdist)
        unexplained += more
        print("\n".join(["", "## croniter's own test suite", "", *rows]))
    print("\n".join(["", f"Differences without a reason: {len(unexplained)}", *unexplained[:20]]))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
