"""Fixings: what of a delivery is believed, stored, held for a person, or set aside."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import REJECTS_SCHEMA, conform
from ultracore_jobs.catalog.market import FX_RATES
from ultracore_jobs.errors import MissingInputError
from ultracore_jobs.kernels.bitemporal import as_known
from ultracore_jobs.kernels.fixings import ExchangeRates, update_exchange_rates
from ultracore_jobs.kernels.fx import FX_CROSSES
from ultracore_jobs_tests.kernels.market_tables import (
    EVENING,
    FRIDAY,
    MORNING_AFTER,
    SATURDAY,
    THURSDAY,
    calendar,
    delivered_fixings,
    fixings,
)

TARGET = calendar("TARGET")
MAJORS = (("2026-11-20", "AUD", "1.6000"), ("2026-11-20", "USD", "1.0400"))


def update(
    delivery: pl.DataFrame,
    stored: pl.DataFrame | None = None,
    *,
    as_of: date = FRIDAY,
    known_at: datetime = MORNING_AFTER,
    **parameters: Any,
) -> ExchangeRates:
    """Run the kernel."""
    return update_exchange_rates(
        vendor_fixings=delivery,
        fx_rates=FX_RATES.empty() if stored is None else stored,
        calendars=TARGET,
        as_of=as_of,
        known_at=known_at,
        **parameters,
    )


def after(*parts: pl.DataFrame, known_at: datetime = MORNING_AFTER) -> pl.DataFrame:
    """The table as a later run reads it: appended, and resolved to one row for each key."""
    return as_known(pl.concat(parts).lazy(), FX_RATES, known_at=known_at).collect()


def thursday() -> pl.DataFrame:
    """Thursday's fixings, stored."""
    return fixings({(THURSDAY, "AUD"): "1.6000", (THURSDAY, "USD"): "1.0400", (THURSDAY, "CHF"): "0.9300"})


def cross(crosses: pl.DataFrame, base: str, quote: str) -> Any:
    """One rate."""
    return crosses.filter((pl.col("base_ccy") == base) & (pl.col("quote_ccy") == quote))["rate"].item()


def test_new_fixings_are_stored_as_published_and_crossed() -> None:
    """EURAUD 1.6000 and EURUSD 1.0400 are stored against the pivot; AUDUSD 0.65 is derived."""
    updated = update(delivered_fixings(*MAJORS))

    assert updated.fx_rates.select(
        "rate_date", "base_ccy", "quote_ccy", "rate", "status", "reason"
    ).rows() == [
        (FRIDAY, "EUR", "AUD", Decimal("1.6"), "OK", None),
        (FRIDAY, "EUR", "USD", Decimal("1.04"), "OK", None),
    ]
    assert updated.fx_rates["known_at"].unique().to_list() == [EVENING]
    assert cross(updated.fx_crosses, "AUD", "USD") == Decimal("0.65")
    assert updated.quarantine.is_empty()
    conform(updated.fx_rates, FX_RATES)
    conform(updated.fx_crosses, FX_CROSSES)


def test_yesterdays_file_again_gives_no_new_rows() -> None:
    """On Monday the provider sends Friday's file: nothing is stored, Friday's rates are carried."""
    first = update(delivered_fixings(*MAJORS))
    monday = FRIDAY + timedelta(days=3)
    later = MORNING_AFTER + timedelta(days=3)

    again = update(delivered_fixings(*MAJORS, known_at=later), first.fx_rates, as_of=monday, known_at=later)

    assert again.fx_rates.is_empty()
    assert again.quarantine.is_empty()
    dollars = again.fx_crosses.filter((pl.col("base_ccy") == "AUD") & (pl.col("quote_ccy") == "USD"))
    assert dollars.select("status", "stale_business_days").rows() == [("CARRIED", 1)]


def test_a_revision_is_a_new_row_known_later_that_names_what_it_corrects() -> None:
    """1.0400 becomes 1.0410: the old row stays, the new one says what it was."""
    first = update(delivered_fixings(*MAJORS))
    revised = delivered_fixings(MAJORS[0], ("2026-11-20", "USD", "1.0410"), known_at=MORNING_AFTER)

    second = update(revised, first.fx_rates)

    assert second.fx_rates.select("quote_ccy", "rate", "status", "reason", "known_at").rows() == [
        ("USD", Decimal("1.041"), "OK", "CORRECTION of 1.0400000000", MORNING_AFTER)
    ]
    assert cross(second.fx_crosses, "EUR", "USD") == Decimal("1.041")


