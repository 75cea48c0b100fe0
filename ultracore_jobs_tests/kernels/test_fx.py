"""Cross rates: worked examples, carrying, staleness, and the laws that hold for any fixing."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.kernels.fx import FX_CROSSES, cross_rates
from ultracore_jobs.kernels.fx_laws import not_inverse, not_one_in_itself, not_through_pivot
from ultracore_jobs_tests.kernels.market_tables import (
    FRIDAY,
    SATURDAY,
    THURSDAY,
    WEDNESDAY,
    calendar,
    fixings,
)

TARGET = calendar("TARGET")
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
RULE = {"AUD": "1.6000", "USD": "1.0400"}
rates = st.decimals("0.0001", "99999", places=4)


def on(day: date, **quotes: str) -> dict[tuple[date, str], str]:
    """Fixings of one day, by quoted currency."""
    return {(day, ccy): rate for ccy, rate in quotes.items()}


def pair(crosses: pl.DataFrame, base: str, quote: str) -> dict[str, object]:
    """One row of the crosses."""
    return crosses.row(by_predicate=(pl.col("base_ccy") == base) & (pl.col("quote_ccy") == quote), named=True)


def test_the_worked_example() -> None:
    """EURAUD 1.6000, EURUSD 1.0400: AUDUSD 0.65, USDAUD 1.5384615385 (domain_rules 14)."""
    crosses = cross_rates(fixings(on(FRIDAY, **RULE)), TARGET, as_of=FRIDAY)

    assert pair(crosses, "AUD", "USD")["rate"] == Decimal("0.65")
    assert pair(crosses, "USD", "AUD")["rate"] == Decimal("1.5384615385")
    assert pair(crosses, "EUR", "AUD")["rate"] == Decimal("1.6")
    assert pair(crosses, "AUD", "EUR")["rate"] == Decimal("0.625")
    assert pair(crosses, "AUD", "AUD")["rate"] == 1
    assert crosses.height == 9
    conform(crosses, FX_CROSSES)


def test_the_valuation_example() -> None:
    """EURAUD 1.65 and EURUSD 1.10: one US dollar is A$1.50 (domain_rules 1A)."""
    crosses = cross_rates(fixings(on(FRIDAY, AUD="1.65", USD="1.10")), TARGET, as_of=FRIDAY)

    assert pair(crosses, "USD", "AUD")["rate"] == Decimal("1.5")


def test_a_weekend_carries_fridays_fixing_without_age() -> None:
    """No TARGET day has passed on Saturday; on Monday one has, if nothing came."""
    stored = fixings(on(FRIDAY, **RULE))

    saturday = pair(cross_rates(stored, TARGET, as_of=SATURDAY), "AUD", "USD")
    monday = pair(cross_rates(stored, TARGET, as_of=MONDAY), "AUD", "USD")

    assert (saturday["status"], saturday["stale_business_days"]) == ("CARRIED", 0)
    assert (monday["status"], monday["stale_business_days"]) == ("CARRIED", 1)
    assert saturday["rate"] == monday["rate"] == Decimal("0.65")
    assert saturday["rate_date"] == FRIDAY
    assert saturday["reason"] == "NO_FIXING"


def test_good_friday_to_easter_monday_is_carried() -> None:
    """The fixing of Maundy Thursday 2 April 2026 is used to Easter Monday, and is not a day old."""
    easter = [date(2026, 4, 3), date(2026, 4, 6)]
    target = calendar("TARGET", first=date(2026, 3, 1), holidays=easter)

    crosses = cross_rates(fixings(on(date(2026, 4, 2), **RULE)), target, as_of=date(2026, 4, 6))

    found = pair(crosses, "AUD", "USD")
    assert (found["status"], found["stale_business_days"]) == ("CARRIED", 0)


def test_after_three_business_days_a_rate_may_not_be_used() -> None:
    """Friday's fixing is 3 business days old on Wednesday, 4 on Thursday: then null, never zero."""
    stored = fixings(on(FRIDAY, **RULE))

    third = pair(cross_rates(stored, TARGET, as_of=date(2026, 11, 25)), "AUD", "USD")
    fourth = pair(cross_rates(stored, TARGET, as_of=date(2026, 11, 26)), "AUD", "USD")

    assert (third["status"], third["stale_business_days"]) == ("CARRIED", 3)
    assert (fourth["status"], fourth["stale_business_days"]) == ("FAILED_STALE", 4)
    assert (fourth["rate"], fourth["reason"]) == (None, "TOO_OLD")


