"""Market data: what of a delivery is believed, stored, corrected, held for a person, or set aside."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.market import CORPORATE_ACTIONS, PRICES
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS
from ultracore_jobs.kernels.bitemporal import as_known
from ultracore_jobs.kernels.market_data import MarketData, corrections, refresh_market_data, restated
from ultracore_jobs_tests.kernels.market_tables import (
    EVENING,
    FRIDAY,
    MORNING_AFTER,
    THURSDAY,
    WEDNESDAY,
    calendar,
    delivered_actions,
    delivered_price,
    delivered_prices,
    dividend,
    instruments,
    stored_actions,
    stored_prices,
)

MASTER = instruments(AAA=("XNYS", "USD"), BBB=("XNYS", "USD"), CBA=("XASX", "AUD"), FUND=("UNLISTED", "AUD"))
CALENDARS = calendar("XNYS", "XASX", "NSW")


def refresh(
    prices: pl.DataFrame | None = None,
    actions: pl.DataFrame | None = None,
    *,
    stored: pl.DataFrame | None = None,
    known_actions: pl.DataFrame | None = None,
    known_at: datetime = MORNING_AFTER,
    **parameters: Any,
) -> MarketData:
    """Run the kernel for Friday."""
    return refresh_market_data(
        vendor_prices=delivered_prices() if prices is None else prices,
        vendor_actions=VENDOR_ACTIONS.empty() if actions is None else actions,
        instruments=parameters.pop("instruments", MASTER),
        prices=PRICES.empty() if stored is None else stored,
        corporate_actions=CORPORATE_ACTIONS.empty() if known_actions is None else known_actions,
        calendars=CALENDARS,
        as_of=FRIDAY,
        known_at=known_at,
        **parameters,
    )


def after(dataset: Dataset, *parts: pl.DataFrame, known_at: datetime = MORNING_AFTER) -> pl.DataFrame:
    """The table as a later run reads it: appended, and resolved to one row for each key."""
    return as_known(pl.concat(parts).lazy(), dataset, known_at=known_at).collect()


def reasons(refreshed: MarketData) -> list[str]:
    """Reasons of the rejects, in order."""
    return refreshed.quarantine["reason"].to_list()


def test_a_price_is_stored_under_our_identifier() -> None:
    """AAA on the New York exchange is I-AAA; 101.25 is its raw close, known when the provider said."""
    refreshed = refresh(delivered_prices(delivered_price("AAA", "2026-11-20", "101.25", volume="1200")))

    assert refreshed.prices.rows(named=True) == [
        {
            "tenant_id": "shared",
            "instrument_id": "I-AAA",
            "price_date": FRIDAY,
            "close": Decimal("101.25"),
            "volume": Decimal(1200),
            "status": "OK",
            "reason": None,
            "known_at": EVENING,
            "source": "test",
        }
    ]
    assert refreshed.quarantine.is_empty()
    conform(refreshed.prices, PRICES)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (delivered_price("AAA", "2026-11-20", "N/A"), "NOT_NUMERIC"),
        (delivered_price("AAA", "2026-11-20", None), "NOT_NUMERIC"),
        (delivered_price("AAA", "2026-11-20", "0"), "NON_POSITIVE"),
        (delivered_price("AAA", "2026-11-20", "-5.25"), "NON_POSITIVE"),
        (delivered_price("AAA", "2026-11-20", "1e13"), "OUT_OF_RANGE"),
        (delivered_price("AAA", "2026-11-20", "0.0000004"), "NON_POSITIVE"),
        (delivered_price("AAA", "2026-02-30", "10"), "NOT_A_DATE"),
        (delivered_price("AAA", None, "10"), "NOT_A_DATE"),
        (delivered_price("AAA", "2026-11-23", "10"), "FUTURE_DATE"),
        (delivered_price("AAA", "2026-11-20", "10", known_at=MORNING_AFTER + timedelta(1)), "NOT_YET_KNOWN"),
        (delivered_price("ZZZ", "2026-11-20", "10"), "UNKNOWN_SYMBOL"),
        (delivered_price(None, "2026-11-20", "10"), "UNKNOWN_SYMBOL"),
        (delivered_price("AAA", "2026-11-20", "10", exchange="XASX"), "UNKNOWN_SYMBOL"),
        (delivered_price("AAA", "2026-11-20", "10", ccy="AUD"), "CURRENCY_MISMATCH"),
        (delivered_price("AAA", "2026-11-20", "10", ccy=None), "CURRENCY_MISMATCH"),
        (delivered_price("AAA", "2026-11-15", "10"), "NOT_A_SESSION"),
        (delivered_price("AAA", "2026-11-20", "10", bid="10.02", ask="10.01"), "CROSSED_QUOTE"),
        (delivered_price("AAA", "2026-11-20", "10", bid="0", ask="10.01"), "NON_POSITIVE_QUOTE"),
        (delivered_price("AAA", "2026-11-20", "10", bid="9.99", ask="-1"), "NON_POSITIVE_QUOTE"),
        (delivered_price("AAA", "2026-11-20", "10", bid="x"), "NOT_NUMERIC"),
        (delivered_price("AAA", "2026-11-20", "10", volume="many"), "NOT_NUMERIC"),
        (delivered_price("AAA", "2026-11-20", "10", volume="-1"), "NEGATIVE_VOLUME"),
    ],
)
def test_a_bad_price_is_set_aside_alone(row: Mapping[str, Any], reason: str) -> None:
    """It is the second row of the delivery; the first is stored."""
    refreshed = refresh(delivered_prices(delivered_price("BBB", "2026-11-20", "10"), row))

    assert refreshed.prices["instrument_id"].to_list() == ["I-BBB"]
    rejected = refreshed.quarantine.row(0, named=True)
    assert (rejected["row_number"], rejected["reason"]) == (2, reason)
    assert rejected["table_name"] == "vendor_prices"
    assert rejected["remedy"]


def test_bid_equal_to_ask_is_not_crossed_and_an_unlisted_fund_may_be_priced_on_sunday() -> None:
    """Neither is a fault."""
    refreshed = refresh(
        delivered_prices(
            delivered_price("AAA", "2026-11-20", "10", bid="10", ask="10"),
            delivered_price("FUND", "2026-11-15", "1.2345", exchange="UNLISTED", ccy="AUD"),
        )
    )

    assert refreshed.prices.height == 2


def test_one_symbol_for_two_instruments_is_refused() -> None:
    """The master is at fault; no price is given to either."""
    twice = pl.concat(
        [MASTER, instruments(AAA=("XNYS", "USD")).with_columns(pl.lit("I-2").alias("instrument_id"))]
    )

    refreshed = refresh(delivered_prices(delivered_price("AAA", "2026-11-20", "10")), instruments=twice)

    assert reasons(refreshed) == ["AMBIGUOUS_SYMBOL"]


def test_the_same_delivery_again_writes_nothing() -> None:
    """Prices and actions, delivered an hour later word for word."""
    prices = [
        delivered_price("AAA", "2026-11-19", "100"),
        delivered_price("AAA", "2026-11-20", "101", volume="5"),
    ]
    first = refresh(delivered_prices(*prices), delivered_actions(dividend()))
    later = MORNING_AFTER + timedelta(hours=1)
    resent = delivered_prices(*({**row, "known_at": later} for row in prices))

    second = refresh(
        resent,
        delivered_actions(dividend(known_at=later)),
        stored=first.prices,
        known_actions=first.corporate_actions,
        known_at=later,
    )

    assert (first.prices.height, first.corporate_actions.height) == (2, 1)
    assert second.prices.is_empty()
    assert second.corporate_actions.is_empty()
    assert second.quarantine.is_empty()


def test_a_correction_is_a_new_row_that_names_the_old_close() -> None:
    """100.00 becomes 100.10: 10 basis points, known later; before that moment the old close is known."""
    stored = stored_prices({("AAA", THURSDAY): "100.00"})

    refreshed = refresh(delivered_prices(delivered_price("AAA", "2026-11-19", "100.10")), stored=stored)

    assert refreshed.prices.select("close", "status", "reason", "known_at").rows() == [
        (Decimal("100.1"), "OK", "CORRECTION of 100.000000", EVENING)
    ]
    for moment, close in ((EVENING - timedelta(seconds=1), "100.00"), (EVENING, "100.10")):
        known = after(PRICES, stored, refreshed.prices, known_at=moment)
        assert known["close"].to_list() == [Decimal(close)]


def test_what_a_correction_changed_is_listed_in_basis_points() -> None:
    """100.00 to 100.10 is 10 bps, 50.00 to 49.00 is -200 bps; a new day is no restatement."""
    stored = stored_prices({("AAA", THURSDAY): "100.00", ("BBB", THURSDAY): "50.00"})
    delivery = delivered_prices(
        delivered_price("AAA", "2026-11-19", "100.10"),
        delivered_price("BBB", "2026-11-19", "49.00"),
        delivered_price("AAA", "2026-11-20", "101.00"),
    )

    appended = refresh(delivery, stored=stored).prices

    for changed in (
        restated(stored, appended),
        restated(stored, after(PRICES, stored, appended)),
        corrections(appended),
    ):
        assert changed["instrument_id"].to_list() == ["I-BBB", "I-AAA"]
        assert changed["change_bps"].to_list() == pytest.approx([-200.0, 10.0])
        assert changed["old_close"].to_list() == [Decimal(50), Decimal(100)]


def test_a_corrected_volume_keeps_the_close_and_a_missing_one_takes_nothing_back() -> None:
    """Volume 5 becomes 6; a later correction of the close alone keeps 6."""
    stored = stored_prices({("AAA", THURSDAY): "100"}, volume=Decimal(5))

    volume = refresh(delivered_prices(delivered_price("AAA", "2026-11-19", "100", volume="6")), stored=stored)
    close = refresh(delivered_prices(delivered_price("AAA", "2026-11-19", "100.1")), stored=stored)
    silent = refresh(delivered_prices(delivered_price("AAA", "2026-11-19", "100")), stored=stored)

    assert volume.prices.select("volume", "reason").rows() == [(Decimal(6), "CORRECTION of volume 5.000000")]
    assert close.prices["volume"].to_list() == [Decimal(5)]
    assert silent.prices.is_empty()


def test_a_correction_beyond_the_look_back_waits_for_a_person_and_a_gap_is_filled() -> None:
    """Ten sessions to Friday 20 November begin on Monday 9: a new value for Friday 6 is refused."""
    stored = stored_prices({("AAA", date(2026, 11, 6)): "100", ("AAA", date(2026, 11, 9)): "100"})
    delivery = delivered_prices(
        delivered_price("AAA", "2026-11-05", "99"),
        delivered_price("AAA", "2026-11-06", "101"),
        delivered_price("AAA", "2026-11-09", "101"),
    )

    refreshed = refresh(delivery, stored=stored)

    assert refreshed.prices.select("price_date", "reason").rows() == [
        (date(2026, 11, 5), None),
        (date(2026, 11, 9), "CORRECTION of 100.000000"),
    ]
    assert refreshed.quarantine.select("row_number", "reason").rows() == [(2, "BEYOND_LOOKBACK")]


def quiet(days: int = 40, last: date = THURSDAY) -> pl.DataFrame:
    """Closes of AAA on weekdays up to *last* whose returns have a MAD of about 0.003."""
    weekdays = [last - timedelta(days=n) for n in range(2 * days) if (last - timedelta(days=n)).weekday() < 5]
    steps = ("100", "100.2", "100.6", "100.2")
    return stored_prices({("AAA", day): steps[n % 4] for n, day in enumerate(reversed(weekdays[:days]))})


def test_a_spike_is_stored_and_held() -> None:
    """Ten times yesterday's close waits for a person and says why; nothing is set aside."""
    refreshed = refresh(delivered_prices(delivered_price("AAA", "2026-11-20", "1002")), stored=quiet())

    held = refreshed.prices.row(0, named=True)
    assert held["status"] == "QUARANTINED"
    assert held["reason"].startswith("SPIKE: return 9.0, modified z ")
    assert held["reason"].endswith(", limit 8.0")
    assert refreshed.quarantine.is_empty()


