"""What the portfolios buy and sell, at the raw close of the day.

Units are whole ten-thousandths, prices too, amounts whole cents. A sale takes the oldest parcels
first, so it is described by how much of an instrument it sells, not by parcel.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ultracore_jobs.catalog.market import XASX, XNYS
from ultracore_jobs.sample.draws import Ints
from ultracore_jobs.sample.grid import DAYS, NEVER, Grid, day_number
from ultracore_jobs.sample.instruments import (
    BOND,
    DEPOSIT,
    DEPOSIT_MATURES_ON,
    FUND,
    SUSPENDED,
)
from ultracore_jobs.sample.money import DEPOSIT_NUMBER, YEARS
from ultracore_jobs.sample.roster import AUSTRALIAN, MOST_SLOTS, NO_SLOT, Roster

BROKERAGE = 995
"""Cents of the trade's currency; none for the term deposit."""

E4 = 10_000
_SPENT_ON_INTEREST_PERCENT = 95
_LOCAL_EVERY = 4
"""Every so many contributions also buy the Australian instrument."""

_PER_PORTFOLIO = 64
"""More than there are instruments, so that portfolio and instrument make one number."""
_PER_DAY = 2**14


def purchases(paid_in: pl.DataFrame, income: pl.DataFrame, roster: Roster, grid: Grid) -> pl.DataFrame:
    """Every purchase that the deposits pay for.

    Args:
        paid_in: `contributions`.
        income: `income_money`.
        roster: The portfolios.
        grid: The market.

    Returns:
        ``portfolio``, ``label`` (unique in its portfolio), ``instrument`` (number), ``day``, ``qty_e4``
        (positive), ``price_e4``, ``brokerage`` (cents), ``cents`` (negative: what is paid), by
        portfolio, instrument, day and label.
    """
    until_any = paid_in.filter(pl.col("fx_day") < NEVER)
    first, later = until_any.filter(pl.col("number") == 0), until_any.filter(pl.col("number") > 0)
    parts = [
        _first_american(first, roster, grid),
        _later_american(later, roster, grid),
        _local(until_any, roster, grid),
        _bonds(income.filter(pl.col("number") != DEPOSIT_NUMBER), grid),
        _term_deposits(income.filter(pl.col("number") == DEPOSIT_NUMBER), grid),
    ]
    return pl.concat(parts).filter(pl.col("qty_e4") > 0).sort("portfolio", "instrument", "day", "label")


