"""Why a high-water mark stands where it stands, and the peak above it (domain_rules 5)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS
from ultracore_jobs.kernels.explained import (
    Explained,
    InputRow,
    Row,
    RowExplainer,
    row_where,
    rows_where,
    used,
)
from ultracore_jobs.kernels.formula import Formula, largest, number, rounded
from ultracore_jobs.kernels.high_water_mark import (
    CRYSTALLISATION,
    HIGH_WATER_MARKS,
    RESET,
    SPLIT,
    refused_resets,
)
from ultracore_jobs.kernels.mark_events import mark_events
from ultracore_jobs.kernels.valuation.tables import COMPLETE, VALUATIONS

_UNIT_VALUE_DIGITS = 12
_ORDER: Mapping[str, int] = {SPLIT: 0, CRYSTALLISATION: 1, RESET: 2}


def explain_marks(
    *,
    valuations: pl.DataFrame,
    previous_high_water_marks: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    high_water_marks: pl.DataFrame,
    as_of: date,
    portfolio_id: str,
) -> list[Explained]:
    """Explain mark, peak and units of one portfolio.

    Args:
        valuations: `VALUATIONS` of the day, as read by the update.
        previous_high_water_marks: `HIGH_WATER_MARKS` of the latest day before, or empty.
        ledger_decisions: `LEDGER_DECISIONS` as known then.
        high_water_marks: `HIGH_WATER_MARKS` as stored.
        as_of: The day.
        portfolio_id: Which.

    Returns:
        Nothing for a portfolio that never had a NAV.

    Source: domain_rules 5.
    """
    row = row_where(high_water_marks, portfolio_id=portfolio_id)
    if row is None:
        return []
    today = row_where(valuations, portfolio_id=portfolio_id, status=COMPLETE, as_of_date=as_of)
    before = row_where(previous_high_water_marks, portfolio_id=portfolio_id)
    everything = mark_events(ledger_decisions, previous_high_water_marks, valuations, as_of=as_of)
    allowed = everything.join(refused_resets(everything), on="event_id", how="anti")
    events = rows_where(allowed, portfolio_id=portfolio_id) if before is not None else []
    page = RowExplainer(HIGH_WATER_MARKS, row, "", None, "5")
    _explain_mark(page, today, before, sorted(events, key=_turn))
    _explain_units(page, today, before)
    seen = rows_where(everything, portfolio_id=portfolio_id)
    _explain_place(page, before, seen)
    return page.found


def _turn(event: Row) -> tuple[date, int, str]:
    return event["event_on"], _ORDER[event["kind"]], event["event_id"]


def _explain_mark(
    page: RowExplainer, today: Row | None, before: Row | None, events: list[dict[str, Any]]
) -> None:
    now = [] if today is None else [used(VALUATIONS, today, "nav_per_unit_base")]
    unit_value = [] if today is None else [number(today["nav_per_unit_base"])]
    if before is None:
        first = "the first NAV per unit sets the mark"
        page.copied("hwm_unit", now[0], how=first)
        page.copied("peak_unit", now[0], how="the first NAV per unit is the peak")
        return
    origin = used(HIGH_WATER_MARKS, before, "hwm_unit", "peak_unit")
    mark, peak = _moved(number(before["hwm_unit"]), number(before["peak_unit"]), events)
    causes = [_decision(event) for event in events]
    if events:
        kinds = ", ".join(f"{event['kind']} of {event['event_on']}" for event in events)
        page.computed("hwm_unit", mark, inputs=[origin, *causes], how=f"moved by {kinds}")
    else:
        page.copied("hwm_unit", origin, how="nothing moved it: it never follows the peak")
    if today is None and not events:
        page.copied("peak_unit", used(HIGH_WATER_MARKS, before, "peak_unit"), how="no NAV today: it stands")
        return
    page.computed(
        "peak_unit",
        largest(peak, *unit_value, mark),
        inputs=[origin, *now, *causes],
        how="the highest of the peak before, today's NAV per unit, and the mark",
    )


def _moved(mark: Formula, peak: Formula, events: list[dict[str, Any]]) -> tuple[Formula, Formula]:
    """Mark and peak after the events, each in its turn."""
    for event in events:
        mark, peak = _after(event, mark, peak)
    return mark, peak


def _after(event: Row, mark: Formula, peak: Formula) -> tuple[Formula, Formula]:
    if event["kind"] == SPLIT:
        ratio = number(event["ratio"])
        mark, peak = (rounded(each / ratio, _UNIT_VALUE_DIGITS) for each in (mark, peak))
    elif event["kind"] == RESET:
        mark = number(event["mark_unit"])
    else:
        mark = largest(mark, number(event["mark_unit"]))
    return mark, largest(peak, mark)


def _explain_units(page: RowExplainer, today: Row | None, before: Row | None) -> None:
    if today is not None:
        page.copied("units", used(VALUATIONS, today, "units"))
    elif before is not None:
        page.copied(
            "units", used(HIGH_WATER_MARKS, before, "units"), how="no NAV today: of the last COMPLETE day"
        )


def _explain_place(page: RowExplainer, before: Row | None, events: list[dict[str, Any]]) -> None:
    known = [] if before is None else [used(HIGH_WATER_MARKS, before, "ledger_seq")]
    places = [] if before is None else [before["ledger_seq"]]
    last = max([*places, *(event["seq"] for event in events)], default=0)
    page.counted(
        "ledger_seq",
        last,
        "the last place in the ledger that moved this mark; 0 for none",
        inputs=[*known, *(_decision(event) for event in events)],
    )


def _decision(event: Row) -> InputRow:
    """A reference to the decision in the ledger that moved the mark."""
    return InputRow(
        table=LEDGER_DECISIONS.name,
        key={"decision_id": event["event_id"]},
        values={name: event[name] for name in ("kind", "event_on", "mark_unit", "seq")},
        source="ledger",
    )
