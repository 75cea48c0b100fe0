"""Market data: from a provider's delivery to new rows of `PRICES` and `CORPORATE_ACTIONS`.

Raw closes are stored; nothing stored is ever changed. A correction is a new row, known later, that
says what it corrects, so that every number computed before it can still be explained
(domain_rules 16).
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from ultracore_jobs.catalog.market import CORPORATE_ACTIONS, NSW, PRICES, UNLISTED
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_PRICES
from ultracore_jobs.kernels.business_days import latest_sessions
from ultracore_jobs.kernels.deliveries import (
    CORRECTION,
    RELEASED,
    ROW,
    Fault,
    Parted,
    knowledge_instant,
    one_row_each,
    part,
)
from ultracore_jobs.kernels.market_rows import read_actions, read_prices
from ultracore_jobs.kernels.spikes import SpikeRule, judge_spikes

SPIKE = "SPIKE"
"""First word of the reason of a price that waits for a person because it moved too far."""

_PRICE_KEY = ("instrument_id", "price_date")
_ACTION_VALUES = ("instrument_id", "type", "ratio", "cash_per_unit", "franked_pct", "ex_on", "pay_on")


class MarketData(NamedTuple):
    """What a refresh gives: new rows of `PRICES` and `CORPORATE_ACTIONS`, and rejects."""

    prices: pl.DataFrame
    corporate_actions: pl.DataFrame
    quarantine: pl.DataFrame


def refresh_market_data(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    vendor_prices: pl.DataFrame,
    vendor_actions: pl.DataFrame,
    instruments: pl.DataFrame,
    prices: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    known_at: datetime,
    tenant: str = "shared",
    lookback_sessions: int = 10,
    spike_z: float = 8.0,
    spike_flat_limit: float = 0.25,
    spike_confirm_limit: float = 0.40,
    spike_window: int = 60,
) -> MarketData:
    """Judge a delivery of prices and corporate actions, and append what is new or changed.

    A row already stored with the same value gives no new row. A changed close (or volume) is a new row,
    reason ``CORRECTION of <old close>``. A spike (`judge_spikes`) is stored as QUARANTINED and waits
    for a person; where it would replace a close in use it is set aside and the close stays in use. A
    held spike that is delivered again is judged again: once a corporate action explains it, or the
    price before it was released, it follows as OK. A row whose reason begins with RELEASED was decided
    by a person and stands. An instrument the provider says nothing about keeps its previous price.

    Args:
        vendor_prices: `VENDOR_PRICES`, text as written; may span several days and repeat itself.
        vendor_actions: `VENDOR_ACTIONS`, likewise.
        instruments: `INSTRUMENTS`, one row for each instrument.
        prices: `PRICES` known by K, one row for each instrument and day; what is older than its window
            is taken as new.
        corporate_actions: `CORPORATE_ACTIONS` known by K, one row for each action.
        calendars: `CALENDARS` of the exchanges.
        as_of: Logical date D; a later price is impossible.
        known_at: Cut-off K; a row known later is impossible.
        tenant: Owner of the rows.
        lookback_sessions: How far back a correction is taken without a person, in sessions of the
            instrument's exchange, D included.
        spike_z: Greatest modified z-score.
        spike_flat_limit: Greatest move, as a fraction, where there is no z-score.
        spike_confirm_limit: Greatest move, as a fraction, that the next close may confirm.
        spike_window: Number of daily returns before the candidate.

    Returns:
        New `PRICES` by instrument and day, new `CORPORATE_ACTIONS` by id, and rejects: those of
        `read_prices` and `read_actions`, and CONTRADICTION, BEYOND_LOOKBACK, SPIKE, SAME_INSTANT.

    Source: domain_rules 16, 13 (price spike).
    """
    actions = _new_actions(vendor_actions, instruments, corporate_actions, known_at, tenant)
    known_actions = (
        pl.concat([corporate_actions.select(CORPORATE_ACTIONS.schema.names()), actions.good])
        .sort("known_at", maintain_order=True)
        .unique("action_id", keep="last", maintain_order=True)
    )
    read = read_prices(vendor_prices, instruments, calendars, as_of=as_of, known_at=known_at)
    single = one_row_each(
        read.good,
        key=_PRICE_KEY,
        values=("new_close", "new_volume"),
        fault=_contradiction("close"),
        table=VENDOR_PRICES.name,
    )
    candidates = _candidates(single.good, prices, calendars, as_of, lookback_sessions)
    rule = SpikeRule(spike_z, spike_flat_limit, spike_confirm_limit, spike_window)
    judged = judge_spikes(candidates, prices, known_actions, as_of=as_of, rule=rule)
    new = _new_prices(judged, rule, known_at, tenant)
    rejects = pl.concat([read.rejects, single.rejects, new.rejects]).sort(ROW)
    return MarketData(new.good, actions.good, pl.concat([rejects, actions.rejects]))


def restated(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Which closes a correction changed, and by how much: what every number built on them depends on.

    Args:
        before: `PRICES` as known at one moment, one row for each instrument and day.
        after: The same at a later moment, or only the rows that were appended.

    Returns:
        One row for each changed close, largest change first: ``instrument_id``, ``price_date``,
        ``old_close``, ``new_close`` (instrument currency), ``change_bps`` (float, hundredths of a per
        cent of the old close). Days that are new in *after* are no restatement.

    Source: domain_rules 16 (late corrections).
    """
    old = before.select(*_PRICE_KEY, pl.col("close").alias("old_close"))
    both = after.select(*_PRICE_KEY, pl.col("close").alias("new_close")).join(old, on=list(_PRICE_KEY))
    return _in_bps(both.filter(pl.col("new_close") != pl.col("old_close")))


