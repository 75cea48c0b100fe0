"""The wired platform that every verb works on."""

from collections.abc import Mapping
from dataclasses import dataclass

from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.ports import Claims, Clock, EventStore, Feeds, Ledger, Occurrences, Processes, TableStore

SHARED = "shared"
"""Reserved tenant: market data, calendars, lists and models, readable by all."""


@dataclass(frozen=True)
class Application:
    """The ports, wired. `ultracore_jobs.bootstrap` makes one from the settings; tests make their own.

    Attributes:
        tables: Where numbers are kept.
        ledger: Where what happened once is kept.
        claims: Who works on what.
        events: The record of every schedule and job.
        occurrences: What is due, and who wants what stopped.
        processes: Which process this is, and whether another one lives.
        feeds: What providers publish.
        clock: Tells the time.
        jobs: The registered job types, by name.
        code_version: Version of this code, stamped on everything it writes.
    """

    tables: TableStore
    ledger: Ledger
    claims: Claims
    events: EventStore
    occurrences: Occurrences
    processes: Processes
    feeds: Feeds
    clock: Clock
    jobs: Mapping[str, JobSpec]
    code_version: str
