"""Rows held against a contract: which are refused, and in which words."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset, conform, describe_rejects, screen
from ultracore_jobs.catalog.columns import count, day, text
from ultracore_jobs.errors import ContractError
from ultracore_jobs_tests.catalog.bad_values import (
    AS_TEXT,
    GOOD,
    GOOD_TEXT,
    TRADES,
    TYPED,
    Bad,
    beside_a_good_row,
)

SHORT = Dataset(
    name="trades",
    grain="one trade",
    key=("trade_id",),
    columns={name: TRADES.columns[name] for name in ("trade_id", "amount", "side", "ccy", "note")},
    source="a broker",
)


def trades(*rows: dict[str, Any]) -> pl.DataFrame:
    """Typed rows, each the good one with some values replaced."""
    return pl.DataFrame([GOOD | row for row in rows], schema=TRADES.schema)


def cells(*rows: Mapping[str, str | None]) -> pl.DataFrame:
    """Rows of text, each the good one with some cells replaced."""
    return pl.DataFrame([{**GOOD_TEXT, **row} for row in rows], schema=dict.fromkeys(GOOD_TEXT, pl.String))


def numbers(rejects: pl.DataFrame) -> list[int]:
    """Row numbers of rejects."""
    return rejects["row_number"].to_list()


def test_good_text_becomes_typed_values() -> None:
    """A blank cell of a nullable column is null, and so is a nullable column that is absent."""
    screened = screen(cells({}), TRADES)

    assert screened.rejects.is_empty()
    assert screened.accepted.row(0, named=True) == GOOD
    assert screened.accepted.schema == TRADES.schema


@pytest.mark.parametrize("bad", [*AS_TEXT, *TYPED], ids=lambda bad: bad.what)
def test_a_bad_value_is_set_aside_with_a_message(bad: Bad) -> None:
    """Table, row, key, column, value, reason and remedy; the row above goes on."""
    screened = screen(beside_a_good_row(bad), TRADES)
    told = screened.rejects.filter(pl.col("row_number") == 2)

    assert describe_rejects(told) == bad.message
    assert "T2" not in screened.accepted["trade_id"]


@pytest.mark.parametrize("bad", AS_TEXT, ids=lambda bad: bad.what)
def test_the_row_beside_a_bad_one_goes_on(bad: Bad) -> None:
    """One bad cell is no reason to refuse a file."""
    screened = screen(beside_a_good_row(bad), TRADES)

    assert screened.accepted["trade_id"].to_list() == ["T1"]
    assert numbers(screened.rejects) == [2]


@pytest.mark.parametrize(
    "bad", [bad for bad in (*AS_TEXT, *TYPED) if not bad.unread], ids=lambda bad: bad.what
)
def test_our_own_tables_may_not_hold_such_a_value_either(bad: Bad) -> None:
    """Then it is a fault of ours: the same message, and nothing is published."""
    column = TRADES.columns[bad.column]
    value = bad.value if column.dtype == pl.String else float(bad.value)
    frame = trades({}, {"trade_id": "T2"}).with_columns(
        pl.Series(bad.column, [GOOD[bad.column], value], dtype=column.dtype, strict=False)
    )

    with pytest.raises(ContractError) as raised:
        conform(frame, TRADES)
    assert str(raised.value) == bad.message


def test_the_documentation_has_a_line_for_every_bad_value() -> None:
    """What is wrong, what happens, the message: as it really comes."""
    lines = document().splitlines()
    wanted = [documented(bad) for bad in (*AS_TEXT, *TYPED)]

    assert [line for line in wanted if line not in lines] == []
    assert [
        line for line in lines if "| row set aside | `table 'trades'" in line and line not in wanted
    ] == []


def documented(bad: Bad) -> str:
    """A line of the tables in docs/bad-input.md."""
    return f"| {bad.what} | row set aside | `{bad.message}` |"


def document() -> str:
    """docs/bad-input.md."""
    return (Path(__file__).parents[2] / "docs" / "bad-input.md").read_text(encoding="utf-8")


class TestDuplicates:
    """Of rows with one key the first is kept."""

    def test_the_later_row_is_set_aside(self) -> None:
        """For given tables the key is that of one moment."""
        screened = screen(cells({"note": "first"}, {"note": "second"}), TRADES)

        assert screened.accepted["note"].to_list() == ["first"]
        told = describe_rejects(screened.rejects)
        assert told == (
            "table 'trades', row 2 (T1), column 'trade_id', value 'T1': DUPLICATE_KEY (trade_id, known_at). "
            "Remedy: send each key once."
        )
        assert told in document()

    def test_a_correction_known_later_is_another_row(self) -> None:
        """domain_rules 1: corrections are new rows."""
        screened = screen(cells({}, {"known_at": "2026-11-21T05:30:00Z"}), TRADES)

        assert screened.accepted.height == 2

    def test_a_bad_row_does_not_take_the_place_of_a_good_one(self) -> None:
        """Else both would be lost."""
        screened = screen(cells({"amount": "N/A"}, {}), TRADES)

        assert screened.accepted["amount"].to_list() == [Decimal("1234.50")]
        assert numbers(screened.rejects) == [1]

    def test_raw_deliveries_may_repeat_themselves(self) -> None:
        """`unique_within_load` says whether they may."""
        raw = Dataset(
            name="raw",
            grain="",
            key=("id",),
            columns={"id": text("Id"), "on": day("Day", nullable=True)},
            source="",
            unique_within_load=False,
        )

        assert screen(pl.DataFrame({"id": ["A", "A"]}), raw).accepted.height == 2

    def test_a_null_in_a_key_is_missing_not_double(self) -> None:
        """Two rows without a key are two faults of their own."""
        screened = screen(cells({"trade_id": None}, {"trade_id": None}), TRADES)

        assert screened.rejects["reason"].to_list() == ["MISSING_VALUE", "MISSING_VALUE"]
        assert screened.rejects["row_key"].to_list() == ["null", "null"]


class TestRowsAndMessages:
    """How rows are counted and shown."""

    def test_rows_are_counted_from_the_first_line_of_data(self) -> None:
        """A CSV file has its header on line 1, so its first row is on line 2."""
        screened = screen(cells({}, {"amount": "N/A"}, {}), TRADES, first_row=2)

        assert numbers(screened.rejects) == [3, 4]
        assert screened.rejects["reason"].str.head(12).to_list() == ["NOT_READABLE", "DUPLICATE_KE"]

    def test_a_row_has_one_line_for_each_column_at_fault(self) -> None:
        """So that a person corrects it once; of several faults of one value the first is told."""
        screened = screen(cells({"amount": "N/A", "side": "buy", "weight": "nan"}), TRADES)

        assert screened.rejects.select("row_number", "column_name").rows() == [
            (1, "amount"),
            (1, "weight"),
            (1, "side"),
        ]

    def test_a_message_shows_five_rows_and_counts_the_others(self) -> None:
        """A person reads five; the quarantine has all."""
        rejects = screen(cells(*({"amount": "N/A"} for _ in range(7))), TRADES).rejects
        lines = describe_rejects(rejects).splitlines()

        assert len(lines) == 6
        assert lines[-1] == "... and 2 more"

    def test_a_key_of_several_columns_is_joined(self) -> None:
        """By a bar, as ids are (domain_rules 1)."""
        held = Dataset(
            name="held",
            grain="",
            key=("portfolio_id", "on"),
            columns={"portfolio_id": text("Portfolio"), "on": day("Day"), "lots": count("Lots", at_least=0)},
            source="",
        )
        rejects = screen(
            pl.DataFrame({"portfolio_id": ["P1"], "on": ["2026-11-20"], "lots": ["-1"]}), held
        ).rejects

        assert rejects["row_key"].to_list() == ["P1|2026-11-20"]


class TestColumns:
    """Columns that are missing, unknown or of another type."""

    def test_a_delivery_without_a_required_column_is_refused(self) -> None:
        """There is nothing to set aside: every row would be."""
        with pytest.raises(ContractError) as raised:
            screen(cells({}).select("trade_id", "amount"), SHORT)

        assert str(raised.value) == (
            "table 'trades': column(s) side, ccy not found; there are: trade_id, amount. "
            "Remedy: add them to the source, or rename with --map theirs=ours."
        )
        assert str(raised.value) in document()

    def test_columns_the_contract_does_not_know_are_dropped(self) -> None:
        """A provider adds columns when it likes."""
        screened = screen(cells({}).with_columns(pl.lit("x").alias("extra")), TRADES)

        assert screened.accepted.columns == list(TRADES.columns)

    def test_our_own_tables_have_exactly_the_contracts_columns(self) -> None:
        """All faults at once."""
        frame = (
            trades({}).drop("side").with_columns(pl.lit("x").alias("extra"), pl.col("fills").cast(pl.Int32))
        )

        with pytest.raises(ContractError) as raised:
            conform(frame, TRADES)
        assert str(raised.value) == (
            "table 'trades': side is missing; extra is no column of it; fills is Int32, not Int64. "
            "Remedy: add, drop or cast them where it is made."
        )
        assert str(raised.value) in document()

    def test_columns_come_in_stored_order(self) -> None:
        """Whatever order they were computed in."""
        frame = trades({})

        assert conform(frame.select(reversed(frame.columns)), TRADES).columns == list(TRADES.columns)

    def test_a_column_of_nulls_only_has_no_type_of_its_own(self) -> None:
        """Parquet files of an idle day have them."""
        screened = screen(trades({}).with_columns(note=pl.lit(None), amount=pl.lit(None)), TRADES)

        assert screened.accepted.schema == TRADES.schema
        assert screened.rejects.is_empty()

    def test_no_rows_are_good_rows(self) -> None:
        """In either way."""
        assert conform(TRADES.empty(), TRADES).is_empty()
        assert screen(cells({}).clear(), TRADES).accepted.schema == TRADES.schema
        assert screen(cells({}).clear(), TRADES).rejects.schema == REJECTS_SCHEMA


messy = st.one_of(
    st.none(),
    st.sampled_from([bad.value for bad in AS_TEXT]),
    st.sampled_from(list(GOOD_TEXT.values())),
    st.text(max_size=4),
    st.decimals(-(10**16), 10**16, places=5).map(str),
    st.dates(date(1, 1, 1), date(9999, 12, 31)).map(str),
    st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(str),  # noqa: DTZ001 -- naive on purpose
)
messy_rows = st.lists(
    st.fixed_dictionaries({name: st.just(value) | messy for name, value in GOOD_TEXT.items()}), max_size=8
)


@settings(max_examples=40)
@given(messy_rows, st.integers(1, 1000))
def test_every_row_is_either_accepted_or_explained(rows: list[dict[str, str | None]], first_row: int) -> None:
    """Nothing is lost, nothing is in both, the order stays, and what is accepted conforms."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(GOOD_TEXT, pl.String))
    screened = screen(
        frame.with_columns(note=pl.int_range(pl.len()).cast(pl.String)), TRADES, first_row=first_row
    )
    accepted = [int(note) + first_row for note in screened.accepted["note"]]
    rejected = set(numbers(screened.rejects))

    assert accepted == sorted(accepted)
    assert sorted([*accepted, *rejected]) == list(range(first_row, first_row + len(rows)))
    assert conform(screened.accepted, TRADES).equals(screened.accepted)
    assert screened.rejects.schema == REJECTS_SCHEMA
    assert screened.rejects.select("reason", "remedy").null_count().row(0) == (0, 0)


@settings(max_examples=40)
@given(messy_rows)
def test_screening_what_was_accepted_changes_nothing(rows: list[dict[str, str | None]]) -> None:
    """Typed rows go through as they are."""
    accepted = screen(pl.DataFrame(rows, schema=dict.fromkeys(GOOD_TEXT, pl.String)), TRADES).accepted

    again = screen(accepted, TRADES)
    assert again.accepted.equals(accepted)
    assert again.rejects.is_empty()


def test_a_text_pattern_holds_for_the_whole_text() -> None:
    """No line of a text of several lines may pass for the text."""
    for ccy in ("AUD\n", "\nAUD", "AUD\nAUD", "xAUD", "AUDx"):
        with pytest.raises(ContractError, match=re.escape("BAD_FORMAT (not [A-Z]{3})")):
            conform(trades({"ccy": ccy}), TRADES)


def test_an_instant_of_another_zone_is_the_same_instant() -> None:
    """16:30 in Sydney in November is 05:30 UTC."""
    screened = screen(cells({"known_at": "2026-11-20T16:30:00+11:00"}), TRADES)

    assert screened.accepted["known_at"].to_list() == [datetime(2026, 11, 20, 5, 30, tzinfo=UTC)]