def test_a_changed_value_with_the_old_instant_is_known_from_the_cutoff_on() -> None:
    """A provider that edits a row without saying when is believed from the moment we saw it."""
    first = update(delivered_fixings(*MAJORS))

    second = update(delivered_fixings(("2026-11-20", "USD", "1.0410")), first.fx_rates)

    assert second.fx_rates["known_at"].to_list() == [MORNING_AFTER]


def test_older_knowledge_never_replaces_newer() -> None:
    """A correction known on Saturday stands when Friday evening's file comes again."""
    corrected = fixings(
        {(FRIDAY, "AUD"): "1.6000", (FRIDAY, "USD"): "1.0410"}, known_at=EVENING + timedelta(hours=1)
    )

    updated = update(delivered_fixings(*MAJORS), corrected)

    assert updated.fx_rates.is_empty()
    assert cross(updated.fx_crosses, "EUR", "USD") == Decimal("1.041")


def test_two_values_at_one_instant_are_refused() -> None:
    """A stored row already bears the cut-off: a second value cannot be known later than it."""
    stored = fixings({(FRIDAY, "AUD"): "1.6", (FRIDAY, "USD"): "1.04"}, known_at=MORNING_AFTER)

    updated = update(
        delivered_fixings(MAJORS[0], ("2026-11-20", "USD", "1.0410"), known_at=MORNING_AFTER), stored
    )

    assert updated.fx_rates.is_empty()
    assert updated.quarantine["reason"].to_list() == ["SAME_INSTANT"]


@pytest.mark.parametrize(
    ("row", "reason", "column"),
    [
        (("2026-11-20", "JPY", "N/A"), "NOT_NUMERIC", "rate"),
        (("2026-11-20", "JPY", None), "NOT_NUMERIC", "rate"),
        (("2026-11-20", "JPY", " "), "NOT_NUMERIC", "rate"),
        (("2026-11-20", "JPY", "1,04"), "NOT_NUMERIC", "rate"),
        (("2026-11-20", "JPY", "NaN"), "NOT_NUMERIC", "rate"),
        (("2026-11-20", "JPY", "0"), "NON_POSITIVE", "rate"),
        (("2026-11-20", "JPY", "-160.5"), "NON_POSITIVE", "rate"),
        (("2026-11-20", "JPY", "100000000"), "OUT_OF_RANGE", "rate"),
        (("2026-11-21", "JPY", "160.5"), "FUTURE_DATE", "rate_date"),
        (("2026-11-31", "JPY", "160.5"), "NOT_A_DATE", "rate_date"),
        (("20/11/2026", "JPY", "160.5"), "NOT_A_DATE", "rate_date"),
        (("2026-11-20", "XYZ", "160.5"), "UNKNOWN_CURRENCY", "quote_ccy"),
        (("2026-11-20", "EUR", "1"), "UNKNOWN_CURRENCY", "quote_ccy"),
    ],
)
def test_a_bad_row_is_set_aside_alone(row: tuple[str, str, str | None], reason: str, column: str) -> None:
    """It is the third row of the delivery; the two before it are stored."""
    updated = update(delivered_fixings(*MAJORS, row))

    assert updated.fx_rates.height == 2
    rejected = updated.quarantine.row(0, named=True)
    assert (rejected["row_number"], rejected["reason"], rejected["column_name"]) == (3, reason, column)
    assert rejected["remedy"]
    assert updated.quarantine.schema == REJECTS_SCHEMA


def test_origin_is_checked() -> None:
    """Another pivot than the publisher's, an unknown publisher, and knowledge from the future."""
    rows = pl.concat(
        [
            delivered_fixings(*MAJORS),
            delivered_fixings(("2026-11-20", "JPY", "160.5"), base="USD"),
            delivered_fixings(("2026-11-20", "JPY", "160.5"), source="A_FRIEND"),
            delivered_fixings(("2026-11-20", "JPY", "160.5"), known_at=MORNING_AFTER + timedelta(seconds=1)),
        ]
    )

    assert update(rows).quarantine["reason"].to_list() == ["WRONG_PIVOT", "UNKNOWN_SOURCE", "NOT_YET_KNOWN"]


def test_a_withdrawn_currency_is_no_unknown_one() -> None:
    """The kuna was quoted until Croatia joined the euro; its history may be loaded."""
    updated = update(delivered_fixings(*MAJORS, ("2026-11-20", "HRK", "7.5345")))

    assert updated.quarantine.is_empty()


