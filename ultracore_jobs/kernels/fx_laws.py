"""Laws that cross rates keep, and what an operator should know about a day's rates.

Each function returns the rows that break the law, recomputed from the published table alone
(domain_rules 14, invariants).
"""

import polars as pl

from ultracore_jobs.kernels.fixings import missing_currencies
from ultracore_jobs.kernels.fx import PIVOTS

INVERSE_TOLERANCE = 1e-6
"""How far a rate times its inverse may be from 1."""

_HALF_A_DECIMAL = 0.5e-10
"""What rounding to 10 decimals can move a rate."""


def not_inverse(fx_crosses: pl.DataFrame) -> pl.DataFrame:
    """Pairs where the rate times the rate the other way round is not 1 within `INVERSE_TOLERANCE`.

    Where one of the two is so small that its rounding to 10 decimals weighs more (a rupiah in pounds
    has five significant digits), the rounding is the tolerance. A pair with a rate one way only breaks
    the law too.

    Args:
        fx_crosses: `FX_CROSSES` of one day.
    """
    there = fx_crosses.select("base_ccy", "quote_ccy", pl.col("rate").cast(pl.Float64))
    back = there.rename({"base_ccy": "quote_ccy", "quote_ccy": "base_ccy", "rate": "inverse"})
    both = there.join(back, on=["base_ccy", "quote_ccy"], how="full", coalesce=True)
    rate, inverse = pl.col("rate"), pl.col("inverse")
    rounding = 1.1 * _HALF_A_DECIMAL * (rate + inverse + _HALF_A_DECIMAL)
    tolerance = pl.max_horizontal(pl.lit(INVERSE_TOLERANCE), rounding)
    return both.filter(((rate * inverse - 1).abs() > tolerance) | (rate.is_null() != inverse.is_null()))


def not_one_in_itself(fx_crosses: pl.DataFrame) -> pl.DataFrame:
    """Currencies that are not worth exactly 1 of themselves."""
    return fx_crosses.filter((pl.col("base_ccy") == pl.col("quote_ccy")) & pl.col("rate").ne_missing(1))


def not_through_pivot(fx_crosses: pl.DataFrame, pivot: str) -> pl.DataFrame:
    """Crosses that are not the quotient of their two quotes against the pivot, beyond rounding.

    Looks at pairs of which both quotes against the pivot are of the pair's own fixing.

    Args:
        fx_crosses: `FX_CROSSES` of one day.
        pivot: Currency the ECB quotes against.
    """
    quotes = against_pivot(fx_crosses, pivot).select(
        pl.col("quote_ccy").alias("ccy"), "rate_date", pl.col("rate").cast(pl.Float64).alias("units")
    )
    base = quotes.rename({"ccy": "base_ccy", "units": "base_units"})
    quote = quotes.rename({"ccy": "quote_ccy", "units": "quote_units"})
    recomputed = (
        fx_crosses.filter(pl.col("base_ccy") != pl.col("quote_ccy"))
        .join(base, on=["base_ccy", "rate_date"], how="inner")
        .join(quote, on=["quote_ccy", "rate_date"], how="inner")
        .with_columns((pl.col("quote_units") / pl.col("base_units")).alias("through_pivot"))
    )
    # Half a decimal is our rounding; the other half, and the relative part, that of floats.
    slack = 2 * _HALF_A_DECIMAL + 1e-12 * pl.col("through_pivot")
    return recomputed.filter((pl.col("rate").cast(pl.Float64) - pl.col("through_pivot")).abs() > slack)


def required_missing(fx_crosses: pl.DataFrame) -> pl.DataFrame:
    """Required currencies that cannot be converted; one column ``ccy``."""
    return pl.DataFrame({"ccy": missing_currencies(fx_crosses)}, schema={"ccy": pl.String})


def mixed_sources(fx_crosses: pl.DataFrame) -> pl.DataFrame:
    """The publishers of a day that has more than one: ``as_of_date``, ``source``."""
    sources = fx_crosses.select("as_of_date", "source").unique().sort("as_of_date", "source")
    return sources.filter(pl.len().over("as_of_date") > 1)


def not_fresh(fx_crosses: pl.DataFrame, pivot: str) -> pl.DataFrame:
    """Currencies without a usable fixing of the last TARGET business day; weekends are not late.

    Args:
        fx_crosses: `FX_CROSSES` of one day.
        pivot: Currency the ECB quotes against.
    """
    late = (pl.col("stale_business_days") > 0).fill_null(value=True)
    return against_pivot(fx_crosses, pivot).filter(late | (pl.col("status") == "FAILED_STALE"))


def held(fx_crosses: pl.DataFrame, pivot: str) -> pl.DataFrame:
    """Currencies whose newest fixing is QUARANTINED and waits for a person.

    A fixing that stays quarantined until the one before it is too old is listed by `not_fresh`.

    Args:
        fx_crosses: `FX_CROSSES` of one day.
        pivot: Currency the ECB quotes against.
    """
    return against_pivot(fx_crosses, pivot).filter(pl.col("reason") == "FIXING_QUARANTINED")


def against_pivot(fx_crosses: pl.DataFrame, pivot: str) -> pl.DataFrame:
    """One row for each currency but the pivot: its rate against the pivot of the day's publisher.

    Args:
        fx_crosses: `FX_CROSSES` of one day.
        pivot: Currency the ECB quotes against.
    """
    pivots = {**PIVOTS, "ECB": pivot}
    is_pivot = pl.col("base_ccy") == pl.col("source").replace_strict(pivots, return_dtype=pl.String)
    return fx_crosses.filter(is_pivot & (pl.col("base_ccy") != pl.col("quote_ccy")))
