"""Partition keys: plain dates in UTC, times tenants. A key is a label; whether it is due is ours to say."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from ultracore_jobs.catalog import Scope
from ultracore_jobs.jobs import Cadence, JobSpec
from ultracore_jobs.orchestration.closed_days import CLOSED_WEEKDAYS

FIRST_DAY = date(2024, 1, 1)
"""First partition of every table; what is older stands in one `history` load."""

TENANTS = dg.DynamicPartitionsDefinition(name="tenants")

# end_offset=1: today's key exists today. Without it the key of Monday is still missing when Sydney,
# on Tuesday morning, values Monday.
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=1)

SESSIONS = dg.DailyPartitionsDefinition(
    start_date=FIRST_DAY.isoformat(),
    timezone="UTC",
    end_offset=1,
    exclusions=[
        "0 0 * * 6",
        "0 0 * * 0",
        *(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in CLOSED_WEEKDAYS),
    ],
)

# A month's key is its first day; it exists from that day on, and whether it is over is ours to say.
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=1)

QUARTERS = dg.TimeWindowPartitionsDefinition(
    start=FIRST_DAY.isoformat(), fmt="%Y-%m-%d", cron_schedule="0 0 1 */3 *", timezone="UTC", end_offset=1
)

_DATES: dict[Cadence, dg.TimeWindowPartitionsDefinition] = {
    Cadence.DAYS: DAYS,
    Cadence.SESSIONS: SESSIONS,
    Cadence.MONTHS: MONTHS,
    Cadence.QUARTERS: QUARTERS,
}


def partitions_of(job: JobSpec) -> dg.PartitionsDefinition[str]:
    """By date for shared tables; by date and tenant for a tenant's."""
    dates = _DATES[job.cadence]
    if job.scope is Scope.SHARED:
        return dates
    return dg.MultiPartitionsDefinition({"date": dates, "tenant": TENANTS})


def partition_key(job: JobSpec, as_of: date, tenant: str) -> str:
    """The key of one job's partition."""
    if job.scope is Scope.SHARED:
        return as_of.isoformat()
    return dg.MultiPartitionKey({"date": as_of.isoformat(), "tenant": tenant})


def is_session(as_of: date) -> bool:
    """Whether some exchange of ours trades that day."""
    weekend = 5
    return as_of.weekday() < weekend and as_of not in CLOSED_WEEKDAYS


def last_completed_session(now: datetime) -> date:
    """The last session day that is over everywhere at *now*: the latest one before today in UTC.

    At midnight UTC after day D both exchanges have closed and the ECB fixing of D is out.
    """
    day = now.astimezone(UTC).date() - timedelta(days=1)
    while not is_session(day):
        day -= timedelta(days=1)
    return day
