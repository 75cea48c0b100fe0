"""A month ends: fees are decided, wait, are approved by another person, and are posted once."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ultracore_jobs_tests.flows.conftest import Installed
from ultracore_jobs_tests.flows.test_business_day import newest_file

MONTH_END, JUNE = "2026-06-30", "2026-06-01"
"""A Tuesday, and the day on which performance fees crystallise."""


@pytest.fixture(scope="module")
def june(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installed, dict[str, Any]]:
    """`ultracore-jobs demo` on the last business day of June, with 30 portfolios a tenant."""
    installed = Installed(tmp_path_factory.mktemp("june"))
    document = json.loads(installed.run("demo", "--date", MONTH_END, "--portfolios", "30", "--json"))
    return installed, document


def fees(document: dict[str, Any], tenant: str = "acacia") -> dict[str, Any]:
    """The fee job of a tenant."""
    found = (job for job in document["jobs"] if job["job_type"] == "fee_charging")
    return next(job for job in found if job["tenant"] == tenant)


def charges(installed: Installed, tenant: str = "acacia") -> pl.DataFrame:
    """The charges of June."""
    return pl.read_parquet(newest_file(installed.lake, tenant, "fee_charges", JUNE))


@pytest.mark.slow
def test_the_last_business_day_decides_the_months_fees(june: tuple[Installed, dict[str, Any]]) -> None:
    """Valued on every session of June, charged for 30 days; the batch waits, and says what is stopped."""
    installed, document = june
    done = fees(document)
    decided = charges(installed)

    assert done["status"] == "AWAITING_APPROVAL"
    assert done["result"]["awaiting_approval"] > 20
    assert set(decided.filter(pl.col("fee_type") != "PERFORMANCE")["days"]) == {30}
    due = decided.filter(pl.col("status") == "DUE")
    assert done["result"]["total_amount"] == str(due.filter(pl.col("ccy") == "AUD")["total"].sum())
    stopped = done["result"]["stopped_by_reason"]
    assert "BLOCKED_NO_CONSENT: NOT_SIGNED" in stopped, "planted: nobody signed"
    assert "BLOCKED_NO_CONSENT: EXPIRED" in stopped, "planted: never renewed"
    assert "BLOCKED_OVER_CONSENT: OVER_AMOUNT" in stopped, "planted: consented to 1.00"
    assert "NO_NAV" in stopped, "planted: holds the suspended instrument"


@pytest.mark.slow
def test_what_the_valuation_accrued_is_what_is_charged(june: tuple[Installed, dict[str, Any]]) -> None:
    """The memory of 30 June and the charge of June, apart computed, agree to the last digit."""
    installed, _ = june
    memory = pl.read_parquet(newest_file(installed.lake, "acacia", "fee_memory", MONTH_END))
    both = (
        charges(installed)
        .filter(pl.col("status") == "DUE")
        .join(memory, on=["arrangement_id", "period_start"], suffix="_remembered")
    )

    assert both.height > 20
    assert both.filter(pl.col("settled_fee_days") != pl.col("period_fee_days")).is_empty()


@pytest.mark.slow
def test_another_person_approves_and_the_receipts_show(june: tuple[Installed, dict[str, Any]]) -> None:
    """Who ran the demo may not approve. Olga may; a second time adds nothing; the ledger holds the total."""
    installed, document = june
    batch_id = fees(document)["result"]["batch_id"]
    waiting = json.loads(installed.run("approvals", "list", "--json"))
    asked_by = next(batch["requested_by"] for batch in waiting if batch["batch_id"] == batch_id)

    refused = installed.run_whole("approvals", "approve", batch_id, "--name", asked_by.partition(":")[2])
    shown = installed.run("approvals", "show", batch_id)
    once = json.loads(installed.run("approvals", "approve", batch_id, "--name", "Olga Petrov", "--json"))
    again = json.loads(installed.run("approvals", "approve", batch_id, "--name", "Olga Petrov", "--json"))
    receipts = installed.run("approvals", "approve", batch_id, "--name", "Olga Petrov")

    assert refused.returncode == 1
    assert "another person" in refused.stderr
    assert "MANAGEMENT_FEE" in shown
    assert "NOT_SIGNED" in shown
    decided = charges(installed)
    posted = decided.filter((pl.col("status") == "DUE") & (pl.col("fee_type") == "MANAGEMENT"))
    row = next(line.split() for line in receipts.splitlines() if "POSTED   MANAGEMENT_FEE" in line)
    assert int(row[-2].replace(",", "")) == posted.height
    assert once["outcome"] == "COMPLETED"
    assert once["state"] == "APPLIED"
    assert once["applied"] == again["applied"] == fees(document)["result"]["awaiting_approval"]
    left = json.loads(installed.run("approvals", "list", "--json"))
    assert batch_id not in {batch["batch_id"] for batch in left}
    rehearsed = json.loads(
        installed.run("run", "fee_charging", "--tenant", "acacia", "--date", MONTH_END, "--dry-run", "--json")
    )
    assert {table["would"] for table in rehearsed["tables"]} == {"stay"}
    assert all(row["asks"] == "HOLD" for row in rehearsed["effects"])
    held = decided.filter(pl.col("status") == "HELD").height
    assert sum(row["decisions"] for row in rehearsed["effects"]) == held


@pytest.mark.slow
def test_the_jobs_of_the_month_replay(june: tuple[Installed, dict[str, Any]]) -> None:
    """Fees read a month of valuations and the ledger: pinned, and the same again after they were posted."""
    installed, document = june

    for job in document["jobs"][-3:]:
        replayed = json.loads(installed.run("replay", job["job_id"], "--json"))
        assert replayed["agrees"], replayed


@pytest.mark.slow
def test_frozen_the_other_tenants_batch_stays_until_released(june: tuple[Installed, dict[str, Any]]) -> None:
    """Banksia's batch is approved while effects are frozen: nothing is posted; released, it is."""
    installed, document = june
    batch_id = fees(document, "banksia")["result"]["batch_id"]
    frozen = json.loads(
        installed.run("freeze", "now", "--reason", "the bank is down", "--name", "zoe", "--json")
    )

    stopped = json.loads(installed.run("approvals", "approve", batch_id, "--name", "olga", "--json"))
    listed = installed.run("freeze", "list")
    installed.run("freeze", "release", frozen["freeze_id"], "--name", "zoe", "--note", "it is up again")
    posted = json.loads(installed.run("approvals", "approve", batch_id, "--name", "olga", "--json"))

    assert (stopped["outcome"], stopped["applied"]) == ("FROZEN", 0)
    assert "the bank is down" in stopped["why"]
    assert "the bank is down" in listed
    assert posted["outcome"] == "COMPLETED"
    assert posted["applied"] == fees(document, "banksia")["result"]["awaiting_approval"]


