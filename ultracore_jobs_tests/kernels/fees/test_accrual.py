"""Accruals and charges: daily, over a month, against plain decimals."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.kernels.fees.accrual import by_day, unusable_arrangements
from ultracore_jobs.kernels.fees.tables import FEE_ACCRUALS, FEE_CHARGES, charge_identifier
from ultracore_jobs_tests.kernels.fees.fee_books import (
    CALENDAR,
    JULY,
    JUNE,
    accrued,
    arrangement,
    arrangements,
    calendar,
    charged,
    nav,
    portfolios,
    schedule,
    schedules,
    steady,
    valuations,
)


def amounts(charges: pl.DataFrame) -> list[tuple[Decimal, Decimal, Decimal]]:
    """Fee, GST and total of each charge."""
    return charges.select("fee_ex_gst", "gst", "total").rows()


def cents(value: Fraction) -> Decimal:
    """Half-up, exactly."""
    return Decimal(int(value * 100 + Fraction(1, 2))).scaleb(-2)


def test_thirty_days_of_5600_are_460_27_with_gst_46_03() -> None:
    """NAV 600,000 on each day of June: 5,600 x 30/365 = 460.2739..., GST 46.03, total 506.30."""
    charges = charged(steady("600000"))

    assert amounts(charges) == [(Decimal("460.27"), Decimal("46.03"), Decimal("506.30"))]
    assert charges["status"].item() == "DUE"
    assert charges["days"].item() == 30
    assert charges["charge_id"].item() == charge_identifier(
        "acme", "PF-1", "MANAGEMENT", "FS-1", start=JUNE, end=JULY
    )
    conform(charges, FEE_CHARGES)


def test_a_leap_year_divides_by_365_too() -> None:
    """February 2028 has 29 days: 5,600 x 29/365 = 444.93."""
    navs = steady("600000", date(2028, 1, 31), date(2028, 2, 29))
    charges = charged(
        navs,
        start=date(2028, 2, 1),
        end=date(2028, 3, 1),
        calendars=calendar(date(2028, 1, 1), date(2028, 3, 1)),
    )

    assert charges["fee_ex_gst"].item() == Decimal("444.93")


def test_nav_that_falls_through_a_tier_inside_the_month_is_tiered_daily() -> None:
    """By cliff: 15 days at 600,000 x 60 bps, 15 at 400,000 x 100 bps: 7,600 x 15/365 = 312.33."""
    navs = valuations(
        nav(date(2026, 5, 29), "600000"), *daily(JUNE, 15, "600000"), *daily(date(2026, 6, 16), 15, "400000")
    )
    charges = charged(navs, fee_schedules=schedules(schedule(tier_method="cliff")))

    assert charges["fee_ex_gst"].item() == Decimal("312.33")


def test_an_arrangement_that_starts_and_ends_in_one_month_pays_for_its_days() -> None:
    """10 June to 19 June is 10 days, the 20th not: 5,600 x 10/365 = 153.42."""
    arranged = arrangements(arrangement(start_on=date(2026, 6, 10), end_on=date(2026, 6, 20)))
    charges = charged(steady("600000"), fee_arrangements=arranged)

    assert charges.select("period_start", "period_end", "days").rows() == [
        (date(2026, 6, 10), date(2026, 6, 20), 10)
    ]
    assert charges["fee_ex_gst"].item() == Decimal("153.42")


def test_a_schedule_changed_in_the_month_makes_two_part_charges_with_two_ids() -> None:
    """15 days by slices 5,600 x 15/365 = 230.14, then 15 by cliff 3,600 x 15/365 = 147.95."""
    change = date(2026, 6, 16)
    arranged = arrangements(
        arrangement(end_on=change), arrangement("A-2", start_on=change, fee_schedule_id="FS-2")
    )
    scheduled = schedules(schedule(), schedule("FS-2", tier_method="cliff"))
    charges = charged(steady("600000"), fee_arrangements=arranged, fee_schedules=scheduled)

    assert charges["fee_ex_gst"].to_list() == [Decimal("230.14"), Decimal("147.95")]
    assert charges["charge_id"].n_unique() == 2
    assert charges["status"].to_list() == ["DUE", "DUE"]


def test_negative_nav_pays_nothing_not_even_the_minimum() -> None:
    """NAV negative: fee 0 (20b)."""
    charges = charged(steady("-5.00"), fee_schedules=schedules(schedule(annual_minimum="600")))

    assert amounts(charges) == [(Decimal(0), Decimal(0), Decimal(0))]
    assert charges["status"].item() == "NOTHING_DUE"


def test_the_larger_of_fee_and_minimum_is_charged() -> None:
    """600 x 30/365 = 49.32 is more than 1,000 x 1% x 30/365 = 0.82."""
    charges = charged(steady("1000"), fee_schedules=schedules(schedule(annual_minimum="600")))

    assert charges["fee_ex_gst"].item() == Decimal("49.32")
    assert charges["is_minimum"].item() is True


def test_a_nav_is_carried_five_business_days_and_no_further() -> None:
    """Last NAV Friday 29 May: Monday to Friday are five business days, the weekend is no more; 8 June is."""
    navs = valuations(nav(date(2026, 5, 29), "600000"), *daily(date(2026, 6, 8), 23, "600000"))
    until_then = charged(navs)
    a_day_longer = charged(
        valuations(nav(date(2026, 5, 29), "600000"), *daily(date(2026, 6, 9), 22, "600000"))
    )

    assert until_then["fee_ex_gst"].item() == Decimal("460.27")
    assert a_day_longer.select("status", "reason", "fee_ex_gst", "total").rows() == [
        ("BLOCKED", "NO_NAV", None, None)
    ]


def test_an_incomplete_day_takes_the_last_complete_nav() -> None:
    """INCOMPLETE from 10 June on: 12 business days later it is too old; that charge only is blocked."""
    navs = [
        *daily(date(2026, 5, 29), 12, "600000"),
        *(nav(date(2026, 6, day), None) for day in range(10, 31)),
    ]
    spans = accrued(valuations(*navs))

    assert spans.filter(pl.col("reason") == "NO_NAV").select("from_on", "until_on").rows() == [
        (date(2026, 6, 17), JULY)
    ]
    conform(spans, FEE_ACCRUALS)


def test_a_day_before_the_first_nav_has_none() -> None:
    """An arrangement may not accrue on a NAV of later."""
    spans = accrued(valuations(*daily(date(2026, 6, 3), 28, "600000")))

    assert spans.filter(pl.col("assets").is_null()).select("from_on", "until_on", "reason").rows() == [
        (JUNE, date(2026, 6, 3), "NO_NAV")
    ]


def test_days_on_which_the_portfolio_does_not_exist_do_not_count() -> None:
    """Opened on 3 June, closed on 20 June: 17 days."""
    owned = portfolios(opened_on=date(2026, 6, 3), closed_on=date(2026, 6, 20))
    charges = charged(valuations(*daily(date(2026, 6, 3), 17, "600000")), portfolios=owned)

    assert charges.select("days", "status").rows() == [(17, "DUE")]


def test_where_the_calendar_does_not_reach_a_nav_is_too_old() -> None:
    """Unknown age: never a guess."""
    short = CALENDAR.filter(pl.col("date") <= date(2026, 6, 10))
    spans = accrued(valuations(nav(date(2026, 6, 9), "1"), *daily(JUNE, 8, "1")), calendars=short)

    assert spans.filter(pl.col("reason") == "NO_NAV")["from_on"].to_list() == [date(2026, 6, 11)]


def test_fees_are_on_nav_before_accrued_fees() -> None:
    """NAV 599,000 with 1,000 accrued is 600,000 before fees (1A.6)."""
    rows = [
        nav(date(2026, 5, 29) + timedelta(days=n), "599000", accrued_fees_base=Decimal(1000))
        for n in range(33)
    ]

    assert charged(valuations(*rows))["fee_ex_gst"].item() == Decimal("460.27")


def test_a_foreign_portfolio_pays_an_aud_schedule_on_its_nav_in_aud() -> None:
    """USD 400,000 worth AUD 600,000; a schedule in a third currency is set aside instead."""
    rows = [
        nav(date(2026, 5, 29) + timedelta(days=n), "400000", base_ccy="USD", nav_aud=Decimal(600_000))
        for n in range(33)
    ]
    abroad = portfolios(base_ccy="USD")

    charges = charged(valuations(*rows), portfolios=abroad)

    assert charges.select("ccy", "fee_ex_gst").rows() == [("AUD", Decimal("460.27"))]
    euro = schedules(schedule(ccy="EUR"))
    assert unusable_arrangements(arrangements(), euro, abroad)["reason"].to_list() == ["OTHER_CURRENCY"]


def test_yen_have_no_decimals() -> None:
    """100 bps of 1,000,000 yen over 30 days is 821.9 yen: 822, GST 82."""
    rows = [nav(date(2026, 5, 29) + timedelta(days=n), "1000000", base_ccy="JPY") for n in range(33)]
    yen = schedules(schedule(ccy="JPY", tiers=(("0", None, "100"),)))

    charges = charged(valuations(*rows), portfolios=portfolios(base_ccy="JPY"), fee_schedules=yen)

    assert amounts(charges) == [(Decimal(822), Decimal(82), Decimal(904))]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"fee_schedule_id": "FS-9"}, "UNKNOWN_SCHEDULE"),
        ({"portfolio_id": "PF-9"}, "UNKNOWN_PORTFOLIO"),
        ({"fee_schedule_id": "FS-GAP"}, "TIERS_NOT_TILED"),
    ],
)
def test_one_bad_arrangement_is_set_aside_and_the_others_pay(terms: dict[str, Any], reason: str) -> None:
    """A malformed row never stops the rest."""
    arranged = arrangements(arrangement(), arrangement("A-2", **terms))
    scheduled = schedules(schedule(), schedule("FS-GAP", tiers=(("0", "5", "1"), ("6", None, "1"))))
    charges = charged(steady("600000"), fee_arrangements=arranged, fee_schedules=scheduled)

    assert unusable_arrangements(arranged, scheduled, portfolios()).rows() == [("A-2", reason)]
    assert charges["arrangement_id"].to_list() == ["A-1"]


def test_two_arrangements_of_one_schedule_and_period_charge_once() -> None:
    """They would get one id; the second is blocked, and a person sees it."""
    charges = charged(steady("600000"), fee_arrangements=arrangements(arrangement(), arrangement("A-2")))

    assert charges.select("arrangement_id", "status", "reason").rows() == [
        ("A-1", "DUE", None),
        ("A-2", "BLOCKED", "DUPLICATE_ARRANGEMENT"),
    ]


def test_each_day_can_be_shown() -> None:
    """30 days, each with the NAV it took: 6 June, a Saturday, that of Friday; 5,600/365 = 15.342465753425."""
    days = by_day(accrued(steady("600000")))

    assert days["accrued_on"].to_list() == [JUNE + timedelta(days=n) for n in range(30)]
    saturday = days.filter(pl.col("accrued_on") == date(2026, 6, 6))
    assert saturday.select("assets_on", "accrual").rows() == [(date(2026, 6, 5), Decimal("15.342465753425"))]


def test_nothing_to_accrue_is_an_empty_table() -> None:
    """No arrangements, no charges, no error."""
    charges = charged(steady("1"), fee_arrangements=arrangements().clear())

    assert charges.is_empty()
    assert charges.schema == FEE_CHARGES.schema


MONEY_OF_A_DAY = st.one_of(st.none(), st.integers(-200_000_00, 2_000_000_00))
DAYS = st.integers(0, 45).map(lambda n: date(2026, 5, 22) + timedelta(days=n))


@st.composite
def months(draw: st.DrawFn) -> dict[str, Any]:
    """One portfolio's NAVs with holes, three arrangements with any dates, and terms."""
    navs = {
        date(2026, 5, 22) + timedelta(days=n): draw(MONEY_OF_A_DAY)
        for n in range(40)
        if (date(2026, 5, 22) + timedelta(days=n)).weekday() < 5
    }
    terms = {
        f"FS-{n}": {
            "tier_method": draw(st.sampled_from(["marginal", "cliff"])),
            "annual_minimum": draw(st.sampled_from([None, "600", "4321.09"])),
            "tiers": draw(
                st.sampled_from(
                    [(("0", None, "87.5"),), (("0", "300000", "110"), ("300000", None, "43.2109"))]
                )
            ),
        }
        for n in range(3)
    }
    dates = {f"FS-{n}": (draw(DAYS), draw(st.one_of(st.none(), DAYS))) for n in range(3)}
    return {"navs": navs, "terms": terms, "dates": dates}