def test_a_currency_dropped_from_the_list_ages_alone() -> None:
    """Croatia joined the euro: HRK is quoted no more, fails stale, and all the others go on."""
    stored = fixings(on(date(2026, 11, 10), HRK="7.5345", **RULE) | on(FRIDAY, **RULE))

    crosses = cross_rates(stored, TARGET, as_of=FRIDAY)

    dropped = crosses.filter((pl.col("base_ccy") == "HRK") ^ (pl.col("quote_ccy") == "HRK"))
    assert dropped["status"].unique().to_list() == ["FAILED_STALE"]
    assert dropped["rate"].null_count() == dropped.height == 6
    assert set(dropped["rate_date"]) == {date(2026, 11, 10)}
    assert pair(crosses, "AUD", "USD")["status"] == "OK"
    assert pair(crosses, "HRK", "HRK")["rate"] == 1


def test_both_legs_come_from_one_fixing_where_there_is_one() -> None:
    """Francs have no fixing on Friday: their crosses use Thursday's dollars too, not Friday's."""
    stored = fixings(on(THURSDAY, USD="1.00", CHF="0.90") | on(FRIDAY, USD="1.04"))

    crosses = cross_rates(stored, TARGET, as_of=FRIDAY)

    francs = pair(crosses, "USD", "CHF")
    assert (francs["rate"], francs["rate_date"], francs["status"]) == (Decimal("0.9"), THURSDAY, "CARRIED")
    assert pair(crosses, "EUR", "USD")["rate"] == Decimal("1.04")


def test_two_fixings_are_mixed_only_where_no_common_one_may_be_used() -> None:
    """Dollars were last fixed on Thursday, francs for the first time on Friday."""
    crosses = cross_rates(fixings(on(THURSDAY, USD="1.00") | on(FRIDAY, CHF="0.90")), TARGET, as_of=FRIDAY)

    mixed = pair(crosses, "USD", "CHF")
    assert (mixed["rate"], mixed["rate_date"], mixed["reason"]) == (Decimal("0.9"), THURSDAY, "MIXED_FIXINGS")


def test_a_quarantined_fixing_is_not_used_and_the_one_before_is_carried() -> None:
    """Friday's dollar waits for a person: Thursday's stands, and says why."""
    stored = pl.concat(
        [
            fixings(on(THURSDAY, **RULE) | on(FRIDAY, AUD="1.61")),
            fixings(on(FRIDAY, USD="2"), status="QUARANTINED"),
        ]
    )

    crosses = cross_rates(stored, TARGET, as_of=FRIDAY)

    dollars = pair(crosses, "EUR", "USD")
    assert (dollars["rate"], dollars["status"], dollars["reason"]) == (
        Decimal("1.04"),
        "CARRIED",
        "FIXING_QUARANTINED",
    )
    assert pair(crosses, "EUR", "AUD")["status"] == "OK"


def test_the_reserve_bank_quotes_foreign_units_per_australian_dollar() -> None:
    """RBA F11: 0.65 US dollars for A$1, so one US dollar is A$1.5384615385."""
    stored = fixings(on(FRIDAY, USD="0.6500", EUR="0.6250"), source="RBA_F11", base="AUD")

    crosses = cross_rates(stored, TARGET, as_of=FRIDAY)

    assert pair(crosses, "AUD", "USD")["rate"] == Decimal("0.65")
    assert pair(crosses, "USD", "AUD")["rate"] == Decimal("1.5384615385")
    assert pair(crosses, "EUR", "USD")["rate"] == Decimal("1.04")
    assert crosses["source"].unique().to_list() == ["RBA_F11"]


def test_publishers_are_never_mixed() -> None:
    """While the ECB may be carried it gives everything; when it is too old the RBA does."""
    ecb = fixings(on(FRIDAY, **RULE))
    rba = fixings(on(MONDAY, USD="0.66") | on(date(2026, 11, 26), USD="0.67"), source="RBA_F11", base="AUD")
    both = pl.concat([ecb, rba])

    carried = cross_rates(both, TARGET, as_of=MONDAY)
    replaced = cross_rates(both, TARGET, as_of=date(2026, 11, 26))
    preferred = cross_rates(both, TARGET, as_of=MONDAY, source_priority=["RBA_F11", "ECB"])

    assert carried["source"].unique().to_list() == ["ECB"]
    assert replaced["source"].unique().to_list() == ["RBA_F11"]
    assert pair(replaced, "AUD", "USD")["rate"] == Decimal("0.67")
    assert preferred["source"].unique().to_list() == ["RBA_F11"]


