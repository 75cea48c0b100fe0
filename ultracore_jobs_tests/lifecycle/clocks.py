"""A clock that goes on a second with each look at it, and the aggregates of a front door that has one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.schedule_aggregate import ScheduleAggregate

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


def ticking(start: datetime = NOON) -> Callable[[], datetime]:
    """A clock that says *start* first, and one second more each time."""
    seconds = count()
    return lambda: start + timedelta(seconds=next(seconds))


def new_job(job_id: str = "job_123", tenant_id: str = "t1") -> JobAggregate:
    """A job that nothing has happened to."""
    return JobAggregate(tenant_id, job_id, clock=ticking())


class FrontDoorJob(JobAggregate):
    """As the api makes it: with a clock of its own."""

    default_clock = ticking()
    code_version = "1.2.3"


class FrontDoorSchedule(ScheduleAggregate):
    """As the api makes it: with a clock of its own."""

    default_clock = ticking()
    code_version = "1.2.3"
