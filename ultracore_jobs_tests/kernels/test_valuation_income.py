"""Accrued income and the split of unrealised gains (domain_rules 1A.5 and 7)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ultracore_jobs.catalog.market import XNYS
from ultracore_jobs_tests.kernels.valuation_books import (
    DAY,
    Books,
    line,
    reject_reasons,
    sessions_before,
    valuation,
)


def with_share(held_on: date, qty: str = "100") -> Books:
    """A share at 10.00, bought on a day, cash as it was."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.price("10")
    books.majors()
    books.holding(qty, "10", on=held_on)
    return books


@pytest.mark.parametrize(
    ("ex_on", "pay_on", "accrued"),
    [
        (date(2026, 11, 20), date(2026, 12, 4), "12.50"),
        (date(2026, 11, 13), date(2026, 11, 21), "12.50"),
        (date(2026, 11, 13), date(2026, 11, 20), "0"),
        (date(2026, 11, 23), date(2026, 12, 4), "0"),
    ],
)
def test_a_dividend_accrues_from_its_ex_day_until_it_is_paid(ex_on: date, pay_on: date, accrued: str) -> None:
    """100 x 0.125, while ex_on <= D < pay_on; on the pay day it is cash."""
    books = with_share(date(2026, 11, 2))
    books.action("D-1", "DIVIDEND", ex_on, cash_per_unit="0.125", franked_pct=1.0, pay_on=pay_on)

    row = valuation(books.value())

    assert row["accrued_income_base"] == Decimal(accrued)
    assert row["nav"] == 1000 + Decimal(accrued)


def test_who_buys_on_the_ex_day_has_no_claim_and_who_sells_on_it_keeps_his() -> None:
    """The quantity is that of the close before the ex date."""
    eve = sessions_before(1)
    books = with_share(eve)
    books.portfolio("PF-2")
    books.holding("100", "10", portfolio_id="PF-2")
    books.move("1000", "SELL", instrument_id="I-1", qty="-100", price="10")
    books.lot("0", "0", lot_id="L-1", acquired_on=eve)
    books.action("D-1", "DIVIDEND", DAY, cash_per_unit="0.5", pay_on=date(2026, 12, 4))

    valued = books.value()

    assert valuation(valued)["accrued_income_base"] == Decimal(50)
    assert valuation(valued)["positions_base"] == Decimal(0)
    assert valuation(valued, "PF-2")["accrued_income_base"] == Decimal(0)


def test_a_foreign_dividend_is_converted_at_the_day_and_rounded_once() -> None:
    """33 x USD 0.333333 x 1.5 = 16.4999835 -> 16.50; in dollars 10.999989 -> 11.00."""
    books = Books()
    books.portfolio()
    books.instrument(ccy="USD", exchange=XNYS)
    books.price("50")
    books.majors()
    books.holding("33", "50", on=sessions_before(3), ccy="USD", cost="2475")
    books.action("D-1", "DIVIDEND", DAY, cash_per_unit="0.333333", pay_on=date(2026, 12, 4))

    accrual = line(books.value(), "D-1")

    assert accrual["mv_base"] == Decimal("16.50")
    assert accrual["amount_local"] == Decimal("11.00")
    assert accrual["instrument_id"] == "I-1"


def test_a_dividend_without_terms_fails_its_holders() -> None:
    """No pay day: nobody can say whether it is still due."""
    books = with_share(sessions_before(3))
    books.action("D-1", "DIVIDEND", DAY, cash_per_unit="0.5")

    valued = books.value()

    assert valuation(valued)["reason"] == "INCOME_TERMS_UNKNOWN"
    assert reject_reasons(valued) == {("corporate_actions", "INCOME_TERMS_UNKNOWN")}


def with_bond(on: date = DAY, **terms: Any) -> Books:
    """A face of 10,000 of a 4.25% half-yearly bond at 101.50 per 100."""
    books = Books()
    books.portfolio()
    known = {
        "type": "BOND", "price_factor": "0.01", "coupon_rate": 0.0425, "coupon_freq": 2,
        "last_coupon_on": date(2026, 6, 15), "next_coupon_on": date(2026, 12, 15),
        "matures_on": date(2033, 6, 15),
    }  # fmt: skip
    books.instrument(**{**known, **terms})
    books.price("101.50", on=on)
    books.move("10150", on=date(2026, 11, 2))
    books.move("-10150", "BUY", on=date(2026, 11, 2), instrument_id="I-1", qty="10000", price="101.50")
    books.lot("10000", "10150", on=date(2026, 11, 2))
    books.majors()
    return books


def test_a_bond_accrues_act_act_icma() -> None:
    """10,000 x 0.0425 / 2 x 158 / 183 = 183.469... -> 183.47; the first day out, D in."""
    valued = with_bond().value()

    accruals = valued.valuation_lines.filter(line_type="ACCRUED_INCOME")
    assert accruals["mv_base"].to_list() == [Decimal("183.47")]
    assert valuation(valued)["positions_base"] == Decimal(10150)
    assert valuation(valued)["nav"] == Decimal("10333.47")


def test_on_its_coupon_day_a_bond_accrues_nothing() -> None:
    """The coupon is cash on that day; the master may still carry the old dates, and is stepped on."""
    valued = with_bond(date(2026, 12, 15)).value(date(2026, 12, 15), max_fx_stale=7)

    assert valuation(valued)["accrued_income_base"] == Decimal(0)


