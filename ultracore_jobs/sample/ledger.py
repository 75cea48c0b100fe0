"""The books as tables: transactions and lots, written from what the portfolios did."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ultracore_jobs.catalog.columns import MONEY, PRICE, UNITS
from ultracore_jobs.catalog.holdings import LOTS, TRANSACTIONS
from ultracore_jobs.catalog.market import XASX, XNYS
from ultracore_jobs.sample.calendars import at_wall_time, exchange_sessions
from ultracore_jobs.sample.draws import Flags, Ints
from ultracore_jobs.sample.grid import DAYS, NEVER, ORIGIN, Grid, dates
from ultracore_jobs.sample.instruments import DEPOSIT, SYNTHETIC
from ultracore_jobs.sample.roster import Roster

SOURCE = f"{SYNTHETIC} sample"
_SYDNEY = "Australia/Sydney"
_MORNING, _NOON, _AFTERNOON = 10, 12, 14
_NEW_YORK_MORNING = pl.duration(hours=15)
"""Dividends arrive at 15:00 UTC: the banks of New York are open, its exchange has not closed."""


@dataclass(frozen=True)
class Activity:
    """What the portfolios of a tenant did: frames of whole numbers, by place and day number."""

    contributions: pl.DataFrame
    income_money: pl.DataFrame
    withdrawals: pl.DataFrame
    planted: pl.DataFrame
    bought: pl.DataFrame
    sold: pl.DataFrame
    income: pl.DataFrame
    parcels: pl.DataFrame


def transaction_table(activity: Activity, roster: Roster, grid: Grid) -> pl.DataFrame:
    """All transactions as a `TRANSACTIONS` table, in the order they became known.

    Cash of each currency is never negative, but where it was planted. A change of currency is a pair of
    TRANSFER_OUT and TRANSFER_IN that is no external flow.
    """
    converted = activity.contributions.filter(pl.col("fx_day") < NEVER).with_columns(
        pl.col("fx_day").alias("day")
    )
    converted = converted.filter(pl.Series(roster.base)[converted["portfolio"]] != "USD")
    parts = [
        _cash(activity.contributions, pl.format("D{}", "number"), "DEPOSIT", pl.col("cents"), _MORNING),
        _cash(activity.income_money, pl.format("DI{}", "number"), "DEPOSIT", pl.col("cents"), _MORNING),
        _cash(activity.withdrawals, pl.format("W{}", "number"), "WITHDRAWAL", -pl.col("cents"), _AFTERNOON),
        _planted(activity.planted),
        _exchange(converted, "XO", "TRANSFER_OUT", -pl.col("spent")),
        _exchange(converted, "XI", "TRANSFER_IN", pl.col("dollars"), ccy="USD"),
        _trades(activity.bought, "BUY", grid),
        _trades(activity.sold, "SELL", grid),
        _paid(activity.income, grid),
    ]
    rows = pl.concat(parts, how="diagonal").sort("at", "portfolio", "label")
    place = rows["portfolio"]
    base = pl.Series(roster.base).gather(place)
    return rows.select(
        pl.lit(roster.tenant).alias("tenant_id"),
        pl.concat_str(pl.lit(roster.portfolio_ids).gather(place), pl.lit("-"), "label").alias(
            "transaction_id"
        ),
        pl.lit(roster.portfolio_ids).gather(place).alias("portfolio_id"),
        pl.lit(roster.client_ids).gather(pl.Series(roster.client).gather(place)).alias("client_id"),
        "type",
        "at",
        dates(rows["day"].to_numpy()).alias("trade_on"),
        dates(rows["settle"].to_numpy()).alias("settle_on"),
        pl.lit(pl.Series(grid.instruments)).gather(pl.col("instrument")).alias("instrument_id"),
        _scaled("qty_e4", "0.0001", UNITS).alias("qty"),
        _scaled("price_e4", "0.0001", PRICE).alias("price"),
        pl.coalesce("ccy", base).alias("ccy"),
        _scaled("brokerage", "0.01", MONEY).alias("brokerage"),
        _scaled("cents", "0.01", MONEY).alias("amount"),
        pl.col("type").is_in(["DEPOSIT", "WITHDRAWAL"]).alias("external_flow"),
        pl.col("client_initiated").fill_null(value=False),
        pl.col("physical_currency").fill_null(value=False),
        "counterparty_name",
        "counterparty_country",
        dates(rows["settle"].to_numpy()).alias("completed_on"),
        pl.col("at").alias("known_at"),
        pl.coalesce("source", pl.lit(SOURCE)).alias("source"),
    ).select(TRANSACTIONS.schema.names())


def lot_table(activity: Activity, roster: Roster, grid: Grid) -> pl.DataFrame:
    """All states of all tax parcels as a `LOTS` table, in the order they became known.

    A purchase or sale is known at the close, a split at the opening of its ex date.
    """
    rows = activity.parcels
    opening = exchange_sessions(XNYS).select(pl.col("date"), split_at="open_at")
    at = _trade_instants(rows["instrument"].to_numpy(), rows["day"].to_numpy(), grid)
    dated = rows.with_columns(pl.Series("at", at), dates(rows["day"].to_numpy()).alias("effective_on"))
    dated = dated.join(opening, left_on="effective_on", right_on="date", how="left", maintain_order="left")
    dated = dated.with_columns(
        pl.when("is_split").then("split_at").otherwise("at").alias("known_at"),
        pl.lit(pl.Series(roster.portfolio_ids)).gather(pl.col("portfolio")).alias("portfolio_id"),
        dates(rows["acquired"].to_numpy()).alias("acquired_on"),
    ).sort("known_at", "portfolio", "label")
    return dated.select(
        pl.lit(roster.tenant).alias("tenant_id"),
        pl.concat_str("portfolio_id", pl.lit("-"), "label", pl.lit("-LOT")).alias("lot_id"),
        "portfolio_id",
        pl.lit(pl.Series(grid.instruments)).gather(pl.col("instrument")).alias("instrument_id"),
        "acquired_on",
        "effective_on",
        _scaled("qty_e4", "0.0001", UNITS).alias("qty_open"),
        _scaled("cost", "0.01", MONEY).alias("cost_base_aud"),
        _scaled("cost", "0.01", MONEY).alias("reduced_cost_base_aud"),
        "known_at",
        pl.lit(SOURCE).alias("source"),
    ).select(LOTS.schema.names())


def sydney(hour: int) -> pl.Expr:
    """The instant of *hour* o'clock in Sydney on the day number in ``day``."""
    return at_wall_time("__date", hour, _SYDNEY, name="at")


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    """*frame* with the date of ``day`` in ``__date``, for `sydney`."""
    return frame.with_columns((pl.lit(ORIGIN) + pl.duration(days=pl.col("day"))).alias("__date"))


