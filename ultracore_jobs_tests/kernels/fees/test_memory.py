"""Fees carried from day to day are, on the last day of a month, its charge."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.kernels.fees.memory import IN_BASE, accrue_to_day, before_fees
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, FEE_MEMORY
from ultracore_jobs_tests.kernels.fees.fee_books import (
    CALENDAR,
    JULY,
    JUNE,
    arrangement,
    arrangements,
    charged,
    nav,
    portfolios,
    schedule,
    schedules,
    steady,
    valuations,
)

SETTLED = pl.Schema({"arrangement_id": pl.String(), "period_end": pl.Date(), "settled_fee_days": ANNUAL_FEE})
LAST_OF_JUNE = date(2026, 6, 30)


def remember(
    navs: pl.DataFrame,
    as_of: date,
    before: pl.DataFrame | None = None,
    settled: pl.DataFrame | None = None,
    **given: Any,
) -> pl.DataFrame:
    """`FEE_MEMORY` of a day, begun on 1 June; it sees no later NAV."""
    usual: dict[str, Any] = {
        "fee_arrangements": arrangements(),
        "fee_schedules": schedules(),
        "portfolios": portfolios(),
        "calendars": CALENDAR,
        "begin_on": JUNE,
    }
    return accrue_to_day(
        previous_memory=FEE_MEMORY.empty() if before is None else before,
        settlements=pl.DataFrame(schema=SETTLED) if settled is None else settled,
        valuations=navs.filter(pl.col("as_of_date") <= as_of),
        as_of=as_of,
        **(usual | given),
    )


def through_june(navs: pl.DataFrame, days: list[date], **given: Any) -> pl.DataFrame:
    """One memory after the other, on *days*."""
    memory = FEE_MEMORY.empty()
    for day in days:
        memory = remember(navs, day, memory, **given)
    return memory


def test_two_days_accrue_two_365ths() -> None:
    """5,600 x 2/365 = 30.684931506849, rounded 30.68."""
    memory = remember(steady("600000"), date(2026, 6, 2))

    assert memory.select("management_unrounded", "accrued").rows() == [
        (Decimal("30.684931506849"), Decimal("30.68"))
    ]
    converted = (pl.lit(None, dtype=FEE_MEMORY.schema[name]).alias(name) for name in IN_BASE)
    conform(memory.with_columns(converted), FEE_MEMORY)


def test_a_weekend_accrues_on_fridays_nav() -> None:
    """Friday 5 June at 600,000, Monday 8 June at 400,000: 5,600 x 7 days, then 4,000 x 1."""
    june = valuations(
        *(nav(JUNE + timedelta(days=n), "600000") for n in range(5)), nav(date(2026, 6, 8), "400000")
    )

    memory = through_june(june, [date(2026, 6, 5), date(2026, 6, 8)])

    assert memory["open_fee_days"].item() == 7 * 5600 + 4000


def test_the_month_is_its_charge_and_settling_it_leaves_nothing() -> None:
    """On 30 June accrued is 460.27; after the charge only July's first day is open."""
    navs = steady("600000")
    june = through_june(navs, [date(2026, 6, 10), LAST_OF_JUNE])
    charge = charged(navs)

    after = remember(navs, JULY, june, charge.select(SETTLED.names()))

    assert june["accrued"].item() == charge["fee_ex_gst"].item() == Decimal("460.27")
    assert after.select("open_fee_days", "period_start").rows() == [(Decimal(5600), JULY)]


def test_the_minimum_tops_up_on_the_last_day() -> None:
    """1,000 at 1% accrues 0.79 in 29 days; on the 30th the minimum of 600 a year makes it 49.32."""
    navs, terms = steady("1000"), schedules(schedule(annual_minimum="600"))

    before = remember(navs, date(2026, 6, 29), fee_schedules=terms)
    last = remember(navs, LAST_OF_JUNE, before, fee_schedules=terms)

    assert [before["accrued"].item(), last["accrued"].item()] == [Decimal("0.79"), Decimal("49.32")]
    assert last["accrued"].item() == charged(navs, fee_schedules=terms)["fee_ex_gst"].item()


def test_a_blocked_charge_is_written_back_whole() -> None:
    """NO_NAV from 17 June on: what had accrued until then goes out on the day the charge is blocked."""
    navs = valuations(*(nav(date(2026, 5, 29) + timedelta(days=n), "600000") for n in range(12)))
    june = through_june(navs, [date(2026, 6, 9), LAST_OF_JUNE])
    blocked = charged(navs)

    assert blocked.select("status", "reason").rows() == [("BLOCKED", "NO_NAV")]
    after = remember(navs, JULY, june, blocked.select(SETTLED.names()))
    assert june["open_fee_days"].item() == 16 * 5600
    assert after["accrued"].item() == 0


