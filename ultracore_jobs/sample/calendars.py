"""Business days of the two exchanges, of euro payments and of New South Wales, 2009 to 2031.

Exchange sessions come from exchange-calendars, which computes them as far as asked; holidays of the
State (public and bank) and of TARGET come from holidays. Both know rules, not decrees: a day of
mourning declared in 2030 is not in them. Nothing had to be extended by us.
"""

import warnings
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from typing import Any

import polars as pl

from ultracore_jobs.catalog.columns import INSTANT
from ultracore_jobs.catalog.market import CALENDARS, NSW, TARGET, XASX, XNYS
from ultracore_jobs.errors import MissingExtraError

FIRST_DAY = date(2009, 1, 1)
LAST_DAY = date(2031, 12, 31)
KNOWN_FROM = datetime(2009, 1, 1, tzinfo=UTC)
"""Reference rows of the sample are known from the first day on."""

FIXING_ZONE = "Europe/Berlin"
_FIXING_HOUR = 16


@cache
def exchange_sessions(market: str) -> pl.DataFrame:
    """Sessions of an exchange.

    Args:
        market: `XNYS` or `XASX`.

    Returns:
        ``date``, ``open_at``, ``close_at`` (instants, early closes honoured), by date.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    library = _library("exchange_calendars")
    with warnings.catch_warnings():
        # exchange-calendars 4.13 still uses what pandas 3.1 deprecates; its answers are right.
        warnings.simplefilter("ignore", DeprecationWarning)
        calendar = library.get_calendar(market, start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
    return pl.DataFrame(
        {
            "date": pl.Series(calendar.sessions.to_numpy().astype("datetime64[D]")),
            "open_at": _instants(calendar.opens),
            "close_at": _instants(calendar.closes),
        }
    )


@cache
def business_days(calendar_id: str) -> pl.Series:
    """Business days of one calendar, ascending.

    Args:
        calendar_id: `XNYS`, `XASX`, `TARGET` or `NSW`.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    if calendar_id in {XNYS, XASX}:
        return exchange_sessions(calendar_id)["date"]
    years = range(FIRST_DAY.year, LAST_DAY.year + 1)
    library = _library("holidays")
    closed = (
        library.financial_holidays("ECB", years=years)
        if calendar_id == TARGET
        else library.country_holidays("AU", subdiv="NSW", years=years, categories=("public", "bank"))
    )
    days = pl.date_range(FIRST_DAY, LAST_DAY, eager=True).alias("date")
    return days.filter((days.dt.weekday() <= 5) & ~days.is_in(sorted(closed)))  # noqa: PLR2004 - Friday is 5


@cache
def target_fixings() -> pl.DataFrame:
    """TARGET days and the instant the ECB publishes: 16:00 in Frankfurt.

    Returns:
        ``date``, ``close_at`` (instant), by date.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    return business_days(TARGET).to_frame().with_columns(at_wall_time("date", _FIXING_HOUR, FIXING_ZONE))


def at_wall_time(column: str, hour: int, zone: str, *, name: str = "close_at") -> pl.Expr:
    """The instant, in UTC, of *hour* o'clock in *zone* on the days of *column* (date)."""
    return (
        pl.col(column)
        .cast(pl.Datetime("us"))
        .dt.offset_by(f"{hour}h")
        .dt.replace_time_zone(zone)
        .dt.convert_time_zone("UTC")
        .alias(name)
    )


@cache
def calendar_table() -> pl.DataFrame:
    """Every day of every calendar, as a `CALENDARS` table: about 33,600 rows.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    days = pl.date_range(FIRST_DAY, LAST_DAY, eager=True).alias("date")
    sources = {XNYS: "exchange-calendars", XASX: "exchange-calendars", TARGET: "holidays", NSW: "holidays"}
    return CALENDARS.empty().vstack(
        pl.concat(
            days.to_frame().select(
                pl.lit("shared").alias("tenant_id"),
                pl.lit(calendar_id).alias("calendar_id"),
                "date",
                pl.col("date").is_in(business_days(calendar_id).implode()).alias("is_business_day"),
                pl.lit(KNOWN_FROM, dtype=INSTANT).alias("known_at"),
                pl.lit(source).alias("source"),
            )
            for calendar_id, source in sources.items()
        )
    )


def _instants(column: Any) -> pl.Series:
    return pl.Series(column.dt.tz_localize(None).to_numpy().astype("datetime64[us]")).dt.replace_time_zone(
        "UTC"
    )


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise MissingExtraError("sample", "the calendars of the sample platform") from missing