def sales(bought: pl.DataFrame, roster: Roster, grid: Grid, until: int) -> pl.DataFrame:
    """One sale a year for half of the portfolios, and the repayment of the term deposit.

    Returns:
        Columns as `purchases`, with ``qty_e4`` negative and ``cents`` positive (net of brokerage).
    """
    p = roster.places
    slots = (roster.slots != NO_SLOT).sum(axis=1)
    sold = np.zeros((len(p), MOST_SLOTS), dtype=np.int64)
    parts = []
    for year in YEARS[1:]:
        index = np.full(len(p), year)
        sessions = np.flatnonzero(_in_year(grid, year))
        day = sessions[roster.draws.below("sale/day", len(sessions), p, index)]
        slot = roster.draws.below("sale/slot", np.maximum(slots, 1), p, index)
        share = roster.draws.below("sale/share", 3, p, index)  # a quarter, a half, all
        sells = roster.draws.chance("sale", 0.5, p, index) & (slots > 0) & (day <= until)
        who, day, slot = p[sells], day[sells], slot[sells]
        instrument = roster.slots[who, slot]
        to_come = grid.splits_to_come(instrument, day)
        held = held_before(bought, who, instrument, day, grid) - sold[who, slot]
        units = held // to_come // E4
        units = np.where(share[sells] == 0, units // 4, np.where(share[sells] == 1, units // 2, units))
        sold[who, slot] += units * E4 * to_come
        orders = pl.DataFrame(
            {"portfolio": who, "instrument": instrument, "day": day, "units_e4": units * E4}
        )
        parts.append(_sold(orders.with_columns(pl.lit(f"S{year}").alias("label")), grid))
    parts.append(_repaid(bought, grid, until))
    return pl.concat(parts).filter((pl.col("qty_e4") < 0) & (pl.col("cents") > 0))


def _repaid(bought: pl.DataFrame, grid: Grid, until: int) -> pl.DataFrame:
    """The term deposit ends: every unit is repaid at 1, once the day has come."""
    matures = day_number(DEPOSIT_MATURES_ON)
    orders = bought.filter((pl.col("instrument") == grid.number(DEPOSIT)) & (matures <= until)).select(
        "portfolio",
        pl.lit("M").alias("label"),
        "instrument",
        pl.lit(matures, dtype=pl.Int64).alias("day"),
        pl.col("qty_e4").alias("units_e4"),
    )
    return _sold(orders, grid, brokerage=0)


def held_before(moves: pl.DataFrame, portfolio: Ints, instrument: Ints, day: Ints, grid: Grid) -> Ints:
    """Units held at the close before *day*, as the units they become by the end of the data.

    Args:
        moves: Purchases or sales or both, with ``portfolio``, ``instrument``, ``day``, ``qty_e4``.
        portfolio: Whose holding is asked for, one entry for each question.
        instrument: Of what.
        day: Before which day.
        grid: The market, for the splits to come.
    """
    keys = _key(*(moves[name].to_numpy() for name in ("portfolio", "instrument", "day")))
    final = moves["qty_e4"].to_numpy() * grid.splits_to_come(
        moves["instrument"].to_numpy(), moves["day"].to_numpy()
    )
    order = np.argsort(keys, kind="stable")
    total = np.concatenate([[0], np.cumsum(final[order])])
    before = np.searchsorted(keys[order], _key(portfolio, instrument, day), side="left")
    nothing = np.searchsorted(keys[order], _key(portfolio, instrument, np.zeros_like(day)), side="left")
    held: Ints = total[before] - total[nothing]
    return held


def _key(portfolio: Ints, instrument: Ints, day: Ints) -> Ints:
    return (portfolio * _PER_PORTFOLIO + instrument) * _PER_DAY + day


def _in_year(grid: Grid, year: int) -> npt.NDArray[np.bool_]:
    closes = grid.close_at[XNYS]
    return np.asarray(~np.isnat(closes) & (closes.astype("datetime64[Y]") == np.datetime64(str(year))))


def _first_american(rows: pl.DataFrame, roster: Roster, grid: Grid) -> pl.DataFrame:
    """The first contribution buys every slot by its weight."""
    who = np.repeat(rows["portfolio"].to_numpy(), MOST_SLOTS)
    slot = np.tile(np.arange(MOST_SLOTS), rows.height)
    dollars = np.repeat(rows["dollars"].to_numpy(), MOST_SLOTS)
    orders = pl.DataFrame(
        {
            "portfolio": who,
            "slot": slot,
            "instrument": roster.slots[who, slot],
            "day": np.repeat(rows["fx_day"].to_numpy(), MOST_SLOTS),
            "money": np.floor(dollars * roster.weights[who, slot]).astype(np.int64),
        }
    ).filter(pl.col("instrument") != NO_SLOT)
    return _bought(orders.with_columns(pl.format("B0-{}", "slot").alias("label")), grid)


def _later_american(rows: pl.DataFrame, roster: Roster, grid: Grid) -> pl.DataFrame:
    """A later contribution buys one slot."""
    who, number = rows["portfolio"].to_numpy(), rows["number"].to_numpy()
    slots = (roster.slots != NO_SLOT).sum(axis=1)[who]
    slot = roster.draws.below("purchase/slot", slots, who, number)
    orders = rows.select(
        "portfolio",
        pl.format("B{}", "number").alias("label"),
        pl.Series("instrument", roster.slots[who, slot]),
        pl.col("fx_day").alias("day"),
        pl.col("dollars").alias("money"),
    )
    return _bought(orders, grid)


def _local(rows: pl.DataFrame, roster: Roster, grid: Grid) -> pl.DataFrame:
    """Some contributions also buy the Australian instrument; only the first the suspended one."""
    first, some = pl.col("number") == 0, pl.col("number") % _LOCAL_EVERY == 0
    suspended = pl.col("instrument") == grid.number(SUSPENDED)
    orders = rows.with_columns(
        pl.Series("instrument", roster.australian[rows["portfolio"].to_numpy()])
    ).filter((pl.col("instrument") != NO_SLOT) & pl.when(suspended).then(first).otherwise(some))
    day = grid.next_day[XASX][orders["day"].to_numpy()]
    orders = orders.select(
        "portfolio",
        pl.format("L{}", "number").alias("label"),
        "instrument",
        pl.Series("day", day),
        (pl.col("cents") * AUSTRALIAN).floor().cast(pl.Int64).alias("money"),
    )
    return _bought(orders, grid)


def _bonds(rows: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    orders = rows.select(
        "portfolio",
        pl.format("I{}", "number").alias("label"),
        pl.lit(grid.number(BOND), dtype=pl.Int64).alias("instrument"),
        "day",
        (pl.col("cents") * _SPENT_ON_INTEREST_PERCENT // 100).alias("money"),
    )
    return _bought(orders, grid)


def _term_deposits(rows: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """One unit is one dollar; the bank takes no brokerage."""
    dollars = pl.col("cents") * _SPENT_ON_INTEREST_PERCENT // 100 // 100
    return rows.select(
        "portfolio",
        pl.lit("T").alias("label"),
        pl.lit(grid.number(DEPOSIT), dtype=pl.Int64).alias("instrument"),
        "day",
        (dollars * E4).alias("qty_e4"),
        pl.lit(E4, dtype=pl.Int64).alias("price_e4"),
        pl.lit(0, dtype=pl.Int64).alias("brokerage"),
        (-dollars * 100).alias("cents"),
    )


def _bought(orders: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """As many units as ``money`` (cents) pays for with brokerage: whole ones, of the fund ten-thousandths."""
    instrument, day = orders["instrument"].to_numpy(), orders["day"].to_numpy()
    price = grid.closes[instrument, np.minimum(day, DAYS - 1)]
    left = np.maximum(orders["money"].to_numpy() - BROKERAGE, 0)
    smallest = np.where(instrument == grid.number(FUND), 1, E4)
    # The bond is quoted per 100 of face: a cent buys a hundred times as many units.
    cents_to_units = np.where(instrument == grid.number(BOND), 100_000_000, 1_000_000)
    qty: Ints = np.where(price > 0, left * cents_to_units // np.maximum(price, 1) // smallest * smallest, 0)
    return orders.select(
        "portfolio",
        "label",
        "instrument",
        "day",
        pl.Series("qty_e4", qty),
        pl.Series("price_e4", price),
        pl.lit(BROKERAGE, dtype=pl.Int64).alias("brokerage"),
        pl.Series("cents", -(grid.value(instrument, qty, price) + BROKERAGE)),
    )


def _sold(orders: pl.DataFrame, grid: Grid, *, brokerage: int = BROKERAGE) -> pl.DataFrame:
    instrument, qty = orders["instrument"].to_numpy(), orders["units_e4"].to_numpy()
    price = grid.closes[instrument, orders["day"].to_numpy()]
    return orders.select(
        "portfolio",
        "label",
        "instrument",
        "day",
        pl.Series("qty_e4", -qty),
        pl.Series("price_e4", price),
        pl.lit(brokerage, dtype=pl.Int64).alias("brokerage"),
        pl.Series("cents", grid.value(instrument, qty, price) - brokerage),
    )
