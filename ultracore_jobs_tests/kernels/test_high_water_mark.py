"""Peaks and marks: what moves each of them, and what does not."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.high_water_mark import (
    HIGH_WATER_MARKS,
    MARK_EVENTS,
    HwmMethod,
    marks_not_kept,
    refused_resets,
    rescale_marks,
    update_marks,
)
from ultracore_jobs.kernels.valuation import VALUATIONS

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
PER_UNIT = st.integers(1, 10**13).map(lambda whole: Decimal(whole).scaleb(-12))


def values(day: date = TUESDAY, **per_unit: Decimal | str | None) -> pl.DataFrame:
    """NAV per unit of each portfolio; None is INCOMPLETE and repeats its memory."""
    rows = [
        {
            "as_of_date": day, "portfolio_id": name, "status": "COMPLETE" if value else "INCOMPLETE",
            "nav_per_unit_base": Decimal(value or 9), "units": Decimal(1000),
        }
        for name, value in per_unit.items()
    ]  # fmt: skip
    filled = [{name: row.get(name) for name in VALUATIONS.schema} for row in rows]
    return pl.DataFrame(filled, schema=VALUATIONS.schema)


def event(kind: str, portfolio_id: str = "A", **columns: Any) -> dict[str, Any]:
    """Something that moves a mark on Tuesday."""
    return {
        "event_id": f"{kind}-{portfolio_id}",
        "seq": 1,
        "kind": kind,
        "portfolio_id": portfolio_id,
        "event_on": TUESDAY,
        **columns,
    }


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    """`MARK_EVENTS`."""
    filled = [{name: row.get(name) for name in MARK_EVENTS.schema} for row in rows]
    return conform(pl.DataFrame(filled, schema=MARK_EVENTS.schema, orient="row"), MARK_EVENTS)


def marked(
    before: pl.DataFrame, now: pl.DataFrame, *moves: dict[str, Any], day: date = TUESDAY
) -> pl.DataFrame:
    """`HIGH_WATER_MARKS` of a day."""
    found = update_marks(
        previous_high_water_marks=before, valuations=now, mark_events=events(*moves), as_of=day, tenant="acme"
    )
    return conform(found, HIGH_WATER_MARKS)


def first(**per_unit: Decimal | str | None) -> pl.DataFrame:
    """Marks of Monday, the first day."""
    return marked(HIGH_WATER_MARKS.empty(), values(MONDAY, **per_unit), day=MONDAY)


def both(marks: pl.DataFrame) -> list[tuple[Decimal, Decimal, str]]:
    """Mark, peak and reason."""
    return marks.select("hwm_unit", "peak_unit", "reason").rows()


def test_the_first_nav_sets_both() -> None:
    """And says since when."""
    marks = first(A="1.00")

    assert both(marks) == [(Decimal(1), Decimal(1), "DAILY")]
    assert marks["since_on"].item() == MONDAY


def test_a_gain_raises_the_peak_and_not_the_mark() -> None:
    """If the mark followed, no performance fee could ever be earned (trap 3)."""
    assert both(marked(first(A="1.00"), values(A="1.20"))) == [(Decimal(1), Decimal("1.20"), "DAILY")]


def test_a_loss_moves_neither() -> None:
    """From 1.00 to 0.80."""
    assert both(marked(first(A="1.00"), values(A="0.80"))) == [(Decimal(1), Decimal(1), "DAILY")]


def test_an_incomplete_day_is_skipped_and_values_stand() -> None:
    """Its valuation repeats a NAV per unit of earlier, which is not one of today."""
    assert both(marked(first(A="1.00"), values(A=None))) == [(Decimal(1), Decimal(1), "SKIPPED_NO_NAV")]
    assert both(marked(first(A="1.00"), values(MONDAY, A="2"))) == [
        (Decimal(1), Decimal(1), "SKIPPED_NO_NAV")
    ]


def test_a_portfolio_that_never_had_a_nav_has_no_mark() -> None:
    """Nothing is made up."""
    assert first(A=None).is_empty()


def test_crystallisation_raises_the_mark_to_nav_after_the_fee() -> None:
    """1.20 less a fee of 0.03: the mark is 1.17 from that day on."""
    marks = marked(first(A="1.00"), values(A="1.17"), event("CRYSTALLISATION", mark_unit=Decimal("1.17")))

    assert both(marks) == [(Decimal("1.17"), Decimal("1.17"), "CRYSTALLISATION")]
    assert marks["since_on"].item() == TUESDAY


def test_crystallisation_below_the_mark_leaves_it() -> None:
    """max(hwm, NAV per unit after the fee), and the hurdle starts anew."""
    marks = marked(first(A="1.00"), values(A="0.90"), event("CRYSTALLISATION", mark_unit=Decimal("0.90")))

    assert both(marks) == [(Decimal(1), Decimal(1), "CRYSTALLISATION")]
    assert marks["since_on"].item() == TUESDAY


def test_a_split_divides_mark_and_peak() -> None:
    """Two units for one: 1.00 and 1.20 become 0.50 and 0.60."""
    risen = marked(first(A="1.00"), values(A="1.20"))

    marks = marked(risen, values(A="0.55"), event("SPLIT", ratio=Decimal(2)))

    assert both(marks) == [(Decimal("0.50"), Decimal("0.60"), "SPLIT")]
    assert marks["since_on"].item() == MONDAY


def test_an_authorised_reset_lowers_the_mark_and_not_the_peak() -> None:
    """With the client's consent and an approver."""
    allowed: dict[str, Any] = {"mark_unit": Decimal("0.80"), "consent_id": "C-1", "approved_by": "ops"}

    marks = marked(first(A="1.00"), values(A="0.80"), event("RESET", **allowed))

    assert both(marks) == [(Decimal("0.80"), Decimal(1), "RESET")]


