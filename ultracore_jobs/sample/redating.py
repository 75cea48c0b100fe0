"""The constant shift that brings real history into the years 2020 to 2031.

Real sessions are numbered, and so are those of the years to come; a real session goes to the session
whose number is higher by a constant, chosen so that 2 January 2015 stands at 2 January 2024. Fixings
move in the same way, counted in TARGET days. Weekends and holidays therefore stay where the new
calendar has them, and a date always has the same price.
"""

from datetime import date
from functools import cache

import polars as pl

from ultracore_jobs.catalog.market import XNYS
from ultracore_jobs.sample.calendars import LAST_DAY, exchange_sessions, target_fixings
from ultracore_jobs.sample.market_history import adjusted_closes, euro_fixings, index_levels

REAL_ANCHOR = date(2015, 1, 2)
NEW_ANCHOR = date(2024, 1, 2)
FIRST_DAY = date(2020, 1, 2)
"""First re-dated day: four years before the anchor, so that windows of history are full on it."""


@cache
def redated_closes() -> pl.DataFrame:
    """Real adjusted closes on their new dates.

    Returns:
        ``date``, ``symbol``, ``close`` (USD, decimal), ``real_date``, ``known_at`` (the session's close),
        by symbol and date.
    """
    return _redated(adjusted_closes(), index_levels()["date"], exchange_sessions(XNYS)).sort("symbol", "date")


@cache
def redated_index() -> pl.DataFrame:
    """The S&P 500 on its new dates.

    Returns:
        ``date``, ``level`` (index points, decimal), ``real_date``, ``known_at``, by date.
    """
    levels = index_levels()
    return _redated(levels, levels["date"], exchange_sessions(XNYS)).sort("date")


@cache
def redated_fixings() -> pl.DataFrame:
    """The ECB's fixings on their new dates.

    Returns:
        ``date``, ``quote_ccy``, ``rate`` (text, per euro), ``real_date``, ``known_at`` (16:00 in
        Frankfurt), by date and currency.
    """
    fixings = euro_fixings()
    published = fixings["date"].unique().sort()
    return _redated(fixings, published, target_fixings()).sort("date", "quote_ccy")


def _redated(rows: pl.DataFrame, real_days: pl.Series, new_days: pl.DataFrame) -> pl.DataFrame:
    """Move *rows* from the n-th real day to the n-th new day, both counted from their anchors."""
    real = _numbered(real_days.alias("real_date").to_frame(), "real_date", REAL_ANCHOR)
    new = _numbered(new_days.select("date", known_at="close_at"), "date", NEW_ANCHOR)
    shifted = real.join(new, on="number").drop("number")
    return (
        rows.rename({"date": "real_date"})
        .join(shifted, on="real_date")
        .filter(pl.col("date").is_between(FIRST_DAY, LAST_DAY))
        .select("date", pl.exclude("date", "real_date", "known_at"), "real_date", "known_at")
    )


def _numbered(days: pl.DataFrame, column: str, anchor: date) -> pl.DataFrame:
    """Number the days so that *anchor* is 0."""
    at_anchor = days[column].search_sorted(anchor)
    return days.with_columns((pl.int_range(pl.len()) - at_anchor).alias("number"))
