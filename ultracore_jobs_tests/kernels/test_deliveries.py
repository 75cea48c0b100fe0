"""From a provider's words to our rows: reading text, parting, repeated rows, instants."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.columns import INSTANT, PRICE
from ultracore_jobs.kernels.deliveries import (
    ROW,
    Fault,
    calendar_day,
    knowledge_instant,
    number,
    one_row_each,
    part,
)
from ultracore_jobs_tests.kernels.market_tables import EVENING, MORNING_AFTER

CLASH = Fault("CONTRADICTION", "value", pl.lit(value=True), "send one value")


def read(text: str | None) -> Decimal | None:
    """One number."""
    return pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(number("text", PRICE)).item()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("101.25", "101.25"),
        (" 101.25 ", "101.25"),
        ("1e2", "100"),
        (".5", "0.5"),
        ("+7", "7"),
        ("0.1234565", "0.123457"),
        ("-0.1234565", "-0.123457"),
        ("0.0000005", "0.000001"),
        ("0.0000004999", "0"),
    ],
)
def test_numbers_are_read_exactly_and_rounded_half_up(text: str, value: str) -> None:
    """Ties go away from zero, whatever their sign."""
    assert read(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", [None, "", " ", "N/A", "-", "1,000", "1 000", "NaN", "inf", "0x10", "1e30", "1" * 13]
)
def test_what_is_no_number_or_does_not_fit_is_null(text: str | None) -> None:
    """12 digits before the point are the most a price has."""
    assert read(text) is None


@given(value=st.decimals("-999999", "999999", places=9))
def test_any_decimal_is_rounded_as_the_decimal_module_does(value: Decimal) -> None:
    """Nine decimals to six, `ROUND_HALF_UP`."""
    assert read(str(value)) == value.quantize(Decimal("1e-6"), ROUND_HALF_UP)


def test_a_day_is_written_one_way_only() -> None:
    """Ambiguous and impossible dates are null."""
    texts = ["2026-11-20", " 2026-11-20 ", "2026-02-30", "20/11/2026", "20261120", "", None]

    days = pl.DataFrame({"day": texts}).select(calendar_day("day")).to_series().to_list()

    assert days == [date(2026, 11, 20)] * 2 + [None] * 5


def test_a_row_is_set_aside_once_for_its_first_fault() -> None:
    """The row with two faults is reported for the one that stands first in the list."""
    rows = pl.DataFrame({ROW: [1, 2, 3, 4], "id": ["a", "b", None, "d"], "value": [1, -1, -100, None]})
    faults = (
        Fault("TOO_LOW", "value", pl.col("value") < -10, "send more"),
        Fault("NEGATIVE", "value", pl.col("value") < 0, "send a positive value"),
    )

    good, rejects = part(rows, faults, table="things", key=("id", "value"))

    assert good["id"].to_list() == ["a", "d"], "null is not found to be negative"
    assert rejects.schema == REJECTS_SCHEMA
    assert rejects.select(ROW, "row_key", "value", "reason").rows() == [
        (2, "b|-1", "-1", "NEGATIVE"),
        (3, "null|-100", "-100", "TOO_LOW"),
    ]


@given(values=st.lists(st.integers(-20, 20), max_size=30))
def test_good_and_bad_rows_are_all_rows(values: list[int]) -> None:
    """Nothing is lost, nothing is twice."""
    rows = pl.DataFrame({"value": values}, schema={"value": pl.Int64}).with_row_index(ROW, offset=1)
    faults = tuple(Fault(f"BELOW_{n}", "value", pl.col("value") < n, "more") for n in (-10, 0))

    good, rejects = part(rows, faults, table="things", key=("value",))

    assert sorted([*good[ROW], *rejects[ROW]]) == list(range(1, len(values) + 1))


def told(*rows: tuple[str, int, datetime]) -> pl.DataFrame:
    """Rows of a delivery: what about, what it says, when it was known."""
    return (
        pl.DataFrame(list(rows), schema=["id", "value", "known_at"], orient="row")
        .with_columns(pl.col("known_at").cast(INSTANT))
        .with_row_index(ROW, offset=1)
    )


def test_the_row_known_last_wins_and_of_those_the_one_written_last() -> None:
    """The contradiction is reported; the repetition and the older word are not."""
    earlier = EVENING - timedelta(hours=1)
    rows = told(("a", 1, EVENING), ("a", 2, earlier), ("a", 3, EVENING), ("b", 5, EVENING), ("b", 5, EVENING))

    good, rejects = one_row_each(rows, key=("id",), values=("value",), fault=CLASH, table="things")

    assert good.select("id", "value").rows() == [("a", 3), ("b", 5)]
    assert rejects.select(ROW, "value").rows() == [(1, "1")]


def test_a_new_row_is_always_known_after_the_row_it_replaces() -> None:
    """Its own instant where that is later, else the cut-off, else there is no such instant."""
    second = timedelta(seconds=1)
    rows = pl.DataFrame(
        {
            "known_at": [EVENING] * 4,
            "stored": [None, EVENING - second, EVENING, MORNING_AFTER],
        },
        schema={"known_at": INSTANT, "stored": INSTANT},
    )

    stamped = rows.select(knowledge_instant("stored", MORNING_AFTER)).to_series().to_list()

    assert stamped == [EVENING, EVENING, MORNING_AFTER, None]
