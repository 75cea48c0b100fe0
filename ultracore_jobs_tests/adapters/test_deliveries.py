"""From provider tables to a delivery: window, last word, coverage."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.adapters.deliveries import delivery_of, provider_columns
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.ports import Coverage, Delivery
from ultracore_jobs_tests.contracts.feeds import AFTER

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


def prices(*rows: tuple[str | None, str, str, str | None]) -> pl.DataFrame:
    """Symbol, exchange, day and close of each row."""
    table = pl.DataFrame(rows, schema=["symbol", "exchange", "price_date", "close"], orient="row")
    absent = [name for name in provider_columns(VENDOR_PRICES) if name not in table.columns]
    return table.with_columns(
        pl.lit("test" if name == "source" else None, pl.String).alias(name) for name in absent
    )


def fixings(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    """Day, source, currency and rate of each row."""
    table = pl.DataFrame(rows, schema=["rate_date", "source", "quote_ccy", "rate"], orient="row")
    return table.with_columns(pl.lit("EUR").alias("base_ccy"))


def deliver(*tables: pl.DataFrame, since: date = FRIDAY, until: date = MONDAY) -> Delivery:
    """A delivery of prices, or of fixings where the tables are such."""
    dataset = VENDOR_FIXINGS if "rate" in tables[0].columns else VENDOR_PRICES
    return delivery_of(dataset, tables, since=since, until=until, known_at=AFTER, label="test")


def test_rows_outside_the_window_stay_out_and_unreadable_days_stay_in() -> None:
    """Both ends are in; `tomorrow` is no day, so the kernel must get to reject it."""
    days = ["2026-11-19", "2026-11-20", "2026-11-23", "2026-11-24", "tomorrow"]
    delivery = deliver(prices(*(("A", "XNYS", day, "1") for day in days)))

    assert delivery.frame["price_date"].to_list() == ["2026-11-20", "2026-11-23", "tomorrow"]


def test_a_later_table_has_the_last_word_on_its_keys_only() -> None:
    """The correction of A replaces A of Friday; B and the row without a symbol stay."""
    first = prices(
        ("A", "XNYS", "2026-11-20", "1"), ("B", "XNYS", "2026-11-20", "2"), (None, "XNYS", "2026-11-20", "3")
    )
    correction = prices(("A", "XNYS", "2026-11-20", "1.5"), (None, "XNYS", "2026-11-20", "4"))

    assert deliver(first, correction).frame["close"].to_list() == ["2", "3", "1.5", "4"]


def test_a_key_that_comes_twice_in_one_table_stays_twice() -> None:
    """Which of the two is right is the kernel's to say, and to reject."""
    delivery = deliver(prices(("A", "XNYS", "2026-11-20", "1"), ("A", "XNYS", "2026-11-20", "2")))

    assert delivery.frame["close"].to_list() == ["1", "2"]


def test_coverage_bridges_weekends_and_nothing_else() -> None:
    """Thursday to Friday and Monday are one span; the next Wednesday stands alone, as Tuesday is missing."""
    days = ["2026-11-19", "2026-11-20", "2026-11-23", "2026-11-25"]
    delivery = deliver(
        prices(*(("A", "XNYS", day, "1") for day in days)), since=date(2026, 11, 1), until=date(2026, 11, 30)
    )

    assert delivery.covers == (
        Coverage(market="XNYS", first=date(2026, 11, 19), last=MONDAY),
        Coverage(market="XNYS", first=date(2026, 11, 25), last=date(2026, 11, 25)),
    )


def test_a_day_without_one_readable_price_is_not_covered() -> None:
    """N/A, nothing and not-a-number tell nothing of Monday; an exchange we do not know completes nothing."""
    delivery = deliver(
        prices(
            ("A", "XNYS", "2026-11-20", "1"),
            ("A", "XNYS", "2026-11-23", "N/A"),
            ("B", "XNYS", "2026-11-23", None),
            ("C", "XNYS", "2026-11-23", "nan"),
            ("D", "XLON", "2026-11-23", "1"),
        )
    )

    assert delivery.covers == (Coverage(market="XNYS", first=FRIDAY, last=FRIDAY),)


def test_only_the_first_publisher_in_rank_completes_a_fixing_day() -> None:
    """Where the ECB delivers, the RBA's Monday does not stand for the ECB's; alone, it does."""
    ecb, rba = ("2026-11-20", "ECB", "USD", "1.1"), ("2026-11-23", "RBA_F11", "USD", "0.7")

    assert deliver(fixings(ecb, rba)).covers == (Coverage(market="TARGET", first=FRIDAY, last=FRIDAY),)
    assert deliver(fixings(rba)).covers == (Coverage(market="TARGET", first=MONDAY, last=MONDAY),)


def test_nothing_delivered_is_an_empty_table_that_covers_nothing() -> None:
    """No file of these days."""
    delivery = delivery_of(VENDOR_ACTIONS, [], since=FRIDAY, until=MONDAY, known_at=AFTER, label="test")

    assert delivery.frame.is_empty()
    assert delivery.covers == ()


@given(numbers=st.sets(st.integers(0, 40)))
def test_exactly_the_weekdays_present_are_covered(numbers: set[int]) -> None:
    """A reader asks whether a session is in some span: it is if, and only if, the day was delivered."""
    start = date(2026, 11, 2)
    present = {start + timedelta(days=number) for number in numbers}
    delivery = (
        deliver(
            fixings(*((day.isoformat(), "ECB", "USD", "1.1") for day in sorted(present))),
            since=start,
            until=date(2027, 1, 1),
        )
        if present
        else None
    )
    spans = delivery.covers if delivery else ()

    for number in range(-1, 42):
        day = start + timedelta(days=number)
        covered = any(span.first <= day <= span.last for span in spans)
        if day.weekday() < 5:
            assert covered == (day in present)
