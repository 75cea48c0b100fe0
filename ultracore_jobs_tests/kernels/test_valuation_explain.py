"""Why a portfolio is worth what it is: the worked examples with their numbers, and every other number too."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.jobs.types.portfolio_valuation import JOB, ValuationParameters
from ultracore_jobs.kernels.explained import Explained, Kind
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.valuation import VALUATIONS, ValuationTables
from ultracore_jobs.kernels.valuation.explain import explain_valuation
from ultracore_jobs_tests.kernels.explanations import by_column, require_sound
from ultracore_jobs_tests.kernels.fee_paying_books import JULY, LAST_OF_JUNE, FeeBooks, paying
from ultracore_jobs_tests.kernels.test_valuation_fee_properties import histories
from ultracore_jobs_tests.kernels.test_valuation_fees import MAY, SOME_DAYS
from ultracore_jobs_tests.kernels.test_valuation_performance import A_YEAR_LATER, FIRST, grown
from ultracore_jobs_tests.kernels.test_valuation_properties import books
from ultracore_jobs_tests.kernels.valuation_books import DAY, RECENT, TENANT, Books, sessions_before


def explained(
    given_books: Books,
    walked: Sequence[ValuationTables],
    on: date = DAY,
    portfolio_id: str = "PF-1",
    **parameters: Any,
) -> list[Explained]:
    """Explain the last of some days that were valued one after the other; all must be sound."""
    *earlier, last = walked
    before = earlier[-1] if earlier else None
    known = pl.concat([VALUATIONS.empty(), *(valued.valuations for valued in earlier)])
    available = {
        **given_books.tables(),
        "previous_valuations": VALUATIONS.empty() if before is None else before.valuations,
        "previous_fee_memory": FEE_MEMORY.empty() if before is None else before.fee_memory,
        "recent_valuations": known.select(RECENT),
        "as_of": on,
        "tenant": TENANT,
        **dict(ValuationParameters(**parameters)),
        **last._asdict(),
    }
    found: list[Explained] = call_by_name(explain_valuation, {**available, "portfolio_id": portfolio_id})
    require_sound(found, JOB.writes, last._asdict(), portfolio_id)
    return found


@cache
def the_example() -> list[Explained]:
    """100 units at USD 50.00, EURAUD 1.65, EURUSD 1.10, cash A$250.00 (domain_rules 1A)."""
    made = Books()
    made.portfolio()
    made.instrument(ccy="USD", exchange="XNYS")
    made.majors()
    made.price("50.00")
    made.holding("100", "50", ccy="USD", cost="7500")
    made.move("250")
    return explained(made, [made.value()])


def test_the_worked_example_is_told_with_its_numbers() -> None:
    """Fx 1.5, mv 7,500.00, NAV 7,750.00."""
    total, position = by_column(the_example(), ""), by_column(the_example(), "position I-1 (I-1)")

    assert position["fx"].formula == "round(1.65 / 1.1, 10) = 1.5"
    assert position["fx"].how == "ECB fixing of 2026-11-20, both against EUR"
    assert position["mv_base"].formula == "round(100 x 50 x 1 x 1.5, 2) = 7500.00"
    assert position["mv_base"].rounding == "half-up, ties away from zero, to 2 decimals of AUD, once"
    assert position["mv_base"].source == "domain_rules 1A.3"
    assert total["nav"].formula == "7500.00 + 250.00 + 0.00 - 0.00 = 7750.00"
    assert total["nav"].rounding == "none: the result is exact"
    assert (total["nav"].value, total["nav"].unit) == (Decimal(7750), "AUD")


def test_a_number_that_is_a_copy_says_of_what() -> None:
    """The close of the day, and the row that it stands in."""
    price = by_column(the_example(), "position I-1 (I-1)")["price"]
    (origin,) = price.inputs

    assert price.kind is Kind.COPIED
    assert price.how == "a copy of close of prices; of 2026-11-20, FRESH"
    assert (origin.table, origin.key) == ("prices", {"instrument_id": "I-1", "price_date": DAY})
    assert (origin.values, origin.source) == ({"close": Decimal(50)}, "test")


def test_the_cash_is_the_sum_of_its_movements() -> None:
    """5,000 US dollars in and out again, and A$250.00: the dollars leave no line."""
    cash = by_column(the_example(), "cash in AUD")

    assert cash["amount_local"].formula == "250.00 = 250.00"
    assert cash["amount_local"].inputs[0].key == {"transaction_id": "T-3"}
    assert "cash in USD" not in {number.row for number in the_example()}


def test_a_number_that_is_not_there_says_why() -> None:
    """No usable price, so no value, and the portfolio has no NAV: null, never 0."""
    made = Books()
    made.portfolio()
    made.instrument()
    made.price("10", on=sessions_before(6))
    made.holding("100")
    made.majors()

    found = explained(made, [made.value()])

    assert by_column(found, "")["nav"].how == "INCOMPLETE: MISSING_PRICE"
    position = by_column(found, "position I-1 (I-1)")
    assert position["mv_base"].how == "no value: MISSING_PRICE"
    assert position["stale_business_days"].value == 6
    assert len(position["stale_business_days"].inputs) == 6, "the sessions that were counted"


def test_a_price_from_before_a_split_shows_the_division() -> None:
    """10.00 before a split in four: 2.50 on the day."""
    made = Books()
    made.portfolio()
    made.instrument()
    eve = sessions_before(1)
    made.price("10", on=eve)
    made.holding("100", on=eve)
    made.action("S-1", "SPLIT", DAY, ratio="4")
    made.lot("400", on=DAY, lot_id="L-1", acquired_on=eve)
    made.majors()

    price = by_column(explained(made, [made.value()]), "position I-1 (I-1)")["price"]

    assert price.formula == "round(10 / 4, 6) = 2.5"
    assert [row.table for row in price.inputs] == ["prices", "corporate_actions"]


def june_days(made: FeeBooks) -> list[Explained]:
    """The last day of June, after the days before it."""
    return explained(made, made.walk(MAY, *SOME_DAYS), LAST_OF_JUNE)


def test_an_accrual_shows_days_assets_and_slices() -> None:
    """One day of 600,000: 500,000 at 100 bps and 100,000 at 60 make 5,600 (domain_rules 3.1)."""
    fee = by_column(june_days(paying()), "management fee A-1")

    assert fee["added_fee_days"].formula == (
        "1 x (500000.00 x 100.00 / 10000 + (600000.00 - 500000.00) x 60.00 / 10000) = 5600"
    )
    tables = {row.table for row in fee["added_fee_days"].inputs}
    assert tables == {"fee_schedules", "valuations", "fee_memory"}


def test_a_month_that_closes_shows_its_minimum() -> None:
    """An annual minimum of 25,000 over June's 30 days tops up 30 days of 5,600."""
    fee = by_column(june_days(paying(annual_minimum="25000")), "management fee A-1")

    assert fee["period_fee_days"].value == 30 * 25_000
    assert fee["period_fee_days"].formula is not None
    assert fee["period_fee_days"].formula.endswith(", 25000.00 x (29 + 1)) = 750000")


