"""The performance fee in a NAV: a level above the ledger's mark, after the management fee."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ultracore_jobs_tests.kernels.fee_paying_books import JUNE, FeeBooks, rows
from ultracore_jobs_tests.kernels.valuation_books import valuation

FIRST, A_YEAR_LATER, NEXT_DAY = date(2025, 6, 2), date(2026, 6, 2), date(2026, 6, 3)
MAY = date(2026, 5, 29)


def grown(hurdle_type: str | None = "hard", **terms: Any) -> FeeBooks:
    """1,000 units at 1.00 on Monday 2 June 2025; 365 days later, on Tuesday 2 June, one is worth 1.20."""
    books = FeeBooks()
    books.portfolio(opened_on=FIRST)
    books.performance(hurdle_type=hurdle_type, **terms)
    books.arrangement("A-1", "FS-P", start_on=FIRST)
    books.instrument()
    books.holding("100", "10", on=FIRST)
    books.price("10", on=FIRST)
    books.price("12", on=A_YEAR_LATER)
    books.price("12", on=NEXT_DAY)
    books.majors(FIRST)
    books.majors(A_YEAR_LATER)
    books.majors(NEXT_DAY)
    return books


@pytest.mark.parametrize(
    ("hurdle_type", "fee", "unit"), [("hard", "30.00", "1.17"), ("soft", "40.00", "1.16")]
)
def test_the_performance_fee_is_the_worked_example(hurdle_type: str, fee: str, unit: str) -> None:
    """HWM 1.00, NAV 1.20, 5% over 365 days, 20%, 1,000 units: hard 30.00, soft 40.00."""
    books = grown(hurdle_type)

    first, last = books.walk(FIRST, A_YEAR_LATER)

    assert valuation(first)["accrued_fees_base"] == 0
    row = valuation(last)
    assert (row["accrued_fees_base"], row["nav_per_unit_base"]) == (Decimal(fee), Decimal(unit))
    (level,) = last.performance_accruals.to_dicts()
    assert (level["since_on"], level["days"], level["hurdle_unit"]) == (FIRST, 365, Decimal("1.05"))
    assert (level["hwm_unit"], level["nav_unit"], level["accrued"]) == (1, Decimal("1.2"), Decimal(fee))


def test_a_schedule_without_a_hurdle_type_takes_the_tenants() -> None:
    """Parameter hurdle_type: hard by default, here soft."""
    _, last = grown(None).walk(FIRST, A_YEAR_LATER, hurdle_type="soft")

    assert valuation(last)["accrued_fees_base"] == Decimal("40.00")


def test_a_level_falls_with_the_nav() -> None:
    """Yesterday's fee is not remembered: at 10.40 a unit is below the hurdle, and nothing is owed."""
    books = grown()
    books.rows["prices"][2]["close"] = "10.40"

    *_, before, after = rows(books.walk(FIRST, A_YEAR_LATER, NEXT_DAY))

    assert (before["accrued_fees_base"], after["accrued_fees_base"]) == (Decimal("30.00"), 0)
    assert after["nav"] == Decimal("1040.00")


def test_a_crystallised_fee_leaves_the_cash_and_moves_the_mark() -> None:
    """30.00 and GST 3.00 charged on the next day, mark 1.17: NAV falls by the GST, and nothing is owed."""
    books = grown()
    walked = books.walk(FIRST, A_YEAR_LATER)
    books.decide(
        NEXT_DAY, "33.00", fee_type="PERFORMANCE", fee_ex_gst="30.00", gst="3.00",
        settled_fee_days="0", mark_unit="1.170000000000", marked_on=A_YEAR_LATER.isoformat(),
    )  # fmt: skip

    (charged,) = books.walk(NEXT_DAY, after=walked)

    row = valuation(charged)
    assert (row["accrued_fees_base"], row["nav"]) == (0, Decimal("1167.00"))
    (level,) = charged.performance_accruals.to_dicts()
    assert (level["hwm_unit"], level["since_on"], level["days"]) == (Decimal("1.17"), A_YEAR_LATER, 1)


