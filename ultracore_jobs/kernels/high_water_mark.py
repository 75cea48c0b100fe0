"""The high-water mark and the peak (domain_rules 5).

Two numbers that must not be confused. ``peak_unit`` is the highest NAV per unit so far, and moves daily.
``hwm_unit`` is the mark performance fees are measured from: it moves at crystallisation only, or when a
person resets it, or when units are split. If it followed the peak, no performance fee could ever be earned.
"""

from datetime import date
from typing import Literal

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import TENANT_ID, Column, code, count, day, price, text, units
from ultracore_jobs.catalog.ledger import SEQ
from ultracore_jobs.kernels.money import round_to

UNIT_VALUE = pl.Decimal(30, 12)
"""NAV per portfolio unit, as `VALUATIONS` states it."""

HwmMethod = Literal["unitised", "dollar"]

DAILY, CRYSTALLISATION, RESET, SPLIT = "DAILY", "CRYSTALLISATION", "RESET", "SPLIT"
SKIPPED_NO_NAV = "SKIPPED_NO_NAV"

HIGH_WATER_MARKS = Dataset(
    name="high_water_marks",
    grain="one portfolio's peak and high-water mark at the end of one day",
    key=("as_of_date", "portfolio_id"),
    source="high_water_mark_update",
    columns={
        "tenant_id": TENANT_ID,
        "as_of_date": day("Day the marks are about"),
        "portfolio_id": text("Portfolio marked"),
        "hwm_unit": Column(UNIT_VALUE, "Mark that performance fees are measured from, per unit"),
        "peak_unit": Column(UNIT_VALUE, "Highest NAV per unit so far"),
        "units": units("Portfolio units of the last COMPLETE day", at_least=0),
        "since_on": day("Last crystallisation or reset, or day of the first mark"),
        "reason": code(
            "What moved the mark today, or why nothing could",
            [DAILY, CRYSTALLISATION, RESET, SPLIT, SKIPPED_NO_NAV],
        ),
        "ledger_seq": count("Last place in the ledger that moved this mark; 0 for none", at_least=0),
    },
)

MARK_EVENTS = Dataset(
    name="mark_events",
    grain="one thing that moved one portfolio's high-water mark",
    key=("event_id",),
    source="fee ledger",
    columns={
        "event_id": text("Identifier in the ledger"),
        "seq": SEQ,
        "portfolio_id": text("Portfolio marked"),
        "kind": code("What happened", [CRYSTALLISATION, RESET, SPLIT]),
        "event_on": day("Day it took effect"),
        "mark_unit": Column(
            UNIT_VALUE, "NAV per unit after the fee, or the mark reset to; null for a split", nullable=True
        ),
        "ratio": price("New units for each old one; splits only", nullable=True, above=0),
        "consent_id": text("Client's consent; resets only", nullable=True),
        "approved_by": text("Who approved it; resets only", nullable=True),
    },
)


