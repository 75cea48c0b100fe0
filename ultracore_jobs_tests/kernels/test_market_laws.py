"""Each law of loaded market data, and of cross rates, kept and broken."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.market import CORPORATE_ACTIONS
from ultracore_jobs.kernels.fx import FX_CROSSES, cross_rates
from ultracore_jobs.kernels.fx_laws import (
    held,
    mixed_sources,
    not_fresh,
    not_inverse,
    not_one_in_itself,
    not_through_pivot,
    required_missing,
)
from ultracore_jobs.kernels.market_laws import (
    currency_not_instruments,
    held_prices,
    incomplete_actions,
    instruments_without_price,
    known_after_cutoff,
    material_corrections,
    more_than_one_price,
    not_positive,
)
from ultracore_jobs_tests.kernels.market_tables import (
    EVENING,
    FRIDAY,
    MORNING_AFTER,
    SATURDAY,
    THURSDAY,
    calendar,
    delivered_price,
    delivered_prices,
    fixings,
    instruments,
    stored_actions,
    stored_prices,
)

MASTER = instruments(AAA=("XNYS", "USD"), BBB=("XNYS", "USD"), FUND=("UNLISTED", "AUD"))
RATES = {(FRIDAY, "AUD"): "1.6", (FRIDAY, "USD"): "1.04", (FRIDAY, "JPY"): "160"}


def crosses() -> pl.DataFrame:
    """Friday's crosses, in order."""
    return cross_rates(fixings(RATES), calendar("TARGET"), as_of=FRIDAY)


def changed(frame: pl.DataFrame, where: dict[str, Any], **columns: Any) -> pl.DataFrame:
    """The row that *where* describes, with other values."""
    chosen = pl.all_horizontal(pl.col(name) == value for name, value in where.items())
    return frame.with_columns(
        pl.when(chosen).then(pl.lit(value).cast(frame.schema[name])).otherwise(name).alias(name)
        for name, value in columns.items()
    )


def test_crosses_in_order_break_no_law() -> None:
    """Every law returns an empty table."""
    found = crosses()

    for law in (not_inverse, not_one_in_itself, required_missing, mixed_sources):
        assert law(found).is_empty(), law.__name__
    for law_of_pivot in (not_through_pivot, not_fresh, held):
        assert law_of_pivot(found, "EUR").is_empty(), law_of_pivot.__name__


def test_a_rate_off_by_two_millionths_is_not_the_inverse() -> None:
    """0.65 becomes 0.6500013: times 1.5384615385 that is 1.000002."""
    wrong = changed(crosses(), {"base_ccy": "AUD", "quote_ccy": "USD"}, rate=Decimal("0.6500013"))

    assert not_inverse(wrong).select("base_ccy", "quote_ccy").sort("base_ccy").rows() == [
        ("AUD", "USD"),
        ("USD", "AUD"),
    ]
    assert not_through_pivot(wrong, "EUR").select("base_ccy", "quote_ccy").rows() == [("AUD", "USD")]


def test_rounding_of_a_small_rate_is_not_held_against_it() -> None:
    """22,345.67 rupiah a pound: the inverse 0.0000447514 has six digits, the product is off by 1e-6."""
    rates = RATES | {(FRIDAY, "IDR"): "19446.73", (FRIDAY, "GBP"): "0.87027"}

    assert not_inverse(cross_rates(fixings(rates), calendar("TARGET"), as_of=FRIDAY)).is_empty()


def test_a_rate_one_way_only_breaks_the_inverse() -> None:
    """Null there, a rate back."""
    wrong = changed(crosses(), {"base_ccy": "AUD", "quote_ccy": "USD"}, rate=None)

    assert not_inverse(wrong).height == 2
    assert required_missing(wrong)["ccy"].to_list() == ["AUD", "USD"]


def test_a_currency_not_one_in_itself_is_found() -> None:
    """1.0000000001 yen for a yen."""
    yen = {"base_ccy": "JPY", "quote_ccy": "JPY"}

    assert not_one_in_itself(changed(crosses(), yen, rate=Decimal("1.0000000001"))).height == 1
    assert not_one_in_itself(changed(crosses(), yen, rate=None)).height == 1


def test_two_publishers_on_one_day_are_found() -> None:
    """Both are named."""
    wrong = changed(crosses(), {"base_ccy": "AUD", "quote_ccy": "USD"}, source="RBA_F11")

    assert mixed_sources(wrong)["source"].to_list() == ["ECB", "RBA_F11"]


def test_a_weekend_is_fresh_and_a_missed_fixing_is_not() -> None:
    """Saturday carries Friday; on Monday without a fixing all three currencies are late."""
    target = calendar("TARGET")

    assert not_fresh(cross_rates(fixings(RATES), target, as_of=SATURDAY), "EUR").is_empty()
    monday = cross_rates(fixings(RATES), target, as_of=SATURDAY + timedelta(days=2))
    assert not_fresh(monday, "EUR")["quote_ccy"].to_list() == ["AUD", "JPY", "USD"]
    assert FX_CROSSES.empty().pipe(not_fresh, "EUR").is_empty()


def test_a_held_fixing_is_reported_once_for_its_currency() -> None:
    """Yen wait for a person on Friday; Thursday's are carried."""
    stored = pl.concat(
        [
            fixings({(THURSDAY, ccy): "1.5" for ccy in ("AUD", "USD", "JPY")}),
            fixings({(FRIDAY, "JPY"): "9"}, status="QUARANTINED"),
        ]
    )

    assert held(cross_rates(stored, calendar("TARGET"), as_of=FRIDAY), "EUR")["quote_ccy"].to_list() == [
        "JPY"
    ]


