"""What both oracles round with: plain fractions and `decimal`, no code of the product."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from iso4217 import Currency

Row = Mapping[str, Any]

DECIMALS = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def half_up(value: Fraction, digits: int) -> Decimal:
    """Half-up, ties away from zero."""
    with localcontext(prec=200, rounding=ROUND_HALF_UP):
        scaled = abs(value) * 10**digits
        whole, rest = divmod(scaled.numerator, scaled.denominator)
        whole += 2 * rest >= scaled.denominator
        return Decimal(whole if value >= 0 else -whole).scaleb(-digits)
