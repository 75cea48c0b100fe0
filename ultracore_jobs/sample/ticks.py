"""Synthetic ticks: a path of trades from yesterday's close to today's, for price alerts to watch."""

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from ultracore_jobs.catalog.alerts import TICKS
from ultracore_jobs.catalog.columns import PRICE
from ultracore_jobs.catalog.market import XNYS
from ultracore_jobs.sample.actions import SPLITS
from ultracore_jobs.sample.calendars import exchange_sessions
from ultracore_jobs.sample.draws import Draws
from ultracore_jobs.sample.grid import day_number, market_grid

TICKS_A_SESSION = 26
_WOBBLE = 0.004
"""Greatest distance from the straight path, as a share of the price."""


def tick_table(day: date) -> pl.DataFrame:
    """Trades of one session of XNYS in every US instrument, as a `TICKS` table.

    Evenly spaced from the opening to the close; the last is at the close and at the closing price, so
    that ticks and prices agree. The same day always has the same ticks.

    Args:
        day: The session; a day without one gives an empty table.

    Returns:
        Rows by instant and instrument; each known when it traded; source ``synthetic``.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    session = exchange_sessions(XNYS).filter(pl.col("date") == day)
    if session.is_empty():
        return TICKS.empty()
    grid, number = market_grid(), day_number(day)
    ours = np.array([n for n, name in enumerate(grid.instruments) if name.startswith(XNYS)])
    ratio = np.array([_ratio(grid.instruments[n], day) for n in ours])
    ours, ratio = ours[grid.closes[ours, number - 1] > 0], ratio[grid.closes[ours, number - 1] > 0]
    step = np.arange(1, TICKS_A_SESSION + 1)
    start, end = grid.closes[ours, number - 1] / ratio, grid.closes[ours, number]
    share = step / TICKS_A_SESSION
    drawn = Draws("shared", 0).uniform("ticks", ours[:, None], np.full((1, 1), number), step[None, :])
    wobble = (2 * drawn - 1) * _WOBBLE * np.sin(np.pi * share)
    path = np.rint((start[:, None] + (end - start)[:, None] * share) * (1 + wobble)).astype(np.int64)
    path[:, -1] = end
    opened, closed = session.row(0)[1:]
    at = pl.Series([opened + (closed - opened) * float(each) for each in share])
    frame = pl.DataFrame(
        {
            "instrument_id": pl.Series(grid.instruments).gather(np.repeat(ours, TICKS_A_SESSION)),
            "at": at.gather(np.tile(step - 1, len(ours))),
            "price_e4": path.ravel(),
        }
    )
    return (
        frame.select(
            pl.lit("shared").alias("tenant_id"),
            "instrument_id",
            "at",
            pl.lit(0).alias("seq"),
            (pl.col("price_e4").cast(pl.Decimal(38, 0)) * pl.lit(Decimal("0.0001")))
            .cast(PRICE)
            .alias("price"),
            pl.lit(None).alias("volume"),
            pl.col("at").alias("known_at"),
            pl.lit("synthetic sample").alias("source"),
        )
        .cast(TICKS.schema)
        .sort("at", "instrument_id")
    )


def _ratio(instrument_id: str, day: date) -> int:
    """New units for an old one, where the instrument splits on *day*; else 1."""
    splits = [new for symbol, ex_on, new in SPLITS if ex_on == day and instrument_id == f"XNYS-{symbol}"]
    return splits[0] if splits else 1