def _scaled(column: str, unit: str, dtype: pl.Decimal) -> pl.Expr:
    """Whole numbers of *unit* as exact decimals."""
    one = pl.lit(unit).cast(pl.Decimal(38, 6))
    return (pl.col(column).cast(pl.Decimal(38, 0)) * one).cast(dtype)


def _cash(frame: pl.DataFrame, label: pl.Expr, kind: str, cents: pl.Expr, hour: int) -> pl.DataFrame:
    """Money in or out that the client asked for."""
    return dated(frame).select(
        "portfolio",
        label.alias("label"),
        pl.lit(kind).alias("type"),
        sydney(hour),
        "day",
        pl.col("day").alias("settle"),
        cents.alias("cents"),
        pl.lit(value=True).alias("client_initiated"),
        pl.lit("AU").alias("counterparty_country"),
    )


def _planted(frame: pl.DataFrame) -> pl.DataFrame:
    """Movements that make a money-laundering typology; the source says which."""
    kept = frame.with_columns((pl.col("on") - pl.lit(ORIGIN)).dt.total_days().alias("day"))
    return dated(kept).select(
        "portfolio",
        pl.format(
            "A{}-{}", pl.col("on").dt.strftime("%Y%m%d"), pl.int_range(pl.len()).over("portfolio", "on")
        ).alias("label"),
        "type",
        pl.when(pl.col("type") == "DEPOSIT").then(sydney(_NOON)).otherwise(sydney(_AFTERNOON)).alias("at"),
        "day",
        pl.col("day").alias("settle"),
        pl.col("amount").alias("cents"),
        pl.lit("AUD").alias("ccy"),
        pl.lit(value=True).alias("client_initiated"),
        "physical_currency",
        "counterparty_name",
        "counterparty_country",
        pl.format(f"{SYNTHETIC}: planted {{}}", "kind").alias("source"),
    )


