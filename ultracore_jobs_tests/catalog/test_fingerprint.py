"""The content hash: equal for equal tables, different for any other."""

import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.fingerprint import content_hash, schema_hash, schema_text

SCHEMA: dict[str, Any] = {
    "day": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "amount": pl.Decimal(18, 4),
    "count": pl.Int64,
    "ratio": pl.Float64,
    "is_open": pl.Boolean,
    "name": pl.String,
    "raw": pl.Binary,
    "tags": pl.List(pl.String),
    "tier": pl.Struct({"from": pl.Decimal(18, 4), "bps": pl.Int32}),
    "tiers": pl.List(pl.Struct({"from": pl.Decimal(18, 4), "bps": pl.Int32})),
}

amounts = st.decimals("-99999999999999.9999", "99999999999999.9999", places=4)
tiers = st.fixed_dictionaries(
    {"from": st.none() | amounts, "bps": st.none() | st.integers(-(2**31), 2**31 - 1)}
)
ROW: dict[str, st.SearchStrategy[Any]] = {
    "day": st.dates(),
    "at": st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1)).map(  # noqa: DTZ001
        lambda instant: instant.replace(tzinfo=UTC)
    ),
    "amount": amounts,
    "count": st.integers(-(2**63), 2**63 - 1),
    "ratio": st.floats(allow_nan=False).map(lambda ratio: ratio + 0.0),
    "is_open": st.booleans(),
    "name": st.text(max_size=5),
    "raw": st.binary(max_size=5),
    "tags": st.lists(st.none() | st.text(max_size=3), max_size=3),
    "tier": tiers,
    "tiers": st.lists(st.none() | tiers, max_size=3),
}
rows = st.fixed_dictionaries({name: st.none() | values for name, values in ROW.items()})
tables = st.lists(rows, max_size=6)


