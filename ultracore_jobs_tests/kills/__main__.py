"""Kill, do again, and print what was doubled or lost; ``--help`` says what there is to kill."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from ultracore_jobs_tests.kills import fees, table_store
from ultracore_jobs_tests.kills.campaign import Campaign, Kill, workers
from ultracore_jobs_tests.kills.report import faults, kill_table

SUITES = {"fees": fees.SCENARIOS, "table_store": table_store.SCENARIOS}
"""Everything there is to kill; a job adds its scenarios here."""


def main(arguments: list[str]) -> int:
    """Run one suite; 0 where nothing was doubled, lost or otherwise wrong."""
    parser = argparse.ArgumentParser(prog="python -m ultracore_jobs_tests.kills", description=__doc__)
    parser.add_argument("suite", nargs="?", choices=SUITES, default="fees", help="What to kill")
    parser.add_argument("--random", type=int, metavar="N", help="N random kills instead of every boundary")
    parser.add_argument("--seed", type=int, default=1, help="Of the random kills")
    parser.add_argument("--new", action="store_true", help="Only where scenarios do not share their way")
    parser.add_argument("--json", action="store_true", help="Each kill as JSON instead of the table")
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        kills = _kills(Campaign(SUITES[given.suite], Path(folder) / "campaign"), given)
    sys.stdout.write(json.dumps([asdict(kill) for kill in kills]) if given.json else kill_table(kills) + "\n")
    wrong = faults(kills)
    sys.stderr.write(wrong and f"{wrong}\n")
    return 1 if wrong else 0


def _kills(campaign: Campaign, given: argparse.Namespace) -> list[Kill]:
    if given.random:
        plans = campaign.random(given.random, given.seed)
    else:
        plans = campaign.new() if given.new else campaign.every()
    return campaign.kill(plans, workers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
