"""Lists in the cells of a text file."""

import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.application.nested_cells import decode_lists
from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.given import GIVEN

MANDATES, FEE_SCHEDULES = GIVEN["mandates"], GIVEN["fee_schedules"]


def mandates(*cells: str | None) -> pl.DataFrame:
    """One mandate for each cell of its list of prohibited instruments."""
    numbers = [f"P{position}" for position in range(len(cells))]
    return pl.DataFrame(
        {"portfolio_id": numbers, "sleeve": "all", "prohibited": cells},
        schema_overrides={"prohibited": pl.String},
    )


def test_a_list_is_written_as_json() -> None:
    """Two names, none, and a blank cell, which is no list at all."""
    rows, rejects = decode_lists(mandates('["AAPL", "XOM"]', " [] ", "", None), MANDATES)

    assert rows["prohibited"].to_list() == [["AAPL", "XOM"], [], None, None]
    assert rows.schema["prohibited"] == MANDATES.schema["prohibited"]
    assert rejects.is_empty()
    assert rejects.schema == REJECTS_SCHEMA


@pytest.mark.parametrize(
    "cell", ["AAPL", "[AAPL]", '["AAPL"', '"AAPL"', '{"a": 1}', '[["AAPL"]]', "5", "[true]"]
)
def test_a_cell_that_is_no_such_list_is_a_reject_of_its_row(cell: str) -> None:
    """Named with row, key, column and value; the row beside it is read."""
    rows, rejects = decode_lists(mandates('["XOM"]', cell), MANDATES)

    assert rows["prohibited"].to_list() == [["XOM"], None]
    reject = rejects.row(0, named=True)
    assert (reject["row_number"], reject["column_name"], reject["value"]) == (2, "prohibited", cell)
    assert reject["row_key"] == "P1|all"
    assert reject["reason"] == "NOT_READABLE as a list in JSON"


def tiers(cell: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One fee schedule with these tiers."""
    return decode_lists(pl.DataFrame({"fee_schedule_id": ["FS-1"], "tiers": [cell]}), FEE_SCHEDULES)


def test_amounts_in_a_list_keep_every_digit() -> None:
    """12345678901234.5678 has more digits than a float can hold; `to` may be left out."""
    rows, rejects = tiers(
        '[{"from": 0, "to": 12345678901234.5678, "bps": "85.5"}, {"from": 12345678901234.5678, "bps": 40}]'
    )

    assert rejects.is_empty()
    assert rows["tiers"].to_list() == [
        [
            {"from": Decimal(0), "to": Decimal("12345678901234.5678"), "bps": Decimal("85.5")},
            {"from": Decimal("12345678901234.5678"), "to": None, "bps": Decimal(40)},
        ]
    ]


@pytest.mark.parametrize(
    "cell",
    [
        '[{"form": 0, "bps": 85}]',
        '[{"from": "nought"}]',
        '[{"from": "NaN"}]',
        '[{"from": 0.00001}]',
        '[{"from": 1e30}]',
        '[{"from": true}]',
        "[5]",
    ],
)
def test_a_misspelt_field_or_an_impossible_amount_is_a_reject(cell: str) -> None:
    """Read as null, either would change what is charged without a word."""
    rows, rejects = tiers(cell)

    assert rows["tiers"].to_list() == [None]
    assert rejects["value"].to_list() == [cell]


def test_a_column_that_is_a_list_already_is_left_alone() -> None:
    """Parquet files have real lists."""
    rows = pl.DataFrame({"portfolio_id": ["P0"], "sleeve": ["all"], "prohibited": [["AAPL"]]})

    assert decode_lists(rows, MANDATES)[0].equals(rows)


@given(
    lists=st.lists(
        st.lists(st.text(st.sampled_from('ab"\\,é '), max_size=4), max_size=3), min_size=1, max_size=6
    )
)
def test_what_json_writes_is_read_back(lists: list[list[str]]) -> None:
    """Quotes, commas, letters of any script."""
    rows, rejects = decode_lists(mandates(*(json.dumps(names) for names in lists)), MANDATES)

    assert rows["prohibited"].to_list() == lists
    assert rejects.is_empty()
