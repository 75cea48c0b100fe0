"""Whatever a book holds: the NAV is what plain decimals say, and the laws hold."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.market import XASX, XNYS
from ultracore_jobs_tests.kernels.valuation_books import DAY, Books, sessions_before
from ultracore_jobs_tests.kernels.valuation_oracle import recompute_navs

FIRST = date(2026, 10, 1)
PAPERS: dict[str, dict[str, Any]] = {
    "I-AU": {"ccy": "AUD", "exchange": XASX},
    "I-US": {"ccy": "USD", "exchange": XNYS},
    "I-JP": {"ccy": "JPY", "exchange": XNYS},
    "I-FUND": {"ccy": "AUD", "exchange": "UNLISTED", "type": "FUND"},
    "I-BOND": {
        "ccy": "USD", "exchange": XASX, "type": "BOND", "price_factor": "0.01", "coupon_rate": 0.0425,
        "coupon_freq": 2, "last_coupon_on": date(2026, 8, 31), "next_coupon_on": date(2027, 2, 28),
        "matures_on": date(2030, 2, 28),
    },
    "I-TD": {
        "ccy": "AUD", "exchange": "UNLISTED", "type": "TERM_DEPOSIT", "coupon_rate": 0.0375, "coupon_freq": 1,
        "last_coupon_on": date(2025, 12, 1), "next_coupon_on": date(2026, 12, 1),
        "matures_on": date(2027, 12, 1),
    },
}  # fmt: skip

PAPER = st.sampled_from(sorted(PAPERS))
BOOK = st.sampled_from(["PF-1", "PF-2"])
DAYS = st.integers(0, 30).map(sessions_before)
UNITS = st.integers(1, 5_000_000_000).map(lambda whole: str(Decimal(whole).scaleb(-6)))
PRICES = st.one_of(
    st.integers(1, 300_000).map(lambda whole: str(Decimal(whole).scaleb(-3))),
    st.integers(1, 300_000_000).map(lambda whole: str(Decimal(whole).scaleb(-6))),
)
CENTS = st.integers(-10_000_000, 10_000_000).map(lambda whole: str(Decimal(whole).scaleb(-2)))


@st.composite
def books(draw: st.DrawFn) -> Books:
    """Two portfolios: trades, splits, dividends, foreign cash, prices and fixings of any age."""
    made = Books()
    made.portfolio("PF-1", draw(st.sampled_from(["AUD", "AUD", "USD", "JPY", "KWD"])))
    made.portfolio("PF-2")
    splits: dict[str, tuple[date, int]] = {}
    for name, columns in PAPERS.items():
        made.instrument(name, **columns)
        for age in draw(st.sets(st.sampled_from([0, 0, 0, 1, 3, 5, 6, 26]), min_size=1, max_size=2)):
            made.price(draw(PRICES), name, sessions_before(age))
        if draw(st.integers(0, 3)) == 0:
            splits[name] = (draw(DAYS), draw(st.sampled_from([2, 3, 5])))
            made.action(f"S-{name}", "SPLIT", splits[name][0], name, ratio=str(splits[name][1]))
        if draw(st.integers(0, 2)) == 0:
            ex_on = draw(DAYS)
            pay_on = ex_on + timedelta(days=draw(st.integers(1, 30)))
            made.action(f"D-{name}", "DIVIDEND", ex_on, name, cash_per_unit=draw(PRICES), pay_on=pay_on)
    for place in range(draw(st.integers(0, 5))):
        name, day, qty = draw(PAPER), draw(DAYS), draw(UNITS)
        owner, lot_id = draw(BOOK), f"P-{place}"
        made.buy(qty, "10", day, "1234.56", portfolio_id=owner, instrument_id=name)
        made.rows["lots"][-1]["lot_id"] = lot_id
        ex_on, ratio = splits.get(name, (FIRST, 1))
        if ex_on > day:
            made.lot(
                str(Decimal(qty) * ratio), portfolio_id=owner, instrument_id=name, lot_id=lot_id, on=ex_on
            )
            made.rows["lots"][-1]["acquired_on"] = day
    for ccy in ("AUD", "USD", "JPY"):
        made.move(draw(CENTS), on=draw(DAYS), ccy=ccy, portfolio_id=draw(BOOK))
    for age in draw(st.sets(st.sampled_from([0, 0, 1, 3, 4]), min_size=1)):
        made.majors(sessions_before(age))
    return made


@settings(
    max_examples=18, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(made=books(), missing_price=st.sampled_from(["fail_portfolio", "carry_forward", "cost", "zero"]))
def test_every_nav_is_what_plain_decimals_say(made: Books, missing_price: str) -> None:
    """To the last decimal; and where one has no NAV, the other has none."""
    valued = made.value(missing_price=missing_price).valuations

    expected = recompute_navs(made.tables(), DAY, missing_price=missing_price)

    assert dict(valued.select("portfolio_id", "nav").iter_rows()) == expected


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(made=books())
def test_a_day_follows_from_the_day_before(made: Books) -> None:
    """The laws of units and of explained moves hold over two sessions, whatever happened in between."""
    before = made.value(sessions_before(1), missing_price="carry_forward")

    today = made.value(DAY, before.valuations, missing_price="carry_forward")

    complete = today.valuations.filter(pl.col("status") == "COMPLETE")
    assert complete["units_on"].unique().to_list() in ([], [DAY])
