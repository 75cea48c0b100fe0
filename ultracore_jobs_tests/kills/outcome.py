"""Runs a campaign for a test, which may not fork itself: pytest has run Polars long before."""

import json
import subprocess
import sys
from typing import Any


def outcome_of(module: str, *arguments: str) -> Any:
    """What ``python -m ultracore_jobs_tests.kills<module>`` prints as JSON.

    Raises:
        AssertionError: It found something wrong, or failed.
    """
    command = [sys.executable, "-m", f"ultracore_jobs_tests.kills{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603 - ours
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def survived(suite: str) -> list[dict[str, Any]]:
    """Every kill of a suite where scenarios do not share their way, each followed by a run that mended all.

    Raises:
        AssertionError: Something was doubled, lost or otherwise wrong after one of them.
    """
    return list(outcome_of("", suite, "--new", "--json"))