def test_a_jump_is_held_and_the_fixing_before_it_is_carried() -> None:
    """15 January 2015: the franc went from 1.2010 to 1.0280 per euro, ln = -0.1555, limit 0.05."""
    stored = fixings({(THURSDAY, "AUD"): "1.6", (THURSDAY, "USD"): "1.04", (THURSDAY, "CHF"): "1.2010"})

    updated = update(delivered_fixings(*MAJORS, ("2026-11-20", "CHF", "1.0280")), stored)

    held = updated.fx_rates.row(by_predicate=pl.col("quote_ccy") == "CHF", named=True)
    assert held["status"] == "QUARANTINED"
    assert held["reason"] == "JUMP: ln(new / previous) = -0.1555, limit 0.05"
    assert held["rate"] == Decimal("1.028")
    assert cross(updated.fx_crosses, "EUR", "CHF") == Decimal("1.201")
    assert updated.quarantine.is_empty(), "it is stored, so it is not set aside as well"


@pytest.mark.parametrize(("rate", "is_held"), [("1.0933", False), ("1.0934", True), ("0.9892", True)])
def test_the_limit_is_a_logarithm_and_itself_allowed(rate: str, *, is_held: bool) -> None:
    """1.04 * e^0.05 = 1.09332 and 1.04 * e^-0.05 = 0.98928."""
    updated = update(delivered_fixings(MAJORS[0], ("2026-11-20", "USD", rate)), thursday())

    assert ("QUARANTINED" in updated.fx_rates["status"].to_list()) is is_held


def test_a_currency_may_have_its_own_limit() -> None:
    """The lira is allowed 0.20, so 1.15 times yesterday's rate is no jump; for francs it is."""
    stored = pl.concat([thursday(), fixings({(THURSDAY, "TRY"): "40"})])
    delivery = delivered_fixings(*MAJORS, ("2026-11-20", "TRY", "46"), ("2026-11-20", "CHF", "1.0695"))

    updated = update(delivery, stored, jump_limits={"TRY": 0.20})

    held = updated.fx_rates.filter(pl.col("status") == "QUARANTINED")
    assert held["quote_ccy"].to_list() == ["CHF"]


def test_a_jump_is_measured_against_the_last_usable_fixing() -> None:
    """After a typing error on Thursday (10.4) Friday's 1.05 is no jump against Wednesday's 1.04."""
    stored = fixings({(date(2026, 11, 18), "AUD"): "1.6", (date(2026, 11, 18), "USD"): "1.04"})
    delivery = delivered_fixings(
        ("2026-11-19", "USD", "10.4"), ("2026-11-20", "USD", "1.05"), ("2026-11-20", "AUD", "1.6")
    )

    updated = update(delivery, stored)

    assert updated.fx_rates.select("rate_date", "quote_ccy", "status").rows() == [
        (THURSDAY, "USD", "QUARANTINED"),
        (FRIDAY, "AUD", "OK"),
        (FRIDAY, "USD", "OK"),
    ]


def test_a_person_releases_a_jump_and_what_follows_it_is_judged_again() -> None:
    """Francs held on Thursday and Friday; Thursday's is imported as OK, then Friday's agrees with it."""
    before = fixings(
        {(date(2026, 11, 18), ccy): rate for ccy, rate in (("AUD", "1.6"), ("USD", "1.04"), ("CHF", "1.2"))}
    )
    delivery = delivered_fixings(*MAJORS, ("2026-11-19", "CHF", "1.03"), ("2026-11-20", "CHF", "1.02"))
    first = update(delivery, before)
    assert first.fx_rates.filter(pl.col("quote_ccy") == "CHF")["status"].to_list() == ["QUARANTINED"] * 2

    released = fixings({(THURSDAY, "CHF"): "1.03"}, reason="RELEASED by A. Person", known_at=MORNING_AFTER)
    later = MORNING_AFTER + timedelta(hours=1)
    second = update(delivery, after(before, first.fx_rates, released), known_at=later)

    assert second.fx_rates.select("rate_date", "quote_ccy", "status", "known_at").rows() == [
        (FRIDAY, "CHF", "OK", later)
    ]
    assert cross(second.fx_crosses, "EUR", "CHF") == Decimal("1.02")
    third = update(
        delivery, after(before, first.fx_rates, released, second.fx_rates, known_at=later), known_at=later
    )
    assert third.fx_rates.is_empty()


def test_what_a_person_decided_stands_against_later_deliveries() -> None:
    """The publisher keeps sending 1.0420; a person decided on 1.0410."""
    decided = fixings({(FRIDAY, "AUD"): "1.6", (FRIDAY, "USD"): "1.0410"}, reason="RELEASED: per the gazette")

    updated = update(delivered_fixings(("2026-11-20", "USD", "1.0420"), known_at=MORNING_AFTER), decided)

    assert updated.fx_rates.is_empty()
    assert updated.quarantine.is_empty()


