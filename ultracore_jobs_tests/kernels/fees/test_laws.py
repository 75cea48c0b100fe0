"""The laws of a fee run: they hold on what the kernels make, and each break is found."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS
from ultracore_jobs.kernels.fees.charges import decide
from ultracore_jobs.kernels.fees.consent import gate_consents
from ultracore_jobs.kernels.fees.laws import (
    charges_not_accrued,
    charges_without_consent,
    duplicate_charges,
    gst_not_reconciled,
)
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE
from ultracore_jobs_tests.kernels.fees.fee_books import (
    accrued,
    arrangements,
    charged,
    clients,
    consent,
    consents,
    schedule,
    schedules,
    steady,
)

AT = datetime(2026, 7, 1, 2, tzinfo=UTC)
SIGNED = consents(consent("D", date(2025, 3, 1)), consent("O", date(2025, 3, 1), "OFA"))
WITHDRAWN = consents(consent("D", date(2025, 3, 1), withdrawn_at=AT), consent("O", date(2025, 3, 1), "OFA"))


def decided() -> pl.DataFrame:
    """June's charge of 460.27, cleared under D and O."""
    charges = charged(steady("600000"))
    outcomes = gate_consents(
        fee_charges=charges,
        fee_arrangements=arrangements(),
        fee_schedules=schedules(),
        consents=SIGNED,
        clients=clients(),
        charged=pl.DataFrame(schema={"consent_id": pl.String, "total": MONEY}),
        deducted_at=AT,
    )
    return decide(charges, outcomes)


def changed(**amounts: str) -> pl.DataFrame:
    """The charge with other amounts."""
    return decided().with_columns(
        pl.lit(Decimal(value)).cast(MONEY).alias(name) for name, value in amounts.items()
    )


@pytest.mark.parametrize("minimum", [None, "600", "600000"])
@pytest.mark.parametrize("amount", ["600000", "0", "-3.00", "0.01", "99999999.99"])
def test_what_the_kernels_make_keeps_every_law(minimum: str | None, amount: str) -> None:
    """Large, small, negative and minimum fees."""
    terms = schedules(schedule(annual_minimum=minimum))
    charges, spans = (make(steady(amount), fee_schedules=terms) for make in (charged, accrued))

    assert gst_not_reconciled(charges).is_empty()
    assert charges_not_accrued(charges, spans).is_empty()
    assert duplicate_charges(charges).is_empty()


def test_a_cleared_charge_has_its_consents() -> None:
    """Both kinds, in force at the instant; a charge blocked needs none."""
    assert charges_without_consent(decided(), SIGNED, LEDGER_DECISIONS.empty(), AT).is_empty()
    blocked = decided().with_columns(pl.lit("BLOCKED").alias("status"))
    assert charges_without_consent(blocked, WITHDRAWN, LEDGER_DECISIONS.empty(), AT).is_empty()


@pytest.mark.parametrize(
    ("known", "ids"),
    [
        (WITHDRAWN, ["D", "O"]),
        (SIGNED, []),
        (SIGNED, ["D"]),
        (SIGNED, ["O"]),
        (SIGNED, ["D", "O", "UNKNOWN"]),
    ],
)
def test_a_due_charge_without_live_consents_is_found(known: pl.DataFrame, ids: list[str]) -> None:
    """Withdrawn at the instant, missing, of one kind only, or unknown."""
    charges = decided().with_columns(pl.Series("consent_ids", [ids], dtype=pl.List(pl.String)))

    assert charges_without_consent(charges, known, LEDGER_DECISIONS.empty(), AT).height == 1
    exempt = charges.with_columns(pl.lit("WHOLESALE").alias("exemption_code"))
    assert charges_without_consent(exempt, known, LEDGER_DECISIONS.empty(), AT).is_empty()


@pytest.mark.parametrize(
    "amounts",
    [
        {"gst": "46.02", "total": "506.29"},
        {"gst": "46.04", "total": "506.31"},
        {"total": "506.31"},
        # Of 460.25 GST is 46.025: half a cent goes up.
        {"fee_ex_gst": "460.25", "gst": "46.02", "total": "506.27"},
    ],
)
def test_gst_a_cent_off_is_found(amounts: dict[str, Any]) -> None:
    """Or a total that is not the sum."""
    assert gst_not_reconciled(changed(**amounts)).height == 1


def test_gst_of_a_tie_goes_up() -> None:
    """460.25 x 10% = 46.025: 46.03."""
    assert gst_not_reconciled(changed(fee_ex_gst="460.25", gst="46.03", total="506.28")).is_empty()


@pytest.mark.parametrize("fee", ["460.26", "460.28"])
def test_a_fee_a_cent_off_its_accruals_is_found(fee: str) -> None:
    """And so is one that settles more than has accrued."""
    spans = accrued(steady("600000"))

    assert charges_not_accrued(changed(fee_ex_gst=fee), spans).height == 1
    more = decided().with_columns(
        (pl.col("settled_fee_days") + pl.lit(1).cast(ANNUAL_FEE)).alias("settled_fee_days")
    )
    assert charges_not_accrued(more, spans).height == 1
    assert charges_not_accrued(decided(), spans.head(3)).height == 1


def test_a_charge_due_twice_is_found() -> None:
    """Both rows are shown."""
    assert duplicate_charges(pl.concat([decided(), decided()])).height == 2