def test_with_little_history_the_reason_names_the_flat_limit() -> None:
    """One close before: 100 to 130 is 30 %, more than 25 %."""
    refreshed = refresh(
        delivered_prices(delivered_price("AAA", "2026-11-20", "130")),
        stored=stored_prices({("AAA", THURSDAY): 100}),
    )

    assert refreshed.prices["reason"].to_list() == ["SPIKE: return 0.3, limit 0.25 without enough history"]


def test_a_split_of_the_same_delivery_explains_a_halved_price() -> None:
    """The action arrives with the price, so the price is not held."""
    refreshed = refresh(
        delivered_prices(delivered_price("AAA", "2026-11-20", "50.1")), delivered_actions({}), stored=quiet()
    )

    assert refreshed.prices["status"].to_list() == ["OK"]
    assert refreshed.corporate_actions.select("instrument_id", "ratio", "ex_on").rows() == [
        ("I-AAA", Decimal(2), FRIDAY)
    ]


def test_a_split_that_arrives_late_releases_the_price_it_explains() -> None:
    """Held in the evening; in the morning the split is known and the price is delivered again."""
    delivery = delivered_prices(delivered_price("AAA", "2026-11-20", "50.1"))
    held = refresh(delivery, stored=quiet())
    stored = after(PRICES, quiet(), held.prices)

    released = refresh(delivery, delivered_actions({}), stored=stored)

    assert held.prices["status"].to_list() == ["QUARANTINED"]
    assert released.prices.select("status", "known_at").rows() == [("OK", MORNING_AFTER)]
    assert released.prices["reason"].item().startswith("AGREES with the price before it")