def update_marks(
    *,
    previous_high_water_marks: pl.DataFrame,
    valuations: pl.DataFrame,
    mark_events: pl.DataFrame,
    as_of: date,
    tenant: str,
) -> pl.DataFrame:
    """Raise peaks to today's NAV per unit, and move marks where something entitled them to.

    Events apply in the order of their days, on one day in this one: a split divides mark and peak; a
    crystallisation raises the mark to NAV per unit after the fee; a reset sets it. Then today's NAV per unit
    raises the peak.

    Args:
        previous_high_water_marks: `HIGH_WATER_MARKS` of the latest day before, or empty.
        valuations: `VALUATIONS` of *as_of*.
        mark_events: `MARK_EVENTS` that *previous_high_water_marks* do not hold yet.
        as_of: The day.
        tenant: Owner of the rows.

    Returns:
        `HIGH_WATER_MARKS` of *as_of*, by portfolio. The first COMPLETE NAV sets both numbers. A portfolio
        without a COMPLETE NAV keeps its values, reason SKIPPED_NO_NAV; one that never had a NAV has no row.
        A reset without consent or approver moves nothing: see `refused_resets`. A peak never falls but by
        a split, a mark never but by a split or a reset, and no peak is below its mark.

    Source: domain_rules 5.
    """
    today = valuations.filter((pl.col("status") == "COMPLETE") & (pl.col("as_of_date") == as_of)).select(
        "portfolio_id", "nav_per_unit_base", pl.col("units").alias("units_now")
    )
    marks = previous_high_water_marks.select(
        "portfolio_id",
        "hwm_unit",
        "peak_unit",
        "units",
        "since_on",
        "ledger_seq",
        pl.lit(None, dtype=pl.String).alias("moved"),
    )
    latest = mark_events.group_by("portfolio_id").agg(pl.col("seq").max())
    moved = (
        _moved(marks, mark_events)
        .join(today, on="portfolio_id", how="full", coalesce=True)
        .join(latest, on="portfolio_id", how="left")
    )
    now = pl.col("nav_per_unit_base")
    return (
        moved.with_columns(
            pl.coalesce("hwm_unit", now).alias("hwm_unit"),
            # The mark is NAV after a rounded fee: it may lie a hair above NAV per unit.
            pl.max_horizontal("peak_unit", now, "hwm_unit").alias("peak_unit"),
            pl.coalesce("units_now", "units").alias("units"),
            pl.coalesce("since_on", pl.lit(as_of)).alias("since_on"),
            pl.coalesce(
                "moved", pl.when(now.is_null()).then(pl.lit(SKIPPED_NO_NAV)).otherwise(pl.lit(DAILY))
            ).alias("reason"),
            pl.max_horizontal("ledger_seq", "seq").fill_null(0).alias("ledger_seq"),
            pl.lit(tenant).alias("tenant_id"),
            pl.lit(as_of).alias("as_of_date"),
        )
        .select(HIGH_WATER_MARKS.schema.names())
        .cast(HIGH_WATER_MARKS.schema)
        .sort("portfolio_id")
    )


def refused_resets(mark_events: pl.DataFrame) -> pl.DataFrame:
    """Resets that nobody was entitled to: without a mark, the client's consent or an approver.

    Args:
        mark_events: `MARK_EVENTS`.

    Returns:
        Those rows, in the same order.

    Source: domain_rules 5: a reset needs client consent, an approver and an event.
    """
    return mark_events.filter((pl.col("kind") == RESET) & ~_is_authorised())


def marks_not_kept(
    high_water_marks: pl.DataFrame, previous_high_water_marks: pl.DataFrame, mark_events: pl.DataFrame
) -> pl.DataFrame:
    """Marks that moved without an event, fell without a split or reset, or lie above their peak; lost ones.

    Args:
        high_water_marks: `HIGH_WATER_MARKS` of a day.
        previous_high_water_marks: Those of the day before, or empty.
        mark_events: `MARK_EVENTS` between the two.

    Returns:
        ``portfolio_id``, ``hwm_unit``, ``peak_unit``, ``hwm_before``, ``peak_before``, by portfolio.

    Source: domain_rules 5, invariants.
    """
    before = previous_high_water_marks.select(
        "portfolio_id", pl.col("hwm_unit").alias("hwm_before"), pl.col("peak_unit").alias("peak_before")
    )
    kind = pl.col("kind")
    allowed = mark_events.group_by("portfolio_id").agg(
        (kind == SPLIT).any().alias("is_split"),
        ((kind == RESET) & _is_authorised()).any().alias("is_reset"),
        (kind == CRYSTALLISATION).any().alias("is_crystallised"),
    )
    hwm, peak, is_split = pl.col("hwm_unit"), pl.col("peak_unit"), pl.col("is_split")
    moved = (hwm != pl.col("hwm_before")) & ~(is_split | pl.col("is_reset") | pl.col("is_crystallised"))
    fell = (hwm < pl.col("hwm_before")) & ~(is_split | pl.col("is_reset"))
    peak_fell = (peak < pl.col("peak_before")) & ~is_split
    return (
        high_water_marks.select("portfolio_id", "hwm_unit", "peak_unit")
        .join(before, on="portfolio_id", how="full", coalesce=True)
        .join(allowed, on="portfolio_id", how="left")
        .with_columns(pl.col("is_split", "is_reset", "is_crystallised").fill_null(value=False))
        .filter((moved | fell | peak_fell).fill_null(value=False) | (peak < hwm) | hwm.is_null())
        .select("portfolio_id", "hwm_unit", "peak_unit", "hwm_before", "peak_before")
        .sort("portfolio_id")
    )


