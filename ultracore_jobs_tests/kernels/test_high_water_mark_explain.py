"""Why a mark stands where it stands: it is copied, it was moved, or it was set by the first NAV."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS
from ultracore_jobs.jobs.types.high_water_mark_update import JOB
from ultracore_jobs.kernels.explained import Explained, Kind
from ultracore_jobs.kernels.high_water_mark import HIGH_WATER_MARKS
from ultracore_jobs.kernels.high_water_mark_explain import explain_marks
from ultracore_jobs.kernels.mark_events import MARK_RESET, update_high_water_marks
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs_tests.kernels.explanations import by_column, require_sound

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)


def valued(unit_value: str | None) -> pl.DataFrame:
    """`VALUATIONS` of Tuesday: A is worth so much a unit, or has no NAV."""
    row: dict[str, Any] = {
        "as_of_date": TUESDAY, "portfolio_id": "A", "base_ccy": "AUD", "first_on": date(2026, 1, 5),
        "status": "INCOMPLETE" if unit_value is None else "COMPLETE", "units": Decimal(1000),
        "nav_per_unit_base": Decimal(unit_value or "1.05"),
    }  # fmt: skip
    return pl.DataFrame([{name: row.get(name) for name in VALUATIONS.schema}], schema=VALUATIONS.schema)


def marked(mark: str = "1", peak: str = "1.1") -> pl.DataFrame:
    """`HIGH_WATER_MARKS` of Monday."""
    row = {
        "tenant_id": "acacia", "as_of_date": MONDAY, "portfolio_id": "A", "hwm_unit": Decimal(mark),
        "peak_unit": Decimal(peak), "units": Decimal(900), "since_on": date(2026, 6, 30), "reason": "DAILY",
        "ledger_seq": 3,
    }  # fmt: skip
    return pl.DataFrame([row], schema=HIGH_WATER_MARKS.schema)


def decided(*told: dict[str, Any]) -> pl.DataFrame:
    """`LEDGER_DECISIONS` of Tuesday, from place 4 on."""
    rows = [
        {
            "tenant_id": "acacia", "decision_id": f"chg_{seq}", "kind": each.pop("kind"), "ccy": "AUD",
            "as_of_date": TUESDAY, "amount": Decimal(0), "outcome": "POSTED", "seq": seq, "job_id": "job_1",
            "batch_id": "bat_1", "actor": "olga", "payload": json.dumps({"portfolio_id": "A", **each}),
        }
        for seq, each in enumerate(told, start=4)
    ]  # fmt: skip
    filled = [{name: row.get(name) for name in LEDGER_DECISIONS.schema} for row in rows]
    return pl.DataFrame(filled, schema=LEDGER_DECISIONS.schema)


def crystallised(mark: str) -> dict[str, Any]:
    """A performance fee that left this mark behind."""
    return {"kind": "PERFORMANCE_FEE", "mark_unit": mark, "marked_on": TUESDAY.isoformat()}


def explained(
    unit_value: str | None, before: pl.DataFrame | None = None, *told: dict[str, Any]
) -> dict[str, Explained]:
    """Tuesday's explanations of A, by column; all must be sound."""
    inputs: dict[str, Any] = {
        "valuations": valued(unit_value),
        "previous_high_water_marks": HIGH_WATER_MARKS.empty() if before is None else before,
        "ledger_decisions": decided(*told),
        "as_of": TUESDAY,
    }
    stored = update_high_water_marks(**inputs, tenant="acacia")._asdict()
    found = explain_marks(**inputs, **stored, portfolio_id="A")
    require_sound(found, JOB.writes, stored, "A")
    return by_column(found)


def test_the_first_nav_sets_both() -> None:
    """And says so."""
    found = explained("1.02")

    assert (
        found["hwm_unit"].how
        == "a copy of nav_per_unit_base of valuations; the first NAV per unit sets the mark"
    )
    assert found["peak_unit"].value == Decimal("1.02")


@pytest.mark.parametrize(("unit_value", "formula"), [
    ("1.2", "max(1.1, 1.2, 1) = 1.2"),
    ("1.05", "max(1.1, 1.05, 1) = 1.1"),
])  # fmt: skip
def test_the_peak_follows_the_nav_and_the_mark_does_not(unit_value: str, formula: str) -> None:
    """The trap of domain_rules 0.3: a mark that ratchets daily would forbid every performance fee."""
    found = explained(unit_value, marked())

    assert found["peak_unit"].formula == formula
    assert found["hwm_unit"].kind is Kind.COPIED
    assert found["hwm_unit"].how.endswith("nothing moved it: it never follows the peak")
    assert found["units"].how == "a copy of units of valuations"


def test_a_crystallisation_moves_the_mark_and_is_named() -> None:
    """To NAV per unit after the fee, where that is higher."""
    found = explained("1.18", marked(), crystallised("1.17"))

    assert found["hwm_unit"].formula == "max(1, 1.17) = 1.17"
    assert found["hwm_unit"].how == "moved by CRYSTALLISATION of 2026-11-17"
    assert [row.key for row in found["hwm_unit"].inputs][1] == {"decision_id": "chg_4"}
    assert found["ledger_seq"].value == 4


def test_a_reset_needs_consent_and_an_approver() -> None:
    """With both it sets the mark; without, it moves nothing and the mark is a copy."""
    reset = {"kind": MARK_RESET, "event_on": TUESDAY.isoformat(), "mark_unit": "0.9"}
    entitled = {"consent_id": "CON-1", "approved_by": "olga"}

    assert explained("1.05", marked(), reset | entitled)["hwm_unit"].formula == "0.9 = 0.9"
    assert explained("1.05", marked(), reset)["hwm_unit"].kind is Kind.COPIED


def test_a_day_without_a_nav_leaves_both() -> None:
    """SKIPPED_NO_NAV: copies of yesterday's, and the units of the last COMPLETE day."""
    found = explained(None, marked())

    assert {found[name].kind for name in ("hwm_unit", "peak_unit", "units")} == {Kind.COPIED}
    assert found["peak_unit"].how.endswith("no NAV today: it stands")


def test_a_portfolio_without_a_mark_has_nothing_to_explain() -> None:
    """It never had a NAV."""
    assert explained(None) == {}
