"""Closes, rates and sessions as arrays over days, so that books can be made without a loop over rows.

Day 0 is `ORIGIN`. Prices are whole ten-thousandths, rates whole units of the tenth decimal, amounts
whole cents: everything is exact. A day without a value holds the last one before it.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from ultracore_jobs.catalog.market import NSW, XASX, XNYS
from ultracore_jobs.sample.actions import SPLITS
from ultracore_jobs.sample.calendars import LAST_DAY, business_days, exchange_sessions
from ultracore_jobs.sample.closes import closes
from ultracore_jobs.sample.draws import Ints
from ultracore_jobs.sample.instruments import BOND, listings
from ultracore_jobs.sample.redating import redated_fixings

ORIGIN = date(2020, 1, 1)
DAYS = (LAST_DAY - ORIGIN).days + 1
NEVER = 1_000_000
"""A day after every other."""

RATE_ONE = 10**10
_FIXING_ONE = 10**6
Instants = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Grid:
    """The market by day.

    Attributes:
        instruments: Instrument ids; their place is the number used everywhere else.
        closes: Close in ten-thousandths, by instrument and day; 0 before the first.
        fixings: Units per euro in millionths, by currency and day; 0 before the first.
        close_at: Close of each session, by market and day; not-a-time elsewhere.
        next_day: Next business day strictly after each day, by calendar; `NEVER` after the last.
    """

    instruments: tuple[str, ...]
    closes: Ints
    fixings: dict[str, Ints]
    close_at: dict[str, Instants]
    next_day: dict[str, Ints]

    def number(self, instrument_id: str) -> int:
        """The number of an instrument."""
        return self.instruments.index(instrument_id)

    def rate(self, base: str, quote: str, days: Ints) -> Ints:
        """Units of *quote* per *base* to the tenth decimal, half-up (domain_rules 14), on each of *days*."""
        return half_up(self.fixings[quote][days] * RATE_ONE, self.fixings[base][days])

    def value(self, instrument: Ints, qty_e4: Ints, price_e4: Ints) -> Ints:
        """Units times price (times 0.01 for the bond) in cents, half-up."""
        per_cent = np.where(instrument == self.number(BOND), 10**8, 10**6)
        return half_up(qty_e4 * price_e4, per_cent)

    def splits_to_come(self, instrument: Ints, days: Ints) -> Ints:
        """Units at the end of the data that one unit held on the evening of each day turns into."""
        ratio = np.ones(np.broadcast(instrument, days).shape, dtype=np.int64)
        for symbol, ex_on, new in SPLITS:
            ratio[(instrument == self.number(f"XNYS-{symbol}")) & (days < day_number(ex_on))] *= new
        return ratio


@cache
def market_grid() -> Grid:
    """The sample's market by day.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    instruments = tuple(listings()["instrument_id"])
    calendars = {name: day_numbers(business_days(name)) for name in (XNYS, XASX, NSW)}
    by_instrument = closes().partition_by("instrument_id", as_dict=True)
    by_currency = redated_fixings().partition_by("quote_ccy", as_dict=True)
    fixings = {
        ccy: _filled(
            rows["date"],
            (rows["rate"].cast(pl.Decimal(18, 6)) * _FIXING_ONE).cast(pl.Int64),
        )
        for (ccy,), rows in by_currency.items()
        if ccy in {"AUD", "USD", "JPY"}
    }
    return Grid(
        instruments=instruments,
        closes=np.stack(
            [
                _filled(by_instrument[name,]["price_date"], by_instrument[name,]["close_e4"])
                for name in instruments
            ]
        ),
        fixings=fixings,
        close_at={market: _close_at(market) for market in (XNYS, XASX)},
        next_day={name: _next_day(days) for name, days in calendars.items()},
    )


def half_up(numerator: Ints, denominator: int | Ints) -> Ints:
    """Quotient of whole numbers that are not negative, rounded half-up (domain_rules 1)."""
    quotient: Ints = (2 * numerator + denominator) // (2 * denominator)
    return quotient


def day_number(day: date) -> int:
    """Days since `ORIGIN`."""
    return (day - ORIGIN).days


def day_numbers(days: pl.Series) -> Ints:
    """Days since `ORIGIN`; those before it are left out."""
    return (days.filter(days >= ORIGIN) - pl.Series([ORIGIN])).dt.total_days().to_numpy()


def dates(days: Ints) -> pl.Series:
    """Day numbers as dates; null from `NEVER` on."""
    stamps = np.datetime64(ORIGIN) + days.astype("timedelta64[D]")
    return pl.Series(np.where(days < DAYS, stamps, np.datetime64("NaT")))


def _filled(days: pl.Series, values: pl.Series) -> Ints:
    """Values by day; a day without one holds the last before it, and 0 where there is none."""
    numbers = day_numbers(days)
    place = np.searchsorted(numbers, np.arange(DAYS), side="right") - 1
    return np.where(place >= 0, values.to_numpy()[place], 0)


def _close_at(market: str) -> Instants:
    sessions = exchange_sessions(market).filter(pl.col("date") >= ORIGIN)
    instants = np.full(DAYS, np.datetime64("NaT"), dtype="datetime64[us]")
    instants[day_numbers(sessions["date"])] = sessions["close_at"].dt.replace_time_zone(None).to_numpy()
    return instants


def _next_day(days: Ints) -> Ints:
    place = np.searchsorted(days, np.arange(DAYS), side="right")
    return np.append(days, NEVER)[place]
