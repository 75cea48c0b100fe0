"""Prices made comparable over splits and dividends. Raw closes are stored; this series is derived.

Two-for-one halves a price and makes nobody poorer. Back-adjustment multiplies every earlier close by
a factor for each action after it, so that a return computed across the ex date is the investor's
(domain_rules 16).
"""

from datetime import date

import polars as pl

_BY = "instrument_id"


def back_adjusted(prices: pl.DataFrame, corporate_actions: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """The usable prices on the basis of *as_of*.

    Args:
        prices: `PRICES`, one row for each instrument and day as known at the cut-off; rows that are
            QUARANTINED or later than *as_of* are left out.
        corporate_actions: `CORPORATE_ACTIONS` as known; those with an ex date after *as_of* do not
            count yet.
        as_of: Day on whose basis prices are expressed: the newest price is its own adjusted price.

    Returns:
        One row for each usable price, by instrument and day: ``instrument_id``, ``price_date``,
        ``close`` (raw, instrument currency), ``factor`` and ``adjusted_close`` (floats, unrounded:
        they are for returns, never for money) and ``reason``. Factor and adjusted close are null with
        reason DIVIDEND_NOT_BELOW_CLOSE where a later dividend is not smaller than the close before it.

    Source: domain_rules 16. A 2-for-1 split after a close of 20.00 gives 10.00.
    """
    usable = prices.filter((pl.col("status") == "OK") & (pl.col("price_date") <= as_of))
    closes = usable.select(_BY, "price_date", "close").sort(_BY, "price_date")
    return (
        with_factors(closes, corporate_actions, as_of=as_of)
        .with_columns(pl.when(~pl.col("is_broken")).then("factor").alias("factor"))
        .select(
            _BY,
            "price_date",
            "close",
            "factor",
            (pl.col("close").cast(pl.Float64) * pl.col("factor")).alias("adjusted_close"),
            pl.when("is_broken").then(pl.lit("DIVIDEND_NOT_BELOW_CLOSE")).alias("reason"),
        )
    )


def with_factors(closes: pl.DataFrame, corporate_actions: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Add to each close the factor that puts it on the basis of *as_of*.

    A split has the factor old / new, that is 1 / ``ratio``; a cash dividend D has 1 - D / close of the
    last day before its ex date. Actions on one ex date multiply.

    Args:
        closes: ``instrument_id``, ``price_date``, ``close``, and any others. Of two rows for one
            instrument and day the later is the close that a dividend is measured by.
        corporate_actions: `CORPORATE_ACTIONS` as known.
        as_of: Last ex date that counts.

    Returns:
        *closes* in the same order with ``factor`` (float; 1.0 where no action follows) and
        ``is_broken``: true where a later dividend is not smaller than the close before it; that
        dividend is left out of the factor.
    """
    # Only instruments that have actions are worth sorting and searching.
    actions = (
        corporate_actions.filter(pl.col("ex_on") <= as_of)
        .join(closes.select(_BY).unique(), on=_BY, how="semi")
        .sort("ex_on")
    )
    ordered = closes.with_row_index("__order")
    dated = ordered.join(actions.select(_BY), on=_BY, how="semi").sort("price_date", "__order")
    before = dated.select(_BY, "price_date", pl.col("close").cast(pl.Float64).alias("__before"))
    share_paid = pl.col("cash_per_unit").cast(pl.Float64) / pl.col("__before")
    steps = (
        actions.select(_BY, "ex_on", "type", "ratio", "cash_per_unit")
        .join_asof(
            before,
            left_on="ex_on",
            right_on="price_date",
            by=_BY,
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .filter(pl.col("__before").is_not_null())
        .with_columns(
            pl.when(pl.col("type") == "SPLIT")
            .then(1.0 / pl.col("ratio").cast(pl.Float64))
            .when(share_paid < 1.0)
            .then(1.0 - share_paid)
            .alias("__step")
        )
        .group_by(_BY, "ex_on")
        .agg(pl.col("__step").product(), pl.col("__step").is_null().any().alias("is_broken"))
        .sort(_BY, "ex_on", descending=True)
        .select(
            _BY,
            "ex_on",
            pl.col("__step").cum_prod().over(_BY).alias("factor"),
            pl.col("is_broken").cum_max().over(_BY),
        )
        .sort("ex_on")
    )
    acted = dated.join_asof(
        steps,
        left_on="price_date",
        right_on="ex_on",
        by=_BY,
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    ).select("__order", "factor", "is_broken")
    return ordered.join(acted, on="__order", how="left", maintain_order="left").select(
        *closes.columns, pl.col("factor").fill_null(1.0), pl.col("is_broken").fill_null(value=False)
    )
