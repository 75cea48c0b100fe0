"""Why each cent of a month is charged, and why it may be taken: the worked examples with their numbers."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.catalog.fees import CONSENTS
from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.kernels.explained import Explained, Kind
from ultracore_jobs.kernels.fees.explain import explain_month
from ultracore_jobs.kernels.fees.run import FeeRun, charge_month
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, FEE_ACCRUALS, FEE_CHARGES
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS
from ultracore_jobs_tests.fee_stage import deposit, signed
from ultracore_jobs_tests.kernels.explanations import by_column, require_sound
from ultracore_jobs_tests.kernels.fees.fee_books import (
    CALENDAR,
    JULY,
    JUNE,
    arrangement,
    arrangements,
    clients,
    consent,
    nav,
    portfolios,
    schedule,
    schedules,
    steady,
    table,
    valuations,
)
from ultracore_jobs_tests.kernels.fees.test_crystallisation import level, levels, pays, terms
from ultracore_jobs_tests.kernels.fees.test_run import SECOND_OF_JULY, on_ledger

MANAGEMENT = "management fee A-1, 2026-06-01 to 2026-06-30"
LAST_OF_JUNE = date(2026, 6, 30)


def run_and_explain(**changed: Any) -> tuple[FeeRun, list[Explained]]:
    """June of PF-1, A$600,000 on every day, consents signed, 5,000.00 in cash; or what is *changed*."""
    tables: dict[str, Any] = {
        "portfolios": portfolios(),
        "clients": clients(),
        "fee_arrangements": arrangements(),
        "fee_schedules": schedules(),
        "consents": table(CONSENTS, *signed("PF-1", "A-1")),
        "valuations": steady("600000").with_columns(
            pl.lit(1).cast(pl.Decimal(18, 10)).alias("aud_rate")
        ),
        "performance_accruals": PERFORMANCE_ACCRUALS.empty(),
        "transactions": table(TRANSACTIONS, deposit("PF-1", "5000.00")),
        "ledger_decisions": LEDGER_DECISIONS.empty(),
        "ledger_entries": LEDGER_ENTRIES.empty(),
        "as_of": JUNE,
        "period_end": JULY,
        "known_at": SECOND_OF_JULY,
        "tenant": "acme",
        "timezone": "Australia/Sydney",
        "hurdle_type": "hard",
        "crystallisation": "30_june",
    }  # fmt: skip
    tables |= changed
    ran = charge_month(**tables, calendars=CALENDAR)
    stored = {name: frame for name, frame in ran._asdict().items() if name != "quarantine"}
    found = explain_month(**tables, **stored, portfolio_id="PF-1", gst="0.10", estimate_tolerance_pct="0.10")
    require_sound(found, (FEE_CHARGES, FEE_ACCRUALS, ADJUSTMENTS), stored, "PF-1")
    return ran, found


def explained(**changed: Any) -> list[Explained]:
    """The explanations of `run_and_explain`."""
    return run_and_explain(**changed)[1]


def test_the_worked_month_is_told_with_its_numbers() -> None:
    """30 days of 5,600: 460.27, GST 46.03, total 506.30 (domain_rules 3.2, 3.3)."""
    charge = by_column(explained(), MANAGEMENT)

    assert charge["fee_ex_gst"].formula == "round(168000 / 365, 2) = 460.27"
    assert charge["fee_ex_gst"].rounding == "half-up, ties away from zero, to 2 decimals of AUD, once"
    assert charge["gst"].formula == "round(460.27 x 0.1, 2) = 46.03"
    assert charge["total"].formula == "460.27 + 46.03 = 506.30"
    assert charge["fee_unrounded"].formula == "round(168000 / 365, 12) = 460.27397260274"


def test_each_run_of_days_shows_its_nav_and_its_slices() -> None:
    """5 June is a Friday: three days on one NAV, 3 x 5,600 fee days."""
    weekend = by_column(explained(), "management fee A-1, 2026-06-05 to 2026-06-07")

    assert weekend["days"].formula == "days(2026-06-05, 2026-06-08) = 3"
    assert weekend["assets"].formula == "600000.00 + 0.00 = 600000.00"
    assert weekend["annual_fee"].formula == (
        "500000.00 x 100.00 / 10000 + (600000.00 - 500000.00) x 60.00 / 10000 = 5600"
    )
    assert weekend["fee_days"].formula == "5600 x 3 = 16800"


def test_a_cliff_pays_one_rate_on_all() -> None:
    """600,000 at 60 bps: 3,600.00 (domain_rules 3.1)."""
    found = explained(fee_schedules=schedules(schedule(tier_method="cliff")))

    day = by_column(found, "management fee A-1, 2026-06-01")
    assert day["annual_fee"].formula == "600000.00 x 60.00 / 10000 = 3600"


def test_a_minimum_stands_beside_the_sum() -> None:
    """A$7,300 a year is 20 a day: over 30 days 600.00, more than 460.27."""
    charge = by_column(explained(fee_schedules=schedules(schedule(annual_minimum="7300"))), MANAGEMENT)

    assert charge["settled_fee_days"].formula is not None
    assert charge["settled_fee_days"].formula.startswith("max(5600 + 5600 + ")
    assert charge["fee_ex_gst"].formula == "round(219000 / 365, 2) = 600.00"


def test_a_fee_without_a_nav_says_so() -> None:
    """No valuation at all: no amount, and no consent is asked about."""
    charge = by_column(explained(valuations=valuations()), MANAGEMENT)

    assert charge["fee_ex_gst"].kind is Kind.ABSENT
    assert charge["fee_ex_gst"].how == "NO_NAV: a day has no NAV to be charged on"
    assert charge["status"].how == "NO_NAV"


def test_assets_of_a_portfolio_in_dollars_are_converted_at_the_rate_of_the_day() -> None:
    """USD 400,000 at 1.5 are A$600,000 for a schedule in AUD."""
    dollars = steady("400000").with_columns(
        pl.lit("USD").alias("base_ccy"), pl.lit("1.5").str.to_decimal(scale=10).alias("aud_rate")
    )

    found = explained(valuations=dollars, portfolios=portfolios(base_ccy="USD"))

    day = by_column(found, "management fee A-1, 2026-06-01")
    assert day["assets"].formula == "round((400000.00 + 0.00) x 1.5, 2) = 600000.00"


def test_a_clear_charge_names_its_consents_their_lives_and_what_is_used() -> None:
    """Signed on 1 March 2026, the first anniversary: until 1 March 2027 and 150 days; 506.30 of 100,000."""
    found = explained()
    status = by_column(found, MANAGEMENT)["status"]
    gate = by_column(found, f"consents of {MANAGEMENT}")

    assert status.value == "DUE"
    assert "CON-PF-1-DEDUCTION (DEDUCTION, H-1, 2026-03-01) lives to 2027-07-29" in status.how
    assert "CON-PF-1-OFA (OFA, H-1, 2026-03-01) lives to 2027-07-29" in status.how
    assert "cash of 5,000.00 AUD on 2026-07-02 covers it" in status.how
    assert gate["live_until"].value == date(2027, 7, 29)
    assert gate["cumulative"].formula == "506.30 = 506.30"
    assert gate["consented_amount"].value == Decimal(100_000)
    assert gate["consented_amount"].how.endswith("an estimate, which charges may exceed by 10%")


@pytest.mark.parametrize(
    ("changed", "status", "why"),
    [
        ({"consents": table(CONSENTS, consent("CON-X", date(2025, 3, 1), "OFA"))}, "BLOCKED", "NOT_SIGNED"),
        (
            {"consents": table(CONSENTS, *(
                {**row, "withdrawn_at": SECOND_OF_JULY} for row in signed("PF-1", "A-1")
            ))},
            "BLOCKED",
            "withdrawn 2026-07-01 22:30 UTC",
        ),
        (
            {"consents": table(CONSENTS, *(
                {**row, "basis": "fixed", "consented_amount": Decimal(506)} for row in signed("PF-1", "A-1")
            ))},
            "BLOCKED",
            "OVER_AMOUNT",
        ),
        ({"transactions": table(TRANSACTIONS, deposit("PF-1", "506.29"))}, "HELD", "does not cover it"),
        (
            {"fee_schedules": schedules(schedule(consent_required=False, exemption_code="PRODUCT_FEE_PDS"))},
            "DUE",
            "no consent is needed: PRODUCT_FEE_PDS",
        ),
    ],
)  # fmt: skip
def test_a_charge_that_may_not_be_taken_says_why(changed: dict[str, Any], status: str, why: str) -> None:
    """Unsigned, withdrawn, used up, not covered; and one that needs no consent."""
    found = by_column(explained(**changed), MANAGEMENT)["status"]

    assert found.value == status
    assert why in found.how


def test_an_adjustment_is_the_fee_now_less_what_is_posted() -> None:
    """Posted 480.00 + 48.00, now 460.27 + 46.03: -19.73 and -1.97 (domain_rules 3.6)."""
    first, _ = run_and_explain()
    posted = on_ledger(
        first.fee_charges, fee_ex_gst="480.00", gst="48.00", total="528.00", settled_fee_days="175200"
    )

    found = explained(ledger_decisions=posted)

    adjusted = by_column(found, f"adjustment of {MANAGEMENT}")
    assert adjusted["fee_ex_gst"].formula == "460.27 - 480.00 = -19.73"
    assert adjusted["gst"].formula == "round(460.27 x 0.1, 2) - 48.00 = -1.97"
    assert adjusted["total"].formula == "-19.73 - 1.97 = -21.70"
    assert adjusted["settled_fee_days"].formula == "168000 - 175200 = -7200"
    status = by_column(found, MANAGEMENT)["status"].how
    assert status == "on the ledger since 2026-07-02, POSTED: under CON-PF-1-DEDUCTION, CON-PF-1-OFA"


def test_a_crystallised_fee_shows_its_gain_and_the_mark_it_leaves() -> None:
    """HWM 1.00, NAV 1.20, 5% over 365 days, 20%, 1,000 units: 30.00, and the mark is 1.17."""
    both = arrangements(arrangement("A-P", fee_schedule_id="FS-P", start_on=date(2025, 6, 30)))
    assert both.equals(pays())

    found = explained(
        fee_arrangements=both,
        fee_schedules=terms(),
        performance_accruals=levels(level(LAST_OF_JUNE)),
        valuations=valuations(nav(LAST_OF_JUNE, "1200", units=Decimal(1000), flow_base=Decimal(0))),
        consents=table(CONSENTS, *signed("PF-1", "A-P")),
    )

    charge = by_column(found, "performance fee A-P, 2025-07-01 to 2026-06-30")
    threshold = "max(1, round(1 x (365 + 0.05 x 365) / 365, 12))"
    assert charge["fee_ex_gst"].formula == f"round(0.2 x max(0, 1.2 - {threshold}) x 1000, 2) = 30.00"
    assert charge["mark_unit"].formula == f"max(1, 1.2 - round(0.2 x max(0, 1.2 - {threshold}), 12)) = 1.17"
    assert charge["mark_if_refused_unit"].formula == "max(1, 1.2) = 1.2"
    assert charge["total"].formula == "30.00 + 3.00 = 33.00"
    assert charge["days"].formula == "days(2025-07-01, 2026-07-01) = 365"


def test_two_charges_of_one_arrangement_add_up() -> None:
    """A schedule that ends on 15 June: its own arrangement; the amount used up is each one's own."""
    ends, begins = date(2026, 6, 16), date(2026, 6, 16)
    found = explained(
        fee_arrangements=arrangements(
            arrangement("A-1", end_on=ends), arrangement("A-2", start_on=begins, fee_schedule_id="FS-2")
        ),
        fee_schedules=schedules(schedule(), schedule("FS-2")),
        consents=table(
            CONSENTS,
            *signed("PF-1", "A-1"),
            *(
                {**row, "consent_id": f"{row['consent_id']}-2", "fee_schedule_id": "FS-2"}
                for row in signed("PF-1", "A-2")
            ),
        ),
    )

    parts = [number for number in found if (number.table, number.column) == ("fee_charges", "total")]
    used_up = [number for number in found if number.column == "cumulative"]
    assert [part.value for part in parts] == [Decimal("253.15")] * 2
    assert [number.formula for number in used_up] == ["253.15 = 253.15"] * 2