def test_a_spike_does_not_replace_a_close_in_use() -> None:
    """A correction of 100.2 to 1002 is set aside; 100.2 goes on being used."""
    stored = quiet(last=FRIDAY)

    refreshed = refresh(delivered_prices(delivered_price("AAA", "2026-11-20", "1002")), stored=stored)

    assert refreshed.prices.is_empty()
    assert refreshed.quarantine.select("reason", "value").rows() == [("SPIKE", "1002")]


def test_what_a_person_decided_stands_against_later_deliveries() -> None:
    """A person released 1002; the provider's 100.3 does not replace it."""
    decided = stored_prices({("AAA", FRIDAY): "1002"}, reason="RELEASED by A. Person: unit changed")

    refreshed = refresh(
        delivered_prices(delivered_price("AAA", "2026-11-20", "100.3", known_at=MORNING_AFTER)),
        stored=pl.concat([quiet(), decided]),
    )

    assert refreshed.prices.is_empty()
    assert refreshed.quarantine.is_empty()


def test_a_repeated_row_is_no_fault_and_a_contradiction_is_decided_by_order() -> None:
    """Twice 100 is one row; 100 and then 101 at one instant: the later word stands."""
    refreshed = refresh(
        delivered_prices(
            delivered_price("AAA", "2026-11-20", "100"),
            delivered_price("AAA", "2026-11-20", "100.00"),
            delivered_price("BBB", "2026-11-20", "100"),
            delivered_price("BBB", "2026-11-20", "101"),
        )
    )

    assert refreshed.prices.select("instrument_id", "close").rows() == [
        ("I-AAA", Decimal(100)),
        ("I-BBB", Decimal(101)),
    ]
    assert refreshed.quarantine.select("row_number", "reason", "value").rows() == [
        (3, "CONTRADICTION", "100")
    ]


