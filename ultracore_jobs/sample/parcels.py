"""Income on what was held, and the tax parcels: first in, first out, through sales and splits.

Units are counted as what they become by the end of the data, so a split changes no count; each row
then states them as of its own day.
"""

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from ultracore_jobs.sample.actions import SPLITS, planted_actions
from ultracore_jobs.sample.grid import RATE_ONE, Grid, day_number, half_up
from ultracore_jobs.sample.instruments import (
    BOND,
    BOND_COUPONS,
    BOND_RATE_BPS,
    DEPOSIT,
    DEPOSIT_INTEREST,
    DEPOSIT_RATE_BPS,
)
from ultracore_jobs.sample.trading import held_before

_BPS = 10_000


def income(moves: pl.DataFrame, grid: Grid, until: int) -> pl.DataFrame:
    """Dividends and interest paid by day *until* on what was held at the close before the ex date.

    Args:
        moves: Purchases and sales.
        grid: The market.
        until: Last day number.

    Returns:
        ``portfolio``, ``label``, ``type`` (DIVIDEND or INTEREST), ``instrument``, ``day`` (payment),
        ``cents`` (positive, instrument currency).
    """
    events = _payments(grid).filter(pl.col("day") <= until)
    holders = moves.select("portfolio", "instrument").unique(maintain_order=True)
    first = moves.group_by("portfolio", "instrument").agg(pl.col("day").min().alias("first"))
    due = (
        holders.join(events, on="instrument")
        .join(first, on=["portfolio", "instrument"])
        .filter(pl.col("first") < pl.col("ex_day"))
    )
    instrument, ex_day = due["instrument"].to_numpy(), due["ex_day"].to_numpy()
    # No payment goes ex on the day of a split: units of the ex date are those of the evening before.
    held = held_before(moves, due["portfolio"].to_numpy(), instrument, ex_day, grid)
    units = held // grid.splits_to_come(instrument, ex_day)
    cents = half_up(units * due["numerator"].to_numpy(), due["denominator"].to_numpy())
    return due.with_columns(pl.Series("cents", cents)).filter(pl.col("cents") > 0).select(
        "portfolio", "label", "type", "instrument", "day", "cents"
    )  # fmt: skip


def parcels(bought: pl.DataFrame, sold: pl.DataFrame, grid: Grid, until: int) -> pl.DataFrame:
    """Every state of every tax parcel up to day *until*.

    Returns:
        ``portfolio``, ``label`` (of the purchase), ``instrument``, ``acquired`` (day), ``day`` (from
        which the state holds), ``is_split``, ``qty_e4`` (open), ``cost`` (AUD cents of what is open).
    """
    instrument, day = bought["instrument"].to_numpy(), bought["day"].to_numpy()
    final = bought["qty_e4"].to_numpy() * grid.splits_to_come(instrument, day)
    american = np.array([name.startswith("XNYS-") for name in grid.instruments])[instrument]
    paid = -bought["cents"].to_numpy()
    cost = np.where(american, half_up(paid * grid.rate("USD", "AUD", day), RATE_ONE), paid)
    owned = bought.select("portfolio", "label", "instrument", acquired="day").with_columns(
        pl.Series("final", final), pl.Series("whole_cost", cost)
    )
    # Bought in this order, sold in this order: parcel k is the units between `start` and `end`.
    pair = ["portfolio", "instrument"]
    owned = owned.with_columns(pl.col("final").cum_sum().over(pair).alias("end")).with_columns(
        (pl.col("end") - pl.col("final")).alias("start")
    )
    sold = _sold_so_far(sold, grid)
    opened = owned.with_columns(
        pl.col("acquired").alias("day"),
        pl.lit(0, dtype=pl.Int64).alias("gone"),
        pl.lit(value=False).alias("is_split"),
    )
    reduced = (
        owned.join(sold, on=pair)
        .filter((pl.col("sold_before") < pl.col("end")) & (pl.col("sold_after") > pl.col("start")))
        .with_columns(
            pl.min_horizontal("final", pl.col("sold_after") - pl.col("start")).alias("gone"),
            pl.lit(value=False).alias("is_split"),
        )
    )
    columns = [*owned.columns, "day", "gone", "is_split"]
    states = pl.concat(
        [
            opened.select(columns),
            reduced.select(columns),
            _split_states(owned, sold, grid, until).select(columns),
        ]
    )
    return _priced(states, grid)