@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(month=months())
def test_a_month_is_what_plain_fractions_say(month: dict[str, Any]) -> None:
    """Every charge of generated books, day by day, without a table: fee, GST, and whether it is blocked."""
    rows = [
        nav(day, None if amount is None else str(Decimal(amount).scaleb(-2)))
        for day, amount in month["navs"].items()
    ]
    arranged = arrangements(
        *(
            arrangement(f"A-{name}", fee_schedule_id=name, start_on=start, end_on=end)
            for name, (start, end) in month["dates"].items()
        )
    )
    scheduled = schedules(*(schedule(name, **terms) for name, terms in month["terms"].items()))
    spans = accrued(valuations(*rows), fee_arrangements=arranged, fee_schedules=scheduled)
    charges = charged(valuations(*rows), fee_arrangements=arranged, fee_schedules=scheduled)

    expected = {
        f"A-{name}": charge
        for name, (start, end) in month["dates"].items()
        if (charge := by_hand(month["navs"], month["terms"][name], start, end)) is not None
    }
    found = {row[0]: row[1:] for row in charges.select("arrangement_id", "fee_ex_gst", "gst").iter_rows()}
    assert found == expected
    days = by_day(spans)
    for arrangement_id, (fee, _) in found.items():
        own = days.filter(pl.col("arrangement_id") == arrangement_id)
        summed = sum((Fraction(each) for each in own["annual_fee"].drop_nulls()), Fraction(0)) / 365
        if (
            fee is not None
            and not charges.filter(pl.col("arrangement_id") == arrangement_id)["is_minimum"].item()
        ):
            assert fee == cents(summed)