def test_what_a_charge_settles_names_the_decision() -> None:
    """June posted on 1 July: 168,000 fee days go out."""
    made = paying()
    made.charge(JULY, "460.27", "46.03", "168000")
    walked = made.walk(MAY, *SOME_DAYS, JULY)

    fee = by_column(explained(made, walked, JULY), "management fee A-1")

    assert fee["settled_fee_days"].formula == "168000 = 168000"
    assert fee["settled_fee_days"].inputs[0].key == {"decision_id": "chg_1"}
    cash = by_column(explained(made, walked, JULY), "cash in AUD")["amount_local"]
    assert cash.formula == "600000.00 - 506.30 = 599493.70"
    assert cash.inputs[1].table == "ledger_entries", "a fee is booked in the ledger only"


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("hard", "round(0.2 x max(0, 1.2 - 1.05) x 1000, 2) = 30.00"),
        ("soft", "round(0.2 x (1.2 - 1) x 1000, 2) = 40.00"),
    ],
)
def test_a_performance_fee_shows_mark_hurdle_and_share(kind: str, formula: str) -> None:
    """HWM 1.00, NAV 1.20, 5% over 365 days, 20%, 1,000 units: hard 30.00, soft 40.00 (domain_rules 3.4)."""
    made = grown(kind)

    level = by_column(explained(made, made.walk(FIRST, A_YEAR_LATER), A_YEAR_LATER), "performance fee A-1")

    assert level["hurdle_unit"].formula == "round(1 x (365 + 0.05 x 365) / 365, 12) = 1.05"
    assert level["days"].formula == "days(2025-06-02, 2026-06-02) = 365"
    assert level["accrued"].formula == formula
    assert level["accrued"].how.startswith(f"{kind} hurdle: ")


