"""High-water mark update: the highest NAV per unit so far, and the mark fees are measured from, daily."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS
from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.spec import Chart, Example, JobSpec, Priority
from ultracore_jobs.kernels.gates import Gate, Severity
from ultracore_jobs.kernels.high_water_mark import (
    HIGH_WATER_MARKS,
    MARK_EVENTS,
    SKIPPED_NO_NAV,
    marks_not_kept,
    refused_resets,
)
from ultracore_jobs.kernels.high_water_mark_explain import explain_marks
from ultracore_jobs.kernels.mark_events import mark_events, update_high_water_marks
from ultracore_jobs.kernels.valuation import VALUATIONS

_MEMORY_DAYS = 45


def _not_kept(
    high_water_marks: pl.DataFrame,
    previous_high_water_marks: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    valuations: pl.DataFrame,
    as_of: date,
) -> pl.DataFrame:
    events = mark_events(ledger_decisions, previous_high_water_marks, valuations, as_of=as_of)
    return marks_not_kept(high_water_marks, previous_high_water_marks, events)


def _refused(
    previous_high_water_marks: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    valuations: pl.DataFrame,
    as_of: date,
) -> pl.DataFrame:
    events = mark_events(ledger_decisions, previous_high_water_marks, valuations, as_of=as_of)
    return refused_resets(events)


def _result(high_water_marks: pl.DataFrame) -> dict[str, Any]:
    skipped = (high_water_marks["reason"] == SKIPPED_NO_NAV).sum()
    moved = high_water_marks.filter(~pl.col("reason").is_in(["DAILY", SKIPPED_NO_NAV]))
    return {
        "updated": high_water_marks.height - skipped,
        "skipped": skipped,
        "marks_moved": moved.height,
        "at_peak": high_water_marks.filter(pl.col("peak_unit") > pl.col("hwm_unit")).height,
    }


def _below_peak(high_water_marks: pl.DataFrame, valuations: pl.DataFrame) -> pl.DataFrame:
    """How far each portfolio stands below its peak, in percent, the furthest first."""
    below = 100 * (1 - pl.col("nav_per_unit_base").cast(pl.Float64) / pl.col("peak_unit").cast(pl.Float64))
    return (
        high_water_marks.join(
            valuations.filter(pl.col("status") == "COMPLETE").select("portfolio_id", "nav_per_unit_base"),
            on="portfolio_id",
        )
        .filter(pl.col("peak_unit") > 0)
        .with_columns(below.round(2).alias("below_peak_pct"))
        .sort("below_peak_pct", "portfolio_id", descending=[True, False])
    )


def _chart(high_water_marks: pl.DataFrame, valuations: pl.DataFrame) -> Chart:
    furthest = _below_peak(high_water_marks, valuations).head(10)
    return Chart(
        "Furthest below their peak", "%", tuple(furthest.select("portfolio_id", "below_peak_pct").iter_rows())
    )


def _preview(high_water_marks: pl.DataFrame, valuations: pl.DataFrame) -> pl.DataFrame:
    return (
        _below_peak(high_water_marks, valuations)
        .select("portfolio_id", "nav_per_unit_base", "peak_unit", "hwm_unit", "below_peak_pct", "reason")
        .head(12)
    )


def _example() -> Example:
    day = date(2026, 11, 19)
    own = {"tenant_id": "acacia", "as_of_date": day}
    nav = dict.fromkeys(VALUATIONS.schema)
    valuations = pl.DataFrame(
        [
            {**nav, **own, "portfolio_id": "PF-1", "status": "COMPLETE", "units": Decimal(1000),
             "nav_per_unit_base": Decimal("1.2")},
            {**nav, **own, "portfolio_id": "PF-2", "status": "INCOMPLETE"},
        ],
        schema=VALUATIONS.schema,
    )  # fmt: skip
    before = {
        "tenant_id": "acacia", "as_of_date": date(2026, 11, 18), "hwm_unit": Decimal(1),
        "units": Decimal(1000), "since_on": date(2026, 6, 30), "reason": "DAILY", "ledger_seq": 0,
    }  # fmt: skip
    previous = pl.DataFrame(
        [
            {**before, "portfolio_id": "PF-1", "peak_unit": Decimal("1.1")},
            {**before, "portfolio_id": "PF-2", "peak_unit": Decimal("1.3")},
        ],
        schema=HIGH_WATER_MARKS.schema,
    )
    return Example(
        text="NAV per unit rises to 1.20: the peak follows it, the mark stays at 1.00, so a performance fee "
        "can be earned. A portfolio without a NAV keeps both, SKIPPED_NO_NAV.",
        as_of=day,
        known_at=datetime.fromisoformat("2026-11-19T22:30:00+00:00"),
        inputs={
            "valuations": valuations,
            "previous_high_water_marks": previous,
            "ledger_decisions": LEDGER_DECISIONS.empty(),
        },
        expected={
            "high_water_marks": pl.DataFrame(
                {
                    "portfolio_id": ["PF-1", "PF-2"],
                    "hwm_unit": [Decimal(1), Decimal(1)],
                    "peak_unit": [Decimal("1.2"), Decimal("1.3")],
                    "reason": ["DAILY", "SKIPPED_NO_NAV"],
                },
                schema_overrides=dict.fromkeys(("hwm_unit", "peak_unit"), MARK_EVENTS.schema["mark_unit"]),
            )
        },
    )


JOB = JobSpec(
    name="high_water_mark_update",
    family="fees",
    summary="The highest NAV per unit so far, and the mark that performance fees are measured from, daily.",
    rule=(
        "`peak_unit` is the highest NAV per unit so far and moves daily. `hwm_unit` does **not** follow it, "
        "else no performance fee could ever be earned: it moves at crystallisation, to NAV per unit after "
        "the fee, and at a reset that the client consented to and a person approved. The first NAV sets "
        "both. What moves a mark is read from the ledger: a charge, or its refusal, on record. Marks are per "
        "unit: deposits and withdrawals buy and cancel units and leave `hwm_unit / NAV per unit` as it is."
    ),
    source="domain_rules 5",
    reads=(
        VALUATIONS,
        HIGH_WATER_MARKS.previous(days=_MEMORY_DAYS),
        LEDGER_DECISIONS.from_ledger(),
    ),
    kernel=update_high_water_marks,
    writes=(HIGH_WATER_MARKS,),
    gates=(
        Gate(
            "marks_kept",
            "high_water_marks",
            "A mark moves only by an event, falls only by a split or a reset, and never lies above the peak; "
            "a peak falls only by a split; no portfolio loses its mark",
            _not_kept,
        ),
        Gate(
            "resets_authorised",
            "high_water_marks",
            "A reset has the client's consent and an approver; one without moves nothing",
            _refused,
            Severity.WARNING,
        ),
    ),
    result=_result,
    chart=_chart,
    preview=_preview,
    explain=explain_marks,
    cadence=Cadence.SESSIONS,
    priority=Priority.HIGH,
    rerun="Same inputs, nothing written. A restated NAV, or a charge become known, gives the next version.",
    example=_example,
)
