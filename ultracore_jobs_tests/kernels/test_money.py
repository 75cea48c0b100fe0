"""Rounding, judged by `decimal`: ROUND_HALF_UP is half-up with ties away from zero."""

from decimal import ROUND_HALF_UP, Context, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.columns import FX_RATE, MONEY, PRICE, UNITS
from ultracore_jobs.kernels.money import MINOR_DIGITS, minor_digits, round_money, round_to

EXACT = Context(prec=120, rounding=ROUND_HALF_UP)
CURRENCIES = ["AUD", "USD", "JPY", "KWD", "CLF"]
"""Two, two, no, three and four decimals."""

Factors = tuple[Decimal, Decimal, Decimal, Decimal]


def decimals(places: int, digits: int = 18) -> st.SearchStrategy[Decimal]:
    """Any value of a column; small, round and extreme ones often."""
    limit = 10**digits - 1
    return st.integers(-limit, limit).map(lambda whole: Decimal(whole).scaleb(-places))


def table(rows: list[tuple[Factors, str]]) -> pl.DataFrame:
    """Quantity, price, price factor, rate and currency."""
    columns = {"qty": UNITS, "price": PRICE, "factor": PRICE, "fx": FX_RATE}
    values = {name: [row[0][place] for row in rows] for place, name in enumerate(columns)}
    return pl.DataFrame({**values, "ccy": [row[1] for row in rows]}, schema={**columns, "ccy": pl.String})


def rounded(frame: pl.DataFrame) -> list[Decimal | None]:
    """The product of the four columns, in their currency."""
    factors = [pl.col(name) for name in ("qty", "price", "factor", "fx")]
    query = frame.lazy().select(round_money(*factors, ccy=pl.col("ccy")).alias("amount"))
    return query.collect(engine="streaming")["amount"].to_list()


def expected(factors: Factors, ccy: str, over: int = 1) -> Decimal | None:
    """What exact arithmetic says, null where `MONEY` has no room for it."""
    product = Decimal(1)
    for factor in factors:
        product = EXACT.multiply(product, factor)
    return half_up(EXACT.divide(product, Decimal(over)), MINOR_DIGITS[ccy])


def half_up(value: Decimal, digits: int) -> Decimal | None:
    """To so many decimals."""
    amount = EXACT.quantize(value, Decimal(1).scaleb(-digits))
    return amount if abs(amount) < 10**14 else None


@pytest.mark.parametrize(
    ("amount", "ccy", "result"),
    [
        ("0.235", "AUD", "0.24"),
        ("-0.235", "AUD", "-0.24"),
        ("1.005", "AUD", "1.01"),
        ("2.675", "USD", "2.68"),
        ("0.5", "JPY", "1"),
        ("-2.5", "JPY", "-3"),
        ("0.0005", "KWD", "0.001"),
        ("0.002349", "KWD", "0.002"),
        ("0.00005", "CLF", "0.0001"),
    ],
)
def test_a_tie_goes_away_from_zero_in_the_currencys_own_unit(amount: str, ccy: str, result: str) -> None:
    """0.235 -> 0.24, -0.235 -> -0.24 (domain_rules 1); the float of 1.005 is below it and would give 1.00."""
    one = Decimal(1)

    assert rounded(table([((Decimal(amount), one, one, one), ccy)])) == [Decimal(result)]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(
                st.tuples(decimals(6, 10), decimals(6, 9), decimals(6, 6), decimals(10, 11)),
                st.tuples(decimals(6), decimals(6), decimals(6), decimals(10)),
                st.tuples(decimals(6, 13), decimals(6, 12), st.just(Decimal(1)), st.just(Decimal(1))),
            ),
            st.sampled_from(CURRENCIES),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_rounding_is_that_of_decimal(rows: list[tuple[Factors, str]]) -> None:
    """Any sign, any size, up to 72 digits in the product, five kinds of minor unit in one batch."""
    assert rounded(table(rows)) == [expected(factors, ccy) for factors, ccy in rows]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 10**13),
            st.integers(1, 10**6),
            st.sampled_from(CURRENCIES),
            st.sampled_from([1, -1]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_planted_ties_and_their_neighbours_round_as_decimal_does(
    rows: list[tuple[int, int, str, int]],
) -> None:
    """N + half a minor unit, reached by a product, and one 10**-28 step to each side of it."""
    cases: list[tuple[Factors, str]] = []
    for whole, parts, ccy, sign in rows:
        half = (Decimal(2 * whole + 1) / 2).scaleb(-MINOR_DIGITS[ccy]) * sign
        one = Decimal(1)
        price = Decimal(parts).scaleb(-6)
        cases.append(((Decimal(sign * parts).scaleb(-6), one, one, one), ccy))
        if half == half.quantize(Decimal(1).scaleb(-6)) and abs(half) < 10**12:
            cases += [((half, one, one, one), ccy), ((half, price, one, one), ccy)]
            cases += [
                ((half, one, one, one + step * Decimal("1e-10")), ccy) for step in (Decimal(-1), Decimal(1))
            ]

    assert rounded(table(cases)) == [expected(factors, ccy) for factors, ccy in cases]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(decimals(6, 14), decimals(10, 12), st.integers(-400, 400)), min_size=1, max_size=40
    )
)
def test_a_quotient_rounds_as_decimal_does(rows: list[tuple[Decimal, Decimal, int]]) -> None:
    """Interest: face x coupon / (coupons a year x days); over 0 there is no amount."""
    frame = pl.DataFrame(
        {"qty": [r[0] for r in rows], "rate": [r[1] for r in rows], "over": [r[2] for r in rows]},
        schema={"qty": UNITS, "rate": FX_RATE, "over": pl.Int64},
    )
    found = frame.select(
        round_money(pl.col("qty"), pl.col("rate"), ccy=pl.lit("AUD"), over=[pl.col("over")]).alias("amount")
    )["amount"].to_list()

    one = Decimal(1)
    assert found == [expected((q, r, one, one), "AUD", over) if over else None for q, r, over in rows]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(decimals(4), decimals(6, 18)), min_size=1, max_size=40))
