"""Accrued fees once more, in plain Python and fractions, written from domain_rules 1A.6, 3 and 5.

It walks the days of each arrangement one by one, and shares no code with the kernels.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from ultracore_jobs_tests.kernels.oracle_money import DECIMALS, Row, half_up

Rate = Callable[[str, str], Decimal | None]
"""Units of the second currency for one of the first; None where no rate may be used."""

_DAY = timedelta(days=1)
_STALE = 5


@dataclass(frozen=True)
class FeeDay:
    """What a portfolio's fees are computed from on one day."""

    rows: Mapping[str, list[Row]]
    portfolio: Row
    as_of: date
    rate: Rate
    rate_on: Callable[[date], Rate]
    open_days: Mapping[tuple[str, date], bool]
    hurdle_type: str = "hard"

    def table(self, name: str) -> list[Row]:
        """The rows of a table; none where it was not given."""
        return self.rows.get(name, [])

    @property
    def base(self) -> str:
        """Currency the portfolio is valued in."""
        return str(self.portfolio["base_ccy"])


def accrued_fees(day: FeeDay, gross: Decimal) -> Decimal | None:
    """All that a portfolio owes on a day, ex GST, in its currency; None where a rate is missing.

    Args:
        day: What is known.
        gross: What it is worth before fees.
    """
    schedules = {row["fee_schedule_id"]: row for row in day.table("fee_schedules")}
    on_assets = Decimal(0)
    for arrangement in day.table("fee_arrangements"):
        schedule = schedules.get(arrangement["fee_schedule_id"])
        if arrangement["portfolio_id"] != day.portfolio["portfolio_id"] or schedule is None:
            continue
        if schedule["fee_type"] == "PERFORMANCE" or schedule["ccy"] not in {"AUD", day.base}:
            continue
        owed = half_up(_open_days(day, arrangement, schedule, gross) / 365, DECIMALS[schedule["ccy"]])
        rate = day.rate(schedule["ccy"], day.base)
        if rate is None:
            return None
        on_assets += half_up(Fraction(owed) * Fraction(rate), DECIMALS[day.base])
    net = gross - on_assets
    sharing = [
        schedules[row["fee_schedule_id"]]
        for row in day.table("fee_arrangements")
        if row["portfolio_id"] == day.portfolio["portfolio_id"]
        and schedules.get(row["fee_schedule_id"], {}).get("perf_rate") is not None
        and row["start_on"] <= day.as_of
        and (row["end_on"] is None or day.as_of < row["end_on"])
    ]
    units, first_on = _units(day, net) if sharing else (Decimal(0), day.as_of)
    if units <= 0:
        return on_assets
    levels = (_level(day, schedule, Fraction(net), Fraction(units), first_on) for schedule in sharing)
    return on_assets + sum(levels, Decimal(0))


def _open_days(day: FeeDay, arrangement: Row, schedule: Row, gross: Decimal) -> Fraction:
    """Fee days accrued and not settled; a 365th of them is owed."""
    name = arrangement["arrangement_id"]
    memory = next((row for row in day.table("previous_fee_memory") if row["arrangement_id"] == name), None)
    begin = day.as_of.replace(day=1) if memory is None else memory["as_of_date"] + _DAY
    first = max(begin, arrangement["start_on"], day.portfolio["opened_on"])
    ends = [end for end in (arrangement["end_on"], day.portfolio["closed_on"]) if end is not None]
    last = min([day.as_of, *(end - _DAY for end in ends)])
    navs = _navs(day, gross)
    total, period, counted, opened = Fraction(0), Fraction(0), 0, None
    if memory is not None:
        period, counted = Fraction(memory["period_fee_days"]), memory["period_minimum_days"]
        opened = memory["period_start"]
    current = first
    while current <= last:
        starts = max(current.replace(day=1), arrangement["start_on"], day.portfolio["opened_on"])
        if starts != opened:
            period, counted, opened = Fraction(0), 0, starts
        assets = _assets(day, navs, current, schedule["ccy"])
        if assets is not None:
            period += (fee := _annual_fee(schedule, assets))
            total += fee
            counted += assets >= 0
        if ((current + _DAY).day == 1 or current + _DAY in ends) and schedule["annual_minimum"] is not None:
            raised = max(period, Fraction(schedule["annual_minimum"]) * counted)
            total, period = total + raised - period, raised
        current += _DAY
    since = first if memory is None else memory["since_on"]
    settled = sum(
        (
            Fraction(told.get("settled_fee_days") or "0")
            for told in _decided(day)
            if told.get("arrangement_id") == name and told.get("period_end", "") > since.isoformat()
        ),
        Fraction(0),
    )
    if memory is not None:
        total += Fraction(memory["open_fee_days"]) + Fraction(memory["settled_fee_days"])
    return total - settled


