"""Read what others send as the type a contract wants, exactly or not at all.

A cast that loses something (a decimal too many, a time of day, an overflow) is no reading: the value
becomes null here, and the fault says why. Nothing is guessed: a day is ``2026-01-31``, a number has
digits and a point.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from ultracore_jobs.catalog.columns import Column


class Fault(NamedTuple):
    """Why a value that was there cannot be read.

    Attributes:
        found: True for the values that have this fault; of several faults the first counts.
        reason: A code, and the bound that is broken.
        remedy: What the sender can do.
    """

    found: pl.Expr
    reason: str
    remedy: str


class Reading(NamedTuple):
    """How one column is read.

    Attributes:
        value: The value in the contract's type; null where there is none, or where it cannot be read.
        faults: Why not; the last one holds for every value.
    """

    value: pl.Expr
    faults: tuple[Fault, ...]


_PLAIN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_FLOAT = r"(?i)^(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity))$"
_WHOLE = r"^[+-]?[0-9]+(?:\.0*)?$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_OFFSET = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-5][0-9](?:\.[0-9]{1,9})?)?" + _OFFSET + "?$"
)
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")

_NUMBER_REMEDY = "write digits with a decimal point and nothing else, such as 1234.5"
_DAY_REMEDY = "write it as YYYY-MM-DD, such as 2026-01-31"
_INSTANT_REMEDY = "write it in UTC as 2026-01-31T09:30:00Z, or with its offset"
_FLAG_REMEDY = "write true or false"


def present(name: str, given: pl.DataType) -> pl.Expr:
    """Where column *name* holds anything; text of blanks only is nothing."""
    value = pl.col(name)
    return value.str.strip_chars() != "" if given == pl.String else value.is_not_null()


def reading(name: str, given: pl.DataType, column: Column) -> Reading:
    """How column *name* of type *given* is read as the type of *column*.

    Decimals must fit: text and decimals with more decimal places than the contract holds are TOO_PRECISE,
    because money is never rounded on the way in. Floats are taken for the shortest decimal that stands for
    them and rounded to the contract's scale, half-up, ties away from zero (domain_rules 1): whoever
    sends money as a float has given up its last digits.

    Instants without offset are UTC. Whole numbers may end in ``.0``. Text loses the blanks around it.
    """
    wanted = column.dtype
    value = pl.col(name)
    if given == pl.String:
        stripped = value.str.strip_chars()
        value = pl.when(stripped != "").then(stripped)
    if given == wanted:
        return Reading(value, ())
    if given == pl.Null():
        return Reading(pl.repeat(None, pl.len(), dtype=wanted), ())
    read = _READERS.get(wanted.base_type(), _unreadable)
    return read(value, given, wanted)


def _unreadable(_value: pl.Expr, _given: pl.DataType, wanted: Any) -> Reading:
    reason, remedy = f"NOT_READABLE as {wanted}", f"send a value of type {wanted}"
    return Reading(pl.repeat(None, pl.len(), dtype=wanted), (Fault(pl.lit(value=True), reason, remedy),))


def _text(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    if given.is_numeric() or given.base_type() in {pl.Boolean, pl.Date, pl.Categorical, pl.Enum}:
        return Reading(value.cast(pl.String), ())
    return _unreadable(value, given, wanted)


def _decimal(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    scale, whole = wanted.scale, wanted.precision - wanted.scale
    large = Fault(
        pl.lit(value=True),
        f"OUT_OF_RANGE (more than {whole} digits before the point)",
        "check its unit and its decimal point",
    )
    fine = Fault(
        pl.lit(value=True), f"TOO_PRECISE (more than {scale} decimals)", f"round it to {scale} decimals"
    )
    if given == pl.String:
        fits = rf"^[+-]?(?:0*[0-9]{{1,{whole}}}(?:\.[0-9]{{0,{scale}}}0*)?|0*\.[0-9]{{1,{scale}}}0*)$"
        return Reading(
            pl.when(value.str.contains(fits)).then(value).cast(wanted, strict=False),
            (
                Fault(
                    ~value.str.contains(f"^{_PLAIN}$"),
                    f"NOT_READABLE as a number with {scale} decimals",
                    _NUMBER_REMEDY,
                ),
                large._replace(found=value.str.contains(rf"^[+-]?0*[1-9][0-9]{{{whole},}}")),
                fine,
            ),
        )
    if isinstance(given, pl.Decimal):
        cast = value.cast(wanted, strict=False)
        exact = cast.cast(given, strict=False) == value
        return Reading(pl.when(exact).then(cast), (large._replace(found=cast.is_null()), fine))
    if given.is_float():
        # By way of text: the direct cast multiplies by a power of ten in binary, and is off by then.
        # One digit more before the point than wanted, so that rounding up overflows in the last cast only.
        shortest = value.cast(pl.String).cast(pl.Decimal(38, 37 - whole), strict=False)
        rounded = shortest.round(scale, mode="half_away_from_zero").cast(wanted, strict=False)
        nothing = Fault(~value.is_finite(), "NOT_A_NUMBER", "give a finite number")
        return Reading(rounded, (nothing, large))
    if given.is_integer():
        return Reading(value.cast(wanted, strict=False), (large,))
    return _unreadable(value, given, wanted)


def _float(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    if given == pl.String:
        # Text that says nan or inf is read, for the contract to reject as what it is.
        number = pl.when(value.str.contains(_FLOAT)).then(value).cast(pl.Float64, strict=False)
        return Reading(number, (Fault(pl.lit(value=True), "NOT_READABLE as a number", _NUMBER_REMEDY),))
    return Reading(value.cast(pl.Float64), ()) if given.is_numeric() else _unreadable(value, given, wanted)


def _whole(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    large = Fault(pl.lit(value=True), "OUT_OF_RANGE (of 64-bit whole numbers)", "check its unit")
    part = Fault(pl.lit(value=True), "TOO_PRECISE (not a whole number)", "give a whole number")
    if given == pl.String:
        digits = value.str.replace(r"\.0*$", "")
        return Reading(
            pl.when(value.str.contains(_WHOLE)).then(digits).cast(pl.Int64, strict=False),
            (
                Fault(
                    ~value.str.contains(f"^{_PLAIN}$"),
                    "NOT_READABLE as a whole number",
                    "write digits only, such as 1234",
                ),
                part._replace(found=~value.str.contains(_WHOLE)),
                large,
            ),
        )
    if given.is_integer():
        return Reading(value.cast(pl.Int64, strict=False), (large,))
    if given.is_numeric():
        cast = value.cast(pl.Int64, strict=False)
        nothing = Fault(
            ~value.is_finite() if given.is_float() else pl.lit(value=False),
            "NOT_A_NUMBER",
            "give a finite number",
        )
        same = cast.cast(given, strict=False) == value
        return Reading(pl.when(same).then(cast), (nothing, large._replace(found=cast.is_null()), part))
    return _unreadable(value, given, wanted)


def _day(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    if given == pl.String:
        return Reading(
            pl.when(value.str.contains(_DAY)).then(value).str.to_date("%Y-%m-%d", strict=False),
            (
                Fault(~value.str.contains(_DAY), "NOT_READABLE as a day", _DAY_REMEDY),
                Fault(pl.lit(value=True), "NO_SUCH_DAY", "correct it at the source"),
            ),
        )
    if isinstance(given, pl.Datetime):
        # Many programs know no days and send midnights; the day of another instant depends on the zone.
        midnight = value.dt.time() == pl.time(0, 0, 0)
        timed = Fault(pl.lit(value=True), "TOO_PRECISE (a day has no time)", _DAY_REMEDY)
        return Reading(pl.when(midnight).then(value.dt.date()), (timed,))
    return _unreadable(value, given, wanted)


def _instant(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    if given == pl.String:
        zoned = pl.when(value.str.contains(f"{_OFFSET}$")).then(value).otherwise(value + "Z")
        minute, rest = zoned.str.slice(11, 5), zoned.str.slice(16)
        second = pl.when(rest.str.starts_with(":")).then(rest).otherwise(":00" + rest)
        whole = pl.when(value.str.contains(_INSTANT)).then(zoned.str.slice(0, 10) + "T" + minute + second)
        return Reading(
            whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", strict=False),
            (
                Fault(~value.str.contains(_INSTANT), "NOT_READABLE as an instant", _INSTANT_REMEDY),
                Fault(pl.lit(value=True), "NO_SUCH_INSTANT", "correct it at the source"),
            ),
        )
    if isinstance(given, pl.Datetime):
        zoned = value if given.time_zone else value.dt.replace_time_zone("UTC")
        return Reading(zoned.dt.convert_time_zone("UTC").dt.cast_time_unit("us"), ())
    return _unreadable(value, given, wanted)


def _flag(value: pl.Expr, given: pl.DataType, wanted: Any) -> Reading:
    fault = Fault(pl.lit(value=True), "NOT_READABLE as true or false", _FLAG_REMEDY)
    if given == pl.String:
        word = value.str.to_lowercase()
        yes, no = word.is_in(_TRUE), word.is_in(_FALSE)
    elif given.is_numeric():
        yes, no = value == 1, value == 0
    else:
        return _unreadable(value, given, wanted)
    return Reading(pl.when(yes | no).then(yes), (fault,))


_READERS: Final[Mapping[type[pl.DataType], Callable[[pl.Expr, pl.DataType, Any], Reading]]] = {
    pl.Decimal: _decimal,
    pl.Float64: _float,
    pl.Int64: _whole,
    pl.Date: _day,
    pl.Datetime: _instant,
    pl.Boolean: _flag,
    pl.String: _text,
}