def rescale_marks(marks: pl.DataFrame, *, method: HwmMethod = "unitised") -> pl.DataFrame:
    """Move marks of whole portfolios, kept without units, over a flow of client money.

    unitised: ``HWM x (NAV + F) / NAV`` for every flow. dollar: a contribution adds F, a withdrawal scales.

    Args:
        marks: ``hwm_base``, ``nav_base`` (before the flow), ``flow_base`` (positive in, one flow a
            row), exact columns in one currency, and any others.
        method: How.

    Returns:
        *marks* with ``rescaled_hwm_base`` (12 decimals, unrounded) and ``rescale_reason``: null and
        NAV_NOT_POSITIVE where there is no NAV to scale by, or OVER_WITHDRAWN where more went out than was
        there.

    Source: domain_rules 5. HWM 1,000, NAV 800, +400: 1,500.00 unitised, 1,400.00 dollar.
    """
    hwm, nav, flow = pl.col("hwm_base"), pl.col("nav_base"), pl.col("flow_base")
    after = nav + flow
    scaled = round_to(hwm, after, digits=12, over=[nav], dtype=UNIT_VALUE)
    adds = (flow > 0) if method == "dollar" else pl.lit(value=False)
    reason = (
        pl.when(~adds & (nav <= 0).fill_null(value=True))
        .then(pl.lit("NAV_NOT_POSITIVE"))
        .when(~adds & (after < 0))
        .then(pl.lit("OVER_WITHDRAWN"))
    )
    return marks.with_columns(
        pl.when(reason.is_null())
        .then(pl.when(adds).then((hwm + flow).cast(UNIT_VALUE)).otherwise(scaled))
        .alias("rescaled_hwm_base"),
        reason.alias("rescale_reason"),
    )


def _moved(marks: pl.DataFrame, mark_events: pl.DataFrame) -> pl.DataFrame:
    """Apply the events of each portfolio in their order: the first of all portfolios at once, and so on."""
    kind, rank = pl.col("kind"), [SPLIT, CRYSTALLISATION, RESET]
    allowed = (
        mark_events.filter((kind != RESET) | _is_authorised())
        .sort(
            "portfolio_id",
            "event_on",
            kind.replace_strict({name: n for n, name in enumerate(rank)}),
            "event_id",
        )
        .with_columns(pl.int_range(pl.len()).over("portfolio_id").alias("turn"))
        .select("portfolio_id", "kind", "event_on", "mark_unit", "ratio", "turn")
        .sort("turn", maintain_order=True)
    )
    for _, turn in allowed.group_by("turn", maintain_order=True):
        marks = (
            marks.join(turn, on="portfolio_id", how="left")
            .with_columns(
                pl.when(kind == SPLIT).then(_divided(pl.col(name))).otherwise(name).alias(name)
                for name in ("hwm_unit", "peak_unit")
            )
            .with_columns(
                pl.when(kind == CRYSTALLISATION)
                .then(pl.max_horizontal("hwm_unit", "mark_unit"))
                .when(kind == RESET)
                .then("mark_unit")
                .otherwise("hwm_unit")
                .alias("hwm_unit"),
                pl.when(kind != SPLIT).then("event_on").otherwise("since_on").alias("since_on"),
                pl.coalesce("kind", "moved").alias("moved"),
            )
            .with_columns(pl.max_horizontal("peak_unit", "hwm_unit").alias("peak_unit"))
            .drop("kind", "event_on", "mark_unit", "ratio", "turn")
        )
    return marks


def _divided(value: pl.Expr) -> pl.Expr:
    return round_to(value, digits=12, over=[pl.col("ratio")], dtype=UNIT_VALUE)


def _is_authorised() -> pl.Expr:
    return (
        pl.col("mark_unit").is_not_null()
        & pl.col("consent_id").is_not_null()
        & pl.col("approved_by").is_not_null()
    )
