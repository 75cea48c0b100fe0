"""What the ledger says about fees: decisions as typed rows, and their cash among the transactions."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.kernels.fees.posted import fees_in_ledger, with_fee_cash
from ultracore_jobs_tests.kernels.fees.fee_books import portfolios, table

POSTED_ON = date(2026, 7, 3)


def decision(name: str = "chg_1", **columns: Any) -> dict[str, Any]:
    """June's charge of PF-1, posted on 3 July, unless the columns say otherwise."""
    told = {
        "charge_id": name, "portfolio_id": "PF-1", "arrangement_id": "A-1", "fee_type": "MANAGEMENT",
        "period_start": "2026-06-01", "period_end": "2026-07-01", "fee_ex_gst": "460.27", "gst": "46.03",
        "total": "506.30", "settled_fee_days": "168000.000000000001", "consent_ids": ["C-1"],
    }  # fmt: skip
    row = {
        "decision_id": name, "kind": "MANAGEMENT_FEE", "job_id": "job_1", "as_of_date": POSTED_ON,
        "amount": Decimal("506.30"), "ccy": "AUD", "payload": json.dumps(told), "batch_id": "B-1",
        "outcome": "POSTED", "actor": "someone", "seq": 1,
    }  # fmt: skip
    return row | columns


def entry(number: int, account: str, amount: str) -> dict[str, Any]:
    """One side of that charge."""
    return {
        "entry_id": f"chg_1:{number}", "decision_id": "chg_1", "kind": "MANAGEMENT_FEE", "ccy": "AUD",
        "as_of_date": POSTED_ON, "account": account, "amount": Decimal(amount), "seq": 1,
        "known_at": datetime(2026, 7, 4, tzinfo=UTC),
    }  # fmt: skip


def test_a_decision_is_read_with_its_types() -> None:
    """Money and days come out of the text exactly; keys that were not told are null."""
    (fee,) = fees_in_ledger(table(LEDGER_DECISIONS, decision())).to_dicts()

    assert (fee["total"], fee["settled_fee_days"]) == (Decimal("506.30"), Decimal("168000.000000000001"))
    assert (fee["period_end"], fee["consent_ids"]) == (date(2026, 7, 1), ["C-1"])
    assert (fee["mark_unit"], fee["marked_on"], fee["outcome"]) == (None, None, "POSTED")


def test_decisions_come_in_ledger_order_up_to_the_day_and_about_fees_only() -> None:
    """An order is no fee, and what was decided about 4 July is not known on the 3rd."""
    decisions = table(
        LEDGER_DECISIONS,
        decision("chg_2", seq=2),
        decision("chg_1"),
        decision("chg_3", seq=3, as_of_date=date(2026, 7, 4)),
        decision("ord_1", seq=4, kind="ORDER", payload="{}"),
    )

    assert fees_in_ledger(decisions, upto=POSTED_ON)["decision_id"].to_list() == ["chg_1", "chg_2"]


def test_no_decision_is_no_row() -> None:
    """An empty ledger has the same columns."""
    nothing = fees_in_ledger(LEDGER_DECISIONS.empty())

    assert nothing.schema == fees_in_ledger(table(LEDGER_DECISIONS, decision())).schema


def test_cash_that_a_fee_took_is_a_transaction_of_its_day() -> None:
    """Only the client's side counts; it is no external flow."""
    entries = table(
        LEDGER_ENTRIES, entry(1, "cash:PF-1", "-506.30"), entry(2, "fee_income:MANAGEMENT", "506.30")
    )

    booked = with_fee_cash(TRANSACTIONS.empty(), entries, portfolios(), TRANSACTIONS)

    conform(booked, TRANSACTIONS)
    assert booked.select(
        "transaction_id", "client_id", "type", "trade_on", "amount", "external_flow"
    ).rows() == [("chg_1:1", "C-1", "FEE", POSTED_ON, Decimal("-506.30"), False)]


def test_books_without_fees_are_the_books() -> None:
    """Nothing is added."""
    books = TRANSACTIONS.empty()

    assert with_fee_cash(books, LEDGER_ENTRIES.empty(), portfolios(), TRANSACTIONS).equals(books)
