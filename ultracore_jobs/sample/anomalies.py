"""Every anomaly the sample plants, with what should come of it; and bad rows for an import to refuse."""

import polars as pl

from ultracore_jobs.sample.deliveries import vendor_fixings, vendor_prices
from ultracore_jobs.sample.instruments import STALE, SUSPENDED
from ultracore_jobs.sample.names import TENANTS
from ultracore_jobs.sample.planted import Planted

_EXPECTED = {
    "NOT_NUMERIC": "quarantined by market_data_refresh; the previous close stands, STALE",
    "UNKNOWN_SYMBOL": "quarantined by market_data_refresh",
    "CURRENCY_MISMATCH": "quarantined by market_data_refresh; the previous close stands, STALE",
    "NON_POSITIVE": "quarantined by market_data_refresh; the previous close stands, STALE",
    "CROSSED_QUOTE": "quarantined by market_data_refresh; the previous close stands, STALE",
    "CORRECTED_LATER": "loaded as sent; valued with it until the correction",
    "CORRECTION": "a new row with a later known_at; valuations of that day are restated",
    "SPIKE": "held as QUARANTINED; the previous close stands, STALE, until a person decides",
}
_FIXING = "quarantined by exchange_rate_update; the previous fixing of the currency is carried"


def planted_anomalies() -> pl.DataFrame:
    """Every planted anomaly of the market data and of the tenants' books.

    Returns:
        ``tenant_id``, ``table_name``, ``row_key`` (key fields joined by ``|``), ``kind`` and
        ``expected`` (what a job should make of it), by tenant, table and key.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    prices = vendor_prices().filter(pl.col("planted").is_not_null()).select(
        pl.lit("shared").alias("tenant_id"),
        pl.lit("vendor_prices").alias("table_name"),
        pl.concat_str("symbol", "exchange", "price_date", separator="|").alias("row_key"),
        pl.col("planted").alias("kind"),
        pl.col("planted").replace_strict(_EXPECTED, return_dtype=pl.String).alias("expected"),
    )  # fmt: skip
    fixings = vendor_fixings().filter(pl.col("planted").is_not_null()).select(
        pl.lit("shared").alias("tenant_id"),
        pl.lit("vendor_fixings").alias("table_name"),
        pl.concat_str("rate_date", "base_ccy", "quote_ccy", separator="|").alias("row_key"),
        pl.col("planted").alias("kind"),
        pl.lit(_FIXING).alias("expected"),
    )  # fmt: skip
    instruments = [
        ("shared", "instruments", SUSPENDED, "SUSPENDED", "no price after 29 February 2024: MISSING_PRICE"),
        (
            "shared",
            "instruments",
            STALE,
            "STALE",
            "priced on the first session of a week: STALE on the others",
        ),
    ]
    books = [
        (
            tenant,
            "portfolios",
            f"{tenant[:3].upper()}-P{planted.place + 1:06}",
            planted.name,
            planted.value,
        )
        for tenant in TENANTS
        for planted in Planted
    ]
    listed = pl.DataFrame([*instruments, *books], schema=prices.columns, orient="row")
    return pl.concat([prices, fixings, listed]).sort("tenant_id", "table_name", "row_key", "kind")


def bad_rows() -> dict[str, pl.DataFrame]:
    """Rows as a careless export would send them, each breaking the contract of its table once.

    Returns:
        Text tables by name, with a column ``fault`` that says what is wrong with the row; the rest of the
        columns are those of the contract that the row fills. One row of each table is good.
    """
    deposit = {
        "transaction_id": "IMP-1", "portfolio_id": "ACA-P000001", "client_id": "ACA-C000001",
        "type": "DEPOSIT",
        "at": "2026-11-02T23:00:00Z", "trade_on": "2026-11-03", "settle_on": "2026-11-03", "ccy": "AUD",
        "amount": "250.00", "external_flow": "true", "client_initiated": "true", "physical_currency": "false",
        "counterparty_country": "AU", "fault": "",
    }  # fmt: skip
    price = {
        "instrument_id": "XNYS-AAPL", "price_date": "2026-11-03", "close": "41.8430", "status": "OK",
        "fault": "",
    }  # fmt: skip
    return {
        "transactions": _spoiled(
            deposit,
            "transaction_id",
            {
                "ccy": "Dollars",
                "amount": "two hundred",
                "trade_on": "03/11/2026",
                "type": "GIFT",
                "portfolio_id": "",
            },
        ),
        "prices": _spoiled(
            price, "instrument_id", {"close": "-41.8430", "status": "FINE", "price_date": "yesterday"}
        ),
    }


def _spoiled(good: dict[str, str], key: str, faults: dict[str, str]) -> pl.DataFrame:
    """The good row, and one copy under another key for each fault."""
    rows = [good]
    rows += [
        {**good, key: f"{good[key]}-{n}", column: value, "fault": f"{column}: {value!r}"}
        for n, (column, value) in enumerate(faults.items(), start=2)
    ]
    return pl.DataFrame(rows)
