"""What the daemon of `test_outstanding_daemon` loads: the toys, of which one may hang and one may fail."""

from dataclasses import replace
from datetime import date
from threading import Event

import dagster as dg

from ultracore_jobs.adapters.system_clock import SystemClock
from ultracore_jobs.application import Application
from ultracore_jobs.bootstrap import Settings
from ultracore_jobs.errors import StoreError
from ultracore_jobs_tests.occurrence_stage import desk
from ultracore_jobs_tests.orchestration.outstanding_location import location
from ultracore_jobs_tests.toys import DAILY_FACTOR, TOYS, Factor, factor_of

GOOD, HANGS, FAILS = date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 19)


def fickle(*, as_of: date) -> Factor:
    """The factor of the day, where the day allows it."""
    if as_of == HANGS:
        Event().wait(300)
    if as_of == FAILS:
        message = "deadlock detected"
        raise StoreError(message)
    return factor_of(as_of=as_of)


JOBS = {**TOYS, "daily_factor": replace(DAILY_FACTOR, kernel=fickle)}


def platform() -> Application:
    """In the home that the environment names, on the clock of the wall."""
    return desk(Settings().home, JOBS, clock=SystemClock())


def definitions() -> dg.Definitions:
    """The code location."""
    return location(platform())