def _priced(states: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Units as of each state's own day, and the cost of what is open, rounded once."""
    final, open_units = states["final"].to_numpy(), (states["final"] - states["gone"]).to_numpy()
    to_come = grid.splits_to_come(states["instrument"].to_numpy(), states["day"].to_numpy())
    return states.select(
        "portfolio",
        "label",
        "instrument",
        "acquired",
        "day",
        "is_split",
        pl.Series("qty_e4", open_units // to_come),
        pl.Series(
            "cost", half_up(states["whole_cost"].to_numpy() * (open_units // to_come), final // to_come)
        ),
    )


def _sold_so_far(sold: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """For each sale, units sold before and after it of that instrument in that portfolio."""
    final = -sold["qty_e4"].to_numpy() * grid.splits_to_come(
        sold["instrument"].to_numpy(), sold["day"].to_numpy()
    )
    pair = ["portfolio", "instrument"]
    return (
        sold.select(*pair, "day")
        .with_columns(pl.Series("sold", final))
        .sort(*pair, "day")
        .with_columns(pl.col("sold").cum_sum().over(pair).alias("sold_after"))
        .with_columns((pl.col("sold_after") - pl.col("sold")).alias("sold_before"))
    )


def _split_states(owned: pl.DataFrame, sold: pl.DataFrame, grid: Grid, until: int) -> pl.DataFrame:
    """A new state on each ex date of a split, for parcels that were open the evening before."""
    splits = pl.DataFrame(
        [(grid.number(f"XNYS-{symbol}"), day_number(ex_on)) for symbol, ex_on, _ in SPLITS],
        schema=["instrument", "split_day"],
        orient="row",
    ).filter(pl.col("split_day") <= until)
    held = owned.join(splits, on="instrument").filter(pl.col("acquired") < pl.col("split_day"))
    sales = sold.select("portfolio", "instrument", "sold_after", sale_day="day").sort("sale_day")
    return (
        held.sort("split_day")
        .join_asof(
            sales,
            left_on="split_day",
            right_on="sale_day",
            by=["portfolio", "instrument"],
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .with_columns(
            (pl.col("sold_after").fill_null(0) - pl.col("start")).clip(0, pl.col("final")).alias("gone"),
            pl.col("split_day").alias("day"),
            pl.lit(value=True).alias("is_split"),
        )
        .filter(pl.col("gone") < pl.col("final"))
    )


def _payments(grid: Grid) -> pl.DataFrame:
    """Every payment: cents for ten-thousandths of a unit are ``qty x numerator / denominator``."""
    dividends = planted_actions().filter(pl.col("type") == "DIVIDEND")
    numbers = {name: number for number, name in enumerate(grid.instruments)}
    paid = dividends.select(
        pl.format("XNYS-{}", "symbol").replace_strict(numbers, return_dtype=pl.Int64).alias("instrument"),
        pl.format("V{}", pl.col("ex_on").dt.strftime("%Y%m%d")).alias("label"),
        pl.lit("DIVIDEND").alias("type"),
        _day("ex_on").alias("ex_day"),
        _day("pay_on").alias("day"),
        pl.col("cash_cents").alias("numerator"),
        pl.lit(10_000, dtype=pl.Int64).alias("denominator"),
    )
    coupons = [_interest(grid.number(BOND), on, BOND_RATE_BPS, 2 * 100 * _BPS) for on in BOND_COUPONS]
    interest = [
        _interest(grid.number(DEPOSIT), on, DEPOSIT_RATE_BPS * (on - last).days, 365 * 100 * _BPS)
        for last, on in pairwise(DEPOSIT_INTEREST)
    ]
    return pl.concat([paid, pl.DataFrame([*coupons, *interest]).select(paid.columns)])


def _interest(instrument: int, on: date, numerator: int, denominator: int) -> dict[str, object]:
    day = day_number(on)
    return {
        "instrument": instrument, "label": f"N{on:%Y%m%d}", "type": "INTEREST", "ex_day": day, "day": day,
        "numerator": numerator, "denominator": denominator,
    }  # fmt: skip


def _day(column: str) -> pl.Expr:
    return (pl.col(column) - pl.lit(date(2020, 1, 1))).dt.total_days()
