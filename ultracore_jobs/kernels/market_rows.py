"""Delivered prices and corporate actions, read: text becomes numbers, symbols become instruments.

What cannot be believed is set aside with its reason (domain_rules 16: crossed or zero quotes, future
timestamps, currency mismatch, unknown symbols).
"""

from datetime import date, datetime

import polars as pl

from ultracore_jobs.catalog.columns import PRICE, UNITS
from ultracore_jobs.catalog.market import UNLISTED
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_PRICES
from ultracore_jobs.kernels.deliveries import ROW, Fault, Parted, calendar_day, is_given, number, part

_ANY_NUMBER = pl.Decimal(38, 6)
"""Holds numbers that a price cannot, so that too large is told apart from no number."""


def read_prices(
    delivery: pl.DataFrame,
    instruments: pl.DataFrame,
    calendars: pl.DataFrame,
    *,
    as_of: date,
    known_at: datetime,
) -> Parted:
    """Read delivered prices.

    Args:
        delivery: `VENDOR_PRICES`, text as written.
        instruments: `INSTRUMENTS`, one row for each instrument.
        calendars: `CALENDARS`; a day they do not know is not refused.
        as_of: Logical date D.
        known_at: Cut-off K.

    Returns:
        Good rows: `ROW`, ``instrument_id``, ``exchange``, ``price_date`` (date), ``close`` (as written),
        ``new_close`` (`PRICE`), ``new_volume`` (`UNITS`, null where none is given), ``known_at``,
        ``source``. Rejects: NOT_A_DATE, FUTURE_DATE, NOT_YET_KNOWN, UNKNOWN_SYMBOL, AMBIGUOUS_SYMBOL,
        CURRENCY_MISMATCH, NOT_A_SESSION, NOT_NUMERIC, NON_POSITIVE, OUT_OF_RANGE, NON_POSITIVE_QUOTE,
        CROSSED_QUOTE, NEGATIVE_VOLUME.
    """
    open_days = calendars.select(
        pl.col("calendar_id").alias("exchange"), pl.col("date").alias("day"), "is_business_day"
    )
    rows = _identified(delivery, instruments).with_columns(
        calendar_day("price_date").alias("day"),
        number("close", PRICE).alias("new_close"),
        number("close", _ANY_NUMBER).alias("any_close"),
        number("bid", _ANY_NUMBER).alias("any_bid"),
        number("ask", _ANY_NUMBER).alias("any_ask"),
        number("volume", UNITS).alias("new_volume"),
    )
    rows = rows.join(open_days, on=["exchange", "day"], how="left", maintain_order="left")
    is_closed = ~pl.col("is_business_day") & (pl.col("exchange") != UNLISTED)
    faults = (
        Fault("NOT_A_DATE", "price_date", pl.col("day").is_null(), "write the date as YYYY-MM-DD"),
        Fault("FUTURE_DATE", "price_date", pl.col("day") > as_of, f"send prices up to {as_of}"),
        *_origin_faults(known_at),
        Fault(
            "CURRENCY_MISMATCH",
            "ccy",
            pl.col("ccy").str.strip_chars().ne_missing(pl.col("instrument_ccy")),
            "send the price in the instrument's currency, or correct the instrument",
        ),
        Fault("NOT_A_SESSION", "price_date", is_closed, "look at the date: the market was closed"),
        *_number_faults("close", "any_close", "new_close"),
        *(_not_numeric(name, read) for name, read in (("bid", "any_bid"), ("ask", "any_ask"))),
        *(
            Fault("NON_POSITIVE_QUOTE", name, pl.col(read) <= 0, "send a quote above zero, or none")
            for name, read in (("bid", "any_bid"), ("ask", "any_ask"))
        ),
        Fault("CROSSED_QUOTE", "bid", pl.col("any_bid") > pl.col("any_ask"), "send a bid up to the ask"),
        _not_numeric("volume", "new_volume"),
        Fault("NEGATIVE_VOLUME", "volume", pl.col("new_volume") < 0, "send a volume of zero or more"),
    )
    parted = part(rows, faults, table=VENDOR_PRICES.name, key=VENDOR_PRICES.key)
    good = parted.good.with_columns(pl.col("day").alias("price_date"))
    columns = ("instrument_id", "exchange", "price_date", "close", "new_close", "new_volume")
    return Parted(good.select(ROW, *columns, "known_at", "source"), parted.rejects)


