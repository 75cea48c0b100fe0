"""A month's fees, whole: what is due, what stands on the ledger, and what changed (domain_rules 3, 20b)."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS
from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.errors import MissingInputError
from ultracore_jobs.kernels.fees.run import FeeRun, charge_month
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, FEE_ACCRUALS, FEE_CHARGES
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS
from ultracore_jobs_tests.fee_stage import deposit, signed
from ultracore_jobs_tests.kernels.fees.fee_books import (
    CALENDAR,
    JULY,
    JUNE,
    arrangement,
    arrangements,
    clients,
    nav,
    portfolios,
    schedule,
    schedules,
    steady,
    table,
    valuations,
)

SECOND_OF_JULY = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def run(**given: Any) -> FeeRun:
    """June of PF-1: A$600,000 on every day, consents signed, 5,000.00 in cash; or what is *given*."""
    usual: dict[str, Any] = {
        "portfolios": portfolios(),
        "clients": clients(),
        "fee_arrangements": arrangements(),
        "fee_schedules": schedules(),
        "consents": table(CONSENTS, *signed("PF-1", "A-1")),
        "valuations": steady("600000"),
        "performance_accruals": PERFORMANCE_ACCRUALS.empty(),
        "calendars": CALENDAR,
        "transactions": table(TRANSACTIONS, deposit("PF-1", "5000.00")),
        "ledger_decisions": LEDGER_DECISIONS.empty(),
        "ledger_entries": LEDGER_ENTRIES.empty(),
        "as_of": JUNE,
        "period_end": JULY,
        "known_at": SECOND_OF_JULY,
        "tenant": "acme",
    }
    found = charge_month(**(usual | given))
    conform(found.fee_charges, FEE_CHARGES)
    conform(found.fee_accruals, FEE_ACCRUALS)
    conform(found.fee_adjustments, ADJUSTMENTS)
    return found


def said(found: FeeRun) -> list[tuple[Any, ...]]:
    """Amount, status and reason of each charge."""
    return found.fee_charges.select("total", "status", "reason").rows()


def on_ledger(charges: pl.DataFrame, *, outcome: str = "POSTED", **told: str | None) -> pl.DataFrame:
    """`LEDGER_DECISIONS` with the first of *charges*, as it was decided but for what is *told*."""
    row = charges.row(0, named=True)
    payload = {
        name: None if row[name] is None else row[name] if name == "consent_ids" else str(row[name])
        for name in (
            "charge_id", "portfolio_id", "client_id", "arrangement_id", "fee_schedule_id", "fee_type",
            "period_start", "period_end", "fee_ex_gst", "gst", "total", "settled_fee_days", "consent_ids",
            "exemption_code", "reason", "mark_unit", "marked_on",
        )
    }  # fmt: skip
    decision = {
        "tenant_id": "acme", "decision_id": row["charge_id"], "kind": f"{row['fee_type']}_FEE",
        "job_id": "job_1", "as_of_date": date(2026, 7, 2), "amount": Decimal(0), "ccy": "AUD",
        "payload": json.dumps(payload | told), "batch_id": "bat_1", "outcome": outcome,
        "actor": "olga", "seq": 1, "known_at": SECOND_OF_JULY,
    }  # fmt: skip
    return pl.DataFrame([decision], schema=LEDGER_DECISIONS.schema, orient="row")


def test_the_worked_month_is_due_under_its_consents() -> None:
    """30 days of 5,600: 460.27, GST 46.03, total 506.30."""
    found = run()

    assert said(found) == [(Decimal("506.30"), "DUE", None)]
    assert found.fee_charges["consent_ids"].to_list() == [["CON-PF-1-DEDUCTION", "CON-PF-1-OFA"]]
    assert found.fee_adjustments.is_empty()


def test_a_posted_charge_keeps_its_words_and_nothing_changes() -> None:
    """Run again a month later: the consents are as they were, the row is the row that was posted."""
    first = run()

    again = run(ledger_decisions=on_ledger(first.fee_charges), known_at=datetime(2026, 8, 1, tzinfo=UTC))

    assert again.fee_charges.equals(first.fee_charges)
    assert again.fee_adjustments.is_empty()


def test_a_posted_charge_is_not_blocked_by_what_came_later() -> None:
    """The consent is withdrawn on 10 July: what was taken on the 2nd was taken with it."""
    first = run()
    gone = [{**row, "withdrawn_at": datetime(2026, 7, 10, tzinfo=UTC)} for row in signed("PF-1", "A-1")]

    again = run(
        ledger_decisions=on_ledger(first.fee_charges),
        consents=table(CONSENTS, *gone),
        known_at=datetime(2026, 8, 1, tzinfo=UTC),
    )

    assert said(again) == [(Decimal("506.30"), "DUE", None)]


def test_a_refused_charge_stays_refused() -> None:
    """Blocked for want of consent, which was signed since: its id is taken, and nobody is charged behind."""
    unsigned = run(consents=table(CONSENTS, *signed("PF-9", "A-9")))
    refused = on_ledger(unsigned.fee_charges, outcome="BLOCKED")

    again = run(ledger_decisions=refused)

    assert said(unsigned) == [(Decimal("506.30"), "BLOCKED", "BLOCKED_NO_CONSENT: NOT_SIGNED")]
    assert said(again) == said(unsigned)
    assert again.fee_adjustments.is_empty()


def test_a_posted_charge_of_a_vanished_arrangement_is_given_back() -> None:
    """The arrangement had ended on 1 June, as became known: -460.27 and -46.03, and the accrual with it."""
    first = run()
    ended = arrangements(arrangement(end_on=JUNE))

    again = run(ledger_decisions=on_ledger(first.fee_charges), fee_arrangements=ended)

    (back,) = again.fee_adjustments.select("fee_ex_gst", "gst", "total", "status", "settled_fee_days").rows()
    assert back == (Decimal("-460.27"), Decimal("-46.03"), Decimal("-506.30"), "PENDING_APPROVAL", -168000)


def test_an_adjustment_that_takes_more_needs_consent_too() -> None:
    """700,000 instead: 30 x 6,200 / 365 = 509.59; 49.32 more, GST 4.93. Without consent it is blocked."""
    first = run()
    posted = on_ledger(first.fee_charges)

    allowed = run(ledger_decisions=posted, valuations=steady("700000"))
    withdrawn = [{**row, "withdrawn_at": datetime(2026, 7, 1, tzinfo=UTC)} for row in signed("PF-1", "A-1")]
    stopped = run(ledger_decisions=posted, valuations=steady("700000"), consents=table(CONSENTS, *withdrawn))
    lower = run(ledger_decisions=posted, valuations=steady("500000"), consents=table(CONSENTS, *withdrawn))

    assert allowed.fee_adjustments.select("total", "status").rows() == [
        (Decimal("54.25"), "PENDING_APPROVAL")
    ]
    assert stopped.fee_adjustments.select("status", "reason").rows() == [
        ("BLOCKED", "BLOCKED_NO_CONSENT: WITHDRAWN")
    ]
    # 30 x 5,000 / 365 = 410.96: what is given back needs no consent.
    assert lower.fee_adjustments.select("total", "status").rows() == [(Decimal("-54.24"), "PENDING_APPROVAL")]


def test_a_schedule_changed_in_the_month_makes_two_part_charges() -> None:
    """15 days by FS-1 and 15 by FS-2, a cliff of 60 bps on 600,000: 230.14 and 147.95; two ids."""
    first = arrangement(end_on=date(2026, 6, 16))
    second = arrangement(
        "A-2", fee_schedule_id="FS-2", entered_on=date(2026, 6, 16), start_on=date(2026, 6, 16)
    )
    consents = [*signed("PF-1", "A-1"), *signed("PF-1b", "A-2")]

    found = run(
        fee_arrangements=table(FEE_ARRANGEMENTS, first, second),
        fee_schedules=schedules(schedule(), schedule("FS-2", tier_method="cliff")),
        consents=table(
            CONSENTS,
            *consents[:2],
            *({**row, "signed_on": date(2026, 6, 16), "fee_schedule_id": "FS-2"} for row in consents[2:]),
        ),
    )

    assert found.fee_charges.select("fee_ex_gst", "status").rows() == [
        (Decimal("230.14"), "DUE"),
        (Decimal("147.95"), "DUE"),
    ]
    assert found.fee_charges["charge_id"].n_unique() == 2


@pytest.mark.parametrize(
    ("cash", "status"), [("506.30", "DUE"), ("506.29", "HELD"), ("0.00", "HELD"), ("-1.00", "HELD")]
)
def test_a_fee_never_takes_cash_below_zero(cash: str, status: str) -> None:
    """506.30 from an account that holds exactly that, or a cent less."""
    found = run(transactions=table(TRANSACTIONS, deposit("PF-1", cash)))

    assert found.fee_charges["status"].item() == status


def test_two_fees_of_one_account_share_its_cash() -> None:
    """Two arrangements of 506.30 on 600.00: the first passes, the second is held."""
    two = table(FEE_ARRANGEMENTS, arrangement(), arrangement("A-2", fee_schedule_id="FS-2"))
    consents = table(
        CONSENTS,
        *signed("PF-1", "A-1"),
        *({**row, "fee_schedule_id": "FS-2"} for row in signed("PF-1b", "A-2")),
    )

    found = run(
        fee_arrangements=two,
        fee_schedules=schedules(schedule(), schedule("FS-2")),
        consents=consents,
        transactions=table(TRANSACTIONS, deposit("PF-1", "600.00")),
    )

    assert sorted(found.fee_charges["status"]) == ["DUE", "HELD"]


def test_fees_of_other_kinds_are_held_when_only_some_are_asked_for() -> None:
    """`fee_types=["performance"]`: the management fee is computed and left alone, also on the ledger."""
    found = run(fee_types=["performance"])
    posted = run(
        fee_types=["performance"], ledger_decisions=on_ledger(run().fee_charges), valuations=steady("1")
    )

    assert said(found) == [(Decimal("506.30"), "HELD", "NOT_SELECTED")]
    assert posted.fee_adjustments.is_empty()


def test_an_empty_consent_register_stops_the_run_before_anything_is_decided() -> None:
    """It would block every charge, and blame the clients."""
    with pytest.raises(
        MissingInputError, match=r"'consents' has no rows, and 1 arrangements need consent.*import"
    ):
        run(consents=CONSENTS.empty())


def test_where_nobody_needs_consent_an_empty_register_is_none() -> None:
    """A wholesale client, exempt: charged without."""
    wholesale = schedules(schedule(consent_required=False, exemption_code="WHOLESALE"))

    found = run(consents=CONSENTS.empty(), fee_schedules=wholesale, clients=clients(retail=False))

    assert said(found) == [(Decimal("506.30"), "DUE", None)]
    assert found.fee_charges["exemption_code"].to_list() == ["WHOLESALE"]


def test_a_wholesale_client_who_turns_retail_needs_consent_from_that_day() -> None:
    """The schedule is exempt, the client is not any more."""
    wholesale = schedules(schedule(consent_required=False, exemption_code="WHOLESALE"))

    found = run(consents=table(CONSENTS, *signed("PF-9", "A-9")), fee_schedules=wholesale, clients=clients())

    assert said(found) == [(Decimal("506.30"), "BLOCKED", "BLOCKED_NO_CONSENT: NOT_SIGNED")]


def test_a_month_without_a_usable_nav_is_blocked_and_its_accrual_written_back() -> None:
    """Valued to 12 June only: five business days later the NAV is too old."""
    navs = steady("600000", last=date(2026, 6, 12))

    found = run(valuations=navs)

    assert said(found) == [(None, "BLOCKED", "NO_NAV")]
    # 19 June is the fifth business day, the weekend is still its: 21 days of 5,600 are to be written back.
    assert found.fee_charges["settled_fee_days"].to_list() == [21 * 5600]


def test_a_bad_schedule_is_set_aside_and_the_others_are_charged() -> None:
    """Tiers with a gap: quarantined with a remedy; PF-1's other arrangement pays."""
    gap = schedule("FS-2", (("0", "100", "100"), ("200", None, "60")))
    two = table(FEE_ARRANGEMENTS, arrangement(), arrangement("A-2", fee_schedule_id="FS-2"))

    found = run(fee_arrangements=two, fee_schedules=schedules(schedule(), gap))

    assert found.fee_charges["arrangement_id"].to_list() == ["A-1"]
    assert found.quarantine.select("row_key", "reason").rows() == [("A-2", "TIERS_NOT_TILED")]


def test_a_negative_nav_is_charged_nothing() -> None:
    """0.00 is NOTHING_DUE (domain_rules 20b)."""
    navs = valuations(*(nav(row["as_of_date"], "-10") for row in steady("1").iter_rows(named=True)))

    assert said(run(valuations=navs)) == [(Decimal(0), "NOTHING_DUE", None)]
