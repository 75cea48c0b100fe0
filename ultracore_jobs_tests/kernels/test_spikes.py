"""Price spikes: what waits for a person, what a corporate action explains, what the next close confirms."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.market import CORPORATE_ACTIONS, PRICES
from ultracore_jobs.kernels.spikes import SpikeRule, judge_spikes
from ultracore_jobs_tests.kernels.market_tables import stored_actions, stored_prices

FIRST = date(2026, 7, 1)
NONE = CORPORATE_ACTIONS.empty()


def day(number: int) -> date:
    """Days are counted from the first; weekends do not matter here."""
    return FIRST + timedelta(days=number)


def quiet(days: int = 40, symbol: str = "AAA") -> dict[tuple[str, date], Any]:
    """Closes that go round in four steps: the returns spread, their MAD is about 0.003."""
    return {(symbol, day(n)): ("100", "100.2", "100.6", "100.2")[n % 4] for n in range(days)}


def offer(*closes: tuple[int, str], symbol: str = "AAA") -> pl.DataFrame:
    """Candidates: day number and close."""
    return pl.DataFrame(
        [
            {"instrument_id": f"I-{symbol}", "price_date": day(n), "new_close": Decimal(close)}
            for n, close in closes
        ],
        schema={"instrument_id": pl.String, "price_date": pl.Date, "new_close": PRICES.schema["close"]},
    )


def verdicts(
    candidates: pl.DataFrame,
    stored: pl.DataFrame | None = None,
    actions: pl.DataFrame = NONE,
    rule: SpikeRule = SpikeRule(),  # noqa: B008 - frozen, and the default is what is tested
) -> list[bool]:
    """Which candidates are spikes."""
    stored = stored_prices(quiet()) if stored is None else stored
    judged = judge_spikes(candidates, stored, actions, as_of=day(120), rule=rule)
    return judged["is_spike"].to_list()


def test_a_tenfold_close_is_a_spike_and_an_ordinary_one_is_not() -> None:
    """After 100.2 (day 39): 100.5 is a return of 0.3 %, 1002 one of 900 %."""
    assert verdicts(offer((40, "100.5"))) == [False]
    assert verdicts(offer((40, "1002"))) == [True]


def test_the_score_is_that_of_the_rule() -> None:
    """Recomputed with the standard library: 0.67448975 (x - median) / MAD over the 39 returns before."""
    closes = [float(close) for close in quiet().values()]
    returns = [later / earlier - 1 for earlier, later in pairwise(closes)]
    centre = median(returns)
    spread = median(abs(x - centre) for x in returns)
    move = 110 / 100.2 - 1

    judged = judge_spikes(offer((40, "110")), stored_prices(quiet()), NONE, as_of=day(40), rule=SpikeRule())

    assert judged["move"].item() == pytest.approx(move)
    assert judged["z"].item() == pytest.approx(0.67448975 * (move - centre) / spread)


@pytest.mark.parametrize(
    ("close", "is_spike"), [("1.25", False), ("1.2501", True), ("0.75", False), ("0.74", True)]
)
def test_a_price_that_never_moved_may_move_by_a_quarter(close: str, *, is_spike: bool) -> None:
    """MAD is 0, so the flat limit judges: |x| > 0.25."""
    constant = stored_prices({("AAA", day(n)): "1.00" for n in range(30)})

    assert verdicts(offer((30, close)), constant) == [is_spike]


def test_with_a_short_history_the_flat_limit_judges() -> None:
    """Nineteen returns are too few for a median to mean much; 20 % is allowed, 30 % is not."""
    short = stored_prices(quiet(20))

    assert verdicts(offer((20, "120")), short) == [False]
    assert verdicts(offer((20, "132")), short) == [True]


def test_the_first_price_of_an_instrument_is_believed() -> None:
    """There is nothing to measure it against; a second one far away is held."""
    assert verdicts(offer((0, "5"), (1, "50")), PRICES.empty()) == [False, True]


def test_a_split_explains_a_halved_price() -> None:
    """2-for-1 on the day: 50.1 after 100.2 is no move at all. Without the split it is one by half."""
    split = stored_actions({"ex_on": day(40)})

    assert verdicts(offer((40, "50.1")), actions=split) == [False]
    assert verdicts(offer((40, "50.1"))) == [True]


def test_a_price_that_does_not_follow_its_split_is_held() -> None:
    """On the ex date the old price would be on another basis than the quantities (domain_rules 20b)."""
    assert verdicts(offer((40, "100.2")), actions=stored_actions({"ex_on": day(40)})) == [True]


def test_a_dividend_explains_its_own_size() -> None:
    """20.00 is paid on 100.2: a close of 80.2 is no move."""
    paid = stored_actions({"type": "DIVIDEND", "ratio": None, "cash_per_unit": Decimal(20), "ex_on": day(40)})

    assert verdicts(offer((40, "80.2")), actions=paid) == [False]
    assert verdicts(offer((40, "80.2"))) == [True]


def test_an_outlier_in_history_does_not_loosen_the_measure() -> None:
    """One wild stored return moves neither median nor MAD much: 125 after 100.2 is still a spike."""
    history = quiet() | {("AAA", day(20)): "300"}

    assert verdicts(offer((40, "125")), stored_prices(history)) == [True]


def test_a_bad_tick_is_held_and_the_next_good_close_is_not() -> None:
    """1002, then 100: measured against the last usable close, not against the held one."""
    assert verdicts(offer((40, "1002"), (41, "100"))) == [True, False]


def test_a_move_that_the_next_close_confirms_is_believed_from_then_on() -> None:
    """Results day: 120 after 100.2 is held; 121 the day after agrees with it."""
    assert verdicts(offer((40, "120"), (41, "121"), (42, "122"))) == [True, False, False]


def test_a_move_of_half_or_more_waits_however_often_it_is_repeated() -> None:
    """A change of unit (cents for dollars) or a split nobody told us comes again every day."""
    assert verdicts(offer((40, "10100"), (41, "10000"), (42, "10100"))) == [True, True, True]
    assert verdicts(offer((40, "50.1"), (41, "50"), (42, "50.1"))) == [True, True, True]


def test_a_held_stored_price_confirms_too() -> None:
    """Yesterday's run held 120; today's delivery has only 121."""
    held = stored_prices({("AAA", day(40)): "120"}, status="QUARANTINED", reason="SPIKE: ...")
    stored = pl.concat([stored_prices(quiet()), held])

    assert verdicts(offer((41, "121")), stored) == [False]
    assert verdicts(offer((40, "120")), stored) == [True], "a held price does not confirm itself"


def test_instruments_do_not_disturb_each_other() -> None:
    """Judged together or alone, in any order, verdicts are the same."""
    stored = stored_prices(quiet() | quiet(25, symbol="BBB"))
    both = pl.concat([offer((40, "1002")), offer((25, "100"), (26, "150"), symbol="BBB")])

    assert verdicts(both, stored) == [True, False, True]
    assert verdicts(both.reverse(), stored) == [True, False, True]
    assert verdicts(offer((25, "100"), (26, "150"), symbol="BBB"), stored) == [False, True]


@settings(max_examples=50, deadline=None)
@given(
    closes=st.lists(st.integers(80, 120), min_size=21, max_size=75),
    last=st.integers(40, 400),
)
def test_the_verdict_is_that_of_the_rule_for_any_history(closes: list[int], last: int) -> None:
    """One candidate after usable closes, recomputed with the standard library."""
    stored = stored_prices({("AAA", day(n)): close for n, close in enumerate(closes)})
    returns = [later / earlier - 1 for earlier, later in pairwise(closes)][-60:]
    centre = median(returns)
    spread = median(abs(x - centre) for x in returns)
    move = last / closes[-1] - 1
    expected = abs(0.67448975 * (move - centre) / spread) > 8 if spread > 1e-12 else abs(move) > 0.25

    assert verdicts(offer((len(closes), str(last))), stored) == [expected]