def test_the_highest_mark_stands_and_its_days_count_from_the_latest() -> None:
    """Crystallised at 1.15 and later at 1.10: the mark is 1.15, the hurdle grows from the second day."""
    books = grown()
    walked = books.walk(FIRST)
    for day, mark in ((date(2025, 9, 30), "1.15"), (date(2026, 3, 31), "1.10")):
        books.decide(day, fee_type="PERFORMANCE", mark_unit=mark, marked_on=day.isoformat())

    (last,) = books.walk(A_YEAR_LATER, after=walked)

    (level,) = last.performance_accruals.to_dicts()
    assert (level["hwm_unit"], level["since_on"]) == (Decimal("1.15"), date(2026, 3, 31))


def test_marks_of_other_units_are_not_asked() -> None:
    """A mark in dollars, and one from before these units began, leave the first mark of 1."""
    books = grown()
    walked = books.walk(FIRST)
    books.decide(FIRST, fee_type="PERFORMANCE", mark_unit="1.5", marked_on="2025-06-02", ccy="USD")
    books.decide(FIRST, fee_type="PERFORMANCE", mark_unit="1.6", marked_on="2025-05-30")

    (last,) = books.walk(A_YEAR_LATER, after=walked)

    assert last.performance_accruals["hwm_unit"].item() == 1


def test_the_management_fee_comes_before_the_performance_fee() -> None:
    """1,200 less 1% a year of June's two days, 0.07: 1,199.93, of which 20% above 1,050 is 29.99."""
    books = grown()
    books.schedule("FS-1", (("0", None, "100"),))
    books.arrangement("A-2", "FS-1", start_on=A_YEAR_LATER)

    _, last = books.walk(FIRST, A_YEAR_LATER)

    assert last.fee_memory["accrued"].item() == Decimal("0.03")
    assert last.performance_accruals["nav_unit"].item() == Decimal("1.19997")
    assert last.performance_accruals["accrued"].item() == Decimal("29.99")
    assert valuation(last)["accrued_fees_base"] == Decimal("30.02")


def test_flows_trade_at_the_value_after_fees() -> None:
    """On the day after, 1,170 paid in buys 1,000 units at 1.17."""
    books = grown()
    books.move("1170", on=NEXT_DAY)

    *_, last = rows(books.walk(FIRST, A_YEAR_LATER, NEXT_DAY))

    assert last["units"] == Decimal(2000)


def test_another_base_currency_has_its_own_first_day() -> None:
    """Units of dollars begin when the portfolio is first valued in dollars; the mark of 1 is of that day."""
    books = grown()
    first = books.walk(FIRST)

    (last,) = books.walk(A_YEAR_LATER, after=first, base="USD")

    assert valuation(last)["first_on"] == A_YEAR_LATER
    assert valuation(last)["accrued_fees_base"] == 0


def test_an_incomplete_day_carries_the_first_day_and_has_no_level() -> None:
    """Without a price there is no NAV per unit, and so no performance fee."""
    books = grown()
    books.rows["prices"] = books.rows["prices"][:1]

    _, last = books.walk(FIRST, A_YEAR_LATER)

    row = valuation(last)
    assert (row["status"], row["first_on"], row["accrued_fees_base"]) == ("INCOMPLETE", FIRST, 0)
    assert last.performance_accruals.is_empty()


def test_a_restart_of_the_units_leaves_the_first_day() -> None:
    """A mark falls by a reset only: what was lost before must be earned again."""
    books = FeeBooks()
    books.portfolio()
    books.majors(MAY)
    books.majors(JUNE)
    books.move("-10", "FEE", on=MAY)
    books.move("100", on=JUNE)

    _, second = rows(books.walk(MAY, JUNE))

    assert (second["flags"], second["first_on"]) == ("UNITS_RESTARTED", MAY)
