"""Exchange-rate fixings: from a publisher's list to new rows of `FX_RATES` and the crosses of the day.

A fixing is believed unless it jumps: then it is stored as QUARANTINED, the fixing before it is
carried, and a person decides. Nothing stored is ever changed; a revision is a new row, known later
(domain_rules 14).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import iso4217
import numpy as np
import polars as pl

from ultracore_jobs.catalog.columns import FX_RATE
from ultracore_jobs.catalog.market import FX_RATES
from ultracore_jobs.catalog.vendor import VENDOR_FIXINGS
from ultracore_jobs.errors import MissingInputError
from ultracore_jobs.kernels.day_grid import day_grid
from ultracore_jobs.kernels.deliveries import (
    CORRECTION,
    RELEASED,
    ROW,
    Fault,
    Parted,
    calendar_day,
    is_given,
    knowledge_instant,
    number,
    one_row_each,
    part,
)
from ultracore_jobs.kernels.fx import PIVOTS, cross_rates

REQUIRED_CURRENCIES = ("AUD", "USD")
"""Without these the platform cannot value anything, so the job fails rather than publish."""

JUMP = "JUMP"
"""First word of the reason of a fixing that waits for a person because it moved too far."""

_WITHDRAWN = (
    "BGN", "CYP", "EEK", "HRK", "LTL", "LVL", "MTL", "ROL", "SIT", "SKK", "TRL",
)  # fmt: skip
"""Currencies the ECB once published that ISO 4217 lists no more; their history is still good."""

_KEY = ("rate_date", "base_ccy", "quote_ccy")


class ExchangeRates(NamedTuple):
    """What an update gives: new rows of `FX_RATES`, all `FX_CROSSES` of the day, and rejects."""

    fx_rates: pl.DataFrame
    fx_crosses: pl.DataFrame
    quarantine: pl.DataFrame


def update_exchange_rates(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    vendor_fixings: pl.DataFrame,
    fx_rates: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    known_at: datetime,
    tenant: str = "shared",
    jump_limit: float = 0.05,
    jump_limits: Mapping[str, float] | None = None,
    max_stale_business_days: int = 3,
    source_priority: Sequence[str] = ("ECB", "RBA_F11"),
    pivot: str = "EUR",
) -> ExchangeRates:
    """Judge a delivery of fixings, append what is new, and derive the crosses of the day.

    A fixing already stored with the same value gives no new row, so a file sent twice changes nothing.
    A changed value is a new row, reason ``CORRECTION of <old rate>``. A fixing that moved more than its
    limit against the usable one before it, ``|ln(new / previous)| > limit``, is stored as QUARANTINED;
    where it would replace a value in use it is set aside instead, and the value stays in use. Once a
    person releases a jump (a later OK row), held fixings after it that are delivered again and agree
    with it follow as OK. A row whose reason begins with RELEASED was decided by a person and stands.

    Args:
        vendor_fixings: `VENDOR_FIXINGS`, text as published; may span several days and repeat itself.
        fx_rates: `FX_RATES` known by K, one row for each key; what is older than its window is taken
            as new.
        calendars: `CALENDARS` with the days of TARGET.
        as_of: Logical date D; a later fixing is impossible.
        known_at: Cut-off K; a row known later is impossible.
        tenant: Owner of the rows.
        jump_limit: Greatest move in the natural logarithm, for all currencies without their own.
        jump_limits: Own limits by quoted currency.
        max_stale_business_days: As for `cross_rates`.
        source_priority: As for `cross_rates`.
        pivot: Currency that the ECB quotes against.

    Returns:
        New rows of `FX_RATES` by date, base and quote; `FX_CROSSES` of D over old and new rows; and
        rejects: FUTURE_DATE, NOT_A_DATE, NOT_YET_KNOWN, UNKNOWN_SOURCE, WRONG_PIVOT, UNKNOWN_CURRENCY,
        NOT_NUMERIC, NON_POSITIVE, OUT_OF_RANGE, CONTRADICTION, SAME_INSTANT, JUMP.

    Raises:
        MissingInputError: AUD or USD has no usable rate on D: every number computed from the day
            would be missing, so the job stops before it writes.

    Source: domain_rules 14, 20b (FX).
    """
    pivots = {**PIVOTS, "ECB": pivot}
    read = _read(vendor_fixings, as_of, known_at, pivots)
    single = one_row_each(
        read.good, key=_KEY, values=("new_rate",), fault=_CONTRADICTION, table=VENDOR_FIXINGS.name
    )
    candidates = _candidates(single.good, fx_rates)
    judged = _judge(candidates, fx_rates, jump_limit, jump_limits or {})
    new = _new_rows(judged, known_at, tenant)
    stored = pl.concat([fx_rates.select(FX_RATES.schema.names()), new.good])
    current = stored.sort("known_at", maintain_order=True).unique(
        list(_KEY), keep="last", maintain_order=True
    )
    crosses = cross_rates(
        current,
        calendars,
        as_of=as_of,
        max_stale_business_days=max_stale_business_days,
        source_priority=source_priority,
        pivots=pivots,
        tenant=tenant,
    )
    _require_currencies(crosses, as_of)
    quarantine = pl.concat([read.rejects, single.rejects, new.rejects]).sort(ROW)
    return ExchangeRates(new.good, crosses, quarantine)


def missing_currencies(fx_crosses: pl.DataFrame) -> list[str]:
    """Those of `REQUIRED_CURRENCIES` that cannot be converted into each other, both ways."""
    usable = fx_crosses.filter(pl.col("rate").is_not_null())
    pairs = set(usable.select("base_ccy", "quote_ccy").iter_rows())
    return [
        ccy
        for ccy in REQUIRED_CURRENCIES
        if any((ccy, other) not in pairs or (other, ccy) not in pairs for other in REQUIRED_CURRENCIES)
    ]


def _require_currencies(crosses: pl.DataFrame, as_of: date) -> None:
    missing = missing_currencies(crosses)
    if missing:
        message = (
            f"no rate for {' and '.join(missing)} may be used on {as_of}: the newest fixing is missing, "
            "too old or quarantined. Remedy: look at the exchange-rate feed, import the fixing, or release "
            "the held one."
        )
        raise MissingInputError(message)


def _currencies() -> list[str]:
    return sorted({currency.code for currency in iso4217.Currency} | set(_WITHDRAWN))


def _read(delivery: pl.DataFrame, as_of: date, known_at: datetime, pivots: Mapping[str, str]) -> Parted:
    """The delivery with `rate_date` a date and `new_rate` a number, less what cannot be believed."""
    text = ("base_ccy", "quote_ccy")
    rows = (
        delivery.with_row_index(ROW, offset=1)
        .with_columns(pl.col(*text).str.strip_chars())
        .with_columns(
            calendar_day("rate_date").alias("day"),
            number("rate", FX_RATE).alias("new_rate"),
            number("rate", pl.Decimal(38, 10)).alias("any_rate"),
            pl.col("source").replace_strict(dict(pivots), default=None).alias("pivot"),
        )
    )
    known = pl.col("quote_ccy").is_in(_currencies())
    faults = (
        Fault("NOT_A_DATE", "rate_date", pl.col("day").is_null(), "write the date as YYYY-MM-DD"),
        Fault("FUTURE_DATE", "rate_date", pl.col("day") > as_of, f"send fixings up to {as_of}"),
        Fault("NOT_YET_KNOWN", "known_at", pl.col("known_at") > known_at, "send it again once it is out"),
        Fault(
            "UNKNOWN_SOURCE", "source", pl.col("pivot").is_null(), f"name one of {', '.join(sorted(pivots))}"
        ),
        Fault(
            "WRONG_PIVOT",
            "base_ccy",
            pl.col("base_ccy").ne_missing(pl.col("pivot")),
            "quote against the publisher's own currency",
        ),
        Fault(
            "UNKNOWN_CURRENCY",
            "quote_ccy",
            ~known | pl.col("quote_ccy").is_null() | (pl.col("quote_ccy") == pl.col("pivot")),
            "use the ISO 4217 code of another currency than the pivot",
        ),
        Fault("NOT_NUMERIC", "rate", ~is_given("rate") | pl.col("any_rate").is_null(), "send a number"),
        Fault("NON_POSITIVE", "rate", pl.col("any_rate") <= 0, "send a rate above zero"),
        Fault("OUT_OF_RANGE", "rate", pl.col("new_rate").is_null(), "send a rate below 100,000,000"),
    )
    parted = part(rows, faults, table=VENDOR_FIXINGS.name, key=VENDOR_FIXINGS.key)
    good = parted.good.with_columns(pl.col("day").alias("rate_date"))
    return Parted(good.select(ROW, *_KEY, "rate", "new_rate", "known_at", "source"), parted.rejects)


def _candidates(delivered: pl.DataFrame, fx_rates: pl.DataFrame) -> pl.DataFrame:
    """What may become a new row: new keys, changed values, and jumps that are delivered again."""
    stored = fx_rates.select(
        *_KEY,
        pl.col("rate").alias("old_rate"),
        pl.col("status").alias("old_status"),
        pl.col("reason").fill_null("").alias("old_reason"),
        pl.col("known_at").alias("old_known_at"),
    )
    beside = delivered.join(stored, on=list(_KEY), how="left", maintain_order="left")
    is_new = pl.col("old_rate").is_null()
    # What was known before the stored row is history, not a revision of it.
    is_revision = (pl.col("new_rate") != pl.col("old_rate")) & (pl.col("known_at") >= pl.col("old_known_at"))
    is_held_jump = (pl.col("old_status") == "QUARANTINED") & pl.col("old_reason").str.starts_with(JUMP)
    decided = pl.col("old_reason").str.starts_with(RELEASED).fill_null(value=False)
    repeats_held = is_held_jump & (pl.col("new_rate") == pl.col("old_rate"))
    return beside.filter((is_new | is_revision | repeats_held) & ~decided)


def _judge(
    candidates: pl.DataFrame, fx_rates: pl.DataFrame, jump_limit: float, jump_limits: Mapping[str, float]
) -> pl.DataFrame:
    """Add `move` (ln(new/previous usable), null where there is none), `limit` and `is_jump`.

    Whether a fixing is usable decides what the next one is measured against, so days are taken one
    after the other; within a day all currencies at once. Where the usable fixing before a held one has
    left the window, the next ones are held too: only a person ends that, not the passing of days.
    """
    in_use = fx_rates.filter(pl.col("status") == "OK")
    on_hold = fx_rates.filter(pl.col("status") != "OK")
    series = ("base_ccy", "quote_ccy", "source")
    grid = day_grid([candidates, fx_rates], series=series, day="rate_date")
    stored, _ = grid.place(in_use, pl.col("rate").cast(pl.Float64).log())
    held, _ = grid.place(on_hold, pl.lit(1.0))
    offered, at = grid.place(candidates, pl.col("new_rate").cast(pl.Float64).log())
    own = {ccy: jump_limits.get(ccy, jump_limit) for ccy in grid.series["quote_ccy"].unique()}
    limits = grid.series["quote_ccy"].replace_strict(own, return_dtype=pl.Float64).to_numpy()
    previous = np.full(grid.series.height, np.nan)
    is_waiting = np.zeros(grid.series.height, dtype=bool)
    moves, jumps = np.full(grid.shape, np.nan), np.zeros(grid.shape, dtype=bool)
    for day in range(grid.days.height):
        is_offered, is_held = ~np.isnan(offered[day]), ~np.isnan(held[day])
        moves[day] = offered[day] - previous
        is_orphan = np.isnan(previous) & (is_waiting | is_held)
        jumps[day] = is_offered & (is_orphan | (np.abs(moves[day]) > limits))
        today = np.where(is_offered & ~jumps[day], offered[day], stored[day])
        is_waiting = np.isnan(today) & (is_waiting | is_held | jumps[day])
        previous = np.where(np.isnan(today), previous, today)
    return candidates.with_columns(
        pl.Series("move", moves[at], nan_to_null=True),
        pl.Series("limit", limits[at[1]]),
        pl.Series("is_jump", jumps[at]),
    )


def _new_rows(judged: pl.DataFrame, known_at: datetime, tenant: str) -> Parted:
    """Rows of `FX_RATES` to append, and what could not be stored beside the value in use."""
    same_value = (pl.col("new_rate") == pl.col("old_rate")).fill_null(value=False)
    rows = (
        judged.filter(~(same_value & pl.col("is_jump")))
        .with_columns(knowledge_instant("old_known_at", known_at).alias("stamp"), same_value.alias("repeats"))
        .filter(~(pl.col("repeats") & pl.col("stamp").is_null()))
    )
    would_replace = pl.col("is_jump") & (pl.col("old_status") == "OK")
    faults = (
        Fault(JUMP, "rate", would_replace, "check the revision and import it as an OK row"),
        Fault(
            "SAME_INSTANT", "known_at", pl.col("stamp").is_null(), "run the job again with a later cut-off"
        ),
    )
    parted = part(rows, faults, table=VENDOR_FIXINGS.name, key=_KEY)
    moved = pl.format("ln(new / previous) = {}, limit {}", pl.col("move").round(4), pl.col("limit"))
    orphan = pl.lit("an earlier fixing is held and none before it is in the window")
    jump = pl.lit(f"{JUMP}: ") + pl.coalesce(moved, orphan)
    good = parted.good.select(
        pl.lit(tenant).alias("tenant_id"),
        *_KEY,
        pl.col("new_rate").alias("rate"),
        pl.when("is_jump").then(pl.lit("QUARANTINED")).otherwise(pl.lit("OK")).alias("status"),
        pl.when("is_jump")
        .then(jump)
        .when("repeats")
        .then(pl.lit("AGREES with the fixing before it, once that one was released"))
        .when(pl.col("old_rate").is_not_null())
        .then(pl.lit(CORRECTION) + pl.col("old_rate").cast(pl.String))
        .alias("reason"),
        pl.col("stamp").alias("known_at"),
        "source",
    )
    return Parted(good.sort(_KEY), parted.rejects)


_CONTRADICTION = Fault(
    "CONTRADICTION", "rate", pl.lit(value=True), "send one value for each day and currency"
)
