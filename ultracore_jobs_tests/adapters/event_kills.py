"""kill -9 at each statement and each side of each commit: the record is whole, and nothing is in it twice."""

import subprocess
import sys

from ultracore_jobs_tests.adapters.event_crashing import jobs_of
from ultracore_jobs_tests.adapters.event_places import open_events


def kill_at_every_boundary(url: str) -> None:
    """Run the killer on an empty database, and hold the record against what should be in it."""
    command = [sys.executable, "-m", "ultracore_jobs_tests.adapters.event_crashing", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours
    assert (done.returncode, done.stderr) == (0, "")
    left = [int(line.split()[0]) for line in done.stdout.splitlines()]
    ended = [int(line.split()[1]) for line in done.stdout.splitlines()]

    # The first commit has five events of two streams, the second one more; who died later left no less.
    assert set(left) == {0, 5, 6}
    assert left == sorted(left)
    assert ended == [6] * len(ended)
    assert len(ended) > 12
    store = open_events(url)
    for number in range(1, len(ended) + 1):
        for stream, wanted in jobs_of(number):
            assert tuple(one.event for one in store.read(stream)) == wanted
    assert store.verify() == (6 * len(ended), 2 * len(ended), ())
