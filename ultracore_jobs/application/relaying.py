"""Relaying without end: at once again while there is more, seldom while nothing works."""

from collections.abc import Callable

from ultracore_jobs.errors import StoreError
from ultracore_jobs.ports.relay import Relay, Relayed

IDLE_SECONDS = 1.0
LONGEST_SECONDS = 60.0


def follow(
    relay: Relay, wait: Callable[[float], bool], report: Callable[[Relayed | StoreError], object]
) -> None:
    """Relay until told to stop.

    After a failure the next pass comes in 2 seconds, then in 4, 8, 16, 32, and every minute from there.

    Args:
        relay: What sends.
        wait: Waits so many seconds, and says whether to stop; `threading.Event.wait` does.
        report: Told what came of each pass.
    """
    failures, stop = 0, False
    while not stop:
        try:
            done = relay.relay()
        except StoreError as error:
            failures += 1
            report(error)
            stop = wait(min(2.0**failures, LONGEST_SECONDS))
        else:
            failures = 0
            report(done)
            stop = wait(0 if done.behind else IDLE_SECONDS)
