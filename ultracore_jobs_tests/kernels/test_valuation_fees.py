"""Fees in a NAV: accrued day by day, released when charged, and never counted twice."""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.kernels.valuation import ValuationTables
from ultracore_jobs_tests.kernels.fee_paying_books import (
    JULY,
    JUNE,
    LAST_OF_JUNE,
    FeeBooks,
    paying,
    rows,
    weekdays,
)
from ultracore_jobs_tests.kernels.valuation_books import reject_reasons, valuation

MAY = date(2026, 5, 29)
JUNES_DAYS = str(30 * 5600)
"""Fee days of June on 600,000: 30 days of 5,600."""


SOME_DAYS = tuple(date(2026, 6, day) for day in (5, 12, 19, 26, 29, 30))
"""Fridays of June and its last days: between them the NAV before fees does not change."""


def june(books: FeeBooks) -> list[ValuationTables]:
    """The last session of May, and some of June."""
    return books.walk(MAY, *SOME_DAYS)


@cache
def a_plain_june() -> list[ValuationTables]:
    """`june` of 600,000 in cash."""
    return june(paying_from_june())


def only_june() -> dict[str, Any]:
    """An arrangement that starts on 1 June."""
    return {"start_on": JUNE, "entered_on": JUNE}


def paying_from_june(**terms: Any) -> FeeBooks:
    """600,000 in cash, and an arrangement that starts on 1 June."""
    books = paying(**terms)
    books.rows["fee_arrangements"][0].update(only_june())
    return books


@pytest.mark.slow
def test_a_month_of_one_nav_accrues_its_charge() -> None:
    """30 x 5,600 / 365 = 460.27 on 30 June: NAV 599,539.73, and one unit is worth that much less."""
    last = rows(paying_from_june().walk(*weekdays(MAY, LAST_OF_JUNE)))[-1]

    assert last["accrued_fees_base"] == Decimal("460.27")
    assert last["nav"] == Decimal("599539.73")
    assert last["units"] == Decimal(600000)
    assert last["nav_per_unit_base"] == Decimal("0.999232883333")
    assert last["first_on"] == MAY


def test_a_charge_releases_what_accrued_and_only_gst_is_lost() -> None:
    """506.30 leaves the cash on 1 July, 460.27 is owed no more: NAV falls by 46.03 and July's first day."""
    books = paying_from_june()
    walked = a_plain_june()
    books.charge(JULY, "460.27", "46.03", JUNES_DAYS)

    first, charged = rows([walked[-1], *books.walk(JULY, after=walked)])

    # On 599,493.70: 5,000 + 99,493.70 x 0.6% = 5,596.9622 a year.
    assert charged["cash_base"] == Decimal("599493.70")
    assert charged["accrued_fees_base"] == Decimal("15.33")
    assert first["nav"] - charged["nav"] == Decimal("46.03") + Decimal("15.33")
    assert charged["flow_base"] == 0


def test_a_blocked_charge_is_written_back() -> None:
    """Nothing leaves the cash; what June accrued is owed no more."""
    books = paying_from_june()
    walked = a_plain_june()
    books.charge(JULY, "460.27", "46.03", JUNES_DAYS, outcome="BLOCKED")

    (row,) = rows(books.walk(JULY, after=walked))

    assert row["nav"] == Decimal(600000) - Decimal("15.34")


@pytest.mark.parametrize("posted_on", [date(2026, 7, 1), date(2026, 7, 2)])
def test_a_charge_that_becomes_known_late_is_taken_out_once(posted_on: date) -> None:
    """Posted on 1 or 2 July and known on the 3rd only: it is settled from then on, once."""
    books = paying_from_june()
    walked = a_plain_june()
    walked = [*walked, *books.walk(date(2026, 7, 1), date(2026, 7, 2), after=walked)]
    books.charge(posted_on, "460.27", "46.03", JUNES_DAYS)

    known, later = books.walk(date(2026, 7, 3), date(2026, 7, 6), after=walked)

    # 1 and 2 July still accrued on 600,000; the 3rd, without 506.30, at 5,596.9622 a year.
    assert known.fee_memory["open_fee_days"].item() == 2 * 5600 + Decimal("5596.9622")
    assert later.fee_memory["open_fee_days"].item() == 2 * 5600 + 4 * Decimal("5596.9622")


def test_a_charge_that_is_restated_knows_the_ledger_of_its_day() -> None:
    """Valued again with later knowledge, 1 July does not see what was posted on the 2nd."""
    books = paying_from_june()
    walked = a_plain_june()
    books.charge(date(2026, 7, 2), "460.27", "46.03", JUNES_DAYS)

    first, second = rows(books.walk(JULY, date(2026, 7, 2), after=walked))

    assert (first["cash_base"], first["accrued_fees_base"]) == (Decimal(600000), Decimal("475.62"))
    assert second["cash_base"] == Decimal("599493.70")


