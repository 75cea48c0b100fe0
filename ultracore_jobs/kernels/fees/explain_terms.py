"""The fee of a year on given assets, and the assets, as formulas; shared by accruals and the memory."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog.fees import FEE_SCHEDULES
from ultracore_jobs.kernels.explained import InputRow, Row, row_where, used
from ultracore_jobs.kernels.fees.tables import DAYS_OF_YEAR, exact_rate
from ultracore_jobs.kernels.formula import Formula, number, total

_BPS_OF_ONE = number(10_000)
_CLIFF = "cliff"


def annual_fee(schedule: Row, assets: Decimal) -> Formula:
    """The fee of a year on *assets*, slice by slice: amount x basis points / 10000.

    Args:
        schedule: A row of `FEE_SCHEDULES`.
        assets: Assets in the schedule's currency; below zero they pay nothing.

    Source: domain_rules 3.1. 600,000 by 100 bps up to 500,000 and 60 above: 5,600.00.
    """
    held = max(assets, Decimal(0))
    reached = [tier for tier in sorted(schedule["tiers"] or (), key=_begin) if tier["from"] <= held]
    if not held or not reached:
        return number(0)
    if schedule["tier_method"] == _CLIFF:
        return _yearly(number(held), reached[-1])
    return total(_yearly(_slice(held, tier), tier) for tier in reached if tier["from"] < held)


def _slice(held: Decimal, tier: Row) -> Formula:
    """The part of the assets that lies in a tier."""
    top = number(held if tier["to"] is None or held < tier["to"] else tier["to"])
    return top - number(tier["from"]) if tier["from"] else top


def _begin(tier: Mapping[str, Decimal]) -> Decimal:
    return tier["from"]


def _yearly(amount: Formula, tier: Row) -> Formula:
    return amount * number(tier["bps"]) / _BPS_OF_ONE


def a_365th(fee_days: Formula) -> Formula:
    """Fee days over the days of a year: also in leap years 365."""
    return fee_days / number(DAYS_OF_YEAR)


def least_fee(schedule: Row, days: Formula) -> Formula | None:
    """The annual minimum times *days*; None where the schedule has none."""
    minimum = schedule["annual_minimum"]
    return None if minimum is None else number(minimum) * days


def terms_of(fee_schedules: pl.DataFrame, fee_schedule_id: str) -> tuple[Row, InputRow]:
    """A schedule, and the reference to it."""
    schedule = row_where(fee_schedules, fee_schedule_id=fee_schedule_id) or {}
    return schedule, used(FEE_SCHEDULES, schedule, "tier_method", "tiers", "annual_minimum", "ccy")


def rate_of(value: float | None) -> Formula:
    """A rate given as a float fraction, as the exact decimal that multiplies money; none is 0."""
    rate = pl.select(exact_rate(pl.lit(value or 0.0))).item()
    return number(rate)


def period_of(first: date, end: date) -> str:
    """A half-open period for people: its first and its last day."""
    last = end - timedelta(days=1)
    return f"{first} to {last}" if last > first else f"{first}"