def test_a_unit_value_has_twelve_exact_decimals(rows: list[tuple[Decimal, Decimal]]) -> None:
    """NAV over units, for any two values their columns can hold."""
    unit_value = pl.Decimal(30, 12)
    frame = pl.DataFrame(
        {"nav": [r[0] for r in rows], "units": [r[1] for r in rows]}, schema={"nav": MONEY, "units": UNITS}
    )
    query = round_to(pl.col("nav"), digits=12, over=[pl.col("units")], dtype=unit_value)
    found = frame.select(query.alias("value"))["value"].to_list()

    for value, (nav, units) in zip(found, rows, strict=True):
        exact = EXACT.quantize(EXACT.divide(nav, units), Decimal("1e-12")) if units else None
        assert value == (exact if exact is not None and abs(exact) < 10**18 else None)


def test_null_and_unknown_give_null() -> None:
    """Null never means zero; metals and codes that are no money have no minor unit."""
    ones = [Decimal(1)] * 3
    frame = pl.DataFrame(
        {"qty": [None, *ones], "ccy": ["AUD", None, "XAU", "ZZZ"]}, schema={"qty": UNITS, "ccy": pl.String}
    )

    assert frame.select(round_money(pl.col("qty"), ccy=pl.col("ccy")).alias("a"))["a"].to_list() == [None] * 4


def test_an_empty_table_stays_empty() -> None:
    """Also where a factor is a literal."""
    frame = table([])

    amount = round_money(pl.col("qty"), pl.lit(3, dtype=pl.Int64), ccy=pl.lit("AUD")).alias("amount")

    assert frame.select(amount).schema == {"amount": MONEY}
    assert frame.select(amount).is_empty()


def test_what_money_cannot_hold_is_null() -> None:
    """14 digits before the point."""
    one, most = Decimal(1), Decimal(99999999999999)
    rows: list[tuple[Factors, str]] = [
        ((Decimal(10**11), Decimal(factor), one, one), "JPY") for factor in ("999.99999", "1000", "-1000")
    ]

    assert rounded(table(rows)) == [most - 999999, None, None]


def test_floats_are_refused() -> None:
    """Money is computed from exact columns, or not at all."""
    frame = pl.DataFrame({"qty": [0.1]})

    with pytest.raises(Exception, match="exact columns"):
        frame.select(round_money(pl.col("qty"), ccy=pl.lit("AUD")))


def test_minor_units_are_those_of_iso_4217() -> None:
    """AUD 2, JPY 0, KWD 3 (domain_rules 1), and nothing for what is no money."""
    frame = pl.DataFrame({"ccy": ["AUD", "JPY", "KWD", "XAU", "zzz"]})

    assert frame.select(minor_digits(pl.col("ccy")))["ccy"].to_list() == [2, 0, 3, None, None]
