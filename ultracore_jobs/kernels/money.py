"""Exact rounding of money, as columns.

An amount is rounded half-up, ties away from zero, once, to the minor unit of its currency
(domain_rules 1). A Decimal column is a column of 128-bit whole numbers and a scale, so products and
quotients are computed on those, without a float: on columns of our scales that is as fast as floats.
What might not fit in 128 bits is worked out in Python's own integers. `decimal` is the judge in the tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

import polars as pl
from iso4217 import Currency

from ultracore_jobs.catalog.columns import MONEY

MINOR_DIGITS: Mapping[str, int] = MappingProxyType(
    {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
)
"""Decimals of each ISO 4217 currency: AUD 2, JPY 0, KWD 3. Metals and test codes have none: not money."""

_INT128 = 2**127
_SURELY_INT128 = 1.6e38
"""A little less, for bounds that were worked out in floats."""


def minor_digits(ccy: pl.Expr) -> pl.Expr:
    """Decimals of each row's currency (Int64); null where ISO 4217 knows no such money.

    Source: domain_rules 1.
    """
    return ccy.replace_strict(dict(MINOR_DIGITS), default=None, return_dtype=pl.Int64)


def round_money(*factors: pl.Expr, ccy: pl.Expr, over: Sequence[pl.Expr] = ()) -> pl.Expr:
    """The product of *factors*, over the product of *over*, rounded to the minor unit of each row's currency.

    Half-up, ties away from zero, exactly: 0.235 -> 0.24, -0.235 -> -0.24, in yen 0.5 -> 1.

    Args:
        factors: Decimal or whole-number columns, such as quantity, price, price factor and rate.
        ccy: ISO 4217 code of each row.
        over: Decimal or whole-number columns to divide by, such as the days of a year.

    Returns:
        `MONEY`. Null where a factor is null, the currency is unknown, a divisor is 0, or the amount
        has more digits than `MONEY` holds.

    Raises:
        TypeError: A column is neither Decimal nor whole; raised when the query runs.

    Source: domain_rules 1.
    """
    return round_to(*factors, digits=minor_digits(ccy), over=over)


def round_to(
    *factors: pl.Expr, digits: pl.Expr | int, over: Sequence[pl.Expr] = (), dtype: pl.Decimal = MONEY
) -> pl.Expr:
    """The product of *factors*, over the product of *over*, rounded half-up to *digits* decimals, exactly.

    As `round_money`, for callers that know the decimals.

    Args:
        factors: Decimal or whole-number columns.
        digits: Decimals to keep: a number, or a whole-number column.
        over: Decimal or whole-number columns to divide by.
        dtype: Type of the outcome; its scale is at least *digits*.
    """
    places = pl.lit(digits, dtype=pl.Int64) if isinstance(digits, int) else digits

    def rounded(columns: Sequence[pl.Series]) -> pl.Series:
        sizes = {len(column) for column in columns}
        rows = 0 if 0 in sizes else max(sizes)
        first, *rest = (_of_length(column, rows) for column in columns)
        return _rounded(rest[: len(factors)], rest[len(factors) :], first, dtype)

    return pl.map_batches([places, *factors, *over], rounded, return_dtype=dtype, is_elementwise=True)


def _of_length(column: pl.Series, rows: int) -> pl.Series:
    """A literal arrives as one row, also where the others have none."""
    if len(column) == rows:
        return column
    return column.new_from_index(0, rows) if rows else column.clear()


@dataclass(frozen=True)
class _Shape:
    """What the columns of a batch are: factors and divisors as whole numbers, and the scale between."""

    factors: list[str]
    divisors: list[str]
    scale: int
    dtype: pl.Decimal


def _rounded(
    factors: list[pl.Series], divisors: list[pl.Series], digits: pl.Series, dtype: pl.Decimal
) -> pl.Series:
    """What `round_to` computes, for one batch of rows."""
    shape = _Shape(
        factors=[f"factor_{place}" for place in range(len(factors))],
        divisors=[f"divisor_{place}" for place in range(len(divisors))],
        scale=sum(map(_scale, factors)) - sum(map(_scale, divisors)),
        dtype=dtype,
    )
    columns = zip([*factors, *divisors], [*shape.factors, *shape.divisors], strict=True)
    whole = [column.to_physical().cast(pl.Int128).alias(name) for column, name in columns]
    table = pl.DataFrame([*whole, digits.cast(pl.Int64).alias("digits")])
    if _all_fit(table, shape):
        return _as_decimal(_in_int128(table, shape), dtype)
    fits = _which_fit(table, shape)
    last_places = pl.Series(dtype=pl.Int128).extend_constant(None, table.height)
    if fits.any():
        last_places = last_places.scatter(fits.arg_true(), _in_int128(table.filter(fits), shape))
    large = [_in_integers(row, shape) for row in table.filter(~fits).iter_rows(named=True)]
    last_places = last_places.scatter((~fits).arg_true(), pl.Series(large, dtype=pl.Int128))
    return _as_decimal(last_places, dtype)


def _scale(column: pl.Series) -> int:
    if isinstance(column.dtype, pl.Decimal):
        return column.dtype.scale
    if column.dtype.is_integer():
        return 0
    raise TypeError(f"{column.name or 'a factor'} is {column.dtype}; money is computed from exact columns")


def _all_fit(table: pl.DataFrame, shape: _Shape) -> bool:
    """Whether even the largest values of the batch together stay within 128 bits."""
    largest = table.select(pl.all().abs().max().fill_null(0)).row(0, named=True)
    least_digits = table["digits"].min()
    shift = largest["digits"] - shape.scale
    numerator = prod((largest[name] for name in shape.factors), start=2 * 10 ** max(0, shift))
    shift = shape.scale - (least_digits if isinstance(least_digits, int) else 0)
    denominator = prod((largest[name] for name in shape.divisors), start=2 * 10 ** max(0, shift))
    return bool(numerator + denominator < _INT128)


def _which_fit(table: pl.DataFrame, shape: _Shape) -> pl.Series:
    """The rows that stay within 128 bits; rows with a null do."""
    numerator = pl.lit(2.0 * 10.0 ** max(0, shape.dtype.scale - shape.scale))
    for name in shape.factors:
        numerator *= pl.col(name).cast(pl.Float64).abs()
    denominator = pl.lit(2.0 * 10.0 ** max(0, shape.scale))
    for name in shape.divisors:
        denominator *= pl.col(name).cast(pl.Float64).abs()
    fits = numerator + denominator < _SURELY_INT128
    return table.select(fits.fill_null(value=True).alias("fits")).to_series()


def _in_int128(table: pl.DataFrame, shape: _Shape) -> pl.Series:
    """Each amount in units of the last decimal (Int128); null where *dtype* has no room for it."""
    digits = pl.col("digits")
    least, most = table["digits"].min(), table["digits"].max()
    if least == most and isinstance(most, int) and not table["digits"].has_nulls():
        digits = _whole(most)  # the usual batch has one currency, and a constant divides faster
    ten = _whole(10)
    numerator = ten.pow((digits - shape.scale).clip(lower_bound=0))
    for name in shape.factors:
        numerator *= pl.col(name)
    denominator = ten.pow((shape.scale - digits).clip(lower_bound=0))
    for name in shape.divisors:
        denominator *= pl.col(name).abs()
    is_negative = pl.col("n") < 0
    for name in shape.divisors:
        is_negative ^= pl.col(name) < 0
    size = (2 * pl.col("n").abs() + denominator) // (2 * denominator)
    if shape.divisors:
        size = pl.when(denominator != 0).then(size)
    room = ten.pow(shape.dtype.precision - shape.dtype.scale + digits)
    signed = pl.when(is_negative).then(0 - size).otherwise(size) * ten.pow(shape.dtype.scale - digits)
    return (
        table.lazy()
        .with_columns(numerator.alias("n"))
        .select(pl.when(size < room).then(signed).alias("last_places"))
        .collect()
        .to_series()
    )


def _whole(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)


def _in_integers(row: dict[str, int], shape: _Shape) -> int | None:
    """One row beyond Int128: a hundred million units of a dear share in a far currency."""
    numerator = prod((row[name] for name in shape.factors), start=10 ** max(0, row["digits"] - shape.scale))
    denominator = prod(
        (row[name] for name in shape.divisors), start=10 ** max(0, shape.scale - row["digits"])
    )
    if denominator == 0:
        return None
    size = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    last_places: int = size * 10 ** (shape.dtype.scale - row["digits"])
    if last_places >= 10**shape.dtype.precision:
        return None
    return last_places if (numerator < 0) == (denominator < 0) else -last_places


def _as_decimal(last_places: pl.Series, dtype: pl.Decimal) -> pl.Series:
    """Units of the last decimal, as the Decimal they are."""
    one = pl.lit(f"{10**-dtype.scale:.{dtype.scale}f}").cast(pl.Decimal(38, dtype.scale))
    amount = pl.col("last_places").cast(pl.Decimal(38, 0)) * one
    return last_places.to_frame("last_places").select(amount.cast(dtype)).to_series()
