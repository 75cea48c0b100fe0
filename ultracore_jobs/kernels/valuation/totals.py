"""From lines to one row for each portfolio."""

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.valuation.lines import Lines, with_fx
from ultracore_jobs.kernels.valuation.tables import (
    ACCRUED_INCOME,
    CASH,
    COMPLETE,
    FLAGS,
    INCOMPLETE,
    MISSING_PRICE,
    POSITION,
    STALE,
    as_codes,
)


def total_lines(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Add the lines of each portfolio up. Totals are sums of rounded lines, so they are exact.

    Args:
        lines: ``portfolio_id``, ``line_type``, ``mv_base`` (base currency), ``price_status``.

    Returns:
        One row for each portfolio that has a line: ``portfolio_id``, ``gross_base`` (all lines),
        ``positions_base``, ``cash_base``, ``accrued_income_base``, ``lines``, ``stale_lines`` (prices
        that are STALE or MISSING_PRICE). Null amounts add nothing: whoever reads the totals of a
        portfolio with such a line must not call them its value. Streams; rows in no order.

    Source: domain_rules 1, 1A.6.
    """
    amount, kind = pl.col("mv_base"), pl.col("line_type")
    named = {POSITION: "positions_base", CASH: "cash_base", ACCRUED_INCOME: "accrued_income_base"}
    return lines.group_by("portfolio_id").agg(
        amount.sum().cast(MONEY).alias("gross_base"),
        *(amount.filter(kind == code).sum().cast(MONEY).alias(name) for code, name in named.items()),
        pl.len().cast(pl.Int64).alias("lines"),
        pl.col("price_status").is_in([STALE, MISSING_PRICE]).sum().cast(pl.Int64).alias("stale_lines"),
    )


def with_totals(portfolios: pl.DataFrame, lines: Lines, found: pl.DataFrame) -> pl.DataFrame:
    """Add what each portfolio is worth before fees, its parts and its status, and the rate to AUD.

    Args:
        portfolios: ``portfolio_id``, ``base_ccy``, ``flow_base``, and any others.
        lines: The lines of the day.
        found: ``portfolio_id`` of those with a fault, any number of rows.

    Returns:
        *portfolios* with what `total_lines` says (0 where there are no lines; the parts null where
        INCOMPLETE), ``status`` and ``aud_rate`` (AUD per unit of base currency, null without one).

    Source: domain_rules 1A.2, 1A.6.
    """
    nothing = pl.lit(0).cast(MONEY)
    parts = ["positions_base", "cash_base", "accrued_income_base"]
    totals = portfolios.join(
        total_lines(lines.table.lazy()).collect(), on="portfolio_id", how="left"
    ).with_columns(
        pl.col("gross_base", *parts).fill_null(nothing),
        pl.col("lines", "stale_lines").fill_null(0),
        pl.col("flow_base").fill_null(nothing),
        pl.when(pl.col("portfolio_id").is_in(found["portfolio_id"].unique().implode()))
        .then(pl.lit(INCOMPLETE))
        .otherwise(pl.lit(COMPLETE))
        .alias("status"),
    )
    is_complete = pl.col("status") == COMPLETE
    in_aud = with_fx(
        totals.select(pl.col("base_ccy").alias("ccy"), pl.lit("AUD").alias("base_ccy")), lines.rates
    )
    return totals.with_columns(
        in_aud["fx"].alias("aud_rate"), *(pl.when(is_complete).then(name).alias(name) for name in parts)
    )


def flags_of_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """What a person should know about each portfolio's lines: ``portfolio_id``, ``code`` of `FLAGS`."""
    found = {
        "STALE_PRICE": pl.col("price_status") == STALE,
        "OVERDRAWN": (pl.col("line_type") == CASH) & (pl.col("amount_local") < 0),
        "CARRIED_FX": pl.col("fx_status") == "CARRIED",
        "SPLIT_ADJUSTED_PRICE": pl.col("is_split_adjusted"),
        "COUPON_DATES_ROLLED": pl.col("is_rolled"),
        **{code: pl.col("reason") == code for code in ("AT_COST", "AT_ZERO", "CARRIED_PRICE")},
    }
    return pl.concat(
        [
            lines.filter(condition).select("portfolio_id", pl.lit(code).alias("code"))
            for code, condition in found.items()
        ]
    )


def with_codes(valued: pl.DataFrame, faults: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """Add ``reason`` and ``flags``, sorted codes joined by ``;``, null where there are none."""
    known = flags.filter(pl.col("code").is_in(list(FLAGS)))
    return valued.join(as_codes(faults, "reason"), on="portfolio_id", how="left").join(
        as_codes(known, "flags"), on="portfolio_id", how="left"
    )
