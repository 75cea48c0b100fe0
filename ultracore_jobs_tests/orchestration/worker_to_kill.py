"""A worker that is killed while it computes: ``python -m ... FOLDER SHARDED``.

It runs `daily_factor` as a named run, with a kernel that says so when it is at work, and then waits for ever.
"""

import signal
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

from ultracore_jobs_tests.orchestration.record_stage import instance_at, launch
from ultracore_jobs_tests.stage import application
from ultracore_jobs_tests.toys import DAILY_FACTOR, Factor


def wait_for_ever(*, as_of: date) -> Factor:
    """Say that it is at work, and wait; whoever ends it decides how."""
    sys.stdout.write(f"at work on {as_of}\n")
    sys.stdout.flush()
    while True:
        signal.pause()


def main(folder: Path, *, sharded: bool) -> None:
    """Run it."""
    app = application(folder, {"daily_factor": replace(DAILY_FACTOR, kernel=wait_for_ever)})
    with instance_at(folder / "dagster", sharded=sharded) as instance:
        launch(app, instance, "daily_factor")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sharded=sys.argv[2] == "sharded")
