"""Opens what keeps the record, in this process or in another."""

from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.adapters.subject_keys import SqlSubjectKeys
from ultracore_jobs.ports import Clock
from ultracore_jobs_tests.adapters.sql_places import opened
from ultracore_jobs_tests.contracts.jobs_recorded import HandClock


def open_events(url: str, clock: Clock | None = None) -> SqlEventStore:
    """The record in a migrated database; on a Monday at noon, if no clock is given."""
    return SqlEventStore(opened(url), clock or HandClock())


def open_subject_keys(url: str) -> SqlSubjectKeys:
    """The keys of people in a migrated database."""
    return SqlSubjectKeys(opened(url))
