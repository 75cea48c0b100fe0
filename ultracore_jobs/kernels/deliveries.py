"""From a provider's words to our rows: read text, part good rows from bad, stamp what is new.

What every load of market data has in common (domain_rules 1, bad input and as-known-at). A bad row
is set aside alone, with the first of its faults; the rest of the delivery goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from ultracore_jobs.catalog import REJECTS_SCHEMA

ROW = "row_number"
"""Place of a row in its delivery, counted from 1."""

CORRECTION = "CORRECTION of "
"""Beginning of the reason of a row that replaces another; the old value follows."""

RELEASED = "RELEASED"
"""First word of the reason of a row a person decided on; no later delivery replaces it."""

_AS_WRITTEN = pl.Decimal(38, 18)
"""Wide enough to read any real price or rate before it is rounded once."""


@dataclass(frozen=True)
class Fault:
    """One way in which a delivered row cannot be believed.

    Attributes:
        reason: Code for people and counts, such as ``NON_POSITIVE``.
        column: Column at fault, as the provider names it.
        broken: True where the fault is found; null counts as not found.
        remedy: What a person can do.
    """

    reason: str
    column: str
    broken: pl.Expr
    remedy: str


class Parted(NamedTuple):
    """A delivery in two: rows that go on, and rejects (`REJECTS_SCHEMA`), one for each bad row."""

    good: pl.DataFrame
    rejects: pl.DataFrame


def number(column: str, dtype: pl.Decimal) -> pl.Expr:
    """A text column as exact decimals, rounded half-up, ties away from zero, to the scale of *dtype*.

    Polars rounds ties to even when it casts text, so the text is read to 18 decimals first. Null where
    it is no number or does not fit *dtype*.

    Source: domain_rules 1 (money).
    """
    written = pl.col(column).str.strip_chars().cast(_AS_WRITTEN, strict=False)
    return written.round(dtype.scale, mode="half_away_from_zero").cast(dtype, strict=False)


def calendar_day(column: str) -> pl.Expr:
    """A text column as dates, written ``YYYY-MM-DD``; null where it is none."""
    return pl.col(column).str.strip_chars().str.to_date("%Y-%m-%d", strict=False)


def is_given(column: str) -> pl.Expr:
    """Whether a text column says anything at all."""
    return pl.col(column).fill_null("").str.strip_chars() != ""


def part(rows: pl.DataFrame, faults: Sequence[Fault], *, table: str, key: Sequence[str]) -> Parted:
    """Part *rows* into those without a fault and one reject for each of the others.

    Args:
        rows: A delivery with the column `ROW`; further columns may hold what was read from the text.
        faults: In order of precedence: the first one found is the reason of the row.
        table: Name of the dataset, for the reject.
        key: Columns that name the row, for the reject.

    Returns:
        The good rows with the columns of *rows*, and the rejects, both in order of *rows*.
    """
    first = pl.coalesce(
        pl.when(fault.broken.fill_null(value=False)).then(pl.lit(number_, dtype=pl.Int32))
        for number_, fault in enumerate(faults)
    )
    judged = rows.with_columns(first.alias("__fault"))
    good = judged.filter(pl.col("__fault").is_null()).drop("__fault")
    bad = judged.filter(pl.col("__fault").is_not_null())
    rejects = [
        reject(bad.filter(pl.col("__fault") == number_), fault, table=table, key=key)
        for number_, fault in enumerate(faults)
    ]
    return Parted(good, pl.concat([pl.DataFrame(schema=REJECTS_SCHEMA), *rejects]).sort(ROW))


def reject(rows: pl.DataFrame, fault: Fault, *, table: str, key: Sequence[str]) -> pl.DataFrame:
    """Set all of *rows* aside for one *fault*; its ``broken`` is not looked at.

    Returns:
        One reject (`REJECTS_SCHEMA`) for each row, in order.
    """
    return rows.select(
        pl.lit(table).alias("table_name"),
        pl.col(ROW).cast(pl.Int64),
        pl.concat_str([pl.col(name).cast(pl.String).fill_null("null") for name in key], separator="|").alias(
            "row_key"
        ),
        pl.lit(fault.column).alias("column_name"),
        pl.col(fault.column).cast(pl.String).alias("value"),
        pl.lit(fault.reason).alias("reason"),
        pl.lit(fault.remedy).alias("remedy"),
    )


def one_row_each(
    rows: pl.DataFrame, *, key: Sequence[str], values: Sequence[str], fault: Fault, table: str
) -> Parted:
    """Keep one row for each *key* of a delivery: the one known last, and of those the one written last.

    A row repeated word for word is no fault, and one with an earlier ``known_at`` is merely older. Two
    different values known at the same instant contradict each other: the one written first is set
    aside, so that the outcome does not depend on luck.

    Args:
        rows: Rows with `ROW`, ``known_at``, *key* and *values*.
        key: Columns that say what a row is about.
        values: Columns that say what it says.
        fault: How a contradicted row is reported.
        table: Name of the dataset, for the reject.

    Returns:
        One row for each key, and the rejects, both in order of the delivery.
    """
    ranked = rows.sort("known_at", ROW)
    latest = ranked.unique(list(key), keep="last", maintain_order=True)
    named = {name: f"__latest_{name}" for name in ("known_at", *values)}
    beside = ranked.join(latest.select(*key, *named).rename(named), on=list(key), how="left")
    differs = pl.any_horizontal(~pl.col(name).eq_missing(pl.col(named[name])) for name in values)
    contradicted = beside.filter((pl.col("known_at") == pl.col(named["known_at"])) & differs).sort(ROW)
    return Parted(latest.sort(ROW), reject(contradicted, fault, table=table, key=key))


def knowledge_instant(stored: str, known_at: datetime) -> pl.Expr:
    """When a new row became known: its own ``known_at``, but always after the row it replaces.

    Args:
        stored: Column with the ``known_at`` of the row it replaces; null where it replaces none.
        known_at: The job's cut-off K.

    Returns:
        The row's ``known_at`` where that is later than *stored*; K where the provider stamped a changed
        value with the instant of the old one; null where K itself is not later, so that two values
        would be known at one instant.

    Source: domain_rules 1 (corrections are new rows).
    """
    before = pl.col(stored)
    cutoff = pl.lit(known_at, dtype=pl.Datetime("us", "UTC"))
    return (
        pl.when(before.is_null() | (pl.col("known_at") > before))
        .then("known_at")
        .when(cutoff > before)
        .then(cutoff)
        .alias("known_at")
    )