def _exchange(
    frame: pl.DataFrame, label: str, kind: str, cents: pl.Expr, ccy: str | None = None
) -> pl.DataFrame:
    """One leg of a change of currency, an hour before the close of XNYS."""
    close = exchange_sessions(XNYS).select("date", "close_at")
    return (
        dated(frame)
        .join(close, left_on="__date", right_on="date", maintain_order="left")
        .select(
            "portfolio",
            pl.format(f"{label}{{}}", "number").alias("label"),
            pl.lit(kind).alias("type"),
            (pl.col("close_at") - pl.duration(hours=1)).alias("at"),
            "day",
            pl.col("day").alias("settle"),
            cents.alias("cents"),
            pl.lit(ccy, dtype=pl.String).alias("ccy"),
            pl.lit("Currency exchange").alias("counterparty_name"),
            pl.lit("AU").alias("counterparty_country"),
        )
    )


def _trades(frame: pl.DataFrame, kind: str, grid: Grid) -> pl.DataFrame:
    instrument, day = frame["instrument"].to_numpy(), frame["day"].to_numpy()
    at = _trade_instants(instrument, day, grid)
    if kind == "SELL":
        repaid = frame.select(portfolio="portfolio", label="label", day="day").pipe(dated)
        morning = repaid.select(sydney(_MORNING)).to_series()
        at = pl.select(
            pl.when(pl.Series(instrument == grid.number(DEPOSIT))).then(morning).otherwise(at)
        ).to_series()
    return frame.select(
        "portfolio",
        "label",
        pl.lit(kind).alias("type"),
        at.alias("at"),
        "day",
        pl.Series("settle", _settlement(instrument, day, grid)),
        "instrument",
        "qty_e4",
        "price_e4",
        _currency(instrument, grid).alias("ccy"),
        "brokerage",
        "cents",
    )


def _paid(frame: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    instrument = frame["instrument"].to_numpy()
    return dated(frame).select(
        "portfolio",
        pl.format("{}-{}", "label", "instrument").alias("label"),
        "type",
        pl.when(pl.col("type") == "DIVIDEND")
        .then((pl.col("__date").cast(pl.Datetime("us")) + _NEW_YORK_MORNING).dt.replace_time_zone("UTC"))
        .otherwise(sydney(_MORNING))
        .alias("at"),
        "day",
        pl.col("day").alias("settle"),
        "instrument",
        _currency(instrument, grid).alias("ccy"),
        "cents",
    )


def _american(instrument: Ints, grid: Grid) -> Flags:
    return np.array([name.startswith(XNYS) for name in grid.instruments])[instrument]


def _currency(instrument: Ints, grid: Grid) -> pl.Series:
    return pl.Series(np.where(_american(instrument, grid), "USD", "AUD"))


def _trade_instants(instrument: Ints, day: Ints, grid: Grid) -> pl.Series:
    """Close of the exchange that day; of XASX for what is traded on none."""
    at = np.where(_american(instrument, grid), grid.close_at[XNYS][day], grid.close_at[XASX][day])
    return pl.Series(at).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _settlement(instrument: Ints, day: Ints, grid: Grid) -> Ints:
    """One session later in New York, two in Sydney."""
    after = grid.next_day[XASX][day]
    second = np.where(after < DAYS, grid.next_day[XASX][np.minimum(after, DAYS - 1)], NEVER)
    settle: Ints = np.where(_american(instrument, grid), grid.next_day[XNYS][day], second)
    return settle
