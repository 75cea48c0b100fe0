"""Column types, with the unit and the bounds of what they hold.

Scales are those of domain_rules 1: units and prices 6 decimals, FX 10. Money has 4, the most
any ISO 4217 currency uses; each amount is *rounded* to its own currency's minor unit before it
is stored, so AUD amounts end in two zeros and JPY amounts in four.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

MONEY = pl.Decimal(18, 4)
UNITS = pl.Decimal(18, 6)
PRICE = pl.Decimal(18, 6)
FX_RATE = pl.Decimal(18, 10)
FRACTION = pl.Float64
INSTANT = pl.Datetime("us", "UTC")

Number = int | float | Decimal


@dataclass(frozen=True)
class Column:
    """What one column holds.

    Attributes:
        dtype: Polars type, exactly as stored.
        description: What it means, in the field's words, with its unit.
        nullable: Whether null is a value; null never means zero.
        above: Values must be strictly greater.
        at_least: Values must be this or greater.
        at_most: Values must be this or less.
        one_of: The only values there may be.
        pattern: Regular expression the whole text must match.
    """

    dtype: pl.DataType | type[pl.DataType]
    description: str
    nullable: bool = False
    above: Number | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    one_of: tuple[str, ...] | None = None
    pattern: str | None = None

    def optional(self) -> "Column":
        """The same column, where null is allowed."""
        return replace(self, nullable=True)

    def described(self, description: str) -> "Column":
        """The same column with other words."""
        return replace(self, description=description)


def text(description: str, **bounds: Any) -> Column:
    """A text column; never empty where it is not nullable."""
    return Column(pl.String, description, **bounds)


def code(description: str, values: Iterable[str], **bounds: Any) -> Column:
    """A text column that holds one of a few codes."""
    return Column(pl.String, description, one_of=tuple(values), **bounds)


def day(description: str, **bounds: Any) -> Column:
    """A calendar day, in the time zone the table states (the tenant's, or the market's)."""
    return Column(pl.Date, description, **bounds)


def instant(description: str, **bounds: Any) -> Column:
    """A moment in UTC, to the microsecond."""
    return Column(INSTANT, description, **bounds)


def money(description: str, **bounds: Any) -> Column:
    """An amount, exact, rounded to its currency's minor unit."""
    return Column(MONEY, description, **bounds)


def units(description: str, **bounds: Any) -> Column:
    """A quantity of an instrument, or of portfolio units, to 6 decimals."""
    return Column(UNITS, description, **bounds)


def price(description: str, **bounds: Any) -> Column:
    """A price per unit, to 6 decimals."""
    return Column(PRICE, description, **bounds)


def fx_rate(description: str, **bounds: Any) -> Column:
    """Quote units per one base unit, to 10 decimals."""
    return Column(FX_RATE, description, **bounds)


def fraction(description: str, **bounds: Any) -> Column:
    """A rate, weight, return or ratio as a fraction: 0.05 is five per cent. Not money."""
    return Column(FRACTION, description, **bounds)


def count(description: str, **bounds: Any) -> Column:
    """A whole number."""
    return Column(pl.Int64, description, **bounds)


def flag(description: str, **bounds: Any) -> Column:
    """True or false."""
    return Column(pl.Boolean, description, **bounds)


CURRENCY = text("ISO 4217 currency code", pattern=r"[A-Z]{3}")
TENANT_ID = text("Tenant that owns the row; `shared` for market data", pattern=r"[a-z][a-z0-9_-]{0,62}")
KNOWN_AT = instant("When the platform could first know this row")
SOURCE = text("Where the row came from: a feed, a file, or a job type")
