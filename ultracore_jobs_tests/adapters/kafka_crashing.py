"""Relay, and be killed at the n-th touch of an event: ``python -m ... DATABASE BOOTSTRAP PREFIX``.

Touches are: an event is handed to the producer, its arrival is confirmed, before and after it is noted how
far one is. For rising n a child relays what the ones before it left, and kills itself at its n-th touch,
until one gets through. Printed for each: how many events were still to be sent when it began.
"""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from ultracore_jobs.adapters import kafka_relay
from ultracore_jobs.adapters.database import open_database
from ultracore_jobs.adapters.kafka_client import KafkaCluster
from ultracore_jobs.adapters.kafka_relay import KafkaRelay
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs_tests.contracts.jobs_recorded import HandClock

AT_ONCE = 8
EVERY = 7
"""So many touches more does the next child get."""


def work(url: str, cluster: KafkaCluster, number: int) -> None:
    """Relay, and die at a touch."""
    touched = count(1)

    def touch() -> None:
        if next(touched) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def after_touch(call: Callable[..., Any]) -> Callable[..., Any]:
        def touched_call(*arguments: Any, **named: Any) -> Any:
            touch()
            return call(*arguments, **named)

        return touched_call

    class Marking(SqlEventStore):
        def mark_relayed(self, position: int, *, relay: str = "kafka") -> None:
            touch()
            super().mark_relayed(position, relay=relay)
            touch()

    for name in ("to_message", "_answered"):
        setattr(kafka_relay, name, after_touch(getattr(kafka_relay, name)))
    engine = open_database(url)
    store = Marking(engine, HandClock())
    relay = KafkaRelay(store, cluster, at_once=AT_ONCE)
    sys.stdout.write(f"{relay.behind()}\n")
    sys.stdout.flush()
    relay.relay()
    relay.close()
    engine.dispose()


def main(url: str, bootstrap: str, prefix: str) -> None:
    """Kill one child after the other until one gets through.

    Raises:
        RuntimeError: One failed in another way than by being killed.
    """
    for number in count(2, EVERY):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(url, KafkaCluster(bootstrap, prefix), number)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                message = f"the child of {number} failed"
                raise RuntimeError(message)
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