def by_hand(
    navs: dict[date, int | None], terms: dict[str, Any], start: date, end: date | None
) -> tuple[Decimal | None, Decimal | None] | None:
    """The charge of June in exact fractions, one day after the other; None where no day counts."""
    summed, minimum_days, days, is_blocked = Fraction(0), 0, 0, False
    for n in range(30):
        day = JUNE + timedelta(days=n)
        if day < start or (end is not None and day >= end):
            continue
        days += 1
        known = [each for each, amount in navs.items() if amount is not None and each <= day]
        if not known or sessions_between(max(known), day) > 5:
            is_blocked = True
            continue
        assets = Fraction(navs[max(known)] or 0, 100)
        minimum_days += assets >= 0
        summed += annual_by_hand(assets, terms)
    if not days:
        return None
    if is_blocked:
        return None, None
    least = Fraction(terms["annual_minimum"] or 0) * minimum_days
    fee = cents(max(summed, least) / 365)
    return fee, cents(Fraction(fee) / 10)


def annual_by_hand(assets: Fraction, terms: dict[str, Any]) -> Fraction:
    """The definition, slice by slice."""
    held, total = max(assets, Fraction(0)), Fraction(0)
    for low, high, bps in terms["tiers"]:
        rate = Fraction(bps) / 10_000
        if (
            terms["tier_method"] == "cliff"
            and Fraction(low) <= held
            and (high is None or held < Fraction(high))
        ):
            return held * rate
        top = held if high is None else min(held, Fraction(high))
        total += max(top - Fraction(low), Fraction(0)) * rate
    return total


def sessions_between(after: date, to: date) -> int:
    """Weekdays in ``(after, to]``."""
    return sum((after + timedelta(days=n)).weekday() < 5 for n in range(1, (to - after).days + 1))


def daily(first: date, days: int, amount: str) -> list[Any]:
    """The same NAV on so many days in a row."""
    return [nav(first + timedelta(days=n), amount) for n in range(days)]
