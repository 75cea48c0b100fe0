"""Every kind of bad value, with the message that a person gets: the table of docs/bad-input.md."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog import Dataset, Partitioning
from ultracore_jobs.catalog.columns import (
    CURRENCY,
    KNOWN_AT,
    Column,
    code,
    count,
    day,
    flag,
    fraction,
    money,
    text,
    units,
)

TRADES = Dataset(
    name="trades",
    grain="one trade, as known from one moment on",
    key=("trade_id",),
    partitioning=Partitioning.BY_LOAD,
    source="a broker",
    columns={
        "trade_id": text("The broker's identifier"),
        "traded_on": day("Day of the trade"),
        "units": units("Units traded", above=0),
        "amount": money("Consideration", nullable=True),
        "weight": fraction("Share of the portfolio", at_least=0, at_most=1),
        "fills": count("How many executions", nullable=True),
        "is_cash": flag("Whether cash changed hands"),
        "side": code("Which way", ["BUY", "SELL"]),
        "ccy": CURRENCY,
        "note": text("Remark", nullable=True),
        "tags": Column(pl.List(pl.String), "Labels", nullable=True),
        "known_at": KNOWN_AT,
    },
)

GOOD_TEXT = {
    "trade_id": "T1",
    "traded_on": "2026-11-20",
    "units": "10",
    "amount": "1234.50",
    "weight": "0.25",
    "fills": "3",
    "is_cash": "false",
    "side": "BUY",
    "ccy": "AUD",
    "note": "",
    "known_at": "2026-11-20T05:30:00Z",
}
"""A row as a CSV file holds it."""

GOOD = {
    "trade_id": "T1",
    "traded_on": date(2026, 11, 20),
    "units": Decimal(10),
    "amount": Decimal("1234.50"),
    "weight": 0.25,
    "fills": 3,
    "is_cash": False,
    "side": "BUY",
    "ccy": "AUD",
    "note": None,
    "tags": None,
    "known_at": datetime(2026, 11, 20, 5, 30, tzinfo=UTC),
}
"""The same row, read."""


@dataclass(frozen=True)
class Bad:
    """One bad cell.

    Attributes:
        what: What is wrong, for the documentation.
        column: Where.
        value: What is there.
        told: Value, reason and remedy, as the message ends.
        dtype: How the column is typed; text unless given.
        unread: Whether it is the reading that fails, so that our own tables cannot hold such a value.
    """

    what: str
    column: str
    value: Any
    told: str
    dtype: pl.DataType | type[pl.DataType] = pl.String
    unread: bool = True

    @property
    def message(self) -> str:
        """The whole message."""
        return f"table 'trades', row 2 (T2), column '{self.column}', value {self.told}"


_PLAIN = "Remedy: write digits with a decimal point and nothing else, such as 1234.5."
_MONEY = f"NOT_READABLE as a number with 4 decimals. {_PLAIN}"
_DAY = "NOT_READABLE as a day. Remedy: write it as YYYY-MM-DD, such as 2026-01-31."
_INSTANT = "NOT_READABLE as an instant. Remedy: write it in UTC as 2026-01-31T09:30:00Z, or with its offset."
_LARGE = "OUT_OF_RANGE (more than 14 digits before the point). Remedy: check its unit and its decimal point."
_FINE = "TOO_PRECISE (more than 4 decimals). Remedy: round it to 4 decimals."
_NAN = "NOT_A_NUMBER. Remedy: give a finite number."
_MISSING = "None: MISSING_VALUE. Remedy: give a value; null never means zero."

AS_TEXT = (
    Bad("a word for a number", "amount", "N/A", f"'N/A': {_MONEY}"),
    Bad("a thousands separator", "amount", "1,000", f"'1,000': {_MONEY}"),
    Bad("money in scientific notation: digits may be lost", "amount", "1e5", f"'1e5': {_MONEY}"),
    Bad("a negative number in brackets", "amount", "(12.50)", f"'(12.50)': {_MONEY}"),
    Bad("a currency sign", "amount", "$5", f"'$5': {_MONEY}"),
    Bad("NaN for money", "amount", "NaN", f"'NaN': {_MONEY}"),
    Bad("infinity for money", "amount", "inf", f"'inf': {_MONEY}"),
    Bad("a digit of another script", "amount", "\u0661", f"'\u0661': {_MONEY}"),
    Bad("more decimals than the column holds", "amount", "0.23456", f"'0.23456': {_FINE}"),
    Bad("more digits than the column holds", "amount", "100000000000000", f"'100000000000000': {_LARGE}"),
    Bad("no value where one is needed", "units", None, _MISSING),
    Bad("an empty cell where a value is needed", "units", "", _MISSING),
    Bad("a cell of blanks where a value is needed", "side", "   ", _MISSING),
    Bad(
        "a day that does not exist",
        "traded_on",
        "2026-02-30",
        "'2026-02-30': NO_SUCH_DAY. Remedy: correct it at the source.",
    ),
    Bad("a day in another order: whose?", "traded_on", "01/02/2026", f"'01/02/2026': {_DAY}"),
    Bad("a day without leading zeros", "traded_on", "2026-2-3", f"'2026-2-3': {_DAY}"),
    Bad("a spreadsheet's day number", "traded_on", "46052", f"'46052': {_DAY}"),
    Bad("a day where an instant is needed", "known_at", "2026-01-31", f"'2026-01-31': {_INSTANT}"),
    Bad(
        "a time that does not exist",
        "known_at",
        "2026-01-31T24:30:00Z",
        "'2026-01-31T24:30:00Z': NO_SUCH_INSTANT. Remedy: correct it at the source.",
    ),
    Bad(
        "a word for a count",
        "fills",
        "many",
        "'many': NOT_READABLE as a whole number. Remedy: write digits only, such as 1234.",
    ),
    Bad(
        "a part of a whole",
        "fills",
        "1.5",
        "'1.5': TOO_PRECISE (not a whole number). Remedy: give a whole number.",
    ),
    Bad(
        "a count beyond all counts",
        "fills",
        "9223372036854775808",
        "'9223372036854775808': OUT_OF_RANGE (of 64-bit whole numbers). Remedy: check its unit.",
    ),
    Bad(
        "neither true nor false",
        "is_cash",
        "maybe",
        "'maybe': NOT_READABLE as true or false. Remedy: write true or false.",
    ),
    Bad("a word for a ratio", "weight", "half", f"'half': NOT_READABLE as a number. {_PLAIN}"),
    Bad("NaN for a ratio", "weight", "nan", f"'NaN': {_NAN}"),
    Bad("infinity for a ratio", "weight", "-inf", f"'-inf': {_NAN}"),
    Bad("a ratio too large for a float", "weight", "1e999", f"'inf': {_NAN}"),
    Bad(
        "a number that must be positive",
        "units",
        "0",
        "'0.000000': NOT_ABOVE 0. Remedy: give a value above 0.",
        unread=False,
    ),
    Bad(
        "a number below its bound",
        "weight",
        "-0.1",
        "'-0.1': BELOW 0. Remedy: give 0 or more.",
        unread=False,
    ),
    Bad(
        "a number above its bound: per cent for a fraction",
        "weight",
        "25",
        "'25.0': ABOVE 1. Remedy: give 1 or less.",
        unread=False,
    ),
    Bad(
        "a code that there is not",
        "side",
        "buy",
        "'buy': UNKNOWN_CODE (not one of BUY, SELL). Remedy: use one of BUY, SELL.",
        unread=False,
    ),
    Bad(
        "text in the wrong form",
        "ccy",
        "AU$",
        "'AU$': BAD_FORMAT (not [A-Z]{3}). Remedy: write it as [A-Z]{3}.",
        unread=False,
    ),
    Bad(
        "text that a line break follows inside",
        "ccy",
        "AUD\nX",
        r"'AUD\nX': BAD_FORMAT (not [A-Z]{3}). Remedy: write it as [A-Z]{3}.",
        unread=False,
    ),
)
"""In text columns, as from CSV."""

TYPED = (
    Bad("NaN for money, in a float column", "amount", float("nan"), f"'NaN': {_NAN}", pl.Float64),
    Bad("infinity for money, in a float column", "amount", float("inf"), f"'inf': {_NAN}", pl.Float64),
    Bad("a float beyond the column's digits", "amount", 1e300, f"'1e+300': {_LARGE}", pl.Float64),
    Bad(
        "a decimal with more decimals than the column holds",
        "amount",
        Decimal("0.234560"),
        f"'0.234560': {_FINE}",
        pl.Decimal(30, 6),
    ),
    Bad(
        "a decimal with more digits than the column holds",
        "amount",
        Decimal(10**14),
        f"'100000000000000.000000': {_LARGE}",
        pl.Decimal(30, 6),
    ),
    Bad(
        "a whole number with more digits than the column holds",
        "amount",
        10**14,
        f"'100000000000000': {_LARGE}",
        pl.Int64,
    ),
    Bad(
        "a truth value for money",
        "amount",
        True,  # noqa: FBT003 -- it is the bad value
        "'true': NOT_READABLE as Decimal(precision=18, scale=4). Remedy: send a value of type "
        "Decimal(precision=18, scale=4).",
        pl.Boolean,
    ),
    Bad(
        "NaN for a ratio, in a float column",
        "weight",
        float("nan"),
        f"'NaN': {_NAN}",
        pl.Float64,
        unread=False,
    ),
    Bad("NaN for a count, in a float column", "fills", float("nan"), f"'NaN': {_NAN}", pl.Float64),
    Bad(
        "a part of a whole, in a float column",
        "fills",
        2.5,
        "'2.5': TOO_PRECISE (not a whole number). Remedy: give a whole number.",
        pl.Float64,
    ),
    Bad(
        "a count beyond all counts, in a float column",
        "fills",
        1e300,
        "'1e+300': OUT_OF_RANGE (of 64-bit whole numbers). Remedy: check its unit.",
        pl.Float64,
    ),
    Bad(
        "neither 0 nor 1 for a truth value",
        "is_cash",
        2,
        "'2': NOT_READABLE as true or false. Remedy: write true or false.",
        pl.Int64,
    ),
    Bad(
        "an instant where a day is needed: in which zone?",
        "traded_on",
        datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
        "'2026-11-20 23:30:00.000000+00:00': TOO_PRECISE (a day has no time). Remedy: write it as "
        "YYYY-MM-DD, such as 2026-01-31.",
        pl.Datetime("us", "UTC"),
    ),
    Bad(
        "a number where a day is needed",
        "traded_on",
        20777,
        "'20777': NOT_READABLE as Date. Remedy: send a value of type Date.",
        pl.Int64,
    ),
    Bad(
        "a list where text is needed",
        "side",
        ["BUY"],
        "\"['BUY']\": NOT_READABLE as String. Remedy: send a value of type String.",
        pl.List(pl.String),
    ),
    Bad(
        "bytes where text is needed",
        "side",
        b"BUY",
        "\"b'BUY'\": NOT_READABLE as String. Remedy: send a value of type String.",
        pl.Binary,
    ),
    Bad(
        "text where a list is needed",
        "tags",
        "a,b",
        "'a,b': NOT_READABLE as List(String). Remedy: send a value of type List(String).",
        pl.String,
    ),
)
"""In typed columns, as from Parquet."""


def beside_a_good_row(bad: Bad) -> pl.DataFrame:
    """A row with nothing bad but perhaps a null, and below it one with the bad value and all else good."""
    rows = pl.DataFrame([GOOD_TEXT, GOOD_TEXT | {"trade_id": "T2"}])
    first = GOOD_TEXT.get(bad.column) if bad.dtype == pl.String else None
    return rows.with_columns(pl.Series(bad.column, [first, bad.value], dtype=bad.dtype))
