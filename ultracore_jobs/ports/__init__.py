"""What the application asks of the outside world; adapters answer.

`TableStore` keeps numbers as immutable files, `Feeds` brings what providers publish, `Clock` tells
the time. Each port has one test suite in ``ultracore_jobs_tests/contracts``, run on every adapter.
"""

from ultracore_jobs.ports.clock import Clock
from ultracore_jobs.ports.feeds import Delivery, Feeds
from ultracore_jobs.ports.tables import (
    Coverage,
    GateStamp,
    InputPin,
    JobStamp,
    Provenance,
    TableStore,
    TableVersion,
    VersionRef,
)

__all__ = [
    "Clock",
    "Coverage",
    "Delivery",
    "Feeds",
    "GateStamp",
    "InputPin",
    "JobStamp",
    "Provenance",
    "TableStore",
    "TableVersion",
    "VersionRef",
]
