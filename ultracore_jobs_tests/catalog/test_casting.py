"""Reading what others send: exactly, or not at all."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.casting import reading
from ultracore_jobs.catalog.columns import (
    Column,
    count,
    day,
    flag,
    fraction,
    fx_rate,
    instant,
    money,
    text,
    units,
)

KINDS = {"money": money("Money"), "units": units("Units"), "fx": fx_rate("Rate")}
WIDE = Context(prec=100)
SCALES = {"money": 4, "units": 6, "fx": 10}


def read(values: list[Any], column: Column, dtype: Any = pl.String) -> list[Any]:
    """What *values* of type *dtype* are read as."""
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    return frame.select(reading("x", frame.schema["x"], column).value.alias("x"))["x"].to_list()


def fits(value: Decimal, scale: int) -> bool:
    """Whether 18 digits, *scale* of them after the point, hold *value* exactly."""
    scaled = value.scaleb(scale, WIDE)
    return scaled == scaled.to_integral_value() and abs(value) < 10 ** (18 - scale)


@pytest.mark.parametrize("kind", KINDS)
@given(number=st.decimals(allow_nan=False, allow_infinity=False), zeros=st.integers(0, 30))
@settings(max_examples=100)
def test_a_decimal_in_text_is_read_exactly_or_not_at_all(kind: str, number: Decimal, zeros: int) -> None:
    """Money is never rounded on the way in; zeros at the end are no decimals too many."""
    assume(abs(number.adjusted()) < 40)
    written = f"{number:f}"
    written += "0" * zeros if "." in written else ""

    expected = number if fits(number, SCALES[kind]) else None
    assert read([written], KINDS[kind]) == [expected]
    assert read([f" {'' if number.is_signed() else '+'}{written}\t"], KINDS[kind]) == [expected]


@pytest.mark.parametrize("kind", KINDS)
@given(number=st.decimals(-(10**20), 10**20, places=12))
@settings(max_examples=50)
def test_a_decimal_of_another_scale_is_read_exactly_or_not_at_all(kind: str, number: Decimal) -> None:
    """As text is."""
    assert read([number], KINDS[kind], pl.Decimal(38, 12)) == [number if fits(number, SCALES[kind]) else None]


@pytest.mark.parametrize("kind", KINDS)
@given(
    number=st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1e6, 1e6)
    | st.decimals(-(10**6), 10**6, places=11).map(float)
)
@settings(max_examples=100)
def test_a_float_is_rounded_half_up_from_the_decimal_it_stands_for(kind: str, number: float) -> None:
    """domain_rules 1: ties away from zero. 0.00005 is a tie, though in binary it is a little more or less."""
    scale = SCALES[kind]
    near = Decimal(repr(number))
    too_large = abs(near) >= 10**20
    exact = None if too_large else near.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, WIDE)
    expected = exact if exact is not None and abs(exact) < 10 ** (18 - scale) else None

    assert read([number], KINDS[kind], pl.Float64) == [expected]


@pytest.mark.parametrize(
    ("given_float", "stored"),
    [
        (0.00005, "0.0001"),
        (-0.00005, "-0.0001"),
        (0.12345, "0.1235"),
        (1.00015, "1.0002"),
        (99999999999999.0, "99999999999999"),
        (-0.00001, "0"),
    ],
)
def test_planted_ties_round_away_from_zero(given_float: float, stored: str) -> None:
    """Polars' own cast gives 0.1234 for the third and 99999999999999.0016 for the fifth."""
    assert read([given_float], money("Money"), pl.Float64) == [Decimal(stored)]


@given(st.integers(-(2**70), 2**70))
@settings(max_examples=50)
def test_whole_numbers_are_read_exactly_or_not_at_all(number: int) -> None:
    """As text, with and without a decimal point."""
    expected = number if -(2**63) <= number < 2**63 else None

    assert read([str(number), f"{number}.00", f"{number}."], count("Count")) == [expected] * 3