def test_a_jump_does_not_replace_a_rate_in_use() -> None:
    """A revision from 1.04 to 10.4 is set aside; 1.04 goes on being used."""
    stored = pl.concat([thursday(), fixings({(FRIDAY, "AUD"): "1.6", (FRIDAY, "USD"): "1.04"})])

    updated = update(delivered_fixings(("2026-11-20", "USD", "10.4")), stored)

    assert updated.fx_rates.is_empty()
    assert updated.quarantine.select("reason", "value").rows() == [("JUMP", "10.4")]
    assert cross(updated.fx_crosses, "EUR", "USD") == Decimal("1.04")


def test_time_alone_does_not_release_a_jump() -> None:
    """The last usable franc has left the window; the held one keeps later fixings on hold."""
    stored = pl.concat(
        [
            thursday().filter(pl.col("quote_ccy") != "CHF"),
            fixings({(THURSDAY, "CHF"): "1.03"}, status="QUARANTINED", reason="JUMP: ..."),
        ]
    )

    updated = update(delivered_fixings(*MAJORS, ("2026-11-20", "CHF", "1.02")), stored)

    held = updated.fx_rates.filter(pl.col("quote_ccy") == "CHF")
    assert held["status"].to_list() == ["QUARANTINED"]
    assert held["reason"].item() == "JUMP: an earlier fixing is held and none before it is in the window"


def test_a_repeated_row_is_no_fault_and_a_contradiction_is_decided_by_order() -> None:
    """Twice 1.0400 is one row. 0.86 and then 0.87 at one instant: the later word stands."""
    delivery = delivered_fixings(
        *MAJORS, MAJORS[1], ("2026-11-20", "GBP", "0.86"), ("2026-11-20", "GBP", "0.87")
    )

    updated = update(delivery)

    assert dict(updated.fx_rates.select("quote_ccy", "rate").iter_rows())["GBP"] == Decimal("0.87")
    assert updated.fx_rates.height == 3
    assert updated.quarantine.select("row_number", "reason", "value").rows() == [(4, "CONTRADICTION", "0.86")]


def test_a_rate_is_rounded_half_up_to_ten_decimals_and_a_tie_to_even_is_not_taken() -> None:
    """Polars would read 1.00000000005 as 1.0000000000, the even neighbour."""
    updated = update(delivered_fixings(MAJORS[0], ("2026-11-20", "USD", "1.00000000005")))

    assert updated.fx_rates["rate"].to_list()[1] == Decimal("1.0000000001")


@pytest.mark.parametrize("missing", ["AUD", "USD"])
def test_without_australian_or_us_dollars_the_job_fails(missing: str) -> None:
    """Nothing is published; the message says what to do."""
    rows = [row for row in MAJORS if row[1] != missing]

    with pytest.raises(
        MissingInputError, match=rf"no rate for .*{missing}.* may be used on 2026-11-20.*Remedy"
    ):
        update(delivered_fixings(*rows))


def test_dollars_too_old_to_use_are_missing_dollars() -> None:
    """Fixings of Thursday 19 November are 4 business days old on Wednesday 25."""
    wednesday = date(2026, 11, 25)

    with pytest.raises(MissingInputError):
        update(
            delivered_fixings(),
            thursday(),
            as_of=wednesday,
            known_at=datetime(2026, 11, 26, tzinfo=UTC),
        )


def test_an_outage_carries_the_stored_fixings() -> None:
    """An empty delivery on Friday: Thursday's rates, carried, one business day old."""
    updated = update(delivered_fixings(), thursday(), as_of=SATURDAY)

    assert updated.fx_rates.is_empty()
    assert cross(updated.fx_crosses, "AUD", "USD") == Decimal("0.65")
    assert set(updated.fx_crosses.filter(pl.col("base_ccy") != pl.col("quote_ccy"))["status"]) == {"CARRIED"}


quotes = st.lists(
    st.tuples(
        st.sampled_from(["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]),
        st.sampled_from(["AUD", "USD", "CHF", "JPY"]),
        st.sampled_from(["1.00", "1.01", "1.04", "1.20", "1.50", "0", "N/A", "7"]),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(rows=quotes)
def test_running_again_over_its_own_output_gives_no_new_rows(rows: Sequence[tuple[str, str, str]]) -> None:
    """Whatever is delivered, in whatever order: the second run appends nothing and agrees."""
    stored = fixings({(date(2026, 11, 16), ccy): "1.02" for ccy in ("AUD", "USD", "CHF", "JPY")})
    stored = pl.concat([stored, fixings({(THURSDAY, "AUD"): "1.03", (THURSDAY, "USD"): "1.03"})])
    once = update(delivered_fixings(*rows), stored)

    twice = update(delivered_fixings(*rows), after(stored, once.fx_rates))

    assert twice.fx_rates.is_empty()
    assert twice.fx_crosses.equals(once.fx_crosses)
    conform(once.fx_rates, FX_RATES)
