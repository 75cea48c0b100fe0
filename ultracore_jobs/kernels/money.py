"""Exact rounding of money, as columns.

An amount is rounded half-up, ties away from zero, once, to the minor unit of its currency
(domain_rules 1). Floats get that wrong only near a tie: 1.005 has no float, so it rounds down. The
work is therefore done twice: every row in floats, and those rows again in whole numbers whose float
lies within its own error of a tie, or is too large to tell. The outcome is that of exact arithmetic on
every row; `decimal` is the judge in the tests.
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

_RELATIVE_ERROR = 2.0**-49
"""Eight units in the last place: more than the dozen float operations of one row can lose."""

_TELLS_HALVES = 2.0**48
"""Above this many minor units a float no longer tells on which side of a tie it lies."""

_INT128 = 0.8e38
"""Half of what Int128 holds; what might be more is worked out in Python's own integers."""


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
    table = pl.DataFrame(
        [
            *(column.to_physical().alias(name) for column, name in columns),
            digits.cast(pl.Int64).alias("digits"),
        ]
    )
    minor_units, unsure = _in_floats(table, shape)
    wide = pl.Int64() if dtype.scale <= MONEY.scale else pl.Int128()
    steps = pl.lit(10, dtype=pl.Int64).pow(dtype.scale - pl.col("digits"))
    last_places = table.select(steps.cast(wide) * minor_units.cast(wide, strict=False)).to_series()
    if unsure.any():
        rows = unsure.arg_true()
        exact = _in_whole_numbers(table[rows], shape)
        last_places = last_places.cast(pl.Int128).scatter(rows, exact)
    return _as_decimal(last_places, dtype)


def _scale(column: pl.Series) -> int:
    if isinstance(column.dtype, pl.Decimal):
        return column.dtype.scale
    if column.dtype.is_integer():
        return 0
    raise TypeError(f"{column.name or 'a factor'} is {column.dtype}; money is computed from exact columns")


def _in_floats(table: pl.DataFrame, shape: _Shape) -> tuple[pl.Series, pl.Series]:
    """Each amount in minor units, rounded, and whether its float may have rounded the wrong way."""
    amount = pl.lit(1.0)
    for name in shape.factors:
        amount *= pl.col(name).cast(pl.Float64)
    amount = amount * pl.lit(10, dtype=pl.Int64).pow(pl.col("digits")) / 10.0**shape.scale
    for name in shape.divisors:
        amount /= pl.col(name).cast(pl.Float64)
    size = pl.col("amount").abs()
    from_tie = (size - size.floor() - 0.5).abs()
    unsure = ~(from_tie > size * _RELATIVE_ERROR) | ~(size <= _TELLS_HALVES)
    found = (
        table.lazy()
        .select(amount.alias("amount"))
        .select(
            pl.col("amount").round(mode="half_away_from_zero"), unsure.fill_null(value=False).alias("unsure")
        )
        .collect()
    )
    return found["amount"], found["unsure"]


def _in_whole_numbers(table: pl.DataFrame, shape: _Shape) -> pl.Series:
    """Each amount in units of the last decimal (Int128), exactly; null where there is no room for it."""
    numerator = pl.lit(2.0 * 10.0 ** max(0, shape.dtype.scale - shape.scale))
    for name in shape.factors:
        numerator *= pl.col(name).cast(pl.Float64).abs()
    denominator = pl.lit(2.0 * 10.0 ** max(0, shape.scale))
    for name in shape.divisors:
        denominator *= pl.col(name).cast(pl.Float64).abs()
    fits = table.select((numerator < _INT128) & (denominator < _INT128)).to_series()
    found = pl.Series(dtype=pl.Int128).extend_constant(None, table.height)
    if fits.any():
        found = found.scatter(fits.arg_true(), _in_int128(table.filter(fits), shape))
    if not fits.all():
        large = [_in_integers(row, shape) for row in table.filter(~fits).iter_rows(named=True)]
        found = found.scatter((~fits).arg_true(), pl.Series(large, dtype=pl.Int128))
    return found


def _in_int128(table: pl.DataFrame, shape: _Shape) -> pl.Series:
    digits = pl.col("digits")
    ten = pl.lit(10, dtype=pl.Int128)
    numerator = ten.pow((digits - shape.scale).clip(lower_bound=0))
    for name in shape.factors:
        numerator *= pl.col(name).cast(pl.Int128)
    denominator = ten.pow((shape.scale - digits).clip(lower_bound=0))
    for name in shape.divisors:
        denominator *= pl.col(name).cast(pl.Int128)
    whole = table.lazy().select(numerator.alias("n"), denominator.alias("d"), "digits")
    n, d = pl.col("n"), pl.col("d")
    size = pl.when(d != 0).then((2 * n.abs() + d.abs()) // (2 * d.abs()))
    room = ten.pow(shape.dtype.precision - shape.dtype.scale + digits)
    signed = pl.when((n < 0) == (d < 0)).then(size).otherwise(0 - size) * ten.pow(shape.dtype.scale - digits)
    return whole.select(pl.when(size < room).then(signed)).collect().to_series()


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
    """Units of the last decimal as a Decimal; null where there are more digits than *dtype* holds."""
    room = 10 ** min(dtype.precision, 18 if last_places.dtype == pl.Int64 else 38)
    value = pl.col("value")
    one = pl.lit(f"{10**-dtype.scale:.{dtype.scale}f}").cast(pl.Decimal(38, dtype.scale))
    return (
        last_places.to_frame("value")
        .select(pl.when(value.abs() < room).then(value).cast(pl.Decimal(38, 0)) * one)
        .to_series()
        .cast(dtype)
    )
