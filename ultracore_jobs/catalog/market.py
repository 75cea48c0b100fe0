"""Given market data: instruments, prices, corporate actions, exchange rates, calendars.

All belong to the reserved tenant ``shared`` and are bitemporal: a correction is a new row with a
later ``known_at``; nothing is updated in place (domain_rules 1 and 2).
"""

from ultracore_jobs.catalog.columns import (
    CURRENCY,
    KNOWN_AT,
    SOURCE,
    TENANT_ID,
    code,
    count,
    day,
    flag,
    fraction,
    fx_rate,
    price,
    text,
    units,
)
from ultracore_jobs.catalog.dataset import Dataset, Partitioning, Retention, Scope

XNYS, XASX, TARGET, NSW = "XNYS", "XASX", "TARGET", "NSW"
"""Calendar ids: two exchanges by ISO 10383 code, euro payments, New South Wales banking days."""

UNLISTED = "UNLISTED"
"""Exchange of an instrument that trades on none; its calendar is `NSW`."""

INSTRUMENTS = Dataset(
    name="instruments",
    grain="one instrument, as known from one moment on",
    key=("instrument_id",),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    source="instrument master",
    licence="reference data of the platform",
    columns={
        "tenant_id": TENANT_ID,
        "instrument_id": text("Our identifier of the instrument"),
        "symbol": text("Ticker on its exchange, as the provider writes it"),
        "exchange": code(
            "Where it trades (ISO 10383); also its business-day calendar", [XASX, XNYS, UNLISTED]
        ),
        "ccy": CURRENCY.described("Currency its price is quoted in"),
        "type": code("Kind of instrument", ["EQUITY", "ETF", "FUND", "BOND", "TERM_DEPOSIT"]),
        "price_factor": price("Price multiplier: 1, or 0.01 for bonds quoted per 100 of face", above=0),
        "lot_size": units("Smallest tradable quantity", above=0),
        "asset_class": text("Asset class in mandates"),
        "issuer_id": text("Issuer, for concentration"),
        "similarity_group": text(
            "Instruments with substantially the same exposure share a group", nullable=True
        ),
        "adv20_units": units("Average daily volume of 20 sessions", nullable=True, at_least=0),
        "coupon_rate": fraction("Annual coupon or deposit rate", nullable=True, at_least=0, at_most=1),
        "coupon_freq": count("Coupons a year", nullable=True, at_least=1, at_most=12),
        "last_coupon_on": day("Last coupon date; for a term deposit the day interest starts", nullable=True),
        "next_coupon_on": day("Next coupon date, or maturity", nullable=True),
        "matures_on": day("Day the principal is repaid", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

PRICES = Dataset(
    name="prices",
    grain="one closing price of one instrument on one day, as known from one moment on",
    key=("instrument_id", "price_date"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    valid_date="price_date",
    covered_by=(XNYS, XASX),
    source="market_data_refresh",
    licence="as the provider's; the sample's prices are for testing and example purposes only",
    columns={
        "tenant_id": TENANT_ID,
        "instrument_id": text("Our identifier of the instrument"),
        "price_date": day("Session the price closes, a date of the exchange"),
        "close": price("Raw (unadjusted) closing price per unit, instrument currency", above=0),
        "volume": units("Units traded; null where the source has none", nullable=True, at_least=0),
        "status": code("OK may be used; QUARANTINED waits for a person", ["OK", "QUARANTINED"]),
        "reason": text("Why it is quarantined or what it corrects", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

CORPORATE_ACTIONS = Dataset(
    name="corporate_actions",
    grain="one split or dividend of one instrument, as known from one moment on",
    key=("action_id",),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    valid_date="ex_on",
    source="market_data_refresh",
    licence="as the provider's",
    columns={
        "tenant_id": TENANT_ID,
        "action_id": text("The provider's identifier of the action"),
        "instrument_id": text("Our identifier of the instrument"),
        "type": code("Kind of action", ["SPLIT", "DIVIDEND"]),
        "ratio": price("New units per old unit; splits only", nullable=True, above=0),
        "cash_per_unit": price(
            "Dividend per unit, instrument currency; dividends only", nullable=True, above=0
        ),
        "franked_pct": fraction(
            "Franked share of a dividend; not part of NAV", nullable=True, at_least=0, at_most=1
        ),
        "ex_on": day("First day the instrument trades without the entitlement"),
        "pay_on": day("Day cash is paid; dividends only", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

FX_RATES = Dataset(
    name="fx_rates",
    grain="one fixing of one currency against the source's pivot on one day, as known from one moment on",
    key=("rate_date", "base_ccy", "quote_ccy"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    valid_date="rate_date",
    covered_by=(TARGET,),
    source="exchange_rate_update",
    licence="ECB reference rates: reuse with attribution; information only, not transaction rates",
    columns={
        "tenant_id": TENANT_ID,
        "rate_date": day("Day of the fixing"),
        "base_ccy": CURRENCY.described("Pivot the source quotes against: EUR for the ECB, AUD for the RBA"),
        "quote_ccy": CURRENCY.described("Currency quoted"),
        "rate": fx_rate("Quote units per 1 base unit", above=0),
        "status": code("OK may be used; QUARANTINED waits for a person", ["OK", "QUARANTINED"]),
        "reason": text("Why it is quarantined or what it corrects", nullable=True),
        "known_at": KNOWN_AT,
        "source": code("Publisher of the fixing", ["ECB", "RBA_F11"]),
    },
)

CALENDARS = Dataset(
    name="calendars",
    grain="one day of one calendar, as known from one moment on",
    key=("calendar_id", "date"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    valid_date="date",
    source="exchange and banking calendars",
    licence="facts; compiled by the packages exchange-calendars and holidays",
    columns={
        "tenant_id": TENANT_ID,
        "calendar_id": text("XNYS, XASX, TARGET or NSW"),
        "date": day("The day"),
        "is_business_day": flag("Whether the market or the banks are open"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

BENCHMARKS = Dataset(
    name="benchmarks",
    grain="one daily return of one benchmark, as known from one moment on",
    key=("benchmark_id", "date"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    valid_date="date",
    source="index provider",
    licence="as the provider's; the sample's index is for testing and example purposes only",
    columns={
        "tenant_id": TENANT_ID,
        "benchmark_id": text("Our identifier of the benchmark"),
        "date": day("Session the return is of"),
        "return": fraction("Simple return over the session", above=-1),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

RISK_FREE = Dataset(
    name="risk_free",
    grain="the risk-free rate from one day on, as known from one moment on",
    key=("date",),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    valid_date="date",
    source="central bank cash rate target",
    licence="facts; the sample's is synthetic",
    columns={
        "tenant_id": TENANT_ID,
        "date": day("First day the rate holds"),
        "annual_rate": fraction("Annual rate", above=-1, at_most=1),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

__all__ = [
    "BENCHMARKS",
    "CALENDARS",
    "CORPORATE_ACTIONS",
    "FX_RATES",
    "INSTRUMENTS",
    "NSW",
    "PRICES",
    "RISK_FREE",
    "TARGET",
    "UNLISTED",
    "XASX",
    "XNYS",
]