@pytest.mark.parametrize("missing", ["mark_unit", "consent_id", "approved_by"])
def test_a_reset_nobody_was_entitled_to_moves_nothing(missing: str) -> None:
    """It is reported instead."""
    columns: dict[str, Any] = {
        "mark_unit": Decimal("0.80"),
        "consent_id": "C-1",
        "approved_by": "ops",
        missing: None,
    }
    reset = event("RESET", **columns)

    assert both(marked(first(A="1.00"), values(A="0.80"), reset)) == [(Decimal(1), Decimal(1), "DAILY")]
    assert refused_resets(events(reset))["event_id"].to_list() == ["RESET-A"]


def test_events_apply_in_the_order_of_their_days() -> None:
    """Crystallised at 1.20 on Monday, split in two on Tuesday: 0.60. The other portfolio is not touched."""
    moves = [
        event("SPLIT", ratio=Decimal(2)),
        event("CRYSTALLISATION", mark_unit=Decimal("1.20"), event_on=MONDAY),
    ]

    marks = marked(first(A="1.00", B="3"), values(A="0.61", B="3"), *moves)

    assert both(marks) == [(Decimal("0.60"), Decimal("0.61"), "SPLIT"), (Decimal(3), Decimal(3), "DAILY")]


def test_a_split_counts_on_a_day_without_a_nav() -> None:
    """The marks are per unit, whether or not units have a value that day."""
    assert both(marked(first(A="1.00"), values(A=None), event("SPLIT", ratio=Decimal(4)))) == [
        (Decimal("0.25"), Decimal("0.25"), "SPLIT")
    ]


@settings(max_examples=20, deadline=None)
@given(
    start=PER_UNIT,
    days=st.lists(st.tuples(st.one_of(st.none(), PER_UNIT), st.booleans()), min_size=1, max_size=6),
)
def test_peaks_and_marks_never_fall_and_no_peak_is_below_its_mark(
    start: Decimal, days: list[tuple[Decimal | None, bool]]
) -> None:
    """Any values and crystallisations; without one the mark stays; a day done twice changes nothing."""
    marks = first(A=start)
    for value, is_crystallised in days:
        moves = [event("CRYSTALLISATION", mark_unit=value)] if is_crystallised and value else []
        after = marked(marks, values(A=value), *moves)
        assert after["peak_unit"].item() >= max(marks["peak_unit"].item(), value or Decimal(0))
        assert after["hwm_unit"].item() >= marks["hwm_unit"].item()
        assert after["peak_unit"].item() >= after["hwm_unit"].item()
        if not moves:
            assert after["hwm_unit"].item() == marks["hwm_unit"].item()
        assert marks_not_kept(after, marks, events(*moves)).is_empty()
        again = marked(after, values(A=value), *moves)
        assert again.drop("reason").equals(after.drop("reason"))
        marks = after


def rescaled(
    hwm: Any, nav: Any, flow: Any, method: HwmMethod = "unitised"
) -> tuple[Decimal | None, str | None]:
    """The mark after a flow, and why there is none."""
    frame = pl.DataFrame(
        {"hwm_base": [Decimal(hwm)], "nav_base": [Decimal(nav)], "flow_base": [Decimal(flow)]},
        schema=dict.fromkeys(("hwm_base", "nav_base", "flow_base"), MONEY),
    )
    row = rescale_marks(frame, method=method).row(0, named=True)
    return row["rescaled_hwm_base"], row["rescale_reason"]


def test_the_worked_example_of_both_methods() -> None:
    """HWM 1,000, NAV 800, +400: 1,500.00 unitised, 1,400.00 dollar."""
    assert rescaled(1000, 800, 400) == (Decimal(1500), None)
    assert rescaled(1000, 800, 400, "dollar") == (Decimal(1400), None)


def test_a_withdrawal_scales_by_both_methods() -> None:
    """Half of 800 leaves: the mark of 1,000 is 500."""
    assert rescaled(1000, 800, -400) == rescaled(1000, 800, -400, "dollar") == (Decimal(500), None)


def test_a_mark_without_a_nav_to_scale_by_is_null_with_a_reason() -> None:
    """A contribution by the dollar method needs none."""
    assert rescaled(1000, 0, 400) == (None, "NAV_NOT_POSITIVE")
    assert rescaled(1000, -5, -400, "dollar") == (None, "NAV_NOT_POSITIVE")
    assert rescaled(1000, 100, -400) == (None, "OVER_WITHDRAWN")
    assert rescaled(1000, 0, 400, "dollar") == (Decimal(1400), None)


@settings(max_examples=60, deadline=None)
@given(hwm=st.integers(1, 10**10), nav=st.integers(1, 10**10), share=st.integers(-99, 1000))
def test_unitised_flows_keep_the_ratio_of_mark_to_nav(hwm: int, nav: int, share: int) -> None:
    """HWM/NAV before and after are one, to the 12 decimals the mark is kept to."""
    mark, value, flow = (Decimal(each).scaleb(-2) for each in (hwm, nav, nav * share // 100))

    after, _ = rescaled(mark, value, flow)

    assert after is not None
    assert abs(after * value - mark * (value + flow)) <= value * Decimal("0.5e-12")