def test_within_a_delivery_the_row_known_last_wins_without_reproach() -> None:
    """A file with both the first close and its correction."""
    refreshed = refresh(
        delivered_prices(
            delivered_price("AAA", "2026-11-19", "101", known_at=EVENING),
            delivered_price("AAA", "2026-11-19", "100", known_at=EVENING - timedelta(days=1)),
        )
    )

    assert refreshed.prices["close"].to_list() == [Decimal(101)]
    assert refreshed.quarantine.is_empty()


def test_a_price_is_rounded_half_up_to_six_decimals() -> None:
    """0.1234565 is a tie: half-up gives 0.123457, where a plain cast would give the even 0.123456."""
    refreshed = refresh(delivered_prices(delivered_price("AAA", "2026-11-20", "0.1234565")))

    assert refreshed.prices["close"].to_list() == [Decimal("0.123457")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"action_id": " "}, "MISSING_ID"),
        ({"type": "MERGER"}, "UNKNOWN_TYPE"),
        ({"type": None}, "UNKNOWN_TYPE"),
        ({"symbol": "ZZZ"}, "UNKNOWN_SYMBOL"),
        ({"known_at": MORNING_AFTER + timedelta(days=1)}, "NOT_YET_KNOWN"),
        ({"ex_on": "soon"}, "NOT_A_DATE"),
        ({"ratio": None}, "NOT_NUMERIC"),
        ({"ratio": "2:1"}, "NOT_NUMERIC"),
        ({"ratio": "0"}, "NON_POSITIVE"),
        (dividend(cash_per_unit=None), "NOT_NUMERIC"),
        (dividend(cash_per_unit="-0.5"), "NON_POSITIVE"),
        (dividend(franked_pct="70"), "NOT_A_FRACTION"),
        (dividend(franked_pct="all"), "NOT_A_FRACTION"),
        (dividend(pay_on="2026-11-31"), "NOT_A_DATE"),
        (dividend(pay_on="2026-11-19"), "PAID_BEFORE_EX"),
    ],
)
def test_a_bad_action_is_set_aside_alone(row: Mapping[str, Any], reason: str) -> None:
    """It is the second row of the delivery; the first is stored."""
    refreshed = refresh(actions=delivered_actions({"action_id": "A-0", "symbol": "BBB"}, row))

    assert refreshed.corporate_actions["action_id"].to_list() == ["A-0"]
    rejected = refreshed.quarantine.row(0, named=True)
    assert (rejected["table_name"], rejected["row_number"], rejected["reason"]) == (
        "vendor_actions",
        2,
        reason,
    )


