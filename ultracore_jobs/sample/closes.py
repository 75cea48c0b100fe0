"""Raw closes of every instrument: the real ones re-dated, the synthetic ones derived from the index."""

from datetime import date
from functools import cache

import polars as pl

from ultracore_jobs.catalog.market import NSW, XASX
from ultracore_jobs.sample.actions import SCALE, raw_closes
from ultracore_jobs.sample.calendars import at_wall_time, business_days, exchange_sessions
from ultracore_jobs.sample.instruments import BOND, DEPOSIT, FUND, STALE, SUSPENDED, listings
from ultracore_jobs.sample.redating import FIRST_DAY, redated_index

SUSPENDED_AFTER = date(2024, 2, 29)
"""Last day the suspended instrument has a price."""

_FUND_HOUR = 18
_SYDNEY = "Australia/Sydney"
_YEAR_OF_SESSIONS = 252


@cache
def closes() -> pl.DataFrame:
    """What every instrument really closed at; what the vendor makes of it is in `deliveries`.

    Returns:
        ``price_date``, ``instrument_id``, ``symbol``, ``exchange``, ``ccy``, ``close_e4`` (Int64,
        ten-thousandths, as quoted), ``known_at`` (the close), ``source``, by instrument_id and
        price_date.
    """
    real = raw_closes().with_columns(
        pl.format("XNYS-{}", "symbol").alias("instrument_id"), pl.lit("replay").alias("source")
    )
    made = _synthetic().with_columns(pl.lit("synthetic, from the replayed index").alias("source"))
    columns = ["price_date", "instrument_id", "close_e4", "known_at", "source"]
    return (
        pl.concat([real.select(columns), made.select(columns)])
        .join(listings(), on="instrument_id")
        .select("price_date", "instrument_id", "symbol", "exchange", "ccy", "close_e4", "known_at", "source")
        .sort("instrument_id", "price_date")
    )


def _synthetic() -> pl.DataFrame:
    index = (
        redated_index()
        .with_columns(pl.col("level").cast(pl.Float64))
        .select(
            "date",
            (pl.col("level") / pl.col("level").first()).alias("since_start"),
            (pl.col("level") / pl.col("level").shift(_YEAR_OF_SESSIONS)).fill_null(1.0).alias("over_a_year"),
        )
    )
    australian = exchange_sessions(XASX).select("date", known_at="close_at")
    weekly = (
        business_days(NSW)
        .to_frame()
        .group_by_dynamic("date", every="1w", label="left")
        .agg(pl.col("date").last().alias("last"))
        .select(date="last")
        .with_columns(at_wall_time("date", _FUND_HOUR, _SYDNEY, name="known_at"))
    )
    first_of_week = pl.col("date") == pl.col("date").min().over(pl.col("date").dt.truncate("1w"))
    growth, year = pl.col("since_start"), pl.col("over_a_year")
    return pl.concat(
        _path(instrument_id, days, index, price)
        for instrument_id, days, price in (
            (BOND, australian, 100 * year.pow(-0.15)),
            (SUSPENDED, australian.filter(pl.col("date") <= SUSPENDED_AFTER), 2.5 * growth.pow(1.3)),
            (STALE, australian.filter(first_of_week), 6 * growth.pow(0.8)),
            (FUND, weekly, growth.pow(0.6)),
            (DEPOSIT, weekly, pl.lit(1.0)),
        )
    )


def _path(instrument_id: str, days: pl.DataFrame, index: pl.DataFrame, price: pl.Expr) -> pl.DataFrame:
    """Prices on *days*, each from the last close of the index that was known by then."""
    return (
        days.filter(pl.col("date") > FIRST_DAY)
        .sort("date")
        .join_asof(index.sort("date"), on="date", strategy="backward", allow_exact_matches=False)
        .select(
            pl.lit(instrument_id).alias("instrument_id"),
            pl.col("date").alias("price_date"),
            (price * SCALE).round().cast(pl.Int64).alias("close_e4"),
            "known_at",
        )
    )