def corrections(prices: pl.DataFrame) -> pl.DataFrame:
    """The same as `restated`, from appended rows alone: a correction's reason tells the old close."""
    old = pl.col("reason").str.extract(f"^{CORRECTION}([0-9.]+)").cast(PRICES.schema["close"])
    both = prices.select(*_PRICE_KEY, old.alias("old_close"), pl.col("close").alias("new_close"))
    return _in_bps(both.filter(pl.col("old_close").is_not_null()))


def _in_bps(both: pl.DataFrame) -> pl.DataFrame:
    change = (pl.col("new_close").cast(pl.Float64) / pl.col("old_close").cast(pl.Float64) - 1) * 10_000
    return both.select(*_PRICE_KEY, "old_close", "new_close", change.alias("change_bps")).sort(
        pl.col("change_bps").abs(), *_PRICE_KEY, descending=[True, False, False]
    )


def _contradiction(column: str) -> Fault:
    return Fault("CONTRADICTION", column, pl.lit(value=True), "send one value for each key")


def _candidates(
    delivered: pl.DataFrame,
    prices: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    lookback_sessions: int,
) -> pl.DataFrame:
    """What may become a new row: new keys, changed values, and held spikes that are delivered again."""
    oldest = pl.lit(delivered["price_date"].min(), dtype=pl.Date)
    stored = prices.filter(pl.col("price_date") >= oldest).select(
        *_PRICE_KEY,
        pl.col("close").alias("old_close"),
        pl.col("volume").alias("old_volume"),
        pl.col("status").alias("old_status"),
        pl.col("reason").fill_null("").alias("old_reason"),
        pl.col("known_at").alias("old_known_at"),
    )
    first = latest_sessions(calendars, as_of=as_of, sessions=lookback_sessions).select(
        pl.col("calendar_id").alias("calendar"), "first_session"
    )
    beside = (
        delivered.join(stored, on=list(_PRICE_KEY), how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("exchange") == UNLISTED).then(pl.lit(NSW)).otherwise("exchange").alias("calendar")
        )
        .join(first, on="calendar", how="left", maintain_order="left")
    )
    is_new = pl.col("old_close").is_null()
    volume = pl.col("new_volume").is_not_null() & pl.col("new_volume").ne_missing(pl.col("old_volume"))
    differs = (pl.col("new_close") != pl.col("old_close")) | volume
    # What was known before the stored row is history, not a revision of it.
    is_revision = differs & (pl.col("known_at") >= pl.col("old_known_at"))
    is_held_spike = (pl.col("old_status") == "QUARANTINED") & pl.col("old_reason").str.starts_with(SPIKE)
    decided = pl.col("old_reason").str.starts_with(RELEASED).fill_null(value=False)
    return beside.filter((is_new | is_revision | (is_held_spike & ~differs)) & ~decided).with_columns(
        (is_held_spike & ~differs).fill_null(value=False).alias("repeats"),
        (is_revision & (pl.col("price_date") < pl.col("first_session")))
        .fill_null(value=False)
        .alias("is_too_late"),
    )