@pytest.mark.parametrize(
    ("column", "dtype", "value", "expected"),
    [
        (count("Count"), pl.Float64, 3.0, 3),
        (count("Count"), pl.Int16, 3, 3),
        (count("Count"), pl.UInt64, 2**63, None),
        (count("Count"), pl.Decimal(18, 4), Decimal("3.0000"), 3),
        (count("Count"), pl.Decimal(18, 4), Decimal("3.5"), None),
        (fraction("Ratio"), pl.String, "5e-05", 5e-05),
        (fraction("Ratio"), pl.String, "1_000", None),
        (fraction("Ratio"), pl.Int64, 3, 3.0),
        (fraction("Ratio"), pl.Decimal(18, 4), Decimal("0.25"), 0.25),
        (fraction("Ratio"), pl.Boolean, True, None),
        (money("Money"), pl.Int64, 5, Decimal(5)),
        (money("Money"), pl.UInt64, 2**64 - 1, None),
        (money("Money"), pl.Date, date(2026, 1, 1), None),
        (flag("Flag"), pl.String, " Yes ", True),
        (flag("Flag"), pl.String, "0", False),
        (flag("Flag"), pl.Int64, 1, True),
        (flag("Flag"), pl.Float64, 0.0, False),
        (flag("Flag"), pl.Date, date(2026, 1, 1), None),
        (day("Day"), pl.Datetime("ns"), datetime(2026, 1, 31), date(2026, 1, 31)),  # noqa: DTZ001 -- naive
        (day("Day"), pl.Datetime("us", "UTC"), datetime(2026, 1, 31, 1, tzinfo=UTC), None),
        (instant("At"), pl.Datetime("ms"), datetime(2026, 1, 31, 1), datetime(2026, 1, 31, 1, tzinfo=UTC)),  # noqa: DTZ001 -- naive
        (instant("At"), pl.Date, date(2026, 1, 31), None),
        (text("Text"), pl.String, "  padded ", "padded"),
        (text("Text"), pl.Int64, 7, "7"),
        (text("Text"), pl.Categorical(), "AUD", "AUD"),
        (text("Text"), pl.Date, date(2026, 1, 31), "2026-01-31"),
    ],
)
def test_types_that_mean_the_same_are_read(column: Column, dtype: Any, value: Any, expected: Any) -> None:
    """And those that do not are not."""
    assert read([value, None], column, dtype) == [expected, None]


@given(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 -- naive
@settings(max_examples=60)
def test_an_instant_in_text_is_read_with_its_offset(naive: datetime, minutes: int) -> None:
    """To the microsecond; without offset it is UTC."""
    zoned = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    utc = naive.replace(tzinfo=UTC)

    assert read([zoned.isoformat(), str(zoned)], instant("At")) == [zoned, zoned]
    assert read([naive.isoformat(), f"{naive}Z"], instant("At")) == [utc, utc]


def test_an_instant_may_leave_its_seconds_out() -> None:
    """As spreadsheets do."""
    at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)

    assert read(["2026-01-31 09:30", "2026-01-31T09:30Z", "2026-01-31T20:30+1100"], instant("At")) == [at] * 3


@given(st.dates())
@settings(max_examples=40)
def test_a_day_is_read_from_its_own_text_and_from_its_midnight(on: date) -> None:
    """Of every year from 1 to 9999."""
    midnight = datetime.combine(on, time())

    assert read([on.isoformat()], day("Day")) == [on]
    assert read([midnight], day("Day"), pl.Datetime("ms")) == [on]


@pytest.mark.parametrize(
    "word", ["2026-02-29", "2026-13-01", "2026-00-10", "2026-01-32", "2026-1-01", "20260131"]
)
def test_a_day_that_is_none_is_not_read(word: str) -> None:
    """Nor guessed at."""
    assert read([word], day("Day")) == [None]
