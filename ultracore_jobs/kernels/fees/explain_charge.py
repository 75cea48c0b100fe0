"""A charge as formulas: accruals summed and rounded once, or a share of a gain; GST, total, and the mark."""

from datetime import timedelta

import polars as pl

from ultracore_jobs.catalog.fees import FEE_SCHEDULES
from ultracore_jobs.kernels.explained import (
    Explained,
    InputRow,
    Row,
    RowExplainer,
    row_where,
    rows_where,
    used,
)
from ultracore_jobs.kernels.fees.explain_month import Month
from ultracore_jobs.kernels.fees.explain_performance import (
    fee_per_unit,
    grown_mark,
    hurdle_kind,
    shared_gain,
)
from ultracore_jobs.kernels.fees.explain_terms import (
    a_365th,
    annual_fee,
    least_fee,
    period_of,
    rate_of,
    terms_of,
)
from ultracore_jobs.kernels.fees.tables import DAYS_OF_YEAR, FEE_ACCRUALS, PERFORMANCE
from ultracore_jobs.kernels.formula import Formula, days_between, largest, number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS, VALUATIONS

_UNROUNDED_DIGITS = 12
_ONE_DAY = timedelta(days=1)
_AUD = "AUD"
_MARKS = ("mark_unit", "mark_if_refused_unit")


def explain_accruals(month: Month) -> list[Explained]:
    """Explain each run of days that share one NAV.

    Source: domain_rules 3.1, 3.2.
    """
    found: list[Explained] = []
    for row in month.fee_accruals.iter_rows(named=True):
        days = period_of(row["from_on"], row["until_on"])
        label = f"{row['fee_type'].lower()} fee {row['arrangement_id']}, {days}"
        page = RowExplainer(FEE_ACCRUALS, row, label, row["ccy"], "3.2")
        page.computed(
            "days", days_between(row["from_on"], row["until_on"]), how="calendar days that share one NAV"
        )
        if row["assets"] is None:
            for column in ("assets", "annual_fee", "fee_days"):
                page.absent(column, f"{row['reason']}: no NAV, or the last one is too old")
        else:
            _explain_assets(page, month)
            _explain_days(page, month)
        found += page.found
    return found


def _explain_assets(page: RowExplainer, month: Month) -> None:
    valued = rows_where(month.valuations, as_of_date=page.row["assets_on"])[0]
    gross = number(valued["nav"]) + number(valued["accrued_fees_base"])
    if valued["base_ccy"] == page.row["ccy"]:
        origin = [used(VALUATIONS, valued, "nav", "accrued_fees_base")]
        page.computed(
            "assets", gross, inputs=origin, how=f"NAV of {page.row['assets_on']} before accrued fees"
        )
        return
    page.computed(
        "assets",
        rounded(gross * number(valued["aud_rate"]), MINOR_DIGITS[_AUD]),
        inputs=[used(VALUATIONS, valued, "nav", "accrued_fees_base", "aud_rate")],
        how=f"NAV of {page.row['assets_on']} before accrued fees, in AUD at the rate of that day",
    )


def _explain_days(page: RowExplainer, month: Month) -> None:
    schedule, terms = terms_of(month.fee_schedules, page.row["fee_schedule_id"])
    page.computed(
        "annual_fee",
        annual_fee(schedule, page.row["assets"]),
        inputs=[terms, page.itself("assets")],
        how=f"tiers, {schedule['tier_method']}: assets x basis points / 10000",
        source="3.1",
    )
    page.computed(
        "fee_days",
        page.number("annual_fee") * page.number("days"),
        inputs=[page.itself("annual_fee", "days")],
        how=f"a {DAYS_OF_YEAR}th of it is the fee of these days",
    )


def explain_charges(month: Month) -> list[Explained]:
    """Explain each charge: on assets from its accruals, a performance fee from the gain.

    Source: domain_rules 3.2-3.4.
    """
    found: list[Explained] = []
    for charge in month.fee_charges.iter_rows(named=True):
        page = month.page_of(charge)
        if charge["fee_type"] == PERFORMANCE:
            _explain_share(page, month)
        else:
            _explain_sum(page, month)
        _explain_tax(page, month)
        found += page.found
    return found


