"""Reads a formula as a person with a pocket calculator would: a second opinion, written from the grammar.

It shares nothing with `ultracore_jobs.kernels.formula`: fractions for what must be exact, and `decimal` for
rounding, half-up, ties away from zero.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

_WORD = re.compile(r"\s*(\d{4}-\d{2}-\d{2}|\d+(?:\.\d+)?|[a-z]+|[-+/(),])")
_WIDE = Context(prec=200, rounding=ROUND_HALF_UP)


def read_formula(text: str) -> tuple[Fraction, Fraction]:
    """Both sides of ``expression = value``: what the expression comes to, and what is said to come out."""
    left, right = text.rsplit(" = ", 1)
    return evaluate(left), Fraction(right)


def evaluate(expression: str) -> Fraction:
    """What an expression comes to; text that is not in the grammar is refused."""
    reader = _Reader(expression)
    found = reader.sum()
    assert not reader.words, f"cannot read {reader.words[:3]} in {expression}"
    return found


class _Reader:
    """A recursive descent over the words of one expression."""

    def __init__(self, expression: str) -> None:
        self.words = [found.group(1) for found in _WORD.finditer(expression)]
        assert "".join(self.words) == re.sub(r"\s", "", expression)

    def sum(self) -> Fraction:
        found = self.product()
        while self.words and self.words[0] in "+-":
            found = found + self.product() if self.take() == "+" else found - self.product()
        return found

    def product(self) -> Fraction:
        found = self.factor()
        while self.words and self.words[0] in {"x", "/"}:
            found = found * self.factor() if self.take() == "x" else found / self.factor()
        return found

    def factor(self) -> Fraction:
        word = self.take()
        if word == "-":
            return -self.factor()
        if word == "(":
            found = self.sum()
            assert self.take() == ")"
            return found
        return _FUNCTIONS[word](self.arguments()) if word in _FUNCTIONS else Fraction(word)

    def arguments(self) -> list[Fraction]:
        """Dates come as the number of their day, so that `days` is a difference."""
        found = []
        while self.take() != ")":
            is_date = "-" in self.words[0] and len(self.words[0]) > 1
            day = Fraction(date.fromisoformat(self.take()).toordinal()) if is_date else None
            found.append(self.sum() if day is None else day)
        return found

    def take(self) -> str:
        return self.words.pop(0)


def _rounded(arguments: list[Fraction]) -> Fraction:
    value, digits = arguments
    wide = _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))
    return Fraction(_WIDE.quantize(wide, Decimal(1).scaleb(-int(digits))))


_FUNCTIONS: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "round": _rounded,
    "max": max,
    "days": lambda days: days[1] - days[0],
}