def test_an_arrangement_that_ended_keeps_its_line_until_it_is_settled() -> None:
    """Ended on 10 June, still open on 20 June, gone once it is charged."""
    arranged = arrangements(arrangement(end_on=date(2026, 6, 10)))
    navs = steady("600000")
    memory = through_june(navs, [date(2026, 6, 9), date(2026, 6, 20)], fee_arrangements=arranged)
    charge = charged(navs, fee_arrangements=arranged)

    after = remember(navs, JULY, memory, charge.select(SETTLED.names()), fee_arrangements=arranged)

    assert memory["open_fee_days"].item() == 9 * 5600
    assert after.is_empty()


AMOUNTS = st.one_of(st.none(), st.integers(-1_000_00, 2_000_000_00))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    amounts=st.lists(AMOUNTS, min_size=22, max_size=22),
    stops=st.sets(st.integers(0, 28), max_size=4),
    minimum=st.sampled_from([None, "600", "5000"]),
)
def test_however_a_month_is_walked_it_ends_at_its_charge(
    amounts: list[int | None], stops: set[int], minimum: str | None
) -> None:
    """Daily or with days missed: on 30 June what is open is what June's charge settles, to the last digit."""
    weekdays = [JUNE + timedelta(days=n) for n in range(30) if (JUNE + timedelta(days=n)).weekday() < 5]
    rows = [
        nav(day, None if amount is None else str(Decimal(amount).scaleb(-2)))
        for day, amount in zip(weekdays, amounts, strict=True)
    ]
    navs = valuations(nav(date(2026, 5, 29), "300000"), *rows)
    terms = schedules(schedule(annual_minimum=minimum))

    walked = through_june(
        navs, [*(JUNE + timedelta(days=n) for n in sorted(stops)), LAST_OF_JUNE], fee_schedules=terms
    )

    charge = charged(navs, fee_schedules=terms)
    assert walked["open_fee_days"].item() == charge["settled_fee_days"].item()
    if charge["reason"].item() is None:
        assert walked["accrued"].item() == charge["fee_ex_gst"].item()


def test_a_charge_for_days_before_the_memory_settles_nothing_here() -> None:
    """The memory begins in June; May's charge, posted in June, was for days that never accrued in it."""
    may = pl.DataFrame([("A-1", JUNE, Decimal(999))], schema=SETTLED, orient="row")

    memory = remember(steady("600000"), date(2026, 6, 2), settled=may)

    assert memory.select("open_fee_days", "settled_fee_days", "since_on").rows() == [
        (Decimal(11200), Decimal(0), JUNE)
    ]


def test_assets_in_aud_are_converted_at_the_rate_of_their_day() -> None:
    """USD 100,000 before fees of 33.33 at 1.3333: A$133,330.00, whatever the rounded NAVs would imply."""
    row = nav(JUNE, "99966.67", accrued_fees_base=Decimal("33.33"), aud_rate=Decimal("1.3333"))

    assert before_fees(valuations(row)).select("nav", "nav_aud", "accrued_fees_base").rows() == [
        (Decimal(100000), Decimal("133330.00"), Decimal(0))
    ]


RATES = st.integers(5_000_000_000, 25_000_000_000).map(lambda whole: Decimal(whole).scaleb(-10))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    amounts=st.lists(AMOUNTS, min_size=45, max_size=45),
    rates=st.lists(RATES, min_size=45, max_size=45),
    stops=st.sets(st.integers(0, 59), max_size=5),
    posted=st.integers(31, 60),
    known=st.integers(0, 30),
)
def test_a_charge_known_late_is_settled_once_and_the_next_month_is_its_own_charge(
    amounts: list[int | None], rates: list[Decimal], stops: set[int], posted: int, known: int
) -> None:
    """June's charge, posted in July and known some days later: on 31 July only July's charge is open.

    The portfolio is in dollars and the schedule in AUD, so that each day has its own rate; a NAV was reduced
    by fees that no accrual must see.
    """
    days = [date(2026, 5, 29) + timedelta(days=n) for n in range(64)]
    sessions = [day for day in days if day.weekday() < 5]
    navs = valuations(
        *(
            nav(
                day,
                None if amount is None else str(Decimal(amount).scaleb(-2) - 7),
                base_ccy="USD", accrued_fees_base=Decimal(7), aud_rate=rate, nav_aud=None,
            )
            for day, amount, rate in zip(sessions, [30_000_000, *amounts], [Decimal(1), *rates], strict=True)
        )
    )  # fmt: skip
    terms: dict[str, Any] = {
        "portfolios": portfolios(base_ccy="USD"),
        "fee_schedules": schedules(schedule(annual_minimum="600")),
    }
    first = charged(before_fees(navs), **terms)
    second = charged(before_fees(navs), start=JULY, end=date(2026, 8, 1), **terms)
    memory = FEE_MEMORY.empty()
    for day in [JUNE + timedelta(days=n) for n in sorted({*stops, 60})]:
        is_known = JUNE + timedelta(days=min(posted + known, 60)) <= day
        settled = first.select(SETTLED.names()) if is_known else None
        memory = remember(navs, day, memory, settled, **terms)

    assert memory["open_fee_days"].item() == second["settled_fee_days"].item()
    assert memory["settled_fee_days"].item() == first["settled_fee_days"].item()
