"""The price of each instrument on a day, how old it is, and whether it may be used."""

from datetime import date

import polars as pl

from ultracore_jobs.catalog.columns import PRICE
from ultracore_jobs.catalog.market import NSW, UNLISTED
from ultracore_jobs.kernels.business_days import business_days_after
from ultracore_jobs.kernels.money import round_to
from ultracore_jobs.kernels.valuation.positions import split_factors, with_split_factor
from ultracore_jobs.kernels.valuation.tables import FRESH, MISSING_PRICE, STALE, Books, Policy


def price_instruments(books: Books, policy: Policy, *, as_of: date) -> pl.DataFrame:
    """The newest usable price of each instrument.

    The price is the close of the latest day up to *as_of* with status OK. Its age counts business days
    of the instrument's exchange; an unlisted one ages by `NSW`. A close from before a split that has
    happened since is put on today's basis: divided by new units per old unit, half-up to 6 decimals.

    Args:
        books: Instruments, prices, corporate actions and calendars.
        policy: The age limits.
        as_of: The day.

    Returns:
        One row for each instrument: its own columns (``ccy``, ``type``, ``price_factor``, ...) and
        ``price`` (null without one), ``price_date``, ``stale_business_days`` (null where the calendar
        does not reach), ``price_status``, ``is_split_adjusted``, and ``price_fault``: BAD_PRICE or
        SPLIT_BASIS_UNKNOWN, which no policy may mend, else null.

    Source: domain_rules 1A.1, 20b (split on D with yesterday's price).
    """
    unlisted = pl.col("exchange") == UNLISTED
    latest = latest_prices(books.prices, as_of=as_of)
    dated = books.instruments.join(latest, on="instrument_id", how="left").with_columns(
        pl.when(unlisted).then(pl.lit(NSW)).otherwise("exchange").alias("__calendar"),
        pl.when(unlisted)
        .then(policy.max_stale_unlisted)
        .otherwise(policy.max_stale_business_days)
        .alias("__limit"),
    )
    aged = business_days_after(
        dated, since="price_date", calendar="__calendar", as_of=as_of, calendars=books.calendars
    )
    based = with_split_factor(aged, "price_date", split_factors(books.corporate_actions, as_of=as_of))
    age, close = pl.col("stale_business_days"), pl.col("close")
    bad = close.is_not_null() & (close <= 0)
    unknown = close.is_not_null() & pl.col("factor").is_null()
    return (
        based.with_columns(
            pl.when(bad)
            .then(pl.lit("BAD_PRICE"))
            .when(unknown)
            .then(pl.lit("SPLIT_BASIS_UNKNOWN"))
            .alias("price_fault"),
            pl.when("is_split")
            .then(round_to(close, digits=6, over=[pl.col("factor")], dtype=PRICE))
            .otherwise(close)
            .alias("price"),
            (pl.col("is_split") & close.is_not_null()).alias("is_split_adjusted"),
        )
        .with_columns(
            pl.when(pl.col("price").is_null() | pl.col("price_fault").is_not_null() | age.is_null())
            .then(pl.lit(MISSING_PRICE))
            .when(age == 0)
            .then(pl.lit(FRESH))
            .when(age <= pl.col("__limit"))
            .then(pl.lit(STALE))
            .otherwise(pl.lit(MISSING_PRICE))
            .alias("price_status")
        )
        .drop("__calendar", "__limit", "close", "factor", "slack", "is_split")
    )


def latest_prices(prices: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """The last close up to *as_of* with status OK: ``instrument_id``, ``price_date``, ``close``."""
    return (
        prices.lazy()
        .filter((pl.col("status") == "OK") & (pl.col("price_date") <= as_of))
        .select("instrument_id", "price_date", "close")
        .sort("price_date")
        .unique("instrument_id", keep="last", maintain_order=True)
        .sort("instrument_id")
        .collect()
    )
