"""Synthetic ticks agree with the closes around them."""

from datetime import UTC, date, datetime

import polars as pl

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.alerts import TICKS
from ultracore_jobs.sample.actions import raw_closes
from ultracore_jobs.sample.ticks import TICKS_A_SESSION, tick_table

FRIDAY = date(2026, 11, 20)


def test_the_last_tick_is_the_close() -> None:
    """25 instruments, 26 ticks each, the last at 21:00 UTC and at the closing price."""
    ticks = conform(tick_table(FRIDAY), TICKS)

    last = ticks.filter(pl.col("at") == datetime(2026, 11, 20, 21, tzinfo=UTC)).sort("instrument_id")
    closes = raw_closes().filter(pl.col("price_date") == FRIDAY).sort("symbol")
    assert ticks.height == 25 * TICKS_A_SESSION
    assert (last["price"] * 10_000).cast(pl.Int64).to_list() == closes["close_e4"].to_list()
    assert ticks["source"].unique().to_list() == ["synthetic sample"]


def test_a_split_is_no_fall_in_the_ticks_of_its_day() -> None:
    """UNH, 16 November 2026, two for one: every tick within a few per cent of the close, none near double."""
    ticks = tick_table(date(2026, 11, 16)).filter(instrument_id="XNYS-UNH")["price"].cast(pl.Float64)

    assert (ticks / ticks[-1] - 1).abs().max() < 0.05


def test_ticks_repeat_and_a_sunday_has_none() -> None:
    """Deterministic by day."""
    assert tick_table(FRIDAY).equals(tick_table(FRIDAY))
    assert tick_table(date(2026, 11, 22)).is_empty()
