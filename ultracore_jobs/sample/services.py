"""What a tenant's clients subscribed to and asked for: plans, price alerts, preferences; and legal holds."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from ultracore_jobs.catalog.alerts import NOTIFICATION_PREFS, PRICE_ALERTS
from ultracore_jobs.catalog.billing import SUBSCRIPTIONS
from ultracore_jobs.catalog.columns import MONEY, PRICE
from ultracore_jobs.catalog.records import LEGAL_HOLDS
from ultracore_jobs.sample.calendars import at_wall_time
from ultracore_jobs.sample.grid import DAYS, Grid, dates
from ultracore_jobs.sample.ledger import SOURCE
from ultracore_jobs.sample.roster import NO_SLOT, Roster

FREE_CLIENT, END_OF_MONTH_CLIENT = 28, 29
"""Places of two clients: one with a plan that costs nothing, one anchored on the 31st of a month."""

_SYDNEY = "Australia/Sydney"
_PRICES = {"FREE": "0.00", "BASIC": "9.90", "PLUS": "19.90", "PRO": "49.00"}
_KINDS = {"above": 0.3, "below": 0.3, "cross_up": 0.12, "cross_down": 0.12, "percent_change": 0.16}
_ASKED_AFTER_DAYS = 30
_HELD_FROM = datetime(2025, 2, 3, 1, 0, tzinfo=UTC)


def subscription_table(facts: pl.DataFrame, roster: Roster, until: date) -> pl.DataFrame:
    """One plan for each client, from the day it joined, as a `SUBSCRIPTIONS` table."""
    c, draws = facts["client"].to_numpy(), roster.draws
    plan = np.where(
        c == FREE_CLIENT, "FREE", draws.choice("plan", {"BASIC": 0.5, "PLUS": 0.35, "PRO": 0.15}, c)
    )
    yearly = draws.chance("plan/yearly", 0.15, c)
    months = pl.Series(np.where(yearly, 12, 1))
    price = pl.Series(plan).replace_strict(_PRICES, return_dtype=pl.String).cast(MONEY)
    rows = facts.select("client", dates(facts["first_day"].to_numpy()).alias("joined")).with_columns(
        pl.when(pl.col("client") == END_OF_MONTH_CLIENT)
        .then(pl.date(2023, 3, 31))
        .otherwise("joined")
        .alias("anchor_on")
    )
    return (
        rows.select(
            pl.lit(roster.tenant).alias("tenant_id"),
            pl.format("{}-S1", pl.lit(roster.client_ids).gather(pl.col("client"))).alias("subscription_id"),
            pl.lit(roster.client_ids).gather(pl.col("client")).alias("client_id"),
            pl.Series("plan", plan),
            (price * months.cast(pl.Decimal(18, 0))).cast(MONEY).alias("price_incl_gst"),
            months.cast(pl.Int64).alias("interval_months"),
            "anchor_on",
            pl.Series("billing", np.where(draws.chance("plan/calendar", 0.2, c), "calendar", "anniversary")),
            pl.lit("ACTIVE").alias("state"),
            at_wall_time("anchor_on", 9, _SYDNEY, name="known_at"),
            pl.lit(SOURCE).alias("source"),
        )
        .filter(pl.col("anchor_on") <= until)
        .sort("known_at", "subscription_id")
        .select(SUBSCRIPTIONS.schema.names())
    )


def price_alert_table(roster: Roster, grid: Grid, until: date) -> pl.DataFrame:
    """An alert on the first holding of three portfolios in ten, as a `PRICE_ALERTS` table."""
    draws, p = roster.draws, roster.places
    day = np.minimum(roster.opened + _ASKED_AFTER_DAYS, DAYS - 1)
    instrument = roster.slots[:, 0]
    asks = draws.chance("alert", 0.3, p) & (instrument != NO_SLOT)
    kind = draws.choice("alert/kind", _KINDS, p)
    up = np.isin(kind, ["above", "cross_up"])
    # The last close known on the morning the alert is set is that of the day before.
    reference = grid.closes[np.maximum(instrument, 0), day - 1]
    level = (
        reference
        * np.where(up, 105 + draws.below("alert/far", 20, p), 95 - draws.below("alert/far", 20, p))
        // 100
    )
    rows = pl.DataFrame(
        {
            "portfolio": p, "client": roster.client, "instrument": instrument, "kind": kind, "level": level,
            "reference": reference, "once": draws.chance("alert/once", 0.5, p),
        }
    ).with_columns(dates(day).alias("on"))  # fmt: skip
    percent = pl.col("kind") == "percent_change"
    return (
        rows.filter(pl.Series(asks))
        .select(
            pl.lit(roster.tenant).alias("tenant_id"),
            pl.format("{}-AL1", pl.lit(roster.portfolio_ids).gather(pl.col("portfolio"))).alias("alert_id"),
            pl.lit(roster.user_ids).gather(pl.col("client")).alias("user_id"),
            pl.lit(pl.Series(grid.instruments)).gather(pl.col("instrument")).alias("instrument_id"),
            "kind",
            pl.when(~percent).then(_price("level")).alias("level"),
            pl.when(percent).then(0.05).alias("percent"),
            pl.when(percent).then(pl.lit("creation")).alias("reference"),
            _price("reference").alias("reference_price"),
            pl.lit(0.005).alias("hysteresis"),
            pl.col("once").alias("trigger_once"),
            pl.lit(3600, dtype=pl.Int64).alias("cooldown_seconds"),
            pl.lit(None).alias("expires_at"),
            pl.lit(value=True).alias("armed"),
            pl.lit(None).alias("last_checked_at"),
            pl.lit(None).alias("last_triggered_at"),
            pl.lit("ACTIVE").alias("status"),
            at_wall_time("on", 12, _SYDNEY, name="known_at"),
            pl.lit(SOURCE).alias("source"),
        )
        .filter(pl.col("known_at").dt.date() <= until)
        .cast(PRICE_ALERTS.schema)
        .sort("known_at", "alert_id")
        .select(PRICE_ALERTS.schema.names())
    )


def notification_pref_table(facts: pl.DataFrame, roster: Roster, until: date) -> pl.DataFrame:
    """How each client's user wants to be told, as a `NOTIFICATION_PREFS` table; a few unsubscribed."""
    c, draws = facts["client"].to_numpy(), roster.draws
    joined = dates(facts["first_day"].to_numpy())
    zone = draws.choice("zone", {_SYDNEY: 0.8, "Australia/Perth": 0.15, "Europe/London": 0.05}, c)
    rows = pl.DataFrame({"client": c, "timezone": zone}).with_columns(
        joined.alias("on"), pl.lit("email").alias("channel"), pl.lit(None, dtype=pl.Date).alias("left_on")
    )
    push = rows.filter(pl.Series(draws.chance("push", 0.2, c))).with_columns(pl.lit("push").alias("channel"))
    left = rows.filter(pl.Series(draws.chance("unsubscribed", 0.04, c))).with_columns(
        (pl.col("on") + timedelta(days=200)).alias("on"),
        (pl.col("on") + timedelta(days=200)).alias("left_on"),
    )
    return (
        pl.concat([rows, push, left])
        .filter(pl.col("on") <= until)
        .with_columns(at_wall_time("on", 9, _SYDNEY, name="known_at"))
        .sort("known_at", "client", "channel", maintain_order=True)
        .select(
            pl.lit(roster.tenant).alias("tenant_id"),
            pl.lit(roster.user_ids).gather(pl.col("client")).alias("user_id"),
            "channel",
            pl.lit(value=True).alias("digest"),
            pl.lit("21:00").alias("quiet_start"),
            pl.lit("07:00").alias("quiet_end"),
            "timezone",
            pl.when(pl.col("left_on").is_not_null()).then("known_at").alias("unsubscribed_at"),
            pl.lit(["statements", "price_alerts", "orders"], dtype=pl.List(pl.String)).alias("categories"),
            "known_at",
            pl.lit(SOURCE).alias("source"),
        )
        .select(NOTIFICATION_PREFS.schema.names())
    )


def legal_hold_table(roster: Roster, until: date) -> pl.DataFrame:
    """Two holds, one of them released later, as a `LEGAL_HOLDS` table."""
    held, freed = f"client:{roster.client_ids[0]}", f"portfolio:{roster.portfolio_ids[0]}"
    released_at = _HELD_FROM + timedelta(days=400)
    rows = [
        (f"{roster.prefix}-HOLD-1", held, None, _HELD_FROM),
        (f"{roster.prefix}-HOLD-2", freed, None, _HELD_FROM),
        (f"{roster.prefix}-HOLD-2", freed, released_at, released_at),
    ]
    frame = pl.DataFrame(rows, schema=["hold_id", "scope", "released_at", "known_at"], orient="row")
    return (
        frame.with_columns(
            pl.lit(roster.tenant).alias("tenant_id"),
            pl.lit(_HELD_FROM).alias("from_at"),
            pl.lit(SOURCE).alias("source"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LEGAL_HOLDS.schema.items())
        .filter(pl.col("known_at").dt.date() <= until)
    )


def _price(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Decimal(38, 0)) * pl.lit(Decimal("0.0001"))).cast(PRICE)
