"""Positions, prices, rates, cash and their faults: the rules of domain_rules 1A and 20b, case by case."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ultracore_jobs.catalog.market import XNYS
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.kernels.valuation import VALUATIONS, ValuationTables
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs_tests.kernels.valuation_books import (
    DAY,
    TENANT,
    Books,
    line,
    reject_reasons,
    sessions_before,
    valuation,
)


def american(books: Books, **columns: str) -> None:
    """A share quoted in US dollars, and the rates to convert it."""
    books.instrument(ccy="USD", exchange=XNYS, **columns)
    books.majors()


def one_share(close_on: date = DAY, base: str = "AUD", close: str = "10") -> Books:
    """A portfolio with 100 units of an Australian share and no cash."""
    books = Books()
    books.portfolio(base=base)
    books.instrument()
    books.price(close, on=close_on)
    books.holding("100")
    books.majors()
    return books


def codes(valued: ValuationTables, portfolio_id: str = "PF-1") -> tuple[str | None, str | None]:
    """Reason and flags of a portfolio."""
    row = valuation(valued, portfolio_id)
    return row["reason"], row["flags"]


def test_the_worked_example_gives_7750() -> None:
    """100 x USD 50.00 x 1.5 = 7,500.00; with A$250.00 of cash NAV is 7,750.00."""
    books = Books()
    books.portfolio()
    american(books)
    books.price("50.00")
    books.holding("100", "50", ccy="USD", cost="7500")
    books.move("250")

    valued = books.value()

    assert line(valued, "I-1")["fx"] == Decimal("1.5")
    assert line(valued, "I-1")["mv_base"] == Decimal(7500)
    assert valuation(valued)["nav"] == Decimal(7750)
    assert valuation(valued)["nav_aud"] == Decimal(7750)
    assert codes(valued) == (None, None)


@pytest.mark.parametrize(("close", "value"), [("0.00235", "0.24"), ("0.002349", "0.23"), ("0.00245", "0.25")])
def test_half_a_cent_rounds_away_from_zero(close: str, value: str) -> None:
    """100 x 0.00235 = 0.235 -> 0.24 (domain_rules 1); 0.245 -> 0.25, where half-even would say 0.24."""
    valued = one_share(close=close).value()

    assert line(valued, "I-1")["mv_base"] == Decimal(value)


def test_a_debt_of_half_a_cent_rounds_away_from_zero_too() -> None:
    """-100 x 0.00235 = -0.235 -> -0.24; a short position, allowed."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.price("0.00235")
    books.buy("-100", "10")
    books.majors()

    assert line(books.value(allow_short=True), "I-1")["mv_base"] == Decimal("-0.24")


def test_a_yen_portfolio_has_no_decimals() -> None:
    """A$333.33 at 100 yen is 33,333 yen; 20b: base JPY, no decimals."""
    books = one_share(base="JPY", close="3.3333")

    valued = books.value()

    assert valuation(valued)["nav"] == Decimal(33333)
    assert (valued.valuation_lines["mv_base"] % 1 == 0).all()


def test_a_portfolio_with_cash_only_is_worth_its_cash() -> None:
    """Rule 20b: NAV = cash, each currency converted and rounded: 100 + round(0.07 x 1.5 = 0.105) = 100.11."""
    books = Books()
    books.portfolio()
    books.majors()
    books.move("100")
    books.move("0.07", ccy="USD")

    valued = books.value()

    assert valuation(valued)["nav"] == Decimal("100.11")
    assert valuation(valued)["cash_base"] == valuation(valued)["nav"]
    assert valued.valuation_lines["line_key"].to_list() == ["AUD", "USD"]


def test_an_empty_portfolio_is_worth_nothing_and_complete() -> None:
    """Rule 20b: NAV 0.00, COMPLETE."""
    books = Books()
    books.portfolio()
    books.majors()

    row = valuation(books.value())

    assert (row["nav"], row["status"], row["lines"]) == (Decimal(0), "COMPLETE", 0)


def test_negative_cash_is_a_liability_and_flagged() -> None:
    """A position of 1,000.00 less an overdraft of 300.00."""
    books = one_share()
    books.move("-300", "WITHDRAWAL")

    valued = books.value()

    assert valuation(valued)["nav"] == Decimal(700)
    assert codes(valued) == (None, "OVERDRAWN")


