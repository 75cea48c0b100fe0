"""Units and NAV per unit: what is left of a NAV's growth when client money is taken out of it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs_tests.kernels.valuation_books import DAY, Books, Row, valuation

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def fund_of(*closes: str) -> Books:
    """100 units at 10.00 bought on Friday with money paid in, and closes from Friday on, day by day."""
    books = Books()
    books.portfolio()
    books.instrument(exchange="UNLISTED", type="FUND")
    books.holding("100", "10")
    books.majors()
    for number, close in enumerate(closes):
        books.price(close, on=weekday(number))
    return books


def weekday(number: int) -> date:
    """The number-th weekday from Friday on."""
    return DAY if number == 0 else MONDAY + timedelta(days=number - 1 + 2 * ((number - 1) // 5))


def run(books: Books, days: int, **parameters: Any) -> list[Row]:
    """One row a day; each day remembers the one before."""
    previous: pl.DataFrame | None = None
    rows = []
    for number in range(days):
        previous = books.value(weekday(number), previous, **parameters).valuations
        rows.append(valuation_of(previous))
    return rows


def valuation_of(valuations: pl.DataFrame) -> Row:
    """The row of PF-1."""
    return valuations.row(by_predicate=pl.col("portfolio_id") == "PF-1", named=True)


def test_the_first_nav_makes_as_many_units() -> None:
    """Each is worth 1."""
    row = run(fund_of("10"), 1)[0]

    assert (row["units"], row["nav_per_unit_base"], row["units_on"]) == (Decimal(1000), Decimal(1), DAY)


def test_a_gain_moves_the_unit_value_and_a_deposit_the_units() -> None:
    """Rule 2A: 1000, 1010, 1120 with +100 on the third day: 1.01, then x 1120 / 1110 = TWR 1.909910%."""
    books = fund_of("10", "10.1", "10.2")
    books.move("100", on=TUESDAY)

    first, second, third = run(books, 3)

    assert second["nav_per_unit_base"] == Decimal("1.01")
    assert third["flow_base"] == Decimal(100)
    assert third["units"] == Decimal("1099.009901")
    assert first["nav_per_unit_base"] == Decimal(1)
    assert float(third["nav_per_unit_base"]) == pytest.approx(1.01 * 1120 / 1110, abs=1e-9)


def test_fees_and_dividends_are_no_flows() -> None:
    """A fee of 10.00 lowers the unit value by a hundredth and leaves the units."""
    books = fund_of("10", "10")
    books.move("-10", "FEE", on=MONDAY)

    row = run(books, 2)[1]

    assert (row["units"], row["nav_per_unit_base"]) == (Decimal(1000), Decimal("0.99"))


def test_flows_on_a_weekend_count_on_the_next_session() -> None:
    """Saturday lies in (Friday, Monday]."""
    books = fund_of("10", "11")
    books.move("100", on=date(2026, 11, 21))

    row = run(books, 2)[1]

    assert row["flow_base"] == Decimal(100)
    assert row["units"] == Decimal(1100)


def test_an_incomplete_day_carries_its_memory_and_the_flow_is_not_lost() -> None:
    """On Monday a dollar deposit has no rate; on Tuesday it has, and both days' flows buy units."""
    books = fund_of("10", "10", "10")
    books.rows["fx_rates"] = []
    books.move("50", on=MONDAY)
    books.move("100", on=MONDAY, ccy="USD")
    books.majors(TUESDAY)

    _, monday, tuesday = run(books, 3)

    assert (monday["status"], monday["reason"]) == ("INCOMPLETE", "MISSING_FX;UNVALUED_FLOW")
    assert (monday["nav"], monday["last_nav"], monday["units_on"]) == (None, Decimal(1000), DAY)
    assert tuesday["flow_base"] == Decimal(200)
    assert tuesday["units"] == Decimal(1200)
    assert tuesday["flags"] == "FLOW_AT_LATER_RATE"


def test_a_foreign_deposit_buys_units_at_the_rate_of_its_day() -> None:
    """USD 100 at 1.5 on Saturday's rate (Friday's fixing); by Monday a dollar is A$1.60."""
    books = fund_of("10", "10")
    books.move("100", on=date(2026, 11, 21), ccy="USD")
    books.fixing("AUD", "1.76", MONDAY)
    books.fixing("USD", "1.10", MONDAY)

    row = run(books, 2)[1]

    assert row["flow_base"] == Decimal(150)
    assert row["nav"] == Decimal(1160)


