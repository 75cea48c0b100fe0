"""Small market tables for tests: calendars, fixings, prices and deliveries, written in one line each."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog.market import CALENDARS, CORPORATE_ACTIONS, FX_RATES, INSTRUMENTS, PRICES
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES

WEDNESDAY = date(2026, 11, 18)
THURSDAY = date(2026, 11, 19)
FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
EVENING = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
MORNING_AFTER = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)

GIVEN = {"tenant_id": "shared", "source": "test"}


def calendar(
    *calendar_ids: str,
    first: date = date(2026, 7, 1),
    last: date = date(2026, 12, 31),
    holidays: Iterable[date] = (),
) -> pl.DataFrame:
    """Every day from *first* to *last*; weekdays that are no holiday are business days."""
    days = pl.DataFrame({"date": pl.date_range(first, last, eager=True)})
    is_open = (pl.col("date").dt.weekday() < 6) & ~pl.col("date").is_in(list(holidays))
    return pl.concat(
        days.select(
            pl.lit("shared").alias("tenant_id"),
            pl.lit(calendar_id).alias("calendar_id"),
            "date",
            is_open.alias("is_business_day"),
            pl.lit(datetime(2026, 1, 1, tzinfo=UTC), dtype=CALENDARS.schema["known_at"]).alias("known_at"),
            pl.lit("test").alias("source"),
        )
        for calendar_id in calendar_ids
    )


def fixings(
    rates: Mapping[tuple[date, str], str],
    *,
    source: str = "ECB",
    base: str = "EUR",
    status: str = "OK",
    reason: str | None = None,
    known_at: datetime | None = None,
) -> pl.DataFrame:
    """Stored fixings: rate by (day, quoted currency); known at 15:00 UTC of their day unless given."""
    rows = [
        {
            "tenant_id": "shared",
            "rate_date": day,
            "base_ccy": base,
            "quote_ccy": quote,
            "rate": Decimal(rate),
            "status": status,
            "reason": reason,
            "known_at": known_at or datetime(day.year, day.month, day.day, 15, tzinfo=UTC),
            "source": source,
        }
        for (day, quote), rate in rates.items()
    ]
    return pl.DataFrame(rows, schema=FX_RATES.schema)


def delivered_fixings(
    *rows: tuple[str, str, str | None], base: str = "EUR", source: str = "ECB", known_at: datetime = EVENING
) -> pl.DataFrame:
    """Fixings as published: (day, quoted currency, rate), all of them text."""
    return pl.DataFrame(
        [
            {
                "tenant_id": "shared",
                "rate_date": day,
                "base_ccy": base,
                "quote_ccy": quote,
                "rate": rate,
                "known_at": known_at,
                "source": source,
            }
            for day, quote, rate in rows
        ],
        schema=VENDOR_FIXINGS.schema,
    )


def instruments(**symbols: tuple[str, str]) -> pl.DataFrame:
    """Instruments by symbol: exchange and currency. The id is the symbol with ``I-`` before it."""
    return pl.DataFrame(
        [
            {
                **GIVEN,
                "instrument_id": f"I-{symbol}",
                "symbol": symbol,
                "exchange": exchange,
                "ccy": ccy,
                "type": "EQUITY",
                "price_factor": Decimal(1),
                "lot_size": Decimal(1),
                "asset_class": "EQUITY",
                "issuer_id": symbol,
                "known_at": datetime(2026, 1, 1, tzinfo=UTC),
            }
            for symbol, (exchange, ccy) in symbols.items()
        ],
        schema=INSTRUMENTS.schema,
    )


def stored_prices(closes: Mapping[tuple[str, date], Any], **columns: Any) -> pl.DataFrame:
    """Stored prices: close by (symbol, day); known at 21:00 UTC of their day."""
    return pl.DataFrame(
        [
            {
                **GIVEN,
                "instrument_id": f"I-{symbol}",
                "price_date": day,
                "close": Decimal(str(close)),
                "status": "OK",
                "known_at": datetime(day.year, day.month, day.day, 21, tzinfo=UTC),
                **columns,
            }
            for (symbol, day), close in closes.items()
        ],
        schema=PRICES.schema,
    )


def delivered_price(symbol: str | None, day: str | None, close: str | None, **columns: Any) -> dict[str, Any]:
    """One delivered price of an American share; any column may be written otherwise."""
    row = {
        "symbol": symbol,
        "exchange": "XNYS",
        "ccy": "USD",
        "price_date": day,
        "close": close,
        "known_at": EVENING,
    }
    return {**GIVEN, **row, **columns}


def delivered_prices(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A delivery of prices."""
    return pl.DataFrame(list(rows), schema=VENDOR_PRICES.schema)


def delivered_actions(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A delivery of corporate actions; each row names what differs from a 2-for-1 split on Friday."""
    split = {
        **GIVEN,
        "action_id": "A-1",
        "symbol": "AAA",
        "exchange": "XNYS",
        "type": "SPLIT",
        "ratio": "2",
        "ex_on": "2026-11-20",
        "known_at": EVENING,
    }
    return pl.DataFrame([{**split, **row} for row in rows], schema=VENDOR_ACTIONS.schema)


def dividend(**columns: Any) -> dict[str, Any]:
    """What makes a delivered action a dividend of 0.50 on Friday."""
    return {"type": "DIVIDEND", "ratio": None, "cash_per_unit": "0.50", **columns}


def stored_actions(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Stored corporate actions; each row names what differs from a 2-for-1 split on Friday."""
    split = {
        **GIVEN,
        "action_id": "A-1",
        "instrument_id": "I-AAA",
        "type": "SPLIT",
        "ratio": Decimal(2),
        "ex_on": FRIDAY,
        "known_at": datetime(2026, 11, 1, tzinfo=UTC),
    }
    return pl.DataFrame([{**split, **row} for row in rows], schema=CORPORATE_ACTIONS.schema)