def test_an_unsettled_trade_counts_from_its_trade_date() -> None:
    """Bought on the day, settling later: the units are in, the money is out."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.price("11")
    books.majors()
    books.move("1000", on=sessions_before(3))
    books.buy("100", "10", settle_on=date(2026, 11, 24))

    assert valuation(books.value())["nav"] == Decimal(1100)


@pytest.mark.parametrize(
    ("age", "status"), [(0, "FRESH"), (1, "STALE"), (5, "STALE"), (6, "MISSING_PRICE"), (8, "MISSING_PRICE")]
)
def test_a_listed_price_ages_in_sessions_of_its_exchange(age: int, status: str) -> None:
    """0 FRESH, 1 to 5 STALE and flagged, above MISSING_PRICE; 20b: suspended for 8 sessions."""
    valued = one_share(close_on=sessions_before(age)).value()

    assert line(valued, "I-1")["stale_business_days"] == age
    assert line(valued, "I-1")["price_status"] == status
    if status == "MISSING_PRICE":
        assert valuation(valued)["status"] == "INCOMPLETE"
        assert valuation(valued)["nav"] is None
        assert codes(valued)[0] == "MISSING_PRICE"
        assert line(valued, "I-1")["mv_base"] is None
    else:
        assert valuation(valued)["nav"] == Decimal(1000)
        assert codes(valued) == (None, None if age == 0 else "STALE_PRICE")


@pytest.mark.parametrize(("age", "status"), [(25, "STALE"), (26, "MISSING_PRICE")])
def test_an_unlisted_price_may_be_25_business_days_old(age: int, status: str) -> None:
    """Unlisted funds are priced monthly; they age by the days banks in NSW are open."""
    books = Books()
    books.portfolio()
    books.instrument(exchange="UNLISTED", type="FUND")
    books.price("10", on=sessions_before(age))
    books.holding("100")
    books.majors()

    assert line(books.value(), "I-1")["price_status"] == status


def test_a_price_whose_age_the_calendar_cannot_tell_is_missing() -> None:
    """Null never means 0."""
    books = one_share(close_on=sessions_before(2))
    books.calendars = books.calendars.filter(pl.col("date") >= DAY)

    assert line(books.value(), "I-1")["price_status"] == "MISSING_PRICE"


def test_a_quarantined_price_and_a_price_of_tomorrow_are_not_used() -> None:
    """The OK close of the day before stands, and is stale."""
    books = one_share(close_on=sessions_before(1))
    books.price("99", status="QUARANTINED")
    books.price("98", on=date(2026, 11, 23))

    valued = books.value()

    assert line(valued, "I-1")["price"] == Decimal(10)
    assert line(valued, "I-1")["stale_business_days"] == 1


@pytest.mark.parametrize(
    ("policy", "nav", "flag"),
    [("carry_forward", "1250", "CARRIED_PRICE"), ("cost", "1100", "AT_COST"), ("zero", "100", "AT_ZERO")],
)
def test_a_missing_price_is_mended_as_the_policy_says(policy: str, nav: str, flag: str) -> None:
    """100 units, last price 11.50, bought at 10.00, cash 100.00."""
    books = one_share(close_on=sessions_before(9), close="11.50")
    books.move("100")

    valued = books.value(missing_price=policy)

    assert valuation(valued)["nav"] == Decimal(nav)
    assert codes(valued) == (None, flag)
    assert line(valued, "I-1")["reason"] == flag
    assert line(valued, "I-1")["price_status"] == "MISSING_PRICE"


def test_a_price_that_never_was_cannot_be_carried_forward() -> None:
    """No price at all: INCOMPLETE under carry_forward too."""
    books = one_share()
    books.rows["prices"] = []

    assert codes(books.value(missing_price="carry_forward"))[0] == "MISSING_PRICE"


@pytest.mark.parametrize("policy", ["fail_portfolio", "carry_forward", "cost", "zero"])
def test_no_policy_makes_up_an_exchange_rate(policy: str) -> None:
    """The fixing is four TARGET days old: every line in US dollars is without value, cash included."""
    books = Books()
    books.portfolio()
    books.instrument(ccy="USD", exchange=XNYS)
    books.price("50")
    books.holding("100", "50", ccy="USD", cost="7500")
    books.move("10", ccy="USD")
    books.move("250")
    books.majors(sessions_before(4))

    valued = books.value(missing_price=policy)

    assert codes(valued)[0] == "MISSING_FX"
    assert line(valued, "I-1")["mv_base"] is None
    assert line(valued, "USD")["mv_base"] is None
    assert line(valued, "USD")["reason"] == "MISSING_FX"
    assert line(valued, "AUD")["mv_base"] == Decimal(250)


def test_a_carried_rate_is_used_and_flagged() -> None:
    """Three TARGET days old is the limit."""
    books = Books()
    books.portfolio()
    books.move("10", ccy="USD")
    books.majors(sessions_before(3))

    valued = books.value()

    assert valuation(valued)["nav"] == Decimal(15)
    assert codes(valued) == (None, "CARRIED_FX")


def test_money_at_home_needs_no_rate() -> None:
    """Without any fixing, an Australian portfolio with Australian shares has its NAV."""
    books = one_share()
    books.rows["fx_rates"] = []

    assert valuation(books.value())["nav"] == Decimal(1000)


def test_all_portfolios_may_be_valued_in_one_currency() -> None:
    """A$1,000.00 at 1.5 is USD 666.67; nav_aud comes back from the rounded NAV."""
    valued = one_share().value(base="USD")

    assert valuation(valued)["base_ccy"] == "USD"
    assert valuation(valued)["nav"] == Decimal("666.67")
    assert line(valued, "I-1")["fx"] == Decimal("0.6666666667")
    assert valuation(valued)["nav_aud"] == Decimal("1000.01")


def test_a_split_on_the_day_divides_the_price_of_the_day_before() -> None:
    """2-for-1: 200 units at 20.00 / 2; 20b: quantities and price on the same basis."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.majors()
    eve = sessions_before(1)
    books.price("20", on=eve)
    books.holding("100", "10", on=eve)
    books.action("S-1", "SPLIT", DAY, ratio="2")
    books.lot("200", lot_id="L-1", acquired_on=eve, effective_on=DAY)

    valued = books.value()

    assert line(valued, "I-1")["price"] == Decimal(10)
    assert valuation(valued)["nav"] == Decimal(2000)
    assert codes(valued) == (None, "SPLIT_ADJUSTED_PRICE;STALE_PRICE")


