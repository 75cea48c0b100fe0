"""The performance fee as a level, as formulas: mark, hurdle, threshold, and its share of the gain."""

import polars as pl

from ultracore_jobs.catalog.fees import FEE_SCHEDULES
from ultracore_jobs.kernels.explained import Explained, RowExplainer, rows_where, used
from ultracore_jobs.kernels.fees.explain_performance import (
    fee_per_unit,
    grown_mark,
    hurdle_kind,
    shared_gain,
)
from ultracore_jobs.kernels.fees.explain_terms import rate_of
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.formula import days_between, largest, number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.explain_fees import FeeCase, decision
from ultracore_jobs.kernels.valuation.tables import FIRST_UNIT_VALUE, PERFORMANCE_ACCRUALS, VALUATIONS

_UNIT_VALUE_DIGITS = 12
_RULE = "3.4"


def explain_levels(fees: FeeCase) -> list[Explained]:
    """Explain the performance fee of each arrangement of one portfolio.

    Source: domain_rules 1A.6, 3.4, 5.
    """
    found: list[Explained] = []
    for row in fees.performance:
        label = f"performance fee {row['arrangement_id']}"
        page = RowExplainer(PERFORMANCE_ACCRUALS, row, label, row["ccy"], _RULE)
        _explain_unit_value(page, fees)
        _explain_mark(page, fees)
        _explain_fee(page, fees)
        found += page.found
    return found


def _explain_unit_value(page: RowExplainer, fees: FeeCase) -> None:
    valued = fees.case.row
    page.copied("units", used(VALUATIONS, valued, "units"), source="1A.6")
    parts = ("positions_base", "cash_base", "accrued_income_base")
    gross = total(number(valued[name]) for name in parts)
    net = total([gross, *(number(-row["accrued_base"]) for row in fees.memory)])
    page.computed(
        "nav_unit",
        rounded(net / number(valued["units"]), _UNIT_VALUE_DIGITS),
        inputs=[
            used(VALUATIONS, valued, *parts, "units"),
            *(used(FEE_MEMORY, row, "accrued_base") for row in fees.memory),
        ],
        how="NAV after fees on assets and before this one, over units",
    )


def _explain_mark(page: RowExplainer, fees: FeeCase) -> None:
    row, valued = page.row, fees.case.row
    marks = rows_where(
        fees.charges.filter(pl.col("mark_unit").is_not_null(), pl.col("marked_on") >= valued["first_on"]),
        ccy=fees.case.base_ccy,
    )
    first = number(FIRST_UNIT_VALUE)
    page.computed(
        "hwm_unit",
        largest(first, *(number(mark["mark_unit"]) for mark in marks)) if marks else first,
        inputs=[decision(mark, "mark_unit", "marked_on") for mark in marks],
        how="the first mark is 1" + (", crystallisations in the ledger raised it" if marks else ""),
        source="5",
    )
    page.computed(
        "days",
        days_between(row["since_on"], row["as_of_date"]),
        how="since the last crystallisation" if marks else "since the first COMPLETE day",
    )


def _explain_fee(page: RowExplainer, fees: FeeCase) -> None:
    row = page.row
    schedule = rows_where(fees.fee_schedules, fee_schedule_id=row["fee_schedule_id"])[0]
    terms = used(FEE_SCHEDULES, schedule, "perf_rate", "hurdle_annual", "hurdle_type")
    page.computed(
        "hurdle_unit",
        grown_mark(page.number("hwm_unit"), schedule, page.number("days")),
        inputs=[terms, page.itself("hwm_unit", "days")],
        how="mark x (1 + hurdle x days / 365), divided once",
    )
    page.computed(
        "threshold_unit",
        largest(page.number("hwm_unit"), page.number("hurdle_unit")),
        inputs=[page.itself("hwm_unit", "hurdle_unit")],
    )
    kind = hurdle_kind(schedule, fees.hurdle_type)
    gain = shared_gain(page.number("nav_unit"), page.number("hwm_unit"), page.number("threshold_unit"), kind)
    parts = [terms, page.itself("nav_unit", "hwm_unit", "threshold_unit", "units")]
    how = f"{kind} hurdle: " + _WORDS[kind]
    page.computed("fee_unit", fee_per_unit(schedule, gain), inputs=parts, how=how)
    page.computed(
        "accrued",
        rounded(rate_of(schedule["perf_rate"]) * gain * page.number("units"), MINOR_DIGITS[row["ccy"]]),
        inputs=parts,
        how=f"{how}; from the exact fee per unit, not from the rounded one",
    )


_WORDS = {
    "hard": "a share of the gain above the threshold",
    "soft": "a share of the whole gain, once NAV per unit is above the threshold",
}
