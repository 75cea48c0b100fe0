"""Formulas: what they say and what they come to are one."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.kernels.formula import (
    Formula,
    days_between,
    largest,
    number,
    plain,
    product,
    rounded,
    total,
)
from ultracore_jobs_tests.kernels.formula_reader import evaluate


def test_the_worked_example_reads_as_it_is_told() -> None:
    """100 units at USD 50.00 and 1.5: 7,500.00 (domain_rules 1A)."""
    factors = (Decimal("100.000000"), Decimal("50.000000"), Decimal("1.000000"), Decimal("1.5000000000"))

    value = rounded(product(*map(number, factors)), 2)

    assert (value.text, value.value, value.digits) == ("round(100 x 50 x 1 x 1.5, 2)", Fraction(7500), 2)


@pytest.mark.parametrize(("amount", "cents"), [("0.235", "0.24"), ("-0.235", "-0.24"), ("0.2349", "0.23")])
def test_half_a_cent_rounds_away_from_zero(amount: str, cents: str) -> None:
    """domain_rules 1."""
    assert rounded(number(Decimal(amount)), 2).value == Fraction(cents)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("7500.0000"), "7500.00"),
        (Decimal("0.2350"), "0.235"),
        (Decimal("-12.5000"), "-12.50"),
        (Decimal("1.650000000000"), "1.65"),
        (Decimal("120000.000000"), "120000"),
        (Decimal("0E-12"), "0"),
        (Decimal("-0.0000"), "0.00"),
        (31, "31"),
    ],
)
def test_a_number_has_no_zeros_that_say_nothing(value: Decimal | int, shown: str) -> None:
    """Money, which has four decimals, keeps its cents; nothing is ever cut off."""
    assert plain(value) == shown


def test_what_binds_less_stands_in_brackets() -> None:
    """Otherwise 5 - (3 - 2) would read as 0."""
    five, three, two = number(5), number(3), number(2)

    assert (five - (three - two)).text == "5 - (3 - 2)"
    assert ((five - three) * two).text == "(5 - 3) x 2"
    assert (five / (three * two)).text == "5 / (3 x 2)"
    assert (five + number(-3)).text == "5 - 3"
    assert (two * number(-3)).text == "2 x (-3)"
    assert total([number(-5), three, number(-2)]).text == "-5 + 3 - 2"
    assert total([]).text == "0"


def test_days_count_the_first_and_not_the_last() -> None:
    """June has 30."""
    june = days_between(date(2026, 6, 1), date(2026, 7, 1))

    assert (june.text, june.value) == ("days(2026-06-01, 2026-07-01)", Fraction(30))
    assert evaluate(june.text) == 30


LEAVES = st.one_of(
    st.decimals(-(10**9), 10**9, places=4, allow_nan=False).map(number),
    st.integers(-1000, 1000).map(number),
)


OPERATIONS: tuple[Callable[[Formula, Formula], Formula], ...] = (
    lambda one, other: one + other,
    lambda one, other: one - other,
    lambda one, other: one * other,
    lambda one, other: one / other if other.value else one,
    largest,
    lambda one, other: total([one, other, one]),
    lambda one, _: rounded(one, 2),
    lambda one, other: rounded(one - other, 12),
)


@st.composite
def formulas(draw: st.DrawFn, depth: int = 4) -> Formula:
    """Everything a formula can be made of, a few levels deep."""
    if not depth or not draw(st.booleans()):
        return draw(LEAVES)
    operation = draw(st.sampled_from(OPERATIONS))
    return operation(draw(formulas(depth - 1)), draw(formulas(depth - 1)))


@given(formula=formulas())
def test_whoever_reads_the_text_comes_to_the_value(formula: Formula) -> None:
    """Brackets, signs and roundings, however they are nested."""
    assert evaluate(formula.text) == formula.value