def _new_prices(judged: pl.DataFrame, rule: SpikeRule, known_at: datetime, tenant: str) -> Parted:
    """Rows of `PRICES` to append, and what could not be stored beside the price in use."""
    in_use = (pl.col("old_status") == "OK").fill_null(value=False)
    same_close = (pl.col("new_close") == pl.col("old_close")).fill_null(value=False)
    rows = (
        judged.with_columns(
            # A close that is already in use was believed before; only its volume is new.
            (pl.col("is_spike") & ~(in_use & same_close)).alias("is_spike"),
            knowledge_instant("old_known_at", known_at).alias("stamp"),
        )
        # A held spike that still is one is known already.
        .filter(~(pl.col("repeats") & (pl.col("is_spike") | pl.col("stamp").is_null())))
    )
    faults = (
        Fault(
            "BEYOND_LOOKBACK", "close", pl.col("is_too_late"), "check the correction and import it yourself"
        ),
        Fault(SPIKE, "close", pl.col("is_spike") & in_use, "check the correction and import it as an OK row"),
        Fault("SAME_INSTANT", "known_at", pl.col("stamp").is_null(), "run again with a later cut-off"),
    )
    parted = part(rows, faults, table=VENDOR_PRICES.name, key=_PRICE_KEY)
    measured = pl.format("return {}, modified z {}, limit {}", _rounded("move"), _rounded("z"), rule.z_limit)
    flat = pl.format("return {}, limit {} without enough history", _rounded("move"), rule.flat_limit)
    good = parted.good.select(
        pl.lit(tenant).alias("tenant_id"),
        *_PRICE_KEY,
        pl.col("new_close").alias("close"),
        # A provider that leaves the volume out this time does not take it back.
        pl.coalesce("new_volume", "old_volume").alias("volume"),
        pl.when("is_spike").then(pl.lit("QUARANTINED")).otherwise(pl.lit("OK")).alias("status"),
        pl.when("is_spike")
        .then(pl.lit(f"{SPIKE}: ") + pl.coalesce(measured, flat))
        .when("repeats")
        .then(pl.lit("AGREES with the price before it, as that and the corporate actions are known now"))
        .when(pl.col("old_close").is_null())
        .then(None)
        .when(same_close)
        .then(pl.format(CORRECTION + "volume {}", pl.col("old_volume").cast(pl.String).fill_null("none")))
        .otherwise(pl.lit(CORRECTION) + pl.col("old_close").cast(pl.String))
        .alias("reason"),
        pl.col("stamp").alias("known_at"),
        "source",
    )
    return Parted(good.sort(_PRICE_KEY), parted.rejects)


def _rounded(column: str) -> pl.Expr:
    return pl.col(column).round(4).cast(pl.String)


def _new_actions(
    delivery: pl.DataFrame,
    instruments: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    known_at: datetime,
    tenant: str,
) -> Parted:
    """Rows of `CORPORATE_ACTIONS` to append, and rejects."""
    read = read_actions(delivery, instruments, known_at=known_at)
    single = one_row_each(
        read.good,
        key=("action_id",),
        values=_ACTION_VALUES,
        fault=_contradiction("action_id"),
        table=VENDOR_ACTIONS.name,
    )
    stored = _named_old(corporate_actions, _ACTION_VALUES)
    differs = pl.any_horizontal(~pl.col(name).eq_missing(pl.col(f"old_{name}")) for name in _ACTION_VALUES)
    is_later = (pl.col("known_at") >= pl.col("old_known_at")).fill_null(value=True)
    changed = (
        single.good.join(stored, on="action_id", how="left", maintain_order="left")
        .filter(differs & is_later)
        .with_columns(knowledge_instant("old_known_at", known_at).alias("stamp"))
    )
    same_instant = Fault(
        "SAME_INSTANT", "known_at", pl.col("stamp").is_null(), "run again with a later cut-off"
    )
    parted = part(changed, (same_instant,), table=VENDOR_ACTIONS.name, key=("action_id",))
    good = parted.good.with_columns(pl.col("stamp").alias("known_at"), pl.lit(tenant).alias("tenant_id"))
    rejects = pl.concat([read.rejects, single.rejects, parted.rejects]).sort(ROW)
    return Parted(good.select(CORPORATE_ACTIONS.schema.names()).sort("action_id"), rejects)


def _named_old(rows: pl.DataFrame, values: Sequence[str]) -> pl.DataFrame:
    return rows.select("action_id", pl.col(*values, "known_at").name.prefix("old_"))
