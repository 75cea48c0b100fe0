"""Formulas with their numbers in them: text that a person can check, and the exact value it has.

One object carries both, so the text cannot say anything else than what was computed. The grammar is small::

    sum     = product { (+ | -) product }
    product = factor { (x | /) factor }
    factor  = number | ( sum ) | round(sum, decimals) | max(sum, ...) | days(date, date)

`round` is half-up, ties away from zero. `days` counts the days from the first date up to the second, which is
not counted. Nothing is rounded that does not say so: values are fractions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import reduce

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_MONEY_SCALE = -4
_CENTS = Decimal("0.01")

Number = Decimal | int


@dataclass(frozen=True)
class Formula:
    """An expression: how it reads, and what it comes to.

    Attributes:
        text: The expression, in the grammar of this module.
        value: What it comes to, exactly.
        binding: How tightly its outermost operation binds; decides about brackets.
        digits: Decimals it was rounded to as the last step; None where nothing was rounded last.
    """

    text: str
    value: Fraction
    binding: int = _ATOM
    digits: int | None = None

    def __add__(self, other: "Formula") -> "Formula":
        """This and *other*; what is below zero is taken off."""
        return total([self, other])

    def __sub__(self, other: "Formula") -> "Formula":
        """This less *other*."""
        return Formula(f"{self.text} - {other._within(_PRODUCT)}", self.value - other.value, _SUM)

    def __mul__(self, other: "Formula") -> "Formula":
        """This times *other*."""
        text = f"{self._within(_PRODUCT)} x {other._within(_PRODUCT)}"
        return Formula(text, self.value * other.value, _PRODUCT)

    def __truediv__(self, other: "Formula") -> "Formula":
        """This over *other*."""
        text = f"{self._within(_PRODUCT)} / {other._within(_ATOM)}"
        return Formula(text, self.value / other.value, _PRODUCT)

    @property
    def is_negative(self) -> bool:
        """Whether it begins with a minus, which belongs to its first number."""
        return self.text.startswith("-")

    def _within(self, binding: int) -> str:
        """How it reads as part of an operation that binds like *binding*."""
        return f"({self.text})" if self.binding < binding or self.is_negative else self.text


def number(value: Number) -> Formula:
    """A number as it is: 7500.00, 100, 1.65; no zeros that say nothing, and money with its cents."""
    return Formula(plain(value), Fraction(value))


def plain(value: Number) -> str:
    """A number as formulas write it."""
    if isinstance(value, int):
        return str(value)
    is_money = value.as_tuple().exponent == _MONEY_SCALE
    trimmed = value.normalize()
    if is_money and trimmed == trimmed.quantize(_CENTS):
        trimmed = trimmed.quantize(_CENTS)
    return f"{trimmed + 0:f}"


def total(parts: Iterable[Formula]) -> Formula:
    """The sum of *parts*; of none it is 0."""
    found = list(parts)
    if len(found) <= 1:
        return found[0] if found else number(0)
    # One text at once: a chain of sums would copy it for every term.
    rest = "".join(f" - {part.text[1:]}" if part.is_negative else f" + {part.text}" for part in found[1:])
    return Formula(f"{found[0].text}{rest}", sum((part.value for part in found), Fraction()), _SUM)


def product(*factors: Formula) -> Formula:
    """The product of *factors*, in their order."""
    return reduce(lambda left, right: left * right, factors)


def rounded(part: Formula, digits: int) -> Formula:
    """*part*, half-up, ties away from zero, to *digits* decimals."""
    scaled = abs(part.value) * 10**digits
    size = Fraction((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator), 10**digits)
    return Formula(f"round({part.text}, {digits})", -size if part.value < 0 else size, digits=digits)


def largest(*parts: Formula) -> Formula:
    """The largest of *parts*."""
    return Formula(f"max({', '.join(part.text for part in parts)})", max(part.value for part in parts))


def days_between(first: date, end: date) -> Formula:
    """Days from *first* up to *end*, the latter not counted."""
    return Formula(f"days({first}, {end})", Fraction((end - first).days))
