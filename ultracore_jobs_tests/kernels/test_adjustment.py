"""Back-adjustment: a series whose returns are the investor's."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.market import CORPORATE_ACTIONS
from ultracore_jobs.kernels.adjustment import back_adjusted
from ultracore_jobs_tests.kernels.market_tables import (
    FRIDAY,
    THURSDAY,
    WEDNESDAY,
    stored_actions,
    stored_prices,
)

NO_SPLIT = {"type": "DIVIDEND", "ratio": None}


def test_a_two_for_one_split_halves_the_close_before_it() -> None:
    """Close 20.00 before the ex date: 10.00 (domain_rules 16). The day itself is untouched."""
    prices = stored_prices({("AAA", THURSDAY): "20.00", ("AAA", FRIDAY): "10.10"})

    adjusted = back_adjusted(prices, stored_actions({}), as_of=FRIDAY)

    assert adjusted.select("close", "factor", "adjusted_close").rows() == [
        (Decimal(20), 0.5, 10.0),
        (Decimal("10.1"), 1.0, 10.1),
    ]


def test_a_dividend_takes_its_share_of_the_close_before_it() -> None:
    """1.00 on a close of 20.00: factor 0.95, so 20.00 becomes 19.00, and 10.00 becomes 9.50."""
    prices = stored_prices({("AAA", WEDNESDAY): 10, ("AAA", THURSDAY): 20, ("AAA", FRIDAY): 19})

    adjusted = back_adjusted(prices, stored_actions({**NO_SPLIT, "cash_per_unit": Decimal(1)}), as_of=FRIDAY)

    assert adjusted["factor"].to_list() == [0.95, 0.95, 1.0]
    assert adjusted["adjusted_close"].to_list() == pytest.approx([9.5, 19.0, 19.0])


def test_factors_of_later_actions_multiply() -> None:
    """A split on Thursday and a dividend of 0.50 on Friday (close before: 10): 0.5 * 0.95 before both."""
    prices = stored_prices({("AAA", WEDNESDAY): 20, ("AAA", THURSDAY): 10, ("AAA", FRIDAY): 9.5})
    actions = stored_actions(
        {"ex_on": THURSDAY}, {**NO_SPLIT, "action_id": "A-2", "cash_per_unit": Decimal("0.50")}
    )

    adjusted = back_adjusted(prices, actions, as_of=FRIDAY)

    assert adjusted["factor"].to_list() == pytest.approx([0.475, 0.95, 1.0])


def test_an_announced_action_does_not_count_yet() -> None:
    """As of Thursday the split of Friday has not happened."""
    prices = stored_prices({("AAA", THURSDAY): 20, ("AAA", FRIDAY): 10})

    adjusted = back_adjusted(prices, stored_actions({}), as_of=THURSDAY)

    assert adjusted.select("price_date", "adjusted_close").rows() == [(THURSDAY, 20.0)]


def test_each_instrument_has_its_own_actions_and_held_prices_are_left_out() -> None:
    """AAA splits, BBB does not, and BBB's quarantined close is no price."""
    prices = pl.concat(
        [
            stored_prices({("AAA", THURSDAY): 20, ("BBB", THURSDAY): 20}),
            stored_prices({("BBB", FRIDAY): 2000}, status="QUARANTINED"),
        ]
    )

    adjusted = back_adjusted(prices, stored_actions({}), as_of=FRIDAY)

    assert adjusted.select("instrument_id", "adjusted_close").rows() == [("I-AAA", 10.0), ("I-BBB", 20.0)]


def test_a_dividend_not_below_the_close_breaks_the_series_before_it() -> None:
    """20.00 paid on a close of 20.00 would make the past worthless: null, with the reason."""
    prices = stored_prices({("AAA", THURSDAY): 20, ("AAA", FRIDAY): 1})

    adjusted = back_adjusted(prices, stored_actions({**NO_SPLIT, "cash_per_unit": Decimal(20)}), as_of=FRIDAY)

    assert adjusted.select("factor", "adjusted_close", "reason").rows() == [
        (None, None, "DIVIDEND_NOT_BELOW_CLOSE"),
        (1.0, 1.0, None),
    ]


def test_without_actions_prices_are_their_own() -> None:
    """Every factor is 1."""
    prices = stored_prices({("AAA", THURSDAY): 20, ("AAA", FRIDAY): 21})

    assert back_adjusted(prices, CORPORATE_ACTIONS.empty(), as_of=FRIDAY)["factor"].to_list() == [1.0, 1.0]


@settings(max_examples=40, deadline=None)
@given(
    closes=st.lists(st.decimals("1", "1000", places=2), min_size=2, max_size=12),
    splits=st.dictionaries(st.integers(1, 11), st.sampled_from(["2", "3", "0.5", "0.1"]), max_size=3),
    dividends=st.dictionaries(st.integers(1, 11), st.decimals("0.01", "0.99", places=2), max_size=3),
)
def test_the_factor_is_the_product_over_later_actions(
    closes: list[Decimal], splits: dict[int, str], dividends: dict[int, Decimal]
) -> None:
    """Recomputed day by day in plain Python from the words of the rule."""
    first = date(2026, 7, 1)
    prices = stored_prices({("AAA", first + timedelta(days=n)): close for n, close in enumerate(closes)})
    named = {f"S{n}": {"ex_on": first + timedelta(days=n), "ratio": Decimal(r)} for n, r in splits.items()}
    paid = {
        f"D{n}": {**NO_SPLIT, "ex_on": first + timedelta(days=n), "cash_per_unit": cash}
        for n, cash in dividends.items()
    }
    actions = stored_actions(*({"action_id": name, **row} for name, row in (named | paid).items()))
    as_of = first + timedelta(days=30)

    adjusted = back_adjusted(prices, actions if actions.height else CORPORATE_ACTIONS.empty(), as_of=as_of)

    for day, factor in enumerate(adjusted["factor"]):
        expected = 1.0
        for ex, ratio in splits.items():
            expected *= 1 / float(ratio) if ex > day else 1.0
        for ex, cash in dividends.items():
            before = closes[min(ex, len(closes)) - 1]
            expected *= (1 - float(cash / before)) if ex > day else 1.0
        assert factor == pytest.approx(expected)