def test_a_calendar_that_does_not_reach_back_makes_no_rate_usable() -> None:
    """An age that cannot be known is too old."""
    crosses = cross_rates(fixings(on(WEDNESDAY, **RULE)), calendar("TARGET", first=FRIDAY), as_of=FRIDAY)

    found = pair(crosses, "AUD", "USD")
    assert (found["rate"], found["status"], found["reason"]) == (None, "FAILED_STALE", "CALENDAR_TOO_SHORT")


def test_without_fixings_there_are_no_crosses() -> None:
    """An empty table, of the right form."""
    crosses = cross_rates(fixings({}), TARGET, as_of=FRIDAY)

    assert crosses.is_empty()
    conform(crosses, FX_CROSSES)


def test_a_fixing_after_the_day_is_not_seen() -> None:
    """Friday's rates are Friday's, whatever Monday brings."""
    stored = fixings(on(FRIDAY, **RULE) | on(MONDAY, AUD="2", USD="2"))

    assert pair(cross_rates(stored, TARGET, as_of=FRIDAY), "AUD", "USD")["rate"] == Decimal("0.65")


def test_a_cross_too_large_to_store_is_no_rate() -> None:
    """10^8 or more does not fit 8 digits before the point; it is said, and the others stand."""
    crosses = cross_rates(fixings(on(FRIDAY, TRL="90000000", KWD="0.5", USD="1")), TARGET, as_of=FRIDAY)

    found = pair(crosses, "KWD", "TRL")
    assert (found["rate"], found["status"], found["reason"]) == (None, "FAILED_STALE", "RATE_OUT_OF_RANGE")
    assert pair(crosses, "USD", "TRL")["rate"] == Decimal(90000000)


@settings(max_examples=40, deadline=None)
@given(aud=rates, usd=rates, jpy=rates)
def test_every_cross_is_the_exact_quotient_rounded_half_up(aud: Decimal, usd: Decimal, jpy: Decimal) -> None:
    """Recomputed with 60 digits in `decimal`, for three currencies and the pivot."""
    quotes = {"AUD": aud, "USD": usd, "JPY": jpy, "EUR": Decimal(1)}
    given_rates = on(FRIDAY, **{ccy: str(rate) for ccy, rate in quotes.items() if ccy != "EUR"})

    crosses = cross_rates(fixings(given_rates), TARGET, as_of=FRIDAY)

    with localcontext() as context:
        context.prec = 60
        for row in crosses.iter_rows(named=True):
            exact = quotes[row["quote_ccy"]] / quotes[row["base_ccy"]]
            rounded = exact.quantize(Decimal("1e-10"), ROUND_HALF_UP)
            assert row["rate"] == (rounded if 0 < rounded < 10**8 else None)


@settings(max_examples=40, deadline=None)
@given(aud=rates, usd=rates, idr=rates)
def test_laws_hold_for_any_fixing(aud: Decimal, usd: Decimal, idr: Decimal) -> None:
    """Inverse, identity and through-the-pivot, also for very small rates."""
    crosses = cross_rates(fixings(on(FRIDAY, AUD=str(aud), USD=str(usd), IDR=str(idr))), TARGET, as_of=FRIDAY)
    usable = crosses.filter(pl.col("rate").is_not_null() & (pl.col("rate") > Decimal("0.00001")))
    both_ways = usable.join(
        usable.select(pl.col("quote_ccy").alias("base_ccy"), pl.col("base_ccy").alias("quote_ccy")),
        on=["base_ccy", "quote_ccy"],
        how="semi",
    )

    assert not_inverse(both_ways).is_empty()
    assert not_one_in_itself(crosses).is_empty()
    assert not_through_pivot(crosses, "EUR").is_empty()


def test_a_tie_is_rounded_up() -> None:
    """0.000001 / 20000 is 0.00000000005: halfway between 0 and the smallest rate there is."""
    crosses = cross_rates(
        fixings(on(FRIDAY, AUD="20000.0000000000", USD="0.0000010000")), TARGET, as_of=FRIDAY
    )

    assert pair(crosses, "AUD", "USD")["rate"] == Decimal("0.0000000001")