@pytest.mark.parametrize(
    ("last", "following"),
    [(date(2026, 12, 15), date(2027, 6, 15)), (date(2025, 12, 15), date(2026, 6, 15))],
)
def test_coupon_dates_that_lie_elsewhere_are_stepped_to_the_day(last: date, following: date) -> None:
    """An old day valued with today's master, and a master that is late, give the same accrual."""
    valued = with_bond(last_coupon_on=last, next_coupon_on=following).value()

    assert valuation(valued)["accrued_income_base"] == Decimal("183.47")
    assert valuation(valued)["flags"] == "COUPON_DATES_ROLLED"


def test_a_bond_without_coupon_dates_fails_its_holders() -> None:
    """The instrument is set aside."""
    valued = with_bond(last_coupon_on=None, next_coupon_on=None).value()

    assert valuation(valued)["reason"] == "INCOME_TERMS_UNKNOWN"
    assert reject_reasons(valued) == {("instruments", "INCOME_TERMS_UNKNOWN")}


def test_a_bond_without_coupon_accrues_nothing() -> None:
    """A zero bond has no rate."""
    valued = with_bond(coupon_rate=None, coupon_freq=None, last_coupon_on=None, next_coupon_on=None).value()

    assert valuation(valued)["nav"] == Decimal(10150)


@pytest.mark.parametrize("policy", ["fail_portfolio", "zero"])
def test_a_bond_past_maturity_with_open_units_fails_the_portfolio(policy: str) -> None:
    """Rule 20b; whatever the policy for prices."""
    valued = with_bond(matures_on=date(2026, 11, 19)).value(missing_price=policy)

    assert valuation(valued)["reason"] == "MATURED"


def test_a_term_deposit_accrues_act_365_fixed() -> None:
    """25,000.00 x 0.045 x 309 / 365 = 952.397... -> 952.40."""
    books = Books()
    books.portfolio()
    books.instrument(
        exchange="UNLISTED", type="TERM_DEPOSIT", coupon_rate=0.045, coupon_freq=1,
        last_coupon_on=date(2026, 1, 15), next_coupon_on=date(2027, 1, 15), matures_on=date(2028, 1, 17),
    )  # fmt: skip
    books.price("1")
    books.majors()
    books.holding("25000", "1", on=date(2026, 1, 15))

    row = valuation(books.value())

    assert row["accrued_income_base"] == Decimal("952.40")
    assert row["nav"] == Decimal("25952.40")


def american(cost: str = "6500", base: str = "AUD") -> Books:
    """100 units bought at USD 40.00 when a dollar was A$1.625; now USD 50.00 and A$1.50."""
    books = Books()
    books.portfolio(base=base)
    books.instrument(ccy="USD", exchange=XNYS)
    books.price("50")
    books.majors()
    books.holding("100", "40", on=date(2026, 11, 2), ccy="USD", cost=cost)
    return books


def test_a_gain_is_split_into_what_price_and_rate_made() -> None:
    """Value 7,500, cost 6,500. Price: 100 x (50 - 40) x 1.625 = 1,625; rate: 1,000 - 1,625 = -625."""
    position = line(american().value(), "I-1")

    assert position["unrealised_base"] == Decimal(1000)
    assert (position["cost_price"], position["cost_fx"]) == (Decimal(40), Decimal("1.625"))
    assert position["price_effect_base"] == Decimal(1625)
    assert position["fx_effect_base"] == Decimal(-625)


def test_at_home_the_price_made_all_of_it() -> None:
    """No rate, no effect of it."""
    books = with_share(sessions_before(3))
    books.price("11", on=DAY)
    books.rows["prices"].reverse()
    books.rows["prices"].pop()

    position = line(books.value(), "I-1")

    assert position["unrealised_base"] == Decimal(100)
    assert (position["price_effect_base"], position["fx_effect_base"]) == (Decimal(100), Decimal(0))


def test_what_was_bought_in_the_base_currency_cost_what_was_paid() -> None:
    """100 at USD 40.00 in a US dollar portfolio cost USD 4,000.00, whatever a dollar is worth."""
    position = line(american(base="USD").value(), "I-1")

    assert position["cost_base"] == Decimal(4000)
    assert position["unrealised_base"] == Decimal(1000)
    assert (position["price_effect_base"], position["fx_effect_base"]) == (Decimal(1000), Decimal(0))


def test_in_a_third_currency_the_cost_stands_at_the_rate_of_the_day() -> None:
    """A$6,500 at 100 yen are 650,000 yen; value USD 5,000 at 150 yen."""
    position = line(american(base="JPY").value(), "I-1")

    assert position["cost_base"] == Decimal(650_000)
    assert position["unrealised_base"] == Decimal(100_000)
    assert position["price_effect_base"] + position["fx_effect_base"] == Decimal(100_000)


def test_a_split_divides_the_price_paid() -> None:
    """100 at USD 40 are 200 at USD 20; the effects are what they were."""
    books = american()
    books.action("S-1", "SPLIT", date(2026, 11, 10), ratio="2")
    books.lot("200", "6500", lot_id="L-1", acquired_on=date(2026, 11, 2), on=date(2026, 11, 10))
    books.rows["lots"][-1]["acquired_on"] = date(2026, 11, 2)
    books.rows["prices"][0]["close"] = "25"

    position = line(books.value(), "I-1")

    assert position["cost_price"] == Decimal(20)
    assert position["price_effect_base"] == Decimal(1625)


def test_without_a_price_paid_the_effects_are_unknown_and_say_so() -> None:
    """Units that came by transfer without a price."""
    books = american()
    books.rows["transactions"][1].update(type="TRANSFER_IN", amount="0", price=None, external_flow=True)

    position = line(books.value(), "I-1")

    assert position["unrealised_base"] == Decimal(1000)
    assert position["price_effect_base"] is None
    assert position["effects_reason"] == "NO_LOCAL_COST"