def _navs(day: FeeDay, gross: Decimal) -> dict[date, tuple[Fraction, Decimal | None]]:
    """NAV before fees and rate to AUD, of each day that has them."""
    navs: dict[date, tuple[Fraction, Decimal | None]] = {
        row["as_of_date"]: (Fraction(row["nav"]) + Fraction(row["accrued_fees_base"]), row["aud_rate"])
        for row in day.table("recent_valuations")
        if row["portfolio_id"] == day.portfolio["portfolio_id"]
        and row["status"] == "COMPLETE"
        and row["base_ccy"] == day.base
    }
    return {**navs, day.as_of: (Fraction(gross), day.rate(day.base, "AUD"))}


def _assets(
    day: FeeDay, navs: Mapping[date, tuple[Fraction, Decimal | None]], on: date, ccy: str
) -> Fraction | None:
    """The last NAV up to a day, in the schedule's currency, if it is not too old."""
    before = [known for known in navs if known <= on]
    if not before:
        return None
    held = max(before)
    calendar_id = day.portfolio["calendar_id"]
    between = [day.open_days.get((calendar_id, held + n * _DAY)) for n in range(1, (on - held).days + 1)]
    if None in between or sum(map(bool, between)) > _STALE:
        return None
    gross, rate = navs[held]
    if ccy == day.base:
        return gross
    return None if rate is None else Fraction(half_up(gross * Fraction(rate), DECIMALS["AUD"]))


def _annual_fee(schedule: Row, assets: Fraction) -> Fraction:
    held, fee = max(assets, Fraction(0)), Fraction(0)
    for tier in schedule["tiers"] or []:
        low, bps = Fraction(tier["from"]), Fraction(tier["bps"]) / 10_000
        high = held + 1 if tier["to"] is None else Fraction(tier["to"])
        if schedule["tier_method"] == "marginal":
            fee += max(min(held, high) - low, Fraction(0)) * bps
        elif low <= held < high:
            fee += held * bps
    return fee


def _decided(day: FeeDay) -> list[dict[str, str]]:
    """What the ledger's decisions up to the day say, in their order."""
    decided = sorted(day.table("ledger_decisions"), key=lambda row: row["seq"])
    return [
        {**json.loads(row["payload"]), "ccy": row["ccy"]}
        for row in decided
        if row["as_of_date"] <= day.as_of and "FEE" in row["kind"]
    ]


def _units(day: FeeDay, net: Decimal) -> tuple[Decimal, date]:
    """Units at the end of the day, and the first day; flows are cash here, and no restart is needed."""
    name = day.portfolio["portfolio_id"]
    before = next(
        (
            row
            for row in day.table("previous_valuations")
            if row["portfolio_id"] == name and row["base_ccy"] == day.base and row["units"] is not None
        ),
        None,
    )
    if before is None:
        return max(net, Decimal(0)), day.as_of
    flow = Decimal(0)
    for move in day.table("transactions"):
        is_new = before["units_on"] < move["trade_on"] <= day.as_of
        if move["portfolio_id"] == name and move["external_flow"] and is_new:
            rate = day.rate_on(move["trade_on"])(move["ccy"], day.base) or day.rate(move["ccy"], day.base)
            flow += half_up(Fraction(move["amount"]) * Fraction(rate or 0), DECIMALS[day.base])
    bought = half_up(Fraction(flow) / Fraction(before["nav_per_unit_base"]), 6)
    return before["units"] + bought, before["first_on"]


def _level(day: FeeDay, schedule: Row, net: Fraction, units: Fraction, first_on: date) -> Decimal:
    """Rule 3.4, on NAV per unit after the management fee and before this one."""
    mark, since = Fraction(1), first_on
    for told in _decided(day):
        is_ours = told.get("portfolio_id") == day.portfolio["portfolio_id"] and told["ccy"] == day.base
        if told.get("mark_unit") and is_ours and date.fromisoformat(told["marked_on"]) >= first_on:
            mark, since = max(mark, Fraction(told["mark_unit"])), date.fromisoformat(told["marked_on"])
    rate = Fraction(str(schedule["perf_rate"]))
    hurdle = Fraction(str(schedule["hurdle_annual"] or 0))
    unit = Fraction(half_up(net / units, 12))
    grown = Fraction(half_up(mark * (1 + hurdle * (day.as_of - since).days / 365), 12))
    threshold = max(mark, grown)
    if unit <= threshold:
        return Decimal(0)
    is_soft = (schedule["hurdle_type"] or day.hurdle_type) == "soft"
    return half_up(rate * (unit - (mark if is_soft else threshold)) * units, DECIMALS[day.base])