def test_an_adjustment_of_the_charge_is_settled_with_it() -> None:
    """98.00 less 100.00 given back: 2.20 comes into the cash, and 730 fee days are open again."""
    books = paying_from_june()
    walked = a_plain_june()
    books.charge(JULY, "460.27", "46.03", JUNES_DAYS)
    before = books.walk(JULY, after=walked)
    books.decide(
        date(2026, 7, 2), "-2.20", fee_ex_gst="-2.00", gst="-0.20", period_start="2026-06-01",
        period_end="2026-07-01", settled_fee_days="-730",
    )  # fmt: skip
    books.rows["ledger_decisions"][-1]["kind"] = "FEE_ADJUSTMENT"

    (after,) = books.walk(date(2026, 7, 2), after=[*walked, *before])

    added = after.fee_memory["added_fee_days"].item()
    assert after.fee_memory["open_fee_days"].item() == (
        before[0].fee_memory["open_fee_days"].item() + added + 730
    )
    assert valuation(after)["cash_base"] == Decimal("599495.90")


def test_the_minimum_tops_up_on_the_last_day() -> None:
    """1,000 at 1% accrues 0.79 in 29 days; on 30 June the minimum of 600 a year makes it 49.32."""
    books = paying_from_june(cash="1000", annual_minimum="600")

    *_, before, last = rows(june(books))

    assert [before["accrued_fees_base"], last["accrued_fees_base"]] == [Decimal("0.79"), Decimal("49.32")]
    assert last["nav"] == Decimal("950.68")


def test_a_weekend_accrues_on_fridays_nav() -> None:
    """Friday at 600,000 pays for three days; Monday, after a withdrawal, at 4,000 a year."""
    books = paying_from_june()
    books.move("-200000", "WITHDRAWAL", on=date(2026, 6, 8))

    *_, friday, monday = books.walk(MAY, date(2026, 6, 5), date(2026, 6, 8))

    assert friday.fee_memory["open_fee_days"].item() == 5 * 5600
    assert monday.fee_memory["open_fee_days"].item() == 7 * 5600 + 4000


def test_an_incomplete_day_accrues_on_the_last_nav_until_that_is_too_old() -> None:
    """No price from 2 to 10 June. The NAV of 1 June is five business days old on the 8th, and too old after.

    1 to 8 June accrue, 9 and 10 do not, 11 does. Accrued fees are stated, NAV is not.
    """
    books = paying_from_june()
    books.instrument()
    books.price("0.01", on=MAY)
    books.holding("100", "0.01", on=MAY)
    for day in weekdays(MAY, date(2026, 6, 12)):
        if not date(2026, 6, 2) <= day <= date(2026, 6, 10):
            books.price("0.01", on=day)

    walked = books.walk(*weekdays(MAY, date(2026, 6, 11)), max_stale_business_days=0)
    by_day = {valued.valuations["as_of_date"].item(): valued for valued in walked}

    whole = {
        day: valued.fee_memory["open_fee_days"].item() / Decimal("5600.006")
        for day, valued in by_day.items()
        if day >= JUNE
    }
    assert {day.day: days for day, days in whole.items() if day.day in {1, 8, 9, 10, 11}} == {
        1: 1, 8: 8, 9: 8, 10: 8, 11: 9,
    }  # fmt: skip
    ninth = valuation(by_day[date(2026, 6, 9)])
    assert (ninth["status"], ninth["nav"], ninth["accrued_fees_base"]) == (
        "INCOMPLETE",
        None,
        Decimal("122.74"),
    )
    assert ninth["last_nav"] == Decimal("600001.00") - Decimal("15.34")


def test_an_arrangement_accrues_from_its_first_day_to_the_day_before_its_end() -> None:
    """From 10 June, ended on 20 June: ten days, which stay open until they are charged."""
    books = paying()
    books.rows["fee_arrangements"][0].update(start_on=date(2026, 6, 10), end_on=date(2026, 6, 20))
    walked = june(books)
    books.decide(JULY, "168.77", period_start="2026-06-10", period_end="2026-06-20", settled_fee_days="56000")

    (after,) = books.walk(JULY, after=walked)

    assert walked[-1].fee_memory.select("open_fee_days", "since_on").rows() == [
        (Decimal(56000), date(2026, 6, 10))
    ]
    assert valuation(walked[-1])["accrued_fees_base"] == Decimal("153.42")
    assert after.fee_memory.is_empty()
    assert valuation(after)["accrued_fees_base"] == 0


def test_without_a_memory_the_month_is_caught_up_and_older_charges_settle_nothing() -> None:
    """The job begins on 10 June: ten days are open. May's charge, posted on the 3rd, was for days before."""
    books = paying()
    books.decide(
        date(2026, 6, 3), "100", period_start="2026-05-01", period_end="2026-06-01", settled_fee_days="9"
    )
    plain = paying()
    earlier = plain.walk(MAY, date(2026, 6, 5), date(2026, 6, 9))
    recent = pl.concat([valued.valuations for valued in earlier])

    valued = books.value(date(2026, 6, 10), earlier[-1].valuations, recent=recent)

    assert valued.fee_memory["added_fee_days"].item() == 9 * 5600 + Decimal("5599.4")
    assert valued.fee_memory.select("settled_fee_days", "since_on").rows() == [(Decimal(0), JUNE)]