@pytest.mark.slow
def test_the_accrual_of_a_cent_can_be_followed_by_hand(june: tuple[Installed, dict[str, Any]]) -> None:
    """The accruals of one arrangement: days x annual fee, summed, / 365, half up: its charge."""
    installed, _ = june
    accruals = pl.read_parquet(newest_file(installed.lake, "acacia", "fee_accruals", JUNE))
    charge = (
        charges(installed)
        .filter((pl.col("status") == "DUE") & (pl.col("fee_type") == "MANAGEMENT"))
        .sort("charge_id")
        .row(0, named=True)
    )
    own = accruals.filter(pl.col("arrangement_id") == charge["arrangement_id"])

    summed = sum((row["annual_fee"] * row["days"] for row in own.iter_rows(named=True)), Decimal(0))

    assert (summed / 365).quantize(Decimal("0.01"), "ROUND_HALF_UP") == charge["fee_ex_gst"]
    assert (charge["fee_ex_gst"] / 10).quantize(Decimal("0.01"), "ROUND_HALF_UP") == charge["gst"]


def test_a_day_within_the_month_decides_no_fees(tmp_path: Path) -> None:
    """The plan of a Tuesday in the middle of a month has no fee job."""
    document = json.loads(
        Installed(tmp_path).run("demo", "--date", "2026-06-16", "--portfolios", "5", "--json")
    )

    assert "fee_charging" not in {job["job_type"] for job in document["jobs"]}
