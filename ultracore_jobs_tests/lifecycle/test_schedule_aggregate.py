"""A schedule: the four examples of the original document, and what may not happen."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ultracore_jobs.errors import IllegalTransitionError, UsageError
from ultracore_jobs.lifecycle.events import JobPriority, JobType, ScheduleType
from ultracore_jobs.lifecycle.schedule_aggregate import ScheduleAggregate
from ultracore_jobs_tests.lifecycle.clocks import NOON, FrontDoorSchedule, ticking

DAILY: dict[str, Any] = {
    "job_type": JobType.PORTFOLIO_VALUATION,
    "schedule_type": ScheduleType.CRON,
    "cron_expression": "0 2 * * *",
    "interval_seconds": None,
    "scheduled_time": None,
    "enabled": True,
    "priority": JobPriority.HIGH,
    "parameters": {"include_all_portfolios": True, "update_cache": True},
    "created_by": "system",
}
HOURLY = DAILY | {
    "job_type": JobType.PRICE_ALERT_CHECK,
    "schedule_type": ScheduleType.INTERVAL,
    "cron_expression": None,
    "interval_seconds": 3600,
    "priority": JobPriority.NORMAL,
    "parameters": {"check_all_alerts": True},
}
MONTHLY = DAILY | {
    "job_type": JobType.FEE_CHARGING,
    "cron_expression": "0 1 1 * *",
    "priority": JobPriority.CRITICAL,
    "parameters": {"fee_types": ["management", "performance"], "send_notifications": True},
}
ONCE = DAILY | {
    "job_type": JobType.REPORT_GENERATION,
    "schedule_type": ScheduleType.ONE_TIME,
    "cron_expression": None,
    "scheduled_time": datetime(2024, 1, 16, 9, 30),  # noqa: DTZ001 - naive, as utcnow() gives it
    "parameters": {"report_type": "quarterly", "quarter": "Q1", "year": 2024},
    "created_by": "admin",
}


def created(**changed: Any) -> ScheduleAggregate:
    """A schedule that was created."""
    schedule = ScheduleAggregate("t1", "daily", clock=ticking())
    schedule.create(**DAILY | changed)
    return schedule


@pytest.mark.parametrize(
    "arguments", [DAILY, HOURLY, MONTHLY, ONCE], ids=["cron", "interval", "monthly", "once"]
)
def test_a_schedule_is_created_as_the_original_document_has_it(arguments: dict[str, Any]) -> None:
    """Its four examples, made through a front door: only the import differs."""
    schedule = FrontDoorSchedule(tenant_id="t1", schedule_id="example")
    schedule.create(**arguments)

    event = schedule.uncommitted[0]
    assert (type(event).__name__, event.actor) == ("JobScheduleCreated", arguments["created_by"])
    kept = {name: getattr(schedule, name) for name in arguments}
    if arguments["scheduled_time"] is not None:
        assert kept.pop("scheduled_time") == datetime(2024, 1, 16, 9, 30, tzinfo=UTC)
    assert kept == {name: arguments[name] for name in kept}


def test_a_schedule_is_switched_off_and_on() -> None:
    """By whom; twice the same is refused, in a sentence."""
    schedule = created()
    schedule.disable("olga")
    off = schedule.enabled
    with pytest.raises(
        IllegalTransitionError, match=r"cannot disable a schedule that is disabled; it must be enabled"
    ):
        schedule.disable("olga")
    schedule.enable("paul")

    assert (off, schedule.enabled) == (False, True)
    assert [event.actor for event in schedule.uncommitted] == ["system", "olga", "paul"]
    with pytest.raises(IllegalTransitionError, match="it must be disabled"):
        schedule.enable("paul")


def test_a_schedule_is_created_once_and_first() -> None:
    """Also one that begins disabled."""
    schedule = created(enabled=False)
    assert (schedule.enabled, schedule.created_at) == (False, NOON)
    with pytest.raises(IllegalTransitionError, match="that is disabled; it must be new"):
        schedule.create(**DAILY)
    for command in (ScheduleAggregate.enable, ScheduleAggregate.disable):
        with pytest.raises(IllegalTransitionError, match="that is new"):
            command(ScheduleAggregate("t1", "other", clock=ticking()), "olga")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cron_expression": None}, "needs cron_expression and nothing else to say when; given: nothing"),
        ({"interval_seconds": 60}, "given: cron_expression, interval_seconds"),
        ({"schedule_type": ScheduleType.INTERVAL}, "needs interval_seconds"),
        ({"schedule_type": ScheduleType.ON_DEMAND}, "needs nothing"),
        (
            {"schedule_type": ScheduleType.INTERVAL, "cron_expression": None, "interval_seconds": 0},
            "greater than 0",
        ),
        ({"created_by": " "}, "created_by"),
    ],
)
def test_what_says_when_must_fit_the_type(changed: dict[str, Any], words: str) -> None:
    """One way of saying it, and no other beside it."""
    with pytest.raises(UsageError, match=words):
        created(**changed)


def test_a_schedule_on_demand_says_nothing_of_when() -> None:
    """Rebalancing runs when somebody asks."""
    schedule = created(schedule_type=ScheduleType.ON_DEMAND, cron_expression=None)

    assert schedule.schedule_type is ScheduleType.ON_DEMAND
