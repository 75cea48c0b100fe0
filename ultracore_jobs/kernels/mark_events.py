"""What moves high-water marks, as the ledger tells it; and the daily update that takes it in."""

from datetime import date
from typing import NamedTuple

import polars as pl

from ultracore_jobs.kernels.fees.posted import fees_in_ledger
from ultracore_jobs.kernels.fees.tables import UNIT_VALUE
from ultracore_jobs.kernels.high_water_mark import CRYSTALLISATION, MARK_EVENTS, RESET, update_marks

MARK_RESET = "MARK_RESET"
"""Kind of a ledger decision by which a mark is set anew."""

_RESET = pl.Struct(
    dict.fromkeys(("portfolio_id", "event_on", "mark_unit", "consent_id", "approved_by"), pl.String())
)


class HighWaterMarks(NamedTuple):
    """What `update_high_water_marks` returns: a `HIGH_WATER_MARKS` table."""

    high_water_marks: pl.DataFrame


def mark_events(
    ledger_decisions: pl.DataFrame,
    previous_high_water_marks: pl.DataFrame,
    valuations: pl.DataFrame,
    *,
    as_of: date,
) -> pl.DataFrame:
    """What moved marks up to *as_of* and is not held by the marks of the day before yet.

    Told apart by place in the ledger, not by day: what becomes known late is still taken in, once.

    Args:
        ledger_decisions: `LEDGER_DECISIONS` as known.
        previous_high_water_marks: `HIGH_WATER_MARKS` of the latest day before, or empty.
        valuations: `VALUATIONS` of *as_of*; a mark of units that are no more (in another base currency, or
            from before the first day of these) is not one of theirs.
        as_of: Decisions about this day or an earlier one.

    Returns:
        `MARK_EVENTS`, in ledger order: a crystallisation for each performance fee that was charged, found to
        be nothing, or refused; a reset for each decision of kind MARK_RESET.

    Source: domain_rules 5.
    """
    units = valuations.select("portfolio_id", pl.col("base_ccy").alias("ccy"), "first_on")
    fees = (
        fees_in_ledger(ledger_decisions, upto=as_of)
        .filter(pl.col("mark_unit").is_not_null())
        .join(units, on=["portfolio_id", "ccy"])
        .filter(pl.col("marked_on") >= pl.col("first_on"))
    )
    crystallised = fees.select(
        pl.col("decision_id").alias("event_id"),
        "seq",
        "portfolio_id",
        pl.lit(CRYSTALLISATION).alias("kind"),
        pl.col("marked_on").alias("event_on"),
        "mark_unit",
    )
    told = (
        ledger_decisions.filter((pl.col("kind") == MARK_RESET) & (pl.col("as_of_date") <= as_of))
        .select(
            pl.col("decision_id").alias("event_id"),
            "seq",
            pl.col("payload").str.json_decode(_RESET).alias("told"),
        )
        .unnest("told")
    )
    resets = told.with_columns(
        pl.lit(RESET).alias("kind"),
        pl.col("event_on").str.to_date("%Y-%m-%d"),
        pl.col("mark_unit").cast(UNIT_VALUE),
    )
    held = previous_high_water_marks.select("portfolio_id", "ledger_seq")
    return (
        pl.concat([crystallised, resets], how="diagonal")
        .join(held, on="portfolio_id", how="left")
        .filter(pl.col("seq") > pl.col("ledger_seq").fill_null(0))
        .with_columns(pl.lit(None, dtype=MARK_EVENTS.schema["ratio"]).alias("ratio"))
        .select(MARK_EVENTS.schema.names())
        .cast(MARK_EVENTS.schema)
        .sort("seq")
    )


def update_high_water_marks(
    *,
    valuations: pl.DataFrame,
    previous_high_water_marks: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    as_of: date,
    tenant: str,
) -> HighWaterMarks:
    """The peaks and marks of *as_of*: `update_marks`, with what the ledger says moved them.

    Args:
        valuations: `VALUATIONS` of *as_of*.
        previous_high_water_marks: `HIGH_WATER_MARKS` of the latest day before, or empty.
        ledger_decisions: `LEDGER_DECISIONS` as known.
        as_of: The day.
        tenant: Owner of the rows.

    Returns:
        `HIGH_WATER_MARKS`, by portfolio.

    Source: domain_rules 5.
    """
    events = mark_events(ledger_decisions, previous_high_water_marks, valuations, as_of=as_of)
    return HighWaterMarks(
        update_marks(
            previous_high_water_marks=previous_high_water_marks,
            valuations=valuations,
            mark_events=events,
            as_of=as_of,
            tenant=tenant,
        )
    )