def test_a_price_of_the_ex_day_is_already_on_the_new_basis() -> None:
    """And a trade on the ex day is in new units."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.majors()
    books.price("10")
    books.action("S-1", "SPLIT", DAY, ratio="2")
    books.holding("100", "10")

    valued = books.value()

    assert valuation(valued)["nav"] == Decimal(1000)
    assert codes(valued) == (None, None)


def test_lots_not_yet_split_are_a_position_break() -> None:
    """The ledger says 200 units after the split, the lots still 100."""
    books = one_share(close_on=DAY)
    for row in (*books.rows["transactions"], *books.rows["lots"]):
        row.update(
            {name: sessions_before(2) for name in ("trade_on", "acquired_on", "effective_on") if name in row}
        )
    books.action("S-1", "SPLIT", sessions_before(1), ratio="2")

    assert codes(books.value())[0] == "POSITION_BREAK"


def test_a_split_without_ratio_leaves_the_basis_unknown() -> None:
    """Neither price nor quantity can be put on today's basis: the action is set aside."""
    books = one_share(close_on=sessions_before(1))
    books.action("S-1", "SPLIT", DAY)

    valued = books.value(missing_price="carry_forward")

    assert codes(valued)[0] == "SPLIT_BASIS_UNKNOWN"
    assert ("corporate_actions", "SPLIT_BASIS_UNKNOWN") in reject_reasons(valued)


