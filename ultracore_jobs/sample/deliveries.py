"""What the sample's vendors send: closes, actions and fixings as text, with planted bad rows in between.

Every planted row is deterministic by its date, so a file sent twice is the same file. Fewer than two
rows in a hundred of any ten sessions are bad; `planted_market_anomalies` lists them all.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import polars as pl

from ultracore_jobs.catalog.market import XNYS
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.sample.actions import SCALE, planted_actions
from ultracore_jobs.sample.calendars import exchange_sessions
from ultracore_jobs.sample.closes import closes
from ultracore_jobs.sample.redating import NEW_ANCHOR, redated_fixings

BAD_EVERY_SESSIONS = 5
BAD_FIXING_EVERY_DAYS = 60
_NAMES = ("BBY", "GE", "RRC", "PFE", "BAC", "SIZE", "LLY")
_KINDS = ("NOT_NUMERIC", "UNKNOWN_SYMBOL", "CURRENCY_MISMATCH", "NON_POSITIVE", "CROSSED_QUOTE")
_UNKNOWN = "ZZNONE"


@dataclass(frozen=True)
class Correction:
    """A close sent wrong on its day, and right some sessions later."""

    symbol: str
    price_date: date
    wrong_factor: float
    corrected_on: date


CORRECTIONS = (
    Correction("PG", date(2024, 5, 14), 1.01, date(2024, 5, 17)),
    Correction("JNJ", date(2026, 11, 10), 0.985, date(2026, 11, 13)),
)
SPIKES = (("XOM", date(2024, 9, 17), 3),)
"""Ticker, day, factor: a close sent many times too high, and never corrected."""


@cache
def vendor_prices() -> pl.DataFrame:
    """Every price row the vendor ever sends, in `VENDOR_PRICES` with two columns more.

    Returns:
        The vendor's columns, then ``day`` (session the row is about) and ``planted`` (kind of planted
        fault, null for a true row), by known_at and symbol.
    """
    true = closes().with_columns(pl.lit(None, dtype=pl.String).alias("planted"))
    spoiled = true.join(_bad_days(), on=["price_date", "symbol"], how="left").join(
        _wrong_closes(), on=["price_date", "symbol"], how="left"
    )
    replaced = pl.coalesce("wrong_e4", "close_e4")
    kind = pl.col("kind")
    sent = spoiled.select(
        pl.lit("shared").alias("tenant_id"),
        "symbol",
        "exchange",
        pl.when(kind == "CURRENCY_MISMATCH").then(pl.lit("EUR")).otherwise("ccy").alias("ccy"),
        pl.col("price_date").cast(pl.String),
        pl.when(kind == "NOT_NUMERIC")
        .then(pl.lit("N/A"))
        .when(kind == "NON_POSITIVE")
        .then(pl.concat_str(pl.lit("-"), as_text("close_e4")))
        .otherwise(_text(replaced))
        .alias("close"),
        pl.when(kind == "CROSSED_QUOTE").then(_text(pl.col("close_e4") + SCALE)).alias("bid"),
        pl.when(kind == "CROSSED_QUOTE").then(_text(pl.col("close_e4"))).alias("ask"),
        pl.lit(None, dtype=pl.String).alias("volume"),
        "known_at",
        "source",
        pl.col("price_date").alias("day"),
        pl.coalesce("kind", "wrong").alias("planted"),
    )
    return pl.concat([sent, _unknown_symbols(), _corrected()]).sort("known_at", "symbol", "day")


@cache
def vendor_actions() -> pl.DataFrame:
    """Every action ever announced, in `VENDOR_ACTIONS`, with ``day`` (announced) and ``planted``."""
    return (
        planted_actions()
        .select(
            pl.lit("shared").alias("tenant_id"),
            "action_id",
            "symbol",
            pl.lit(XNYS).alias("exchange"),
            "type",
            pl.col("ratio").cast(pl.String),
            (pl.col("cash_cents").cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(18, 2)).cast(pl.String)
            .alias("cash_per_unit"),
            pl.when(pl.col("type") == "DIVIDEND").then(pl.lit("0")).alias("franked_pct"),
            pl.col("ex_on").cast(pl.String),
            pl.col("pay_on").cast(pl.String),
            "known_at",
            pl.lit("planted on the replay").alias("source"),
            pl.col("announced_on").alias("day"),
            pl.lit(None, dtype=pl.String).alias("planted"),
        )
        .sort("known_at", "action_id")
    )  # fmt: skip


@cache
def vendor_fixings() -> pl.DataFrame:
    """Every fixing the ECB ever sends, in `VENDOR_FIXINGS`, with ``day`` and ``planted``."""
    first = redated_fixings()["date"].min()
    number = pl.col("date").rank("dense") - 1
    bad = (pl.col("quote_ccy") == "ZAR") & (number % BAD_FIXING_EVERY_DAYS == 0) & (pl.col("date") != first)
    return redated_fixings().select(
        pl.lit("shared").alias("tenant_id"),
        pl.col("date").cast(pl.String).alias("rate_date"),
        pl.lit("EUR").alias("base_ccy"),
        "quote_ccy",
        pl.when(bad).then(pl.lit("N/A")).otherwise("rate").alias("rate"),
        "known_at",
        pl.lit("ECB").alias("source"),
        pl.col("date").alias("day"),
        pl.when(bad).then(pl.lit("NOT_NUMERIC")).alias("planted"),
    )


def as_text(column: str) -> pl.Expr:
    """Ten-thousandths as a decimal number in text: 604716 is ``60.4716``."""
    return _text(pl.col(column))


def _text(e4: pl.Expr) -> pl.Expr:
    return pl.format("{}.{}", e4 // SCALE, (e4 % SCALE).cast(pl.String).str.zfill(4))


@cache
def _bad_days() -> pl.DataFrame:
    """One bad row every five sessions from the anchor on, of each kind and name in turn."""
    days = exchange_sessions(XNYS)["date"]
    chosen = days.filter(days >= NEW_ANCHOR).gather_every(BAD_EVERY_SESSIONS, offset=2)
    turn = pl.int_range(len(chosen), eager=True)
    return pl.DataFrame(
        {
            "price_date": chosen,
            "symbol": pl.Series(_NAMES).gather(turn % len(_NAMES)),
            "kind": pl.Series(_KINDS).gather(turn % len(_KINDS)),
        }
    ).with_columns(
        pl.when(pl.col("kind") == _KINDS[1]).then(pl.lit(_UNKNOWN)).otherwise("symbol").alias("symbol")
    )


def _wrong_closes() -> pl.DataFrame:
    """Closes that are sent wrong on their day: to be corrected later, or never."""
    wrong = [(c.symbol, c.price_date, c.wrong_factor, "CORRECTED_LATER") for c in CORRECTIONS]
    wrong += [(symbol, day, float(factor), "SPIKE") for symbol, day, factor in SPIKES]
    faults = pl.DataFrame(wrong, schema=["symbol", "price_date", "factor", "wrong"], orient="row")
    return faults.join(closes(), on=["symbol", "price_date"]).select(
        "symbol",
        "price_date",
        "wrong",
        (pl.col("close_e4") * pl.col("factor")).round().cast(pl.Int64).alias("wrong_e4"),
    )


def _unknown_symbols() -> pl.DataFrame:
    """Rows of a ticker that no instrument has."""
    return (
        _bad_days()
        .filter(pl.col("symbol") == _UNKNOWN)
        .join(exchange_sessions(XNYS), left_on="price_date", right_on="date")
        .select(
            pl.lit("shared").alias("tenant_id"),
            "symbol",
            pl.lit(XNYS).alias("exchange"),
            pl.lit("USD").alias("ccy"),
            pl.col("price_date").cast(pl.String),
            pl.lit("10.0000").alias("close"),
            pl.lit(None, dtype=pl.String).alias("bid"),
            pl.lit(None, dtype=pl.String).alias("ask"),
            pl.lit(None, dtype=pl.String).alias("volume"),
            pl.col("close_at").alias("known_at"),
            pl.lit("replay").alias("source"),
            pl.col("price_date").alias("day"),
            pl.lit("UNKNOWN_SYMBOL").alias("planted"),
        )
    )


def _corrected() -> pl.DataFrame:
    """The true closes of the corrected days, known at the close of the day of the correction."""
    corrected = pl.DataFrame([vars(each) for each in CORRECTIONS]).join(
        exchange_sessions(XNYS), left_on="corrected_on", right_on="date"
    )
    return corrected.join(closes().drop("known_at"), on=["symbol", "price_date"]).select(
        pl.lit("shared").alias("tenant_id"),
        "symbol",
        "exchange",
        "ccy",
        pl.col("price_date").cast(pl.String),
        as_text("close_e4").alias("close"),
        pl.lit(None, dtype=pl.String).alias("bid"),
        pl.lit(None, dtype=pl.String).alias("ask"),
        pl.lit(None, dtype=pl.String).alias("volume"),
        pl.col("close_at").alias("known_at"),
        "source",
        pl.col("price_date").alias("day"),
        pl.lit("CORRECTION").alias("planted"),
    )


CONTRACTS = {each.name: each for each in (VENDOR_PRICES, VENDOR_ACTIONS, VENDOR_FIXINGS)}
"""The vendor tables there are."""
