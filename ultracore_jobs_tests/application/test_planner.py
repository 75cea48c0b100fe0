"""Which jobs a business day needs, and in which order."""

from dataclasses import replace
from datetime import date
from graphlib import CycleError

import polars as pl
import pytest

from ultracore_jobs.application.planner import PlannedJob, plan_day
from ultracore_jobs.jobs import Priority, job_types
from ultracore_jobs_tests.stage import FRIDAY
from ultracore_jobs_tests.toys import ACCOUNT_BALANCE, BALANCES, DAILY_FACTOR, TOYS, Factor


def always(_day: date) -> bool:
    """Every day is a session."""
    return True


def never(_day: date) -> bool:
    """No day is one."""
    return False


def test_what_is_read_is_written_first() -> None:
    """The balance reads the factor, so the factor comes first, for all its lower priority."""
    plan = plan_day(TOYS, tenants=("acacia", "banksia"), as_of=FRIDAY, is_session=always)

    assert plan == (
        PlannedJob("daily_factor", "shared", FRIDAY),
        PlannedJob("account_balance", "acacia", FRIDAY),
        PlannedJob("account_balance", "banksia", FRIDAY),
    )


def test_a_day_without_session_leaves_out_jobs_by_sessions() -> None:
    """On a Sunday only the daily job is left."""
    assert plan_day(TOYS, tenants=("acacia",), as_of=FRIDAY, is_session=never) == (
        PlannedJob("daily_factor", "shared", FRIDAY),
    )


def test_among_ready_jobs_higher_priority_goes_first() -> None:
    """Two jobs that wait for nothing."""
    urgent = replace(DAILY_FACTOR, name="urgent_factor", priority=Priority.CRITICAL)

    plan = plan_day(
        {"daily_factor": DAILY_FACTOR, "urgent_factor": urgent}, tenants=(), as_of=FRIDAY, is_session=always
    )

    assert [planned.job_type for planned in plan] == ["urgent_factor", "daily_factor"]


def test_two_jobs_that_wait_for_each_other_are_refused() -> None:
    """Within a day order is asset edges; a circle has none."""
    factor_from_balance = replace(
        ACCOUNT_BALANCE,
        name="back",
        writes=DAILY_FACTOR.writes,
        kernel=_factor_from,
        reads=(BALANCES,),
        gates=(),
        result=lambda as_of: {"day": as_of},
        chart=None,
        preview=None,
    )

    with pytest.raises(CycleError):
        plan_day(
            {"account_balance": ACCOUNT_BALANCE, "back": factor_from_balance},
            tenants=(),
            as_of=FRIDAY,
            is_session=always,
        )


def _factor_from(*, balances: pl.DataFrame) -> Factor:
    return Factor(balances)


def test_market_data_comes_before_valuation() -> None:
    """domain_rules 21.6: FX and MARKET_DATA -> VALUATION."""
    order = [
        planned.job_type
        for planned in plan_day(job_types(), tenants=("acacia",), as_of=FRIDAY, is_session=always)
    ]

    assert order.index("exchange_rate_update") < order.index("portfolio_valuation")
    assert order.index("market_data_refresh") < order.index("portfolio_valuation")
