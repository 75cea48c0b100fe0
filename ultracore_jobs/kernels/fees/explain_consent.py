"""Why a charge may be taken, or not: its consents, how long they live, what is used of them, and the cash."""

from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog.fees import CONSENTS
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
from ultracore_jobs.kernels.fees.consent import REASONS, gate_consents
from ultracore_jobs.kernels.fees.consent_life import GRACE_DAYS, consent_lives
from ultracore_jobs.kernels.fees.explain_month import Month, label_of
from ultracore_jobs.kernels.fees.settlement import CASH_SHORT, cash_of
from ultracore_jobs.kernels.fees.standing import charged_under
from ultracore_jobs.kernels.fees.tables import CLEARED, CONSENT_OUTCOMES, DUE, FEE_CHARGES, NOTHING_DUE
from ultracore_jobs.kernels.formula import number, total

_RULE = "3.5"
_DEDUCTION = "DEDUCTION"


def explain_consents(month: Month) -> list[Explained]:
    """Explain the status of each charge, and the amounts of the consents it rests on.

    The gate is asked again, with what was known then. Its outcome is not stored; the status is.

    Source: domain_rules 3.5.
    """
    outcomes = _ask_again(month)
    lives = consent_lives(
        month.consents, month.fee_arrangements, deducted_at=month.known_at, timezone=month.timezone
    )
    found: list[Explained] = []
    for charge in month.fee_charges.iter_rows(named=True):
        outcome = row_where(outcomes, charge_id=charge["charge_id"], arrangement_id=charge["arrangement_id"])
        page = month.page_of(charge)
        signed = rows_where(lives, arrangement_id=charge["arrangement_id"])
        inputs = [used(CONSENTS, row, "kind", "holder_id", "signed_on", "withdrawn_at") for row in signed]
        page.decided("status", _why(month, charge, outcome, signed), inputs=inputs, source=_RULE)
        found += page.found
        if outcome is not None:
            found += _explain_outcome(month, charge, outcome, signed, outcomes)
    return found


def _ask_again(month: Month) -> pl.DataFrame:
    """What the gate said of the charges it was asked about: those that were due and not on the ledger."""
    known = pl.concat([month.standing.posted["charge_id"], month.standing.refused["charge_id"]]).implode()
    by_gate = pl.col("reason").str.starts_with("BLOCKED_") | pl.col("reason").str.starts_with("HELD_")
    asked = month.fee_charges.filter(
        ((pl.col("status") == DUE) | by_gate.fill_null(value=False)) & ~pl.col("charge_id").is_in(known)
    ).with_columns(pl.lit(DUE).alias("status"))
    return gate_consents(
        fee_charges=asked,
        fee_arrangements=month.fee_arrangements,
        fee_schedules=month.fee_schedules,
        consents=month.consents,
        clients=month.clients,
        charged=charged_under(month.fees),
        deducted_at=month.known_at,
        timezone=month.timezone,
        estimate_tolerance_pct=month.tolerance,
    )


def _why(month: Month, charge: Row, outcome: Row | None, signed: list[dict[str, Any]]) -> str:
    """The status of a charge, in words."""
    if charge["status"] == NOTHING_DUE:
        return "the fee is 0: there is nothing to take"
    on_ledger = row_where(
        month.fees, decision_id=charge["charge_id"], arrangement_id=charge["arrangement_id"]
    )
    if on_ledger is not None:
        said = on_ledger["reason"] or f"under {_names(on_ledger)}"
        return f"on the ledger since {on_ledger['as_of_date']}, {on_ledger['outcome']}: {said}"
    if outcome is None:
        return str(charge["reason"])
    if outcome["exemption_code"] is not None:
        law = f"no consent is needed: {outcome['exemption_code']}"
    elif outcome["outcome"] == CLEARED:
        law = f"cleared at {month.known_at:%Y-%m-%d %H:%M} UTC: {_lives(signed, outcome['consent_ids'])}"
    else:
        ids = [row["consent_id"] for row in signed]
        reason = REASONS.get(outcome["reason"], "")
        law = (
            f"{outcome['outcome']}, {outcome['reason']}: {reason}; {_lives(signed, ids) or 'none is signed'}"
        )
    return f"{law}; {_cash(month, charge)}" if outcome["outcome"] == CLEARED else law


def _names(fee: Row) -> str:
    ids = fee["consent_ids"] or ()
    return ", ".join(ids) or f"exemption {fee['exemption_code']}"