def test_a_consolidation_by_a_third_is_no_break() -> None:
    """1-for-3 has ratio 0.333333: 3,000,000 old units are 1,000,000 new ones, not 999,999."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.majors()
    books.price("30")
    eve = sessions_before(1)
    books.holding("3000000", "10", on=eve)
    books.action("S-1", "SPLIT", DAY, ratio="0.333333")
    books.lot("1000000", lot_id="L-1", acquired_on=eve, effective_on=DAY)

    assert valuation(books.value())["nav"] == Decimal(30_000_000)


@pytest.mark.parametrize("qty", ["101", "99.999999"])
def test_lots_that_differ_from_the_ledger_are_a_position_break(qty: str) -> None:
    """To the last decimal: without a split there is nothing to round."""
    books = one_share()
    books.rows["lots"][0]["qty_open"] = qty

    assert codes(books.value())[0] == "POSITION_BREAK"


def test_a_position_in_the_ledger_without_any_lot_is_a_position_break() -> None:
    """A portfolio never looks complete because half of its records are not there."""
    books = one_share()
    books.rows["lots"] = []

    valued = books.value()

    assert codes(valued)[0] == "POSITION_BREAK"
    assert valuation(valued)["nav"] is None


def test_lots_stand_as_they_did_on_the_day() -> None:
    """Half was sold on Friday: on Thursday all 100 units were there."""
    books = one_share(close_on=sessions_before(1))
    for row in (*books.rows["transactions"], *books.rows["lots"]):
        row.update({n: sessions_before(1) for n in ("trade_on", "acquired_on", "effective_on") if n in row})
    books.move("500", "SELL", instrument_id="I-1", qty="-50", price="10")
    books.lot("50", "500", lot_id="L-1", acquired_on=sessions_before(1))

    assert line(books.value(), "I-1")["qty"] == Decimal(50)
    assert line(books.value(sessions_before(1)), "I-1")["qty"] == Decimal(100)


def test_a_short_position_fails_the_portfolio_unless_allowed() -> None:
    """Sold 100 at 10.00, now 11.00: cash 1,000.00 less 1,100.00."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.price("11")
    books.buy("-100", "10")
    books.majors()

    assert codes(books.value())[0] == "SHORT_POSITION"
    assert valuation(books.value(allow_short=True))["nav"] == Decimal(-100)


def test_a_price_at_zero_is_set_aside_and_no_policy_mends_it() -> None:
    """Bad input: price <= 0; the older price is not silently used."""
    books = one_share(close="0")
    books.price("10", on=sessions_before(1))

    valued = books.value(missing_price="carry_forward")

    assert codes(valued)[0] == "BAD_PRICE"
    assert reject_reasons(valued) == {("prices", "BAD_PRICE")}
    assert line(valued, "I-1")["mv_base"] is None


def test_an_unknown_instrument_fails_its_portfolio_only() -> None:
    """PF-2 is untouched; transaction and lot are set aside."""
    books = one_share()
    books.buy("5", "10", instrument_id="I-NEW")
    books.portfolio("PF-2")
    books.move("7", portfolio_id="PF-2")

    valued = books.value()

    assert codes(valued)[0] == "UNKNOWN_INSTRUMENT"
    assert valuation(valued, "PF-2")["nav"] == Decimal(7)
    assert reject_reasons(valued) == {("transactions", "UNKNOWN_INSTRUMENT"), ("lots", "UNKNOWN_INSTRUMENT")}


def test_an_unknown_currency_fails_the_portfolios_it_touches() -> None:
    """Of a transaction, an instrument, and a portfolio."""
    books = one_share()
    books.move("1", ccy="ZZZ")
    books.portfolio("PF-2")
    books.instrument("I-2", ccy="QQQ")
    books.price("1", "I-2")
    books.holding("1", "1", portfolio_id="PF-2", instrument_id="I-2")
    books.portfolio("PF-3", base="XXX")
    books.portfolio("PF-4")

    valued = books.value()

    assert [codes(valued, name)[0] for name in ("PF-1", "PF-2", "PF-3")] == ["UNKNOWN_CURRENCY"] * 3
    assert valuation(valued, "PF-4")["status"] == "COMPLETE"
    assert reject_reasons(valued) == {
        (table, "UNKNOWN_CURRENCY") for table in ("transactions", "instruments", "portfolios")
    }


