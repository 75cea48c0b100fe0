"""An adjustment as formulas: what the charge should be, less what is posted for it with its adjustments."""

from typing import Any

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
from ultracore_jobs.kernels.fees.explain_month import Month, label_of
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, FEE_CHARGES
from ultracore_jobs.kernels.formula import Formula, number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS

_RULE = "3.6"


def explain_adjustments(month: Month) -> list[Explained]:
    """Explain each adjustment of the month.

    Source: domain_rules 3.6. Posted 100.00 + 10.00, now 98.00: -2.00 and -0.20.
    """
    found: list[Explained] = []
    for row in month.fee_adjustments.iter_rows(named=True):
        page = RowExplainer(ADJUSTMENTS, row, f"adjustment of {label_of(row)}", row["ccy"], _RULE)
        charge = row_where(month.fee_charges, charge_id=row["charge_id"])
        posted = rows_where(month.fees, charge_id=row["charge_id"], outcome="POSTED")
        _explain(page, month, charge, posted)
        found += page.found
    return found


def _explain(page: RowExplainer, month: Month, charge: Row | None, posted: list[dict[str, Any]]) -> None:
    new = number(0) if charge is None else number(charge["fee_ex_gst"])
    carried = number(0) if charge is None else number(charge["settled_fee_days"])
    tax = rounded(new * number(month.gst), MINOR_DIGITS[page.row["ccy"]])
    now = [] if charge is None else [used(FEE_CHARGES, charge, "fee_ex_gst", "gst", "settled_fee_days")]
    inputs = [*now, *(_posting(fee) for fee in posted)]
    gone = "" if charge is not None else "; the charge is not computed any more, and is given back whole"
    fee, days = _less(new, posted, "fee_ex_gst"), _less(carried, posted, "settled_fee_days")
    page.computed("fee_ex_gst", fee, inputs=inputs, how=f"the fee now less what is posted{gone}")
    page.computed("gst", _less(tax, posted, "gst"), inputs=inputs, how="GST on the fee now less GST posted")
    page.computed(
        "total",
        page.number("fee_ex_gst") + page.number("gst"),
        inputs=[page.itself("fee_ex_gst", "gst")],
        how="below zero it is given back",
    )
    page.computed("settled_fee_days", days, inputs=inputs, how="accrual settled now less that posted")
    page.decided("status", page.row["reason"] or "it waits for a person: what is posted is never edited")


def _less(now: Formula, posted: list[dict[str, Any]], column: str) -> Formula:
    before = total(number(fee[column]) for fee in posted)
    return now - before


def _posting(fee: Row) -> InputRow:
    return InputRow(
        table=LEDGER_DECISIONS.name,
        key={"decision_id": fee["decision_id"]},
        values={name: fee[name] for name in ("fee_ex_gst", "gst", "settled_fee_days")},
        source="ledger",
    )