def test_a_stored_number_that_does_not_follow_is_told() -> None:
    """A cent too much on one line: that line and what is made of it disagree, nothing else."""
    made = Books()
    made.portfolio()
    made.move("250")
    made.majors()
    valued = made.value()
    cent = pl.lit("0.01").str.to_decimal(scale=4)
    wrong = valued.valuation_lines.with_columns((pl.col("mv_base") + cent).cast(MONEY))
    available = {
        **made.tables(),
        "previous_valuations": VALUATIONS.empty(),
        "previous_fee_memory": FEE_MEMORY.empty(),
        "recent_valuations": VALUATIONS.empty().select(RECENT),
        "as_of": DAY,
        **valued._asdict(),
        "valuation_lines": wrong,
    }

    found: list[Explained] = call_by_name(explain_valuation, {**available, "portfolio_id": "PF-1"})

    assert [(number.column, number.formula) for number in found if not number.agrees] == [
        ("cash_base", "250.01 = 250.00"),
        ("mv_base", "round(250.00 x 1, 2) = 250.01"),
    ]


def test_a_portfolio_that_has_closed_still_owes_its_fees() -> None:
    """Closed on 1 July with June not charged: no NAV, and the open fee days stand as they were."""
    made = paying()
    made.rows["portfolios"][0]["closed_on"] = JULY

    found = explained(made, made.walk(MAY, *SOME_DAYS, JULY), JULY)

    fee = by_column(found, "management fee A-1")
    assert {number.table for number in found} == {"fee_memory"}
    assert fee["added_fee_days"].formula == "0 = 0"
    assert fee["added_fee_days"].how == "the arrangement no longer accrues"


def test_a_portfolio_that_was_not_valued_has_nothing_to_explain() -> None:
    """Closed, or of another tenant."""
    made = Books()
    made.portfolio()
    made.majors()

    assert explained(made, [made.value()], portfolio_id="PF-9") == []


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(made=books())
def test_every_number_of_any_book_is_explained(made: Books) -> None:
    """Bonds, deposits, dividends, splits, four currencies, stale prices: over two sessions."""
    eve = sessions_before(1)
    before = made.value(eve, missing_price="carry_forward")
    today = made.value(DAY, before.valuations, memory=before.fee_memory, missing_price="carry_forward")

    for portfolio_id in ("PF-1", "PF-2"):
        explained(made, [before, today], DAY, portfolio_id, missing_price="carry_forward")


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
def test_every_number_of_any_fee_payer_is_explained(history: tuple[FeeBooks, list[date]]) -> None:
    """Fees on assets, minimums, performance fees, charges posted and blocked, marks: day after day."""
    made, days = history
    walked = made.walk(*days, max_stale_business_days=0)

    for place, day in enumerate(days, start=1):
        explained(made, walked[:place], day, max_stale_business_days=0)