def test_an_announced_dividend_is_stored_whole() -> None:
    """Its ex date lies ahead, which is no fault. A split keeps nothing of a dividend."""
    row = dividend(ex_on="2026-12-01", pay_on="2026-12-15", franked_pct="1", ratio="9")

    refreshed = refresh(actions=delivered_actions(row, {"action_id": "A-2", "cash_per_unit": "3"}))

    columns = ("type", "ratio", "cash_per_unit", "franked_pct", "ex_on", "pay_on")
    assert refreshed.corporate_actions.select(columns).rows() == [
        ("DIVIDEND", None, Decimal("0.5"), 1.0, date(2026, 12, 1), date(2026, 12, 15)),
        ("SPLIT", Decimal(2), None, None, FRIDAY, None),
    ]
    conform(refreshed.corporate_actions, CORPORATE_ACTIONS)


def test_a_changed_action_is_a_new_row() -> None:
    """The ratio was 2 and is 3."""
    refreshed = refresh(actions=delivered_actions({"ratio": "3"}), known_actions=stored_actions({}))

    assert refreshed.corporate_actions.select("ratio", "known_at").rows() == [(Decimal(3), EVENING)]


rows = st.lists(
    st.tuples(
        st.sampled_from(["AAA", "BBB", "ZZZ"]),
        st.sampled_from(["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]),
        st.sampled_from(["100", "101", "120", "50", "1000", "0", "N/A"]),
        st.sampled_from([None, "5", "7"]),
    ),
    max_size=16,
)
splits = st.lists(st.tuples(st.sampled_from(["S1", "S2"]), st.sampled_from(["2", "0.5"])), max_size=3)


@settings(max_examples=20, deadline=None)
@given(given_rows=rows, given_splits=splits)
def test_running_again_over_its_own_output_writes_nothing(
    given_rows: Sequence[tuple[str, str, str, str | None]], given_splits: Sequence[tuple[str, str]]
) -> None:
    """Whatever is delivered, in whatever order: the second run appends nothing."""
    stored = pl.concat([quiet(last=WEDNESDAY), stored_prices({("BBB", THURSDAY): "100"})])
    delivery = delivered_prices(*(delivered_price(s, d, c, volume=v) for s, d, c, v in given_rows))
    actions = delivered_actions(*({"action_id": name, "ratio": ratio} for name, ratio in given_splits))
    actions = actions if given_splits else VENDOR_ACTIONS.empty()
    once = refresh(delivery, actions, stored=stored)

    twice = refresh(
        delivery,
        actions,
        stored=after(PRICES, stored, once.prices),
        known_actions=after(CORPORATE_ACTIONS, once.corporate_actions),
    )

    assert twice.prices.is_empty()
    assert twice.corporate_actions.is_empty()
    assert reasons(twice) == reasons(once)
    conform(once.prices, PRICES)
