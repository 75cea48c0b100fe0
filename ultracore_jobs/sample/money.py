"""What the portfolios pay in, change into dollars and take out.

Every purchase is paid from its own deposit: at most 88 per cent of it is spent, rounded down to whole
units, so cash never becomes negative and no running balance has to be kept. What is drawn for an event
depends on its own number only, so a later end adds events and changes none.

All amounts are whole cents; yen come in whole hundreds of them.
"""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ultracore_jobs.catalog.market import NSW, XASX, XNYS
from ultracore_jobs.sample.draws import Ints
from ultracore_jobs.sample.grid import DAYS, NEVER, RATE_ONE, Grid, day_number, half_up
from ultracore_jobs.sample.instruments import ISSUE_ON
from ultracore_jobs.sample.planted import Planted, is_planted
from ultracore_jobs.sample.roster import INVESTED, Roster

YEARS = tuple(range(2023, 2032))
DEPOSIT_NUMBER = 1
"""Number of the money for the term deposit; money for the bond has its year."""

_QUARTER_DAYS = 91.3125
_OVERDRAWN_ON = date(2024, 3, 15)
_OVERDRAWN_SHARE = 0.95
_USUAL_SHARE = 0.01


def contributions(roster: Roster, grid: Grid, until: int) -> pl.DataFrame:
    """The first deposit of each portfolio on its opening day, and smaller ones at its own pace.

    Returns:
        ``portfolio``, ``number`` (0 for the first), ``day``, ``cents`` (base currency), ``spent`` (the
        part that buys US instruments), ``fx_day`` (next XNYS session after; `NEVER` where nothing is
        bought by *until*), ``dollars`` (US cents that ``spent`` changes into).
    """
    p = roster.places
    # One more than have surely come: rounding to days may bring it in. What is late falls out below.
    reached = np.floor((until - roster.opened) / roster.step_days).astype(np.int64) + 2
    counts = np.where(is_planted(p, Planted.EMPTY, Planted.CLOSED), 0, np.maximum(reached, 0))
    counts = np.where(is_planted(p, Planted.AML_DORMANT), np.minimum(counts, 1), counts)
    portfolio = np.repeat(p, counts)
    number = np.arange(len(portfolio)) - np.repeat(np.cumsum(counts) - counts, counts)
    wanted = roster.opened[portfolio] + np.rint(number * roster.step_days[portfolio]).astype(np.int64)
    day = grid.next_day[NSW][np.minimum(wanted, DAYS) - 1]
    share = np.where(number == 0, 1.0, (roster.step_share * roster.step_days / _QUARTER_DAYS)[portfolio])
    cents = _whole(roster.first_cents[portfolio] * share, portfolio, roster)
    buys = ~is_planted(portfolio, Planted.CASH_ONLY)
    spent = np.where(buys, np.floor(cents * INVESTED / 100).astype(np.int64) * 100, 0)
    fx_day = np.where(buys & (day < DAYS), grid.next_day[XNYS][np.minimum(day, DAYS - 1)], NEVER)
    fx_day = np.where(fx_day <= until, fx_day, NEVER)
    frame = pl.DataFrame(
        {
            "portfolio": portfolio,
            "number": number,
            "day": day,
            "cents": cents,
            "spent": spent,
            "fx_day": fx_day,
            "dollars": _dollars(spent, fx_day, roster.base[portfolio], grid),
        }
    )
    return frame.filter((pl.col("day") <= until) & (pl.col("cents") > 0))


def income_money(roster: Roster, grid: Grid, until: int) -> pl.DataFrame:
    """Money that comes in, and buys the bond in June or the term deposit at its issue, the same day.

    Returns:
        ``portfolio``, ``number`` (year, or `DEPOSIT_NUMBER`), ``day`` (a session of XASX), ``cents``
        (AUD).
    """
    occasions = [(year, date(year, 6, 15)) for year in YEARS] + [(DEPOSIT_NUMBER, ISSUE_ON)]
    parts = []
    for number, on in occasions:
        day = grid.next_day[XASX][day_number(on) - 1]
        index = np.full(len(roster.places), number)
        takes_part = roster.draws.chance("income/year", 0.6, roster.places, index)
        takes_part |= is_planted(roster.places, Planted.INCOME_HOLDER)
        takes_part &= roster.wants_income & (roster.opened < day) & (day <= until)
        places = roster.places[takes_part]
        thousands = 5 + roster.draws.below("income/cents", 16, places, index[takes_part])
        parts.append(
            pl.DataFrame(
                {
                    "portfolio": places,
                    "number": index[takes_part],
                    "day": np.full(len(places), day),
                    "cents": thousands * 100_000,
                }
            )
        )
    return pl.concat(parts)


def withdrawals(roster: Roster, grid: Grid, until: int) -> pl.DataFrame:
    """Money taken out: now and then a hundredth of the first deposit; once, by plan, far too much.

    Returns:
        ``portfolio``, ``number`` (year; 0 for the planted one), ``day``, ``cents`` (positive, base
        currency).
    """
    p = roster.places
    planted = p[is_planted(p, Planted.OVERDRAWN)]
    parts = [(planted, 0, np.full(len(planted), day_number(_OVERDRAWN_ON)), _OVERDRAWN_SHARE)]
    ordinary = ~is_planted(p, Planted.EMPTY, Planted.CLOSED, Planted.AML_DORMANT)
    for year in YEARS[1:]:
        index = np.full(len(p), year)
        earliest = day_number(date(year, 1, 1)) + roster.draws.below("withdrawal/day", 360, p, index)
        day = grid.next_day[NSW][earliest]
        takes = roster.draws.chance("withdrawal", 0.3, p, index) & ordinary & (roster.opened < day)
        parts.append((p[takes], year, day[takes], _USUAL_SHARE))
    frames = [
        pl.DataFrame(
            {
                "portfolio": places,
                "number": np.full(len(places), number),
                "day": days,
                "cents": _whole(roster.first_cents[places] * share, places, roster),
            }
        )
        for places, number, days, share in parts
    ]
    return pl.concat(frames).filter((pl.col("day") <= until) & (pl.col("cents") > 0))


def _whole(cents: npt.NDArray[np.floating[Any]] | Ints, portfolio: Ints, roster: Roster) -> Ints:
    """Amounts rounded down to ten of the currency; a thousand for yen."""
    step = np.where(roster.base[portfolio] == "JPY", 100_000, 1_000)
    return np.floor(cents / step).astype(np.int64) * step


def _dollars(spent: Ints, fx_day: Ints, base: npt.NDArray[np.str_], grid: Grid) -> Ints:
    """US cents for base-currency cents, at the ECB's cross rate of the day, half-up."""
    known = np.minimum(fx_day, DAYS - 1)
    dollars = spent.copy()
    for currency in ("AUD", "JPY"):
        rows = base == currency
        dollars[rows] = half_up(spent[rows] * grid.rate(currency, "USD", known[rows]), RATE_ONE)
    return dollars