def _explain_sum(page: RowExplainer, month: Month) -> None:
    runs = month.runs_of(page.row)
    schedule, terms = terms_of(month.fee_schedules, page.row["fee_schedule_id"])
    valued = [run for run in runs if run["fee_days"] is not None]
    accrued = total(number(run["fee_days"]) for run in valued)
    counted = total(number(run["days"]) for run in valued if run["assets"] >= 0)
    least = least_fee(schedule, counted)
    parts = [used(FEE_ACCRUALS, run, "fee_days", "days") for run in runs]
    page.computed("days", total(number(run["days"]) for run in runs), inputs=parts, source="3.2")
    page.computed(
        "settled_fee_days",
        accrued if least is None else largest(accrued, least),
        inputs=[*parts, *([] if least is None else [terms])],
        how="the sum of the accruals, unrounded"
        + ("" if least is None else ", or the annual minimum, if larger"),
        source="3.2",
    )
    if page.row["fee_ex_gst"] is None:
        for column in ("fee_unrounded", "fee_ex_gst"):
            page.absent(column, f"{page.row['reason']}: a day has no NAV to be charged on", source="3.2")
    else:
        fee = a_365th(page.number("settled_fee_days"))
        settled = [page.itself("settled_fee_days")]
        how = f"fee days / {DAYS_OF_YEAR}, also in leap years"
        page.computed("fee_unrounded", rounded(fee, _UNROUNDED_DIGITS), inputs=settled, how=how, source="3.2")
        digits = MINOR_DIGITS[page.row["ccy"]]
        page.computed("fee_ex_gst", rounded(fee, digits), inputs=settled, how=how, source="3.2")
    for column in _MARKS:
        page.absent(column, "a fee on assets moves no mark", source="5")


def _explain_share(page: RowExplainer, month: Month) -> None:
    """A performance fee: rate x gain per unit x units, of the day on which it was charged."""
    charge = page.row
    day = charge["period_end"] - _ONE_DAY
    share = rows_where(month.shared, arrangement_id=charge["arrangement_id"], as_of_date=day)[0]
    schedule = row_where(month.fee_schedules, fee_schedule_id=charge["fee_schedule_id"]) or {}
    terms = used(FEE_SCHEDULES, schedule, "perf_rate", "hurdle_annual", "hurdle_type", "crystallisation")
    inputs = [terms, *_level(month, share)]
    gain = _gain(share, schedule, month)
    units = number(share["redeemed_units"])
    if share["is_crystallised"]:
        held = number(share["units"])
        units = held + units if units.value else held
    page.computed("days", days_between(charge["period_start"], charge["period_end"]), source="3.4")
    page.computed(
        "settled_fee_days", number(0), how="a level, not a sum: nothing of it was carried", source="1A.6"
    )
    fee = rounded(rate_of(schedule["perf_rate"]) * gain * units, MINOR_DIGITS[charge["ccy"]])
    what = "crystallises on all units" if share["is_crystallised"] else "is charged on the units redeemed"
    page.copied("fee_unrounded", page.itself("fee_ex_gst"), how="rounded already", source="3.4")
    page.computed(
        "fee_ex_gst",
        fee,
        inputs=inputs,
        how=f"rate x gain per unit x units; it {what} on {day}",
        source="3.4",
    )
    if charge["mark_unit"] is None:
        for column in _MARKS:
            page.absent(column, "it moves at crystallisation only", source="5")
        return
    mark, nav = number(share["hwm_unit"]), number(share["nav_unit"])
    after = nav - fee_per_unit(schedule, gain)
    how = "the larger of the mark and NAV per unit after the fee"
    page.computed("mark_unit", largest(mark, after), inputs=inputs, how=how, source="5")
    page.computed(
        "mark_if_refused_unit",
        largest(mark, nav),
        inputs=inputs,
        how="where the fee is refused: nothing is taken out of NAV per unit",
        source="5",
    )


def _gain(share: Row, schedule: Row, month: Month) -> Formula:
    mark = number(share["hwm_unit"])
    threshold = largest(mark, grown_mark(mark, schedule, number(share["days"])))
    return shared_gain(number(share["nav_unit"]), mark, threshold, hurdle_kind(schedule, month.hurdle_type))


def _level(month: Month, share: Row) -> list[InputRow]:
    """The level of that day, or of the last one before it: what the charge was made from."""
    levels = month.performance_accruals.filter(pl.col("as_of_date") <= share["as_of_date"]).sort("as_of_date")
    last = rows_where(levels, arrangement_id=share["arrangement_id"])[-1:]
    return [used(PERFORMANCE_ACCRUALS, row, "nav_unit", "units", "hwm_unit", "since_on") for row in last]


def _explain_tax(page: RowExplainer, month: Month) -> None:
    if page.row["fee_ex_gst"] is None:
        for column in ("gst", "total"):
            page.absent(column, f"{page.row['reason']}: there is no fee", source="3.3")
        return
    page.computed(
        "gst",
        rounded(page.number("fee_ex_gst") * number(month.gst), MINOR_DIGITS[page.row["ccy"]]),
        inputs=[page.itself("fee_ex_gst")],
        how="GST on the rounded fee, half a cent up",
        source="3.3",
    )
    page.computed(
        "total",
        page.number("fee_ex_gst") + page.number("gst"),
        inputs=[page.itself("fee_ex_gst", "gst")],
        how="what is deducted",
        source="3.3",
    )
