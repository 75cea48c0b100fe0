"""The performance fee: hurdle, crystallisation, redemption, and the mark it leaves."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.columns import UNITS
from ultracore_jobs.kernels.fees.charges import charge_performance
from ultracore_jobs.kernels.fees.performance import crystallises, performance_fees
from ultracore_jobs.kernels.fees.tables import FEE_CHARGES, PERFORMANCE_FEES, UNIT_VALUE
from ultracore_jobs_tests.kernels.fees.fee_books import arrangement, arrangements, schedule, schedules

LAST_JUNE, THIS_JUNE, IN_MAY = date(2025, 6, 30), date(2026, 6, 30), date(2026, 5, 15)
PER_UNIT = st.integers(1, 5_000_000_000_000).map(lambda whole: Decimal(whole).scaleb(-12))


def fees(
    nav: Decimal | str = "1.20",
    hwm: Decimal | str = "1.00",
    *,
    as_of: date = THIS_JUNE,
    units: str = "1000",
    redeemed: str = "0",
    since_on: date = LAST_JUNE,
    **terms: Any,
) -> pl.DataFrame:
    """The worked example of domain_rules 3.4: 20% above a hurdle of 5%."""
    values = pl.DataFrame(
        [("PF-1", "AUD", Decimal(nav), Decimal(units), Decimal(redeemed))],
        schema={
            "portfolio_id": pl.String, "base_ccy": pl.String, "nav_unit": UNIT_VALUE, "units": UNITS,
            "redeemed_units": UNITS,
        },
        orient="row",
    )  # fmt: skip
    marks = pl.DataFrame(
        [("PF-1", Decimal(hwm), since_on)],
        schema={"portfolio_id": pl.String, "hwm_unit": UNIT_VALUE, "since_on": pl.Date},
        orient="row",
    )
    terms = {
        "fee_type": "PERFORMANCE",
        "perf_rate": 0.20,
        "hurdle_annual": 0.05,
        "hurdle_type": "hard",
        **terms,
    }
    return performance_fees(
        unit_values=values,
        marks=marks,
        fee_arrangements=arrangements(arrangement()),
        fee_schedules=schedules(schedule(tiers=(), **terms)),
        as_of=as_of,
    )


@pytest.mark.parametrize(("hurdle", "fee", "mark"), [("hard", "30.00", "1.17"), ("soft", "40.00", "1.16")])
def test_the_worked_example_of_both_hurdles(hurdle: str, fee: str, mark: str) -> None:
    """HWM 1.00, NAV 1.20, 5%, 365 days, 20%, 1,000 units: hurdle 1.05; hard 30.00, soft 40.00."""
    found = fees(hurdle_type=hurdle)

    assert found["hurdle_unit"].item() == Decimal("1.05")
    assert found["charged"].item() == Decimal(fee)
    assert found["new_hwm_unit"].item() == Decimal(mark)
    conform(found, PERFORMANCE_FEES)


def test_a_hard_hurdle_is_the_default() -> None:
    """Where the schedule does not say: hard, on 30 June."""
    found = fees(hurdle_type=None)

    assert found["charged"].item() == Decimal("30.00")


def test_below_the_mark_no_fee_is_due_and_the_mark_stays() -> None:
    """NAV 0.90 under HWM 1.00, also on the day of crystallisation."""
    found = fees("0.90")

    assert found.select("accrued", "charged", "new_hwm_unit").rows() == [(Decimal(0), Decimal(0), Decimal(1))]
    assert charge_performance(found)["status"].to_list() == ["NOTHING_DUE"]


@pytest.mark.parametrize("hurdle", ["hard", "soft"])
def test_between_mark_and_hurdle_the_mark_moves_without_a_fee(hurdle: str) -> None:
    """NAV 1.04 under a hurdle of 1.05: fee 0, and the new mark is 1.04 all the same."""
    found = fees("1.04", hurdle_type=hurdle)

    assert found.select("charged", "new_hwm_unit").rows() == [(Decimal(0), Decimal("1.04"))]


@pytest.mark.parametrize("hurdle", ["hard", "soft"])
def test_at_the_threshold_itself_no_fee_is_due(hurdle: str) -> None:
    """Soft asks for more than the threshold."""
    assert fees("1.05", hurdle_type=hurdle)["charged"].item() == 0


def test_before_crystallisation_the_fee_accrues_and_nothing_is_charged() -> None:
    """15 May is 319 days after 30 June: hurdle 1.043698630137, fee 0.2 x 0.156301369863 x 1,000 = 31.26."""
    found = fees(as_of=IN_MAY)

    assert found.select("days", "hurdle_unit", "accrued", "charged", "new_hwm_unit").rows() == [
        (319, Decimal("1.043698630137"), Decimal("31.26"), Decimal(0), Decimal(1))
    ]
    assert charge_performance(found).is_empty()


def test_units_redeemed_before_crystallisation_pay_their_share() -> None:
    """A quarter of 1,000 units leaves in May: 250 x 0.0312602739726 = 7.82, the mark stays."""
    found = fees(as_of=IN_MAY, units="750", redeemed="250")
    charges = charge_performance(found)

    assert found.select("accrued", "charged", "new_hwm_unit").rows() == [
        (Decimal("23.45"), Decimal("7.82"), Decimal(1))
    ]
    assert charges.select("period_start", "period_end", "fee_ex_gst", "gst", "total", "status").rows() == [
        (date(2025, 7, 1), date(2026, 5, 16), Decimal("7.82"), Decimal("0.78"), Decimal("8.60"), "DUE")
    ]
    conform(charges, FEE_CHARGES)


def test_at_crystallisation_redeemed_units_pay_with_the_others() -> None:
    """One charge of 1,000 units, whoever left on the day."""
    found = fees(units="600", redeemed="400")

    assert found["charged"].item() == Decimal("30.00")


@pytest.mark.parametrize(
    ("rule", "start_on", "day", "expected"),
    [
        ("30_june", date(2025, 3, 1), date(2026, 6, 30), True),
        ("30_june", date(2025, 3, 1), date(2026, 6, 29), False),
        ("30_june", date(2025, 3, 1), date(2026, 3, 31), False),
        ("quarterly", date(2025, 3, 1), date(2026, 3, 31), True),
        ("quarterly", date(2025, 3, 1), date(2026, 12, 31), True),
        ("quarterly", date(2025, 3, 1), date(2026, 4, 30), False),
        ("annual", date(2025, 3, 1), date(2026, 3, 1), True),
        ("annual", date(2025, 3, 1), date(2025, 3, 1), False),
        ("annual", date(2024, 2, 29), date(2026, 2, 28), True),
        ("annual", date(2024, 2, 29), date(2028, 2, 28), False),
        ("annual", date(2024, 2, 29), date(2028, 2, 29), True),
        ("annual", date(2024, 2, 27), date(2026, 2, 28), False),
    ],
)
def test_days_of_crystallisation(rule: str, start_on: date, day: date, *, expected: bool) -> None:
    """30 June; ends of quarters; anniversaries, of 29 February on the 28th in common years."""
    row = pl.DataFrame({"rule": [rule], "start_on": [start_on]})

    assert row.select(crystallises(pl.col("rule"), pl.col("start_on"), as_of=day)).item() is expected


@settings(max_examples=60, deadline=None)
@given(nav=PER_UNIT, hwm=PER_UNIT, hurdle=st.sampled_from(["hard", "soft"]))
def test_a_fee_never_exceeds_its_share_of_the_gain_and_a_mark_never_falls(
    nav: Decimal, hwm: Decimal, hurdle: str
) -> None:
    """Whatever the market did: 0 <= fee <= 20% of the gain above the mark; hard <= soft; new mark >= old."""
    found = fees(nav, hwm, hurdle_type=hurdle).row(0, named=True)

    assert 0 <= found["fee_unit"] <= max(nav - hwm, Decimal(0)) * Decimal("0.2") + Decimal("1e-12")
    assert found["new_hwm_unit"] >= hwm
    assert found["new_hwm_unit"] >= nav - found["fee_unit"]
    assert (found["fee_unit"] > 0) <= (nav > found["threshold_unit"])