def test_rows_of_a_portfolio_that_is_not_in_the_register_are_set_aside() -> None:
    """They touch no portfolio."""
    books = one_share()
    books.move("1", portfolio_id="PF-9")
    books.lot("1", portfolio_id="PF-9")

    valued = books.value()

    assert valuation(valued)["status"] == "COMPLETE"
    assert reject_reasons(valued) == {("transactions", "UNKNOWN_PORTFOLIO"), ("lots", "UNKNOWN_PORTFOLIO")}


def test_a_portfolio_lists_every_reason() -> None:
    """Sorted codes, joined by a semicolon."""
    books = one_share(close_on=sessions_before(9))
    books.rows["lots"][0]["qty_open"] = "-101"
    books.move("1", ccy="GBP")

    assert codes(books.value())[0] == "MISSING_FX;MISSING_PRICE;POSITION_BREAK;SHORT_POSITION"


def test_an_amount_too_large_for_money_is_said_and_not_stored() -> None:
    """10**11 units at 10**5: 10**16 dollars have no room in 14 digits."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.price("100000")
    books.buy("100000000000", "1")
    books.majors()

    assert codes(books.value())[0] == "AMOUNT_TOO_LARGE"


def test_only_portfolios_that_exist_on_the_day_are_valued() -> None:
    """Opened tomorrow: not yet. Closed today: no more, whatever is left in it. Closed tomorrow: still."""
    books = Books()
    books.majors()
    books.portfolio("PF-1")
    books.portfolio("PF-2", opened_on=date(2026, 11, 21))
    books.portfolio("PF-3", closed_on=DAY, status="CLOSED")
    books.portfolio("PF-4", closed_on=date(2026, 11, 21), status="CLOSED")
    books.move("5", portfolio_id="PF-3")

    valued = books.value()

    assert valued.valuations["portfolio_id"].to_list() == ["PF-1", "PF-4"]
    assert valued.quarantine.is_empty()


def test_a_selection_keeps_the_memory_of_the_others() -> None:
    """Asked for PF-2 only, PF-1 keeps its last NAV, so that tomorrow's units have something to follow."""
    books = one_share(close_on=DAY)
    books.portfolio("PF-2")
    first = books.value().valuations

    chosen = books.value(date(2026, 11, 23), first, include_all_portfolios=False, portfolio_ids=["PF-2"])

    assert codes(chosen)[0] == "NOT_SELECTED"
    assert valuation(chosen)["last_nav"] == Decimal(1000)
    assert valuation(chosen)["units_on"] == DAY
    assert valuation(chosen, "PF-2")["status"] == "COMPLETE"


def test_a_selection_never_takes_the_nav_of_others_away() -> None:
    """PF-1 was valued on the day: valuing PF-2 alone would replace the table, and is refused by count."""
    books = one_share(close_on=DAY)
    books.portfolio("PF-2")
    stored = books.value().valuations

    with pytest.raises(UsageError, match="1 other portfolios have a NAV of the day already, PF-1 the first"):
        books.value(stored=stored, include_all_portfolios=False, portfolio_ids=["PF-2"])


def test_a_selection_of_a_portfolio_that_is_not_there_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(UnknownNameError, match="PF-8"):
        one_share().value(include_all_portfolios=False, portfolio_ids=["PF-8"])


def test_the_valuation_id_is_that_of_the_platform() -> None:
    """``val_`` over tenant|portfolio|date (domain_rules 1)."""
    expected = identifier("val_", TENANT, "PF-1", DAY.isoformat())

    assert valuation(one_share().value())["valuation_id"] == expected


def test_the_order_of_the_rows_changes_nothing() -> None:
    """Replay compares bytes."""
    books = one_share()
    books.portfolio("PF-0", base="USD")
    books.holding("7", "3", portfolio_id="PF-0")
    once = books.value()
    for rows in books.rows.values():
        rows.reverse()

    again = books.value()

    assert again.valuations.equals(once.valuations)
    assert again.valuation_lines.equals(once.valuation_lines)


def test_without_a_previous_valuation_the_table_may_be_empty() -> None:
    """The first day of a tenant."""
    assert valuation(one_share().value(previous=VALUATIONS.empty()))["units"] == Decimal(1000)
