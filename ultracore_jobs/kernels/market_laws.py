"""Laws that loaded market data keeps, and what an operator should know about a delivery.

Each function returns the rows that break the law (domain_rules 16). A job's own new rows shadow the
table it read, so these look at what the load appends, and at the delivery itself.
"""

from datetime import date, datetime

import polars as pl

from ultracore_jobs.catalog.market import UNLISTED
from ultracore_jobs.catalog.vendor import VENDOR_PRICES
from ultracore_jobs.kernels.business_days import latest_sessions
from ultracore_jobs.kernels.deliveries import ROW, calendar_day
from ultracore_jobs.kernels.market_data import SPIKE, corrections

_PRICE_STANDS = (SPIKE, "BEYOND_LOOKBACK", "CONTRADICTION", "SAME_INSTANT")
"""Rejects beside which the day has a price all the same: only a change of it was refused."""


def known_after_cutoff(
    prices: pl.DataFrame, corporate_actions: pl.DataFrame, known_at: datetime
) -> pl.DataFrame:
    """Appended rows with a ``known_at`` after the cut-off K: the job knew them, so they cannot be.

    Args:
        prices: Appended `PRICES`.
        corporate_actions: Appended `CORPORATE_ACTIONS`.
        known_at: Cut-off K.
    """
    keys = [
        prices.select(
            pl.concat_str("instrument_id", pl.col("price_date").cast(pl.String), separator="|").alias(
                "row_key"
            ),
            "known_at",
        ),
        corporate_actions.select(pl.col("action_id").alias("row_key"), "known_at"),
    ]
    return pl.concat(keys).filter(pl.col("known_at") > known_at)


def more_than_one_price(prices: pl.DataFrame) -> pl.DataFrame:
    """Appended `PRICES` that share instrument and day: one load says one thing about a day."""
    return prices.filter(pl.struct("instrument_id", "price_date").is_duplicated())


def not_positive(prices: pl.DataFrame) -> pl.DataFrame:
    """Appended `PRICES` with a close that is not above zero."""
    return prices.filter(~(pl.col("close") > 0).fill_null(value=False))


def currency_not_instruments(
    prices: pl.DataFrame, vendor_prices: pl.DataFrame, instruments: pl.DataFrame
) -> pl.DataFrame:
    """Appended `PRICES` that no delivered row in the instrument's own currency stands behind.

    Args:
        prices: Appended `PRICES`.
        vendor_prices: `VENDOR_PRICES` of the load.
        instruments: `INSTRUMENTS`, one row for each instrument.
    """
    delivered = vendor_prices.select(
        pl.col("symbol", "exchange", "ccy").str.strip_chars(), calendar_day("price_date").alias("price_date")
    )
    named = instruments.select("instrument_id", "symbol", "exchange", "ccy")
    behind = delivered.join(named, on=["symbol", "exchange", "ccy"])
    return prices.join(behind, on=["instrument_id", "price_date"], how="anti")


def incomplete_actions(corporate_actions: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Appended `CORPORATE_ACTIONS` that are neither a whole split nor a whole dividend of an instrument.

    Args:
        corporate_actions: Appended `CORPORATE_ACTIONS`.
        instruments: `INSTRUMENTS`, one row for each instrument.
    """
    is_split = (pl.col("type") == "SPLIT") & (pl.col("ratio") > 0) & pl.col("cash_per_unit").is_null()
    is_dividend = (pl.col("type") == "DIVIDEND") & (pl.col("cash_per_unit") > 0) & pl.col("ratio").is_null()
    is_known = pl.col("instrument_id").is_in(instruments["instrument_id"].implode())
    return corporate_actions.filter(~(is_known & (is_split | is_dividend)).fill_null(value=False))


def instruments_without_price(
    vendor_prices: pl.DataFrame,
    quarantine: pl.DataFrame,
    instruments: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
) -> pl.DataFrame:
    """Listed instruments for which the delivery has no readable price of the last session.

    Their previous price stands, and ages. Unlisted instruments are priced when their issuer pleases, so
    they are judged by age alone, in the valuation.

    Args:
        vendor_prices: `VENDOR_PRICES` of the load.
        quarantine: Rejects of the load.
        instruments: `INSTRUMENTS`, one row for each instrument.
        calendars: `CALENDARS` of the exchanges.
        as_of: Logical date D.

    Returns:
        ``instrument_id``, ``exchange``, ``last_session`` (date), ``last_delivered`` (date, null where
        nothing came at all), by instrument.
    """
    is_unreadable = (pl.col("table_name") == VENDOR_PRICES.name) & ~pl.col("reason").is_in(_PRICE_STANDS)
    unreadable = quarantine.filter(is_unreadable).select(ROW)
    delivered = (
        vendor_prices.with_row_index(ROW, offset=1)
        .with_columns(pl.col(ROW).cast(pl.Int64), pl.col("symbol", "exchange").str.strip_chars())
        .join(unreadable, on=ROW, how="anti")
        .group_by("symbol", "exchange")
        .agg(calendar_day("price_date").max().alias("last_delivered"))
    )
    sessions = latest_sessions(calendars, as_of=as_of).select(
        pl.col("calendar_id").alias("exchange"), "last_session"
    )
    alive = pl.col("matures_on").is_null() | (pl.col("matures_on") > as_of)
    return (
        instruments.filter((pl.col("exchange") != UNLISTED) & alive)
        .join(sessions, on="exchange")
        .join(delivered, on=["symbol", "exchange"], how="left")
        .filter(pl.col("last_delivered").is_null() | (pl.col("last_delivered") < pl.col("last_session")))
        .select("instrument_id", "exchange", "last_session", "last_delivered")
        .sort("instrument_id")
    )


def held_prices(prices: pl.DataFrame) -> pl.DataFrame:
    """Appended `PRICES` that wait for a person."""
    return prices.filter(pl.col("status") == "QUARANTINED")


def material_corrections(prices: pl.DataFrame, restatement_threshold_bps: float) -> pl.DataFrame:
    """Corrections large enough that what was computed from the old close must be looked at.

    Args:
        prices: Appended `PRICES`.
        restatement_threshold_bps: Smallest change that counts, in hundredths of a per cent.

    Returns:
        As `corrections`, largest change first.
    """
    return corrections(prices).filter(pl.col("change_bps").abs() >= restatement_threshold_bps)