def read_actions(delivery: pl.DataFrame, instruments: pl.DataFrame, *, known_at: datetime) -> Parted:
    """Read delivered corporate actions. An ex date in the future is an announcement, not a fault.

    Args:
        delivery: `VENDOR_ACTIONS`, text as written.
        instruments: `INSTRUMENTS`, one row for each instrument.
        known_at: Cut-off K.

    Returns:
        Good rows: `ROW` and the columns of `CORPORATE_ACTIONS` but ``tenant_id``; a split has only a
        ratio, a dividend only cash, franked share and pay date. Rejects: MISSING_ID, UNKNOWN_TYPE,
        NOT_YET_KNOWN, UNKNOWN_SYMBOL, AMBIGUOUS_SYMBOL, NOT_A_DATE, NOT_NUMERIC, NON_POSITIVE,
        OUT_OF_RANGE, NOT_A_FRACTION, PAID_BEFORE_EX.
    """
    kind = pl.col("type").str.strip_chars().str.to_uppercase()
    rows = _identified(delivery, instruments).with_columns(
        pl.col("action_id").str.strip_chars(),
        kind.alias("kind"),
        calendar_day("ex_on").alias("ex_day"),
        calendar_day("pay_on").alias("pay_day"),
        number("ratio", PRICE).alias("new_ratio"),
        number("ratio", _ANY_NUMBER).alias("any_ratio"),
        number("cash_per_unit", PRICE).alias("new_cash"),
        number("cash_per_unit", _ANY_NUMBER).alias("any_cash"),
        pl.col("franked_pct").str.strip_chars().cast(pl.Float64, strict=False).alias("new_franked"),
    )
    splits, dividends = pl.col("kind") == "SPLIT", pl.col("kind") == "DIVIDEND"
    no_fraction = is_given("franked_pct") & ~pl.col("new_franked").is_between(0, 1).fill_null(value=False)
    faults = (
        Fault("MISSING_ID", "action_id", ~is_given("action_id"), "send the provider's identifier"),
        Fault("UNKNOWN_TYPE", "type", ~(splits | dividends).fill_null(value=False), "SPLIT or DIVIDEND"),
        *_origin_faults(known_at),
        Fault("NOT_A_DATE", "ex_on", pl.col("ex_day").is_null(), "write the date as YYYY-MM-DD"),
        Fault(
            "NOT_A_DATE",
            "pay_on",
            dividends & is_given("pay_on") & pl.col("pay_day").is_null(),
            "write the date as YYYY-MM-DD",
        ),
        *_number_faults("ratio", "any_ratio", "new_ratio", only=splits),
        *_number_faults("cash_per_unit", "any_cash", "new_cash", only=dividends),
        Fault("NOT_A_FRACTION", "franked_pct", dividends & no_fraction, "send a share from 0 to 1"),
        Fault(
            "PAID_BEFORE_EX", "pay_on", dividends & (pl.col("pay_day") < pl.col("ex_day")), "check both dates"
        ),
    )
    parted = part(rows, faults, table=VENDOR_ACTIONS.name, key=VENDOR_ACTIONS.key)
    good = parted.good.select(
        ROW,
        "action_id",
        "instrument_id",
        pl.col("kind").alias("type"),
        pl.when(splits).then("new_ratio").alias("ratio"),
        pl.when(dividends).then("new_cash").alias("cash_per_unit"),
        pl.when(dividends).then("new_franked").alias("franked_pct"),
        pl.col("ex_day").alias("ex_on"),
        pl.when(dividends).then("pay_day").alias("pay_on"),
        "known_at",
        "source",
    )
    return Parted(good, parted.rejects)


def _identified(delivery: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """The delivery, numbered, with `instrument_id`, `instrument_ccy` and how many share the symbol."""
    known = instruments.group_by("symbol", "exchange").agg(
        pl.col("instrument_id").min(),
        pl.col("ccy").first().alias("instrument_ccy"),
        pl.len().alias("namesakes"),
    )
    return (
        delivery.with_row_index(ROW, offset=1)
        .with_columns(pl.col("symbol", "exchange").str.strip_chars())
        .join(known, on=["symbol", "exchange"], how="left", maintain_order="left")
    )


def _origin_faults(known_at: datetime) -> tuple[Fault, ...]:
    return (
        Fault("NOT_YET_KNOWN", "known_at", pl.col("known_at") > known_at, "send it again once it is out"),
        Fault(
            "UNKNOWN_SYMBOL",
            "symbol",
            pl.col("instrument_id").is_null(),
            "add the instrument, or correct symbol and exchange",
        ),
        Fault(
            "AMBIGUOUS_SYMBOL",
            "symbol",
            pl.col("namesakes") > 1,
            "give each instrument its own symbol on its exchange",
        ),
    )


def _number_faults(written: str, read: str, stored: str, *, only: pl.Expr | None = None) -> tuple[Fault, ...]:
    applies = pl.lit(value=True) if only is None else only
    return (
        Fault("NOT_NUMERIC", written, applies & pl.col(read).is_null(), "send a number"),
        Fault("NON_POSITIVE", written, applies & (pl.col(read) <= 0), "send a number above zero"),
        Fault(
            "OUT_OF_RANGE",
            written,
            applies & (pl.col(stored).is_null() | (pl.col(stored) <= 0)),
            "send a number from 0.000001 to 999,999,999,999",
        ),
    )


def _not_numeric(written: str, read: str) -> Fault:
    return Fault("NOT_NUMERIC", written, is_given(written) & pl.col(read).is_null(), "send a number, or none")