def _lives(signed: list[dict[str, Any]], ids: list[str]) -> str:
    """Each consent with its life: until an anniversary and 150 days more."""
    told = []
    for row in signed:
        if row["consent_id"] not in ids:
            continue
        state = f"lives to {row['live_until']}"
        if row["is_void"]:
            state = "void, signed after the one before it ended"
        elif row["is_withdrawn"]:
            state = f"withdrawn {row['withdrawn_at']:%Y-%m-%d %H:%M} UTC"
        told.append(f"{row['consent_id']} ({row['kind']}, {row['holder_id']}, {row['signed_on']}) {state}")
    return ", ".join(told)


def _cash(month: Month, charge: Row) -> str:
    """Whether the cash covers it, the smallest charges of an account first served."""
    held = row_where(
        cash_of(month.moves.filter(pl.col("trade_on") <= month.on)),
        portfolio_id=charge["portfolio_id"],
        ccy=charge["ccy"],
    )
    cash = Decimal(0) if held is None else held["cash"]
    verb = "does not cover it" if CASH_SHORT in (charge["reason"] or "") else "covers it"
    return f"cash of {cash:,.2f} {charge['ccy']} on {month.on} {verb}, smallest charges first"


def _explain_outcome(
    month: Month, charge: Row, outcome: Row, signed: list[dict[str, Any]], outcomes: pl.DataFrame
) -> list[Explained]:
    page = RowExplainer(CONSENT_OUTCOMES, outcome, f"consents of {label_of(charge)}", charge["ccy"], _RULE)
    latest = {(row["kind"], row["holder_id"]): row for row in signed if row["is_signed"]}
    live = [row for row in latest.values() if _stands(row, month)]
    binding = [row for row in live if row["kind"] == _DEDUCTION]
    if outcome["live_until"] is not None:
        how = f"the first of its consents to end: an anniversary and {GRACE_DAYS} days more"
        page.decided("live_until", how, inputs=[used(CONSENTS, row, "kind", "signed_on") for row in live])
    if not binding:
        page.absent("consented_amount", "no consent to the deduction stands")
        page.absent("cumulative", "no consent to the deduction stands")
        return page.found
    least = min(binding, key=_amount)
    page.copied(
        "consented_amount", used(CONSENTS, least, "consented_amount", "basis"), how=_limit(least, month)
    )
    before = max((_charged(month, row["consent_id"]) for row in binding), key=_sum_of)
    with_it = _taken(month, outcome, outcomes)
    page.computed(
        "cumulative",
        total(number(fee["total"]) for fee in (*before, *with_it)),
        inputs=[*(_posting(fee) for fee in before), *(used(FEE_CHARGES, row, "total") for row in with_it)],
        how="charged under it before, and by this run in order of period, GST included",
    )
    return page.found


def _stands(consent: Row, month: Month) -> bool:
    is_dead = consent["is_void"] or consent["is_withdrawn"] or consent["live_until"] < month.on
    return not is_dead


def _amount(consent: Row) -> Decimal:
    amount: Decimal = consent["consented_amount"]
    return amount


def _limit(consent: Row, month: Month) -> str:
    if consent["basis"] == "fixed":
        return "a fixed amount"
    return f"an estimate, which charges may exceed by {month.tolerance:.0%}"


def _charged(month: Month, consent_id: str) -> list[dict[str, Any]]:
    """What the ledger has charged under a consent."""
    return month.fees.filter(
        pl.col("outcome") == "POSTED", pl.col("consent_ids").list.contains(consent_id)
    ).to_dicts()


def _sum_of(fees: list[dict[str, Any]]) -> Decimal:
    return sum((fee["total"] for fee in fees), Decimal(0))


def _taken(month: Month, outcome: Row, outcomes: pl.DataFrame) -> list[dict[str, Any]]:
    """The charges of an arrangement that use its amount up, this one last if it passes.

    What was decided before amounts are asked about, such as an exemption, uses nothing up.
    """
    by_amount = {None, "OVER_AMOUNT", "OVER_ESTIMATE"}
    if outcome["exemption_code"] is not None or outcome["reason"] not in by_amount:
        return []
    cleared = outcomes.filter(
        (pl.col("outcome") == CLEARED)
        & pl.col("exemption_code").is_null()
        & (pl.col("arrangement_id") == outcome["arrangement_id"])
    )
    order = ("period_end", "period_start", "charge_id")
    charges = month.fee_charges.sort(order)
    turns = {charge_id: turn for turn, charge_id in enumerate(charges["charge_id"])}
    passed = charges.filter(pl.col("charge_id").is_in(cleared["charge_id"].implode())).to_dicts()
    return [row for row in passed if turns[row["charge_id"]] <= turns[outcome["charge_id"]]]


def _posting(fee: Row) -> InputRow:
    """A reference to what the ledger has posted."""
    return InputRow(
        table=LEDGER_DECISIONS.name,
        key={"decision_id": fee["decision_id"]},
        values={"total": fee["total"]},
        source="ledger",
    )
