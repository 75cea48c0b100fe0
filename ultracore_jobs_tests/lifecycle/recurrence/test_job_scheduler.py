"""The scheduler engine of the original document, and the table of expressions there."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.kinds import JobPriority, JobType, ScheduleType
from ultracore_jobs.lifecycle.recurrence import Cron, Interval, JobScheduler, OneTime, recurrence_from
from ultracore_jobs.lifecycle.schedule_aggregate import ScheduleAggregate

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Schedule:
    """As much of a schedule as the scheduler asks about."""

    enabled: bool = True
    cron_expression: str | None = None
    interval_seconds: float | None = None
    scheduled_time: datetime | None = None
    timezone: str = "UTC"
    created_at: datetime | None = NOW - timedelta(days=2)
    last_due_at: datetime | None = None


@pytest.fixture
def scheduler() -> JobScheduler:
    """It is Friday 20 November 2026, 03:00 UTC."""
    return JobScheduler(clock=lambda: NOW)


@pytest.mark.parametrize(
    ("expression", "times_in_28_days"),
    [
        ("0 2 * * *", 28),
        ("0 */6 * * *", 4 * 28),
        ("0 0 * * 0", 4),
        ("0 1 1 * *", 1),
        ("0 0 1 */3 *", 1),
        ("*/15 * * * *", 96 * 28),
        ("0 9-17 * * 1-5", 9 * 20),
    ],
)
def test_the_expressions_of_the_original(expression: str, times_in_28_days: int) -> None:
    """From Sunday 27 September 2026 on, 28 days with one first of a month, that of a quarter."""
    start = datetime(2026, 9, 27, tzinfo=UTC)
    assert len(list(Cron(expression).between(start, start + timedelta(days=28)))) == times_in_28_days


def test_it_parses(scheduler: JobScheduler) -> None:
    """The values of each field."""
    parsed = scheduler.parse_cron("0 9-17/4 1 */3 mon").as_lists()

    assert parsed == {
        "minute": [0],
        "hour": [9, 13, 17],
        "day_of_month": [1],
        "month": [1, 4, 7, 10],
        "day_of_week": [1],
    }
    with pytest.raises(UsageError, match="hour: 25 is not between 0 and 23"):
        scheduler.parse_cron("0 25 * * *")


def test_it_knows_the_next_run(scheduler: JobScheduler) -> None:
    """From now, from an instant, and in a zone; always aware and in UTC."""
    assert scheduler.get_next_run_time("0 2 * * *") == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert scheduler.get_next_run_time(
        "0 2 * * *",
        datetime(2026, 11, 20, 1, 59),  # noqa: DTZ001 - as the original document writes it
    ) == datetime(2026, 11, 20, 2, tzinfo=UTC)
    in_sydney = scheduler.get_next_run_time("0 2 * * *", timezone="Australia/Sydney")
    assert in_sydney == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert in_sydney.tzinfo is UTC


def test_a_schedule_with_memory_should_run_until_the_occurrence_was_made(scheduler: JobScheduler) -> None:
    """Yesterday's 02:00 was made: today's is due at 03:00, and stays so; once made, tomorrow's is next."""
    daily = Schedule(cron_expression="0 2 * * *", last_due_at=NOW - timedelta(hours=25))

    assert scheduler.should_run(daily)
    assert scheduler.should_run(daily, now=NOW + timedelta(hours=9))
    made = replace(daily, last_due_at=NOW - HOUR)
    assert not scheduler.should_run(made)
    assert scheduler.should_run(made, now=NOW + timedelta(hours=23))
    assert not scheduler.should_run(replace(daily, enabled=False))


def test_a_schedule_of_the_original_should_run_in_its_minute(scheduler: JobScheduler) -> None:
    """The original's own aggregate remembers no occurrence: due from 02:00:00 to 02:00:59, as in cron."""
    schedule = ScheduleAggregate("t1", "portfolio_valuation_daily", clock=lambda: NOW)
    assert not scheduler.should_run(schedule)
    schedule.create(
        job_type=JobType.PORTFOLIO_VALUATION,
        schedule_type=ScheduleType.CRON,
        cron_expression="0 2 * * *",
        interval_seconds=None,
        scheduled_time=None,
        enabled=True,
        priority=JobPriority.HIGH,
        parameters={},
        created_by="system",
    )
    two = NOW - HOUR

    assert not scheduler.should_run(schedule, now=two - timedelta(microseconds=1))
    assert scheduler.should_run(schedule, now=two)
    assert scheduler.should_run(schedule, now=two + timedelta(seconds=59))
    assert not scheduler.should_run(schedule, now=two + timedelta(seconds=60))
    schedule.disable("me")
    assert not scheduler.should_run(schedule, now=two)


def test_a_schedule_on_demand_never_should_run(scheduler: JobScheduler) -> None:
    """Somebody asks for it, or nobody does."""
    assert not scheduler.should_run(Schedule())


def test_an_interval_is_counted_from_the_creation(scheduler: JobScheduler) -> None:
    """Created at 02:30, hourly: not due in that moment, first due at 03:30."""
    hourly = Schedule(interval_seconds=3600, created_at=NOW - HOUR / 2)

    assert not scheduler.should_run(hourly, now=NOW - HOUR / 2)
    assert not scheduler.should_run(hourly)
    assert scheduler.should_run(hourly, now=NOW + HOUR / 2)
    assert not scheduler.should_run(hourly, now=NOW + HOUR / 2 - timedelta(microseconds=1))


def test_a_one_time_schedule_should_run_once_and_up_to_a_day_late(scheduler: JobScheduler) -> None:
    """Asked for the moment before it was created in, it runs; not twice, not early, not days later."""
    once = Schedule(scheduled_time=NOW - timedelta(milliseconds=1), created_at=NOW)

    assert scheduler.should_run(once)
    assert not scheduler.should_run(replace(once, last_due_at=once.scheduled_time))
    assert not scheduler.should_run(once, now=NOW - HOUR)
    assert scheduler.should_run(once, now=NOW + 23 * HOUR)
    assert not scheduler.should_run(once, now=NOW + 25 * HOUR)


def test_an_expression_is_read_in_the_zone_of_the_schedule(scheduler: JobScheduler) -> None:
    """14:00 in Sydney is 03:00 UTC in summer."""
    assert scheduler.should_run(Schedule(cron_expression="0 14 * * *", timezone="Australia/Sydney"))
    assert not scheduler.should_run(Schedule(cron_expression="0 14 * * *"))


def test_a_schedule_has_exactly_one_rhythm() -> None:
    """None, or two of them, is refused by name."""
    assert recurrence_from(cron_expression="0 2 * * *", timezone="Europe/Paris") == Cron(
        "0 2 * * *", "Europe/Paris"
    )
    assert recurrence_from(interval_seconds=60, anchor=NOW) == Interval(NOW, timedelta(minutes=1))
    assert recurrence_from(scheduled_time=NOW) == OneTime(NOW)
    with pytest.raises(UsageError, match="here it has none: give exactly one"):
        recurrence_from()
    with pytest.raises(UsageError, match="here it has cron_expression and interval_seconds"):
        recurrence_from(cron_expression="0 2 * * *", interval_seconds=60, anchor=NOW)
    with pytest.raises(UsageError, match="anchor: an interval is counted from an instant"):
        recurrence_from(interval_seconds=60)