def table(given_rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a table of `SCHEMA`."""
    return pl.DataFrame(given_rows, schema=SCHEMA, strict=True)


def part(data: bytes) -> bytes:
    """A part as the canonical form writes it: its length, then itself."""
    return struct.pack("<Q", len(data)) + data


def test_the_hash_is_that_of_the_documented_form() -> None:
    """Written out by hand with struct: two rows of a text, a decimal and a float, each with one null."""
    frame = pl.DataFrame(
        {"name": ["é", None], "amount": [Decimal("-1.5"), None], "ratio": [None, -0.0]},
        schema={"name": pl.String, "amount": pl.Decimal(18, 4), "ratio": pl.Float64},
    )
    form = b"".join(
        [
            b"ultracore rows 1\n",
            part(b"name: text\namount: decimal(18,4)\nratio: float64\n"),
            part(struct.pack("<Q", 2)),
            part(b"\x01\x00"),
            part(struct.pack("<2Q", 2, 0)),
            part("é".encode()),
            part(b"\x01\x00"),
            part((-15000).to_bytes(16, "little", signed=True) + bytes(16)),
            part(b"\x00\x01"),
            part(struct.pack("<2d", 0.0, 0.0)),
        ]
    )

    assert content_hash(frame) == sha256(form).hexdigest()


def test_the_form_of_every_type_stays_what_it_is() -> None:
    """This hash is in the manifests of tables published long ago; if it changes, none of them verifies."""
    frame = table(
        [
            {
                "day": date(2026, 11, 20),
                "at": datetime(2026, 11, 20, 5, 30, tzinfo=UTC),
                "amount": Decimal("-0.2350"),
                "count": -7,
                "ratio": 0.1,
                "is_open": True,
                "name": "Zoë",
                "raw": b"\x00\xff",
                "tags": ["a", None, ""],
                "tier": {"from": Decimal(100), "bps": None},
                "tiers": [{"from": None, "bps": 5}, None],
            },
            dict.fromkeys(SCHEMA),
        ]
    )

    assert content_hash(frame) == "b1afcea67c5c2d2a69c931e20e3b0516a1ed894dfc61de1e5ec0d34db37f65c0"
    assert schema_hash(SCHEMA) == "1c34ff35de071376626c05e264266757e0aed15fa4f6fe9775807bf612de5172"


@settings(max_examples=40)
@given(tables, st.data())
def test_it_does_not_depend_on_chunks_or_offsets(
    given_rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """The same rows, cut anywhere, as a slice of a longer table, and through Arrow."""
    frame = table(given_rows)
    cut = data.draw(st.integers(0, frame.height))
    chunked = pl.concat([frame[:cut], frame[cut:]], rechunk=False)
    longer = pl.concat([frame, frame, frame], rechunk=True)
    through_arrow = pl.DataFrame(pa.concat_tables([frame.to_arrow(), frame.to_arrow()]))[frame.height :]

    expected = content_hash(frame)
    assert content_hash(chunked) == expected
    assert content_hash(longer[frame.height : 2 * frame.height]) == expected
    assert content_hash(through_arrow) == expected


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=5), st.data())
def test_any_changed_cell_changes_it(given_rows: list[dict[str, Any]], data: st.DataObject) -> None:
    """Whatever the column, whatever stood there, null included."""
    index = data.draw(st.integers(0, len(given_rows) - 1))
    column = data.draw(st.sampled_from(list(ROW)))
    other = data.draw((st.none() | ROW[column]).filter(lambda value: value != given_rows[index][column]))
    changed = [dict(row) for row in given_rows]
    changed[index][column] = other

    assert content_hash(table(changed)) != content_hash(table(given_rows))


@settings(max_examples=40)
@given(st.lists(rows, min_size=2, max_size=5, unique_by=repr))
def test_rows_in_another_order_are_another_table(given_rows: list[dict[str, Any]]) -> None:
    """Stored order is part of what is promised."""
    assert content_hash(table(given_rows[::-1])) != content_hash(table(given_rows))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        pytest.param(pl.String, [None, "", " ", "0"], id="text"),
        pytest.param(pl.Int64, [None, 0, 1], id="whole number"),
        pytest.param(pl.Float64, [None, 0.0, float("nan"), float("inf"), float("-inf")], id="float"),
        pytest.param(pl.Decimal(18, 4), [None, Decimal(0), Decimal("0.0001")], id="decimal"),
        pytest.param(pl.Boolean, [None, False, True], id="truth"),
        pytest.param(pl.Date, [None, date(1970, 1, 1)], id="day"),
        pytest.param(pl.Binary, [None, b"", b"\x00"], id="bytes"),
        pytest.param(pl.List(pl.String), [None, [], [None], [""], [None, None], ["", ""]], id="list"),
        pytest.param(pl.Struct({"a": pl.Int64}), [None, {"a": None}, {"a": 0}], id="struct"),
    ],
)
def test_null_zero_and_empty_differ(column: pl.DataType, values: list[Any]) -> None:
    """Null never means zero (domain_rules 1)."""
    hashes = {content_hash(pl.DataFrame({"x": pl.Series([value], dtype=column)})) for value in values}

    assert len(hashes) == len(values)


def test_values_do_not_run_into_each_other() -> None:
    """Two texts "ab" and "c" are not "a" and "bc", and a list of two is not two of one."""
    assert content_hash(pl.DataFrame({"x": ["ab", "c"]})) != content_hash(pl.DataFrame({"x": ["a", "bc"]}))
    assert content_hash(pl.DataFrame({"x": [[1, 2], []]})) != content_hash(pl.DataFrame({"x": [[1], [2]]}))


def test_floats_that_compare_equal_hash_equal() -> None:
    """Minus zero is zero, and there is one NaN: a replay is not to fail over a sign nobody can see."""
    payload = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_BEEF))[0]

    assert content_hash(pl.DataFrame({"x": [-0.0]})) == content_hash(pl.DataFrame({"x": [0.0]}))
    assert content_hash(pl.DataFrame({"x": [payload]})) == content_hash(pl.DataFrame({"x": [float("nan")]}))


def test_names_order_and_types_of_columns_count() -> None:
    """Even where there is no row."""
    schemas: list[dict[str, Any]] = [
        {"a": pl.Int64, "b": pl.String},
        {"b": pl.String, "a": pl.Int64},
        {"a": pl.Int32, "b": pl.String},
        {"a": pl.Int64, "c": pl.String},
        {"a": pl.Int64},
        {"a: int64\nb": pl.String},
    ]

    assert len({content_hash(pl.DataFrame(schema=schema)) for schema in schemas}) == len(schemas)
    assert len({schema_hash(schema) for schema in schemas}) == len(schemas)


def test_a_schema_is_told_in_words_of_our_own() -> None:
    """Not in Polars' words, which change from release to release."""
    assert schema_text(SCHEMA) == (
        "day: date\nat: instant(us,UTC)\namount: decimal(18,4)\ncount: int64\nratio: float64\n"
        "is_open: boolean\nname: text\nraw: bytes\ntags: list(text)\n"
        "tier: struct(from: decimal(18,4), bps: int32)\n"
        "tiers: list(struct(from: decimal(18,4), bps: int32))\n"
    )


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (pl.UInt16, [1, None]),
        (pl.Float32, [0.5, None]),
        (pl.Time, [None]),
        (pl.Duration("us"), [timedelta(seconds=1), None]),
        (pl.Null, [None, None]),
    ],
)
def test_other_types_have_a_form_too(dtype: pl.DataType, values: list[Any]) -> None:
    """A delivery may hold any of them."""
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})

    assert len({content_hash(frame), content_hash(frame[::-1][:1]), content_hash(frame.clear())}) == 3 - (
        frame.height == 1
    )


def test_a_type_without_a_form_is_refused() -> None:
    """Rather than hashed in a way that the next release changes."""
    with pytest.raises(TypeError, match="no canonical form"):
        content_hash(pl.DataFrame({"x": [object()]}))
