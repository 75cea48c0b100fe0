"""Planted splits and dividends, and the raw closes that go with them.

The real closes are adjusted: no split, no dividend shows in them. A planted action makes the closes
before its ex date what they would have been: doubled before a 2-for-1, divided by
``1 - D / close(day before ex)`` before a cash dividend D. Back-adjusting the raw closes by the rule of
domain_rules 16 gives the real series again.
"""

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from ultracore_jobs.catalog.market import XNYS
from ultracore_jobs.sample.calendars import exchange_sessions
from ultracore_jobs.sample.redating import redated_closes

SPLITS: tuple[tuple[str, date, int], ...] = (
    ("AAPL", date(2024, 6, 10), 2),
    ("AMD", date(2025, 9, 15), 2),
    ("MSFT", date(2026, 3, 16), 3),
    ("UNH", date(2026, 11, 16), 2),
    ("WMT", date(2028, 9, 11), 2),
)
"""Ticker, ex date, new units per old unit. Whole numbers, so that holdings stay whole."""

YIELDS: dict[str, float] = {
    "AAPL": 0.0015, "CVX": 0.009, "HD": 0.006, "JNJ": 0.0065, "JPM": 0.007, "KO": 0.0075, "MRK": 0.007,
    "MSFT": 0.0025, "PEP": 0.007, "PG": 0.006, "QUAL": 0.0035, "USMV": 0.004, "VLUE": 0.006, "WMT": 0.004,
    "XOM": 0.010,
}  # fmt: skip
"""Share of the close before the ex date that is paid each quarter, rounded to a cent."""

SCALE = 10_000
"""Closes are whole ten-thousandths here, so that everything made from them is exact."""

_ANNOUNCED_SESSIONS_BEFORE = 10
_PAID_SESSIONS_AFTER = 15
_QUARTER_MONTHS = (3, 6, 9, 12)


@cache
def planted_actions() -> pl.DataFrame:
    """Every planted split and dividend.

    Returns:
        ``action_id``, ``symbol``, ``type``, ``ratio`` (Int64, splits), ``cash_cents`` (Int64, per unit,
        dividends), ``ex_on``, ``pay_on``, ``announced_on``, ``known_at`` (close of the announcement
        day), ``ex_open_at`` (opening of the ex date), by ex_on and symbol.
    """
    return _market()[1]


@cache
def raw_closes() -> pl.DataFrame:
    """Raw closes of the real instruments, on their new dates.

    Returns:
        ``price_date``, ``symbol``, ``close_e4`` (Int64, ten-thousandths of a dollar), ``known_at``, by
        symbol and price_date.
    """
    return _market()[0]


@cache
def _market() -> tuple[pl.DataFrame, pl.DataFrame]:
    closes: list[pl.DataFrame] = []
    actions: list[dict[str, Any]] = []
    for (symbol,), rows in redated_closes().group_by("symbol", maintain_order=True):
        days = rows["date"].to_numpy()
        adjusted = rows["close"].cast(pl.Float64).to_numpy()
        factor, planted = _unadjust(str(symbol), days, adjusted)
        raw = np.rint(adjusted * factor * SCALE).astype(np.int64)
        closes.append(
            rows.select(pl.col("date").alias("price_date"), "symbol", pl.Series("close_e4", raw), "known_at")
        )
        actions += planted
    return pl.concat(closes), _dated(pl.DataFrame(actions, infer_schema_length=None))


def _unadjust(symbol: str, days: np.ndarray, adjusted: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """What to multiply each adjusted close by, and the actions; worked backwards from the last day."""
    first, last = days[0], days[-1]
    events: list[tuple[date, int | None]] = [(ex_on, ratio) for who, ex_on, ratio in SPLITS if who == symbol]
    if symbol in YIELDS:
        events += [(ex_on, None) for ex_on in _ex_dates(symbol)]
    factor = np.ones(len(days))
    planted: list[dict[str, Any]] = []
    multiplier = 1.0
    for ex_on, ratio in sorted(events, reverse=True):
        ex = int(np.searchsorted(days, np.datetime64(ex_on)))
        if not first < np.datetime64(ex_on) <= last:
            continue
        cents = None
        if ratio is not None:
            multiplier *= ratio
        else:
            before = adjusted[ex - 1]
            cents = max(1, round(before * multiplier * YIELDS[symbol] * 100))
            multiplier += cents / 100 / before
        factor[:ex] = multiplier
        planted.append({"symbol": symbol, "ex_on": ex_on, "ratio": ratio, "cash_cents": cents})
    return factor, planted


def _ex_dates(symbol: str) -> list[date]:
    """Quarterly ex dates: a session of March, June, September and December, another for each ticker."""
    place = sorted(YIELDS).index(symbol)
    sessions = exchange_sessions(XNYS)["date"]
    wanted = pl.Series([date(year, m, 2 + place) for year in range(2020, 2032) for m in _QUARTER_MONTHS])
    found = sessions.search_sorted(wanted)
    return sessions.gather(found).to_list()


def _dated(actions: pl.DataFrame) -> pl.DataFrame:
    """Announcement, payment and opening of each action.

    A dividend of December 2031 would be paid in 2032, after the last session: it is paid on that one.
    """
    sessions = exchange_sessions(XNYS)
    days = sessions["date"]
    number = days.search_sorted(actions["ex_on"]).cast(pl.Int64)
    announced = number - _ANNOUNCED_SESSIONS_BEFORE
    paid = (number + _PAID_SESSIONS_AFTER).clip(upper_bound=len(days) - 1)
    is_split = pl.col("ratio").is_not_null()
    return (
        actions.with_columns(
            pl.when(is_split).then(None).otherwise(days.gather(paid)).alias("pay_on"),
            days.gather(announced).alias("announced_on"),
            sessions["close_at"].gather(announced).alias("known_at"),
            sessions["open_at"].gather(number).alias("ex_open_at"),
            pl.when(is_split).then(pl.lit("SPLIT")).otherwise(pl.lit("DIVIDEND")).alias("type"),
        )
        .with_columns(
            pl.format("{}-{}-{}", pl.col("type").str.slice(0, 3), "symbol", "ex_on").alias("action_id")
        )
        .select(
            "action_id",
            "symbol",
            "type",
            "ratio",
            "cash_cents",
            "ex_on",
            "pay_on",
            "announced_on",
            "known_at",
            "ex_open_at",
        )
        .sort("ex_on", "symbol")
    )