def test_two_arrangements_are_rounded_each_on_its_own() -> None:
    """15.34 for management, and 45 bps advice: 2,700 / 365 = 7.40. Both pay on the NAV before either."""
    books = paying_from_june()
    books.schedule("FS-2", (("0", None, "45"),), fee_type="ADVICE")
    books.arrangement("A-2", "FS-2", start_on=JUNE)

    _, valued = books.walk(MAY, JUNE)

    assert valued.fee_memory.select("arrangement_id", "fee_type", "accrued_base").rows() == [
        ("A-1", "MANAGEMENT", Decimal("15.34")),
        ("A-2", "ADVICE", Decimal("7.40")),
    ]
    assert valuation(valued)["nav"] == Decimal("599977.26")


def test_a_nav_below_zero_pays_nothing() -> None:
    """An overdraft has no fee, and no minimum."""
    books = paying_from_june(cash="-5", annual_minimum="600")

    last = rows(june(books))[-1]

    assert (last["accrued_fees_base"], last["nav"]) == (0, Decimal(-5))


def test_yen_have_no_decimals() -> None:
    """60,000,000 yen at 1%: 600,000 / 365 = 1,643.8 a day, 1,644 yen."""
    books = paying_from_june(cash="60000000", base="JPY", tiers=(("0", None, "100"),))
    books.rows["fee_schedules"][0]["ccy"] = "JPY"

    _, valued = books.walk(MAY, JUNE)

    assert valuation(valued)["accrued_fees_base"] == Decimal(1644)
    assert valuation(valued)["nav"] == Decimal(59998356)


def test_a_schedule_in_aud_for_dollars_is_converted_both_ways() -> None:
    """USD 400,000 = A$600,000: A$15.34 a day, at 1 / 1.5 USD 10.23."""
    books = paying_from_june(cash="400000", base="USD")

    _, valued = books.walk(MAY, JUNE)

    (owed,) = valued.fee_memory.to_dicts()
    assert (owed["ccy"], owed["accrued"], owed["fx"]) == ("AUD", Decimal("15.34"), Decimal("0.6666666667"))
    assert owed["open_fee_days"] == 5600
    assert valuation(valued)["accrued_fees_base"] == Decimal("10.23")
    assert valuation(valued)["nav"] == Decimal("399989.77")


def test_fees_owed_in_a_currency_without_a_rate_leave_no_nav() -> None:
    """As an overdraft in that currency would: no rate is made up. What was owed is still owed."""
    books = paying_from_june(cash="400000", base="USD")
    books.rows["fx_rates"] = [row for row in books.rows["fx_rates"] if row["rate_date"] <= JUNE]

    *_, valued = books.walk(MAY, JUNE, date(2026, 6, 5))

    row = valuation(valued)
    assert (row["status"], row["reason"], row["nav"]) == ("INCOMPLETE", "MISSING_FX", None)
    assert row["accrued_fees_base"] is None
    assert valued.fee_memory["open_fee_days"].item() == 5 * 5600


def test_terms_that_make_no_fee_are_set_aside_and_the_portfolio_is_valued() -> None:
    """An unknown schedule, and one in euro for a portfolio in AUD: flagged, set aside, nothing accrues."""
    books = paying_from_june()
    books.schedule("FS-EUR", ccy="EUR")
    books.rows["fee_arrangements"] = []
    books.arrangement("A-1", "FS-?")
    books.arrangement("A-2", "FS-EUR")

    _, valued = books.walk(MAY, JUNE)

    row = valuation(valued)
    assert (row["status"], row["flags"], row["nav"]) == ("COMPLETE", "FEE_TERMS_UNUSABLE", Decimal(600000))
    assert reject_reasons(valued) == {
        ("fee_arrangements", "UNKNOWN_SCHEDULE"),
        ("fee_arrangements", "OTHER_CURRENCY"),
    }


def test_a_portfolio_that_is_not_selected_keeps_its_memory() -> None:
    """Its fees go on accruing on the last NAV."""
    books = paying_from_june()
    books.portfolio("PF-2")
    before = books.walk(MAY, JUNE)

    (valued,) = books.walk(
        date(2026, 6, 2), after=before, include_all_portfolios=False, portfolio_ids=["PF-2"]
    )

    assert valuation(valued)["reason"] == "NOT_SELECTED"
    assert valued.fee_memory["open_fee_days"].item() == 2 * 5600


def test_a_closed_portfolio_keeps_its_line_until_it_is_charged() -> None:
    """Closed on 10 June: no row of its own any more, nine days are open."""
    books = paying_from_june()
    books.rows["portfolios"][0]["closed_on"] = date(2026, 6, 10)

    last = june(books)[-1]

    assert last.valuations.is_empty()
    assert last.fee_memory["open_fee_days"].item() == 9 * 5600