def test_units_that_are_transferred_in_are_a_flow_at_market() -> None:
    """10 units on Monday at 11.00, the close of their day: 110.00."""
    books = fund_of("10", "11")
    books.move("0", "TRANSFER_IN", on=MONDAY, instrument_id="I-1", qty="10")
    books.lot("10", "90", on=MONDAY)

    row = run(books, 2)[1]

    assert row["flow_base"] == Decimal(110)
    assert row["units"] == Decimal(1110)
    assert row["nav_per_unit_base"] == Decimal("1.090090090090")


def test_a_transfer_without_a_market_price_counts_at_its_stated_price() -> None:
    """The instrument was never priced up to that day; the policy values it at cost."""
    books = fund_of("10", "10")
    books.instrument("I-2")
    books.move("0", "TRANSFER_IN", on=MONDAY, instrument_id="I-2", qty="10", price="7")
    books.lot("10", "70", on=MONDAY, instrument_id="I-2")

    row = run(books, 2, missing_price="cost")[1]

    assert row["flow_base"] == Decimal(70)


def test_full_redemption_and_restart() -> None:
    """Sold at 10.50 and all withdrawn: redeemed at 1.05; who comes back buys at 1.05."""
    books = fund_of("10", "10.5", "10.5", "11.55")
    books.move("1050", "SELL", on=MONDAY, instrument_id="I-1", qty="-100", price="10.5")
    books.lot("0", "0", lot_id="L-1", acquired_on=DAY, on=MONDAY)
    books.rows["lots"][-1]["acquired_on"] = DAY
    books.move("-1050", "WITHDRAWAL", on=MONDAY)
    books.move("2100", on=TUESDAY)
    books.buy("200", "10.5", on=TUESDAY)

    _, gone, back, later = run(books, 4)

    assert (gone["nav"], gone["units"], gone["nav_per_unit_base"]) == (0, 0, Decimal("1.05"))
    assert (back["nav"], back["units"], back["nav_per_unit_base"]) == (2100, 2000, Decimal("1.05"))
    assert later["nav_per_unit_base"] == Decimal("1.155")


def test_a_nav_through_zero_restarts_the_units_and_says_so() -> None:
    """Nothing but an overdraft, then money: no return can be computed, the day counts as none."""
    books = Books()
    books.portfolio()
    books.majors()
    books.move("-10", "FEE")
    books.move("100", on=MONDAY)

    first, second = run(books, 2)

    assert (first["nav"], first["units"], first["nav_per_unit_base"]) == (Decimal(-10), 0, Decimal(1))
    assert (second["nav"], second["units"], second["nav_per_unit_base"]) == (90, 90, Decimal(1))
    assert second["flags"] == "UNITS_RESTARTED"


def test_another_base_currency_starts_its_own_units() -> None:
    """Units of Australian dollars say nothing about yen."""
    books = fund_of("10", "10")
    first = books.value(DAY)

    second = books.value(MONDAY, first.valuations, base="USD", max_fx_stale=3)

    assert valuation(second)["units"] == valuation(second)["nav"] == Decimal("666.67")


@settings(max_examples=4, deadline=None)
@given(
    closes=st.lists(st.integers(500, 2000), min_size=3, max_size=5),
    flows=st.lists(st.integers(-300, 300), min_size=5, max_size=5),
)
def test_unit_values_grow_with_the_time_weighted_return(closes: list[int], flows: list[int]) -> None:
    """Product of V / (V before + F), flows at the start of the day (domain_rules 2A)."""
    books = fund_of(*(str(Decimal(close).scaleb(-2)) for close in closes))
    growth, cash, before = 1.0, 0, float(closes[0])
    for number, (close, flow) in enumerate(zip(closes, flows, strict=False)):
        if number:
            books.move(str(flow), "DEPOSIT", on=weekday(number))
            cash += flow
            growth *= (close + cash) / (before + flow)
        before = float(close + cash)

    last = run(books, len(closes))[-1]

    assert float(last["nav_per_unit_base"]) == pytest.approx(growth, rel=1e-6)
