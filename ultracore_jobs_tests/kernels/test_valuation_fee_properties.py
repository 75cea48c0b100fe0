"""Whatever a portfolio does and pays: every NAV is what plain decimals say, and every law holds."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs_tests.kernels.fee_paying_books import JUNE, FeeBooks, weekdays
from ultracore_jobs_tests.kernels.valuation_books import RECENT
from ultracore_jobs_tests.kernels.valuation_oracle import recompute_navs

EVE = date(2026, 5, 27)
SESSIONS = list(weekdays(EVE, date(2026, 7, 3)))
CENTS = st.integers(-30_000_000, 90_000_000).map(lambda whole: str(Decimal(whole).scaleb(-2)))
TIERS = st.sampled_from(
    [
        (("0", "500000", "100"), ("500000", None, "60")),
        (("0", "100000.5", "87.5"), ("100000.5", "300000", "33.3333"), ("300000", None, "0")),
        (("0", None, "45"),),
        (),
    ]
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[FeeBooks, list[date]]:
    """A portfolio in any currency, two fees on assets and one on the gain, and the days it is valued on."""
    books = FeeBooks()
    base = draw(st.sampled_from(["AUD", "AUD", "USD", "JPY"]))
    books.portfolio(base=base)
    for number in (1, 2):
        books.schedule(
            f"FS-{number}",
            draw(TIERS),
            ccy=draw(st.sampled_from(["AUD", base])),
            tier_method=draw(st.sampled_from(["marginal", "cliff"])),
            fee_type=("MANAGEMENT", "ADVICE")[number - 1],
            annual_minimum=draw(st.sampled_from([None, "600", "25000"])),
        )
        begun = draw(st.sampled_from([date(2026, 1, 1), EVE, JUNE, date(2026, 6, 10)]))
        ended = draw(st.sampled_from([None, None, date(2026, 6, 11), date(2026, 6, 30), date(2026, 7, 2)]))
        books.arrangement(f"A-{number}", f"FS-{number}", start_on=begun, end_on=ended)
    books.performance(hurdle_type=draw(st.sampled_from(["hard", "soft", None])), hurdle_annual=0.01)
    books.arrangement("A-3", "FS-P")
    books.instrument()
    # As much that no flow takes more than is there: units never restart.
    books.holding("100000", "10", on=EVE)
    for day in draw(st.sets(st.sampled_from(SESSIONS[1:]), max_size=3)):
        books.move(draw(CENTS), on=day, kind=draw(st.sampled_from(["DEPOSIT", "DIVIDEND"])))
    days = [EVE, *sorted(draw(st.sets(st.sampled_from(SESSIONS[1:]), min_size=2, max_size=4)))]
    for day in SESSIONS:
        if day == EVE or draw(st.integers(0, 5)):
            books.price(str(Decimal(draw(st.integers(900, 1400))).scaleb(-2)), on=day)
        books.majors(day)
    for name in draw(st.sets(st.sampled_from(["A-1", "A-2"]))):
        outcome = draw(st.sampled_from(["POSTED", "BLOCKED"]))
        on = draw(st.sampled_from(SESSIONS[8:]))
        books.charge(on, "460.27", "46.03", "168000.125", arrangement_id=name, outcome=outcome)
    if draw(st.booleans()):
        on = draw(st.sampled_from(SESSIONS[3:]))
        mark = draw(st.sampled_from(["0.95", "1.05", "1.1"]))
        told = {"arrangement_id": "A-3", "fee_type": "PERFORMANCE", "ccy": base}
        books.decide(on, "0", mark_unit=mark, marked_on=on.isoformat(), **told)
    return books, days


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
def test_every_nav_after_fees_is_what_plain_decimals_say(history: tuple[FeeBooks, list[date]]) -> None:
    """To the last decimal, on a few days that lie apart, over the end of a month; every law is checked."""
    books, days = history
    walked = books.walk(*days, max_stale_business_days=0)

    for place, (day, valued) in enumerate(zip(days, walked, strict=True)):
        before = walked[place - 1] if place else None
        earlier = [row for known in walked[:place] for row in known.valuations.select(RECENT).to_dicts()]
        given: dict[str, Any] = {
            **books.tables(),
            "previous_valuations": VALUATIONS.empty() if before is None else before.valuations,
            "previous_fee_memory": FEE_MEMORY.empty() if before is None else before.fee_memory,
            "recent_valuations": earlier,
        }
        expected = recompute_navs(given, day, max_stale_business_days=0)
        assert dict(valued.valuations.select("portfolio_id", "nav").iter_rows()) == expected
