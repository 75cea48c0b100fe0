"""Tables of the sample that all tenants share and no feed brings."""

from datetime import date

import polars as pl

from ultracore_jobs.catalog.columns import INSTANT
from ultracore_jobs.catalog.market import BENCHMARKS, RISK_FREE
from ultracore_jobs.sample.calendars import calendar_table
from ultracore_jobs.sample.instruments import instrument_table
from ultracore_jobs.sample.lists import jurisdiction_table, watchlist_table
from ultracore_jobs.sample.redating import redated_index

BENCHMARK = "SP500"

_CASH_RATES = (
    (date(2020, 1, 1), 0.0075), (date(2020, 11, 4), 0.0010), (date(2022, 5, 4), 0.0035),
    (date(2023, 1, 1), 0.0310), (date(2023, 11, 8), 0.0435), (date(2025, 2, 19), 0.0410),
    (date(2025, 8, 13), 0.0360), (date(2027, 3, 3), 0.0335), (date(2029, 6, 6), 0.0385),
)  # fmt: skip
"""Synthetic steps of a cash rate: first day, annual rate."""


def shared_tables(until: date) -> dict[str, pl.DataFrame]:
    """Instruments, calendars, benchmark, risk-free rate and lists, as known on the evening of *until*.

    Args:
        until: Last day (UTC) on which a row may have become known.

    Returns:
        Conforming tables by name: instruments, calendars (to the end of 2031: a calendar is known in
        advance), benchmarks (the replayed S&P 500), risk_free (synthetic steps), watchlists and
        jurisdictions (invented names). A later *until* gives the same rows and more.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    tables = {
        "instruments": instrument_table(),
        "calendars": calendar_table(),
        "benchmarks": _benchmarks(),
        "risk_free": _risk_free(),
        "watchlists": watchlist_table(),
        "jurisdictions": jurisdiction_table(),
    }
    return {name: rows.filter(pl.col("known_at").dt.date() <= until) for name, rows in tables.items()}


def _benchmarks() -> pl.DataFrame:
    level = pl.col("level").cast(pl.Float64)
    return (
        redated_index()
        .select(
            pl.lit("shared").alias("tenant_id"),
            pl.lit(BENCHMARK).alias("benchmark_id"),
            "date",
            (level / level.shift() - 1).alias("return"),
            "known_at",
            pl.lit("replay").alias("source"),
        )
        .drop_nulls("return")
        .select(BENCHMARKS.schema.names())
    )


def _risk_free() -> pl.DataFrame:
    frame = pl.DataFrame(_CASH_RATES, schema=["date", "annual_rate"], orient="row")
    return frame.select(
        pl.lit("shared").alias("tenant_id"),
        "date",
        "annual_rate",
        pl.col("date").cast(INSTANT).alias("known_at"),
        pl.lit("synthetic sample").alias("source"),
    ).select(RISK_FREE.schema.names())
