"""Given wishes of users: price alerts and how to be told; and ticks (domain_rules 2, 15, 19)."""

import polars as pl

from ultracore_jobs.catalog.columns import (
    KNOWN_AT,
    SOURCE,
    TENANT_ID,
    Column,
    code,
    count,
    flag,
    fraction,
    instant,
    price,
    text,
    units,
)
from ultracore_jobs.catalog.dataset import Dataset, Partitioning, Retention, Scope

_WALL_TIME = r"([01]\d|2[0-3]):[0-5]\d"

PRICE_ALERTS = Dataset(
    name="price_alerts",
    grain="one alert a user set, as known from one moment on",
    key=("alert_id",),
    partitioning=Partitioning.BY_LOAD,
    retention=Retention.OPERATIONAL,
    source="alert register",
    columns={
        "tenant_id": TENANT_ID,
        "alert_id": text("Our identifier of the alert"),
        "user_id": text("User to be told"),
        "instrument_id": text("Instrument watched"),
        "kind": code("What is watched for", ["above", "below", "cross_up", "cross_down", "percent_change"]),
        "level": price("Price level, instrument currency; null for percent_change", nullable=True, above=0),
        "percent": fraction("Move that fires, as a fraction; percent_change only", nullable=True, above=0),
        "reference": code("What percent_change is measured from", ["creation", "prior_close"], nullable=True),
        "reference_price": price("Price when the alert was set, instrument currency", nullable=True, above=0),
        "hysteresis": fraction("How far the price must come back to arm it again", at_least=0, at_most=1),
        "trigger_once": flag("Whether it ends with its first firing"),
        "cooldown_seconds": count("Least time between two firings", at_least=0),
        "expires_at": instant("First instant it no longer watches", nullable=True),
        "armed": flag("Whether it may fire"),
        "last_checked_at": instant("Up to when ticks were evaluated; null if never", nullable=True),
        "last_triggered_at": instant("When it last fired", nullable=True),
        "status": code("State", ["ACTIVE", "TRIGGERED", "EXPIRED", "CANCELLED"]),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

NOTIFICATION_PREFS = Dataset(
    name="notification_prefs",
    grain="how one user wants to be told through one channel, as known from one moment on",
    key=("user_id", "channel"),
    partitioning=Partitioning.BY_LOAD,
    retention=Retention.OPERATIONAL,
    source="preference centre",
    columns={
        "tenant_id": TENANT_ID,
        "user_id": text("User told"),
        "channel": code("How the user is told", ["email", "push", "sms"]),
        "digest": flag("Whether items are gathered into one message a day"),
        "quiet_start": text("Start of quiet hours, HH:MM, user's zone", nullable=True, pattern=_WALL_TIME),
        "quiet_end": text("End of quiet hours, excluded; may be next day", nullable=True, pattern=_WALL_TIME),
        "timezone": text("IANA time zone of the user"),
        "unsubscribed_at": instant("When the user unsubscribed", nullable=True),
        "categories": Column(pl.List(pl.String), "Kinds of item wanted; regulatory notices need no consent"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

TICKS = Dataset(
    name="ticks",
    grain="one trade price of one instrument, as known from one moment on",
    key=("instrument_id", "at", "seq"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    source="tick feed",
    licence="as the provider's; the sample's ticks are synthetic",
    columns={
        "tenant_id": TENANT_ID,
        "instrument_id": text("Our identifier of the instrument"),
        "at": instant("When it traded"),
        "seq": count("Order among the trades of one instant", at_least=0),
        "price": price("Trade price per unit, instrument currency", above=0),
        "volume": units("Units traded; null where the source has none", nullable=True, at_least=0),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