def test_a_row_from_the_future_is_found() -> None:
    """Prices and actions known after the cut-off."""
    prices = stored_prices({("AAA", FRIDAY): 10}, known_at=MORNING_AFTER + timedelta(seconds=1))
    actions = stored_actions({"known_at": MORNING_AFTER + timedelta(seconds=1)})

    assert known_after_cutoff(prices, actions, MORNING_AFTER)["row_key"].to_list() == [
        "I-AAA|2026-11-20",
        "A-1",
    ]
    assert known_after_cutoff(prices.clear(), stored_actions({}), MORNING_AFTER).is_empty()


def test_two_prices_for_one_day_are_found() -> None:
    """Both rows are shown."""
    one = stored_prices({("AAA", FRIDAY): 10, ("BBB", FRIDAY): 10})

    assert more_than_one_price(one).is_empty()
    assert more_than_one_price(pl.concat([one, stored_prices({("AAA", FRIDAY): 11})])).height == 2


def test_a_price_of_zero_is_found() -> None:
    """Zero and less."""
    prices = stored_prices({("AAA", FRIDAY): 0, ("BBB", FRIDAY): 1, ("AAA", THURSDAY): -1})

    assert not_positive(prices)["close"].to_list() == [Decimal(0), Decimal(-1)]


def test_a_price_without_a_delivered_row_in_its_currency_is_found() -> None:
    """AAA was delivered in Australian dollars, BBB not at all."""
    prices = stored_prices({("AAA", FRIDAY): 10, ("BBB", FRIDAY): 10})
    right = delivered_prices(
        delivered_price("AAA", "2026-11-20", "10"), delivered_price(" BBB ", "2026-11-20", "10")
    )
    wrong = delivered_prices(delivered_price("AAA", "2026-11-20", "10", ccy="AUD"))

    assert currency_not_instruments(prices, right, MASTER).is_empty()
    assert currency_not_instruments(prices, wrong, MASTER)["instrument_id"].to_list() == ["I-AAA", "I-BBB"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratio": None},
        {"cash_per_unit": Decimal(1)},
        {"type": "DIVIDEND"},
        {"type": "DIVIDEND", "ratio": None},
        {"instrument_id": "I-ZZZ"},
    ],
)
def test_an_incomplete_action_is_found(wrong: dict[str, Any]) -> None:
    """A split without ratio or with cash, a dividend without cash or with a ratio, a stranger."""
    assert incomplete_actions(stored_actions({}), MASTER).is_empty()
    assert incomplete_actions(CORPORATE_ACTIONS.empty(), MASTER).is_empty()
    assert incomplete_actions(stored_actions(wrong), MASTER).height == 1


def test_an_instrument_without_a_price_of_the_last_session_is_named() -> None:
    """AAA came on Thursday only, BBB's Friday row was unreadable; the fund is unlisted."""
    delivery = delivered_prices(
        delivered_price("AAA", "2026-11-19", "10"),
        delivered_price("BBB", "2026-11-20", "N/A"),
    )
    reject = {"table_name": "vendor_prices", "row_number": 2, "reason": "NOT_NUMERIC"}
    quarantine = pl.DataFrame([reject], schema=REJECTS_SCHEMA)

    late = instruments_without_price(delivery, quarantine, MASTER, calendar("XNYS"), SATURDAY)

    assert late.select("instrument_id", "last_session", "last_delivered").rows() == [
        ("I-AAA", FRIDAY, THURSDAY),
        ("I-BBB", FRIDAY, None),
    ]


def test_a_refused_correction_leaves_the_day_its_price() -> None:
    """AAA's correction was a spike: its close in use stands, so it is not missing."""
    delivery = delivered_prices(delivered_price("AAA", "2026-11-20", "1000"))
    reject = {"table_name": "vendor_prices", "row_number": 1, "reason": "SPIKE"}
    quarantine = pl.DataFrame([reject], schema=REJECTS_SCHEMA)
    only = MASTER.filter(pl.col("symbol") == "AAA")

    assert instruments_without_price(delivery, quarantine, only, calendar("XNYS"), SATURDAY).is_empty()


def test_a_matured_bond_needs_no_price() -> None:
    """It was repaid on Friday."""
    matured = MASTER.filter(pl.col("symbol") == "AAA").with_columns(pl.lit(FRIDAY).alias("matures_on"))
    nothing = pl.DataFrame(schema=REJECTS_SCHEMA)

    assert instruments_without_price(
        delivered_prices(), nothing, matured, calendar("XNYS"), FRIDAY
    ).is_empty()


def test_held_prices_and_material_corrections_are_told() -> None:
    """10 basis points matter at a threshold of 5, not at one of 11."""
    corrected = stored_prices(
        {("AAA", FRIDAY): "100.10"}, reason="CORRECTION of 100.000000", known_at=EVENING
    )
    waiting = stored_prices({("BBB", FRIDAY): "9"}, status="QUARANTINED", reason="SPIKE: ...")
    both = pl.concat([corrected, waiting])

    assert held_prices(both)["instrument_id"].to_list() == ["I-BBB"]
    assert material_corrections(both, 5.0)["instrument_id"].to_list() == ["I-AAA"]
    assert material_corrections(both, 11.0).is_empty()
