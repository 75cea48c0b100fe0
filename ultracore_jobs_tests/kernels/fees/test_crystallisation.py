"""When a performance fee becomes a charge, and what it leaves for the days after."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.charges import charge_performance
from ultracore_jobs.kernels.fees.crystallisation import crystallisations_missed, crystallised_fees
from ultracore_jobs.kernels.fees.tables import PERFORMANCE_FEES, UNIT_VALUE
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS
from ultracore_jobs_tests.kernels.fees.fee_books import (
    JULY,
    JUNE,
    Rows,
    arrangement,
    arrangements,
    nav,
    schedule,
    schedules,
    valuations,
)

LAST_JUNE = date(2025, 6, 30)
NO_MARKS = pl.DataFrame(
    schema={
        "portfolio_id": pl.String,
        "marked_on": pl.Date,
        "mark_unit": UNIT_VALUE,
        "deducted_on": pl.Date,
        "fee_ex_gst": MONEY,
    }
)


def terms(**changed: Any) -> pl.DataFrame:
    """The schedule of the worked example: 20 % above a hard hurdle of 5 %, on 30 June."""
    usual = {"fee_type": "PERFORMANCE", "perf_rate": 0.2, "hurdle_annual": 0.05, "hurdle_type": "hard"}
    return schedules(schedule("FS-P", (), **{**usual, "crystallisation": "30_june", **changed}))


def pays() -> pl.DataFrame:
    """PF-1 pays by it since 30 June 2025."""
    return arrangements(arrangement("A-P", fee_schedule_id="FS-P", start_on=LAST_JUNE))


def level(day: date, nav_unit: str = "1.2", units: str = "1000", **changed: Any) -> Rows:
    """What the valuation of a day says: worth 1.20 a unit, marked at 1.00 since last June."""
    usual = {
        "tenant_id": "acme", "as_of_date": day, "portfolio_id": "PF-1", "client_id": "C-1",
        "arrangement_id": "A-P", "fee_schedule_id": "FS-P", "ccy": "AUD", "since_on": LAST_JUNE, "days": 365,
        "nav_unit": Decimal(nav_unit), "hwm_unit": Decimal(1), "hurdle_unit": Decimal(1),
        "threshold_unit": Decimal(1), "fee_unit": Decimal(0), "units": Decimal(units), "accrued": Decimal(0),
    }  # fmt: skip
    return {**usual, **changed}


def levels(*rows: Rows) -> pl.DataFrame:
    """`PERFORMANCE_ACCRUALS`."""
    return pl.DataFrame(list(rows), schema=PERFORMANCE_ACCRUALS.schema, orient="row")


def held(day: date, units: str, flow: str = "0") -> Rows:
    """A COMPLETE valuation with so many units after a flow."""
    return nav(day, "1000", units=Decimal(units), flow_base=Decimal(flow))


def charged(accruals: pl.DataFrame, navs: pl.DataFrame | None = None, **given: Any) -> pl.DataFrame:
    """The performance charges of June 2026, or of what is *given*."""
    usual: dict[str, Any] = {"fee_schedules": terms(), "start": JUNE, "end": JULY, "marks": NO_MARKS}
    fees = crystallised_fees(
        performance_accruals=accruals,
        valuations=valuations() if navs is None else navs,
        fee_arrangements=pays(),
        **(usual | given),
    )
    assert fees.schema == PERFORMANCE_FEES.schema
    return charge_performance(fees).sort("period_end")


def test_the_worked_example_is_charged_on_30_june() -> None:
    """HWM 1.00, NAV 1.20, 5 %, 365 days, 20 %, 1,000 units: 30.00, GST 3.00; the mark moves to 1.17."""
    charges = charged(levels(level(date(2026, 6, 29)), level(date(2026, 6, 30))))

    assert charges.select("fee_ex_gst", "gst", "period_start", "period_end", "status").rows() == [
        (Decimal("30.00"), Decimal("3.00"), date(2025, 7, 1), date(2026, 7, 1), "DUE")
    ]
    assert charges.select("marked_on", "mark_unit", "mark_if_refused_unit").rows() == [
        (date(2026, 6, 30), Decimal("1.17"), Decimal("1.20"))
    ]


def test_a_crystallisation_on_a_saturday_takes_fridays_value() -> None:
    """30 June 2029 is a Saturday: the NAV of the 29th, and the days to the 30th."""
    since = date(2028, 6, 30)

    charges = charged(
        levels(level(date(2029, 6, 29), since_on=since)), start=date(2029, 6, 1), end=date(2029, 7, 1)
    )

    assert charges.select("fee_ex_gst", "marked_on").rows() == [(Decimal("30.00"), date(2029, 6, 30))]


def test_below_the_mark_nothing_is_due_and_the_mark_says_so() -> None:
    """NAV 0.90: a charge of nothing, which leaves the mark at 1.00 and starts the hurdle anew."""
    charges = charged(levels(level(date(2026, 6, 30), "0.9")))

    assert charges.select("total", "status", "mark_unit", "mark_if_refused_unit").rows() == [
        (Decimal(0), "NOTHING_DUE", Decimal(1), Decimal(1))
    ]


def test_redeemed_units_pay_on_their_day_and_the_rest_at_crystallisation() -> None:
    """400 of 1,000 units leave on 10 June, after 345 days, and 600 are left on the 30th.

    Hurdle 1 + 0.05 x 345 / 365 = 1.047260273973; 0.2 x (1.2 - that) x 400 = 12.22; then 0.03 x 600 = 18.00.
    """
    tenth = date(2026, 6, 10)
    charges = charged(
        levels(level(date(2026, 6, 9)), level(tenth, units="600"), level(date(2026, 6, 30), units="600")),
        valuations(held(date(2026, 6, 9), "1000"), held(tenth, "600", "-480")),
    )

    assert charges.select("period_end", "fee_ex_gst", "marked_on").rows() == [
        (date(2026, 6, 11), Decimal("12.22"), None),
        (date(2026, 7, 1), Decimal("18.00"), date(2026, 6, 30)),
    ]


def test_what_was_crystallised_is_not_charged_again_on_units_redeemed_after() -> None:
    """Annual, on 10 June: 0.2 x 0.20 x 1,000 = 40.00, mark 1.16. On the 15th, 400 units leave at that NAV.

    The fee of 0.04 a unit is owed and still in the NAV of 1.20; what is left, 1.16, is the mark: nothing due.
    """
    tenth, fifteenth = date(2026, 6, 10), date(2026, 6, 15)
    annual = terms(crystallisation="annual", hurdle_annual=0.0)
    since_june = arrangements(arrangement("A-P", fee_schedule_id="FS-P", start_on=date(2025, 6, 10)))

    fees = crystallised_fees(
        performance_accruals=levels(level(tenth), level(fifteenth, units="600")),
        valuations=valuations(held(tenth, "1000"), held(fifteenth, "600", "-480")),
        marks=NO_MARKS,
        fee_arrangements=since_june,
        fee_schedules=annual,
        start=JUNE,
        end=JULY,
    )

    charges = charge_performance(fees).sort("period_end")
    assert charges.select("fee_ex_gst", "status").rows() == [(Decimal("40.00"), "DUE"), (0, "NOTHING_DUE")]


def test_a_crystallisation_of_last_month_that_is_not_deducted_yet_counts_as_owed() -> None:
    """The same, with the crystallisation on the ledger: marked 31 May, deducted on 20 June only."""
    fifteenth = date(2026, 6, 15)
    owed = pl.DataFrame(
        [("PF-1", date(2026, 5, 31), Decimal("1.16"), date(2026, 6, 20), Decimal(40))],
        schema=NO_MARKS.schema,
        orient="row",
    )

    charges = charged(
        levels(level(date(2026, 6, 12)), level(fifteenth, units="600")),
        valuations(held(date(2026, 6, 12), "1000"), held(fifteenth, "600", "-480")),
        marks=owed,
        fee_schedules=terms(hurdle_annual=0.0),
    )

    redeemed = charges.filter(pl.col("period_end") == date(2026, 6, 16))
    assert redeemed.select("fee_ex_gst", "status").rows() == [(0, "NOTHING_DUE")]


def test_units_that_all_leave_pay_on_the_last_value_they_had() -> None:
    """Full redemption on 10 June: no unit is left to value, the value of the 9th stands; 30.55 on 1,000."""
    tenth = date(2026, 6, 10)
    charges = charged(
        levels(level(date(2026, 6, 9))), valuations(held(date(2026, 6, 9), "1000"), held(tenth, "0", "-1200"))
    )

    # 0.2 x (1.2 - 1.047260273973) x 1,000 = 30.55.
    assert charges["fee_ex_gst"].to_list() == [Decimal("30.55")]


def test_a_crystallisation_without_a_recent_value_is_named() -> None:
    """The last value is of 15 June: on the 30th it is too old, and a person should know."""
    old = levels(level(date(2026, 6, 15)))

    missed = crystallisations_missed(old, pays(), terms(), as_of=JUNE, period_end=JULY)

    assert charged(old).is_empty()
    assert missed.rows() == [("A-P", date(2026, 6, 30))]
    fresh = levels(level(date(2026, 6, 30)))
    assert crystallisations_missed(fresh, pays(), terms(), as_of=JUNE, period_end=JULY).is_empty()


def test_a_month_without_performance_terms_has_no_charge() -> None:
    """Nothing to look at is an empty table."""
    assert charged(levels()).is_empty()
