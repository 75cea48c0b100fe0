"""Months long past, run again from the UI or by a backfill: adjustments that wait, and never a charge."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs_tests.fee_stage import ACME, JULY, OLGA, balance, charge, deposit, fee_platform, value
from ultracore_jobs_tests.kernels.fees.fee_books import table
from ultracore_jobs_tests.stage import load

MONTHS = [date(2025, month, 1) for month in range(7, 13)] + [date(2026, month, 1) for month in range(1, 7)]


def platform(folder: Path, since: date) -> Application:
    """PF-1, worth A$600,000 on every session, with cash for all its fees."""
    app = fee_platform(folder, "PF-1")
    value(app, {"PF-1": "600000"}, start=since, end=date(2026, 6, 1))
    more = {**deposit("PF-1", "10000.00"), "transaction_id": "T-2"}
    load(app, TRANSACTIONS, table(TRANSACTIONS, more), tenant=ACME, partition="2026-07-01")
    return app


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", [ACME])
        yield instance


def backfill(app: Application, instance: dg.DagsterInstance, months: Sequence[date]) -> list[str]:
    """Months as a backfill launches them, with a limit that no batch reaches; their outcomes."""
    job = build_definitions(app.jobs, Platform(lambda: app)).resolve_job_def("fee_charging")
    outcomes = []
    for month in months:
        finished = job.execute_in_process(
            instance=instance,
            partition_key=dg.MultiPartitionKey({"date": month.isoformat(), "tenant": ACME}),
            run_config={
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                "ops": {"fee_charging_compute": {"config": {"approval_limit": "1000000"}}},
            },
            tags={"dagster/backfill": "bkf1"},
            raise_on_error=False,
        )
        run = instance.get_run_by_id(finished.run_id)
        assert run is not None
        outcomes.append(run.tags["ultracore/outcome"])
    return outcomes


@pytest.mark.slow
def test_twelve_charged_months_run_again_give_adjustments_that_wait(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    """Charged once each; run again as they were: nothing. With other NAVs: adjustments, none applied."""
    app = platform(tmp_path, date(2025, 6, 30))
    for month in MONTHS:
        approve_batch(app, str(charge(app, month).result["batch_id"]), actor=OLGA, note="looked at")
        assert charge(app, month).result["effect"]["posted"] == 1
    taken, posted = balance(app, "cash:PF-1"), app.ledger.position()
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    same = backfill(app, instance, MONTHS)
    value(app, {"PF-1": "500000"}, start=date(2025, 6, 30), end=JULY)
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    other = backfill(app, instance, MONTHS)

    # 7 x (475.62 + 47.56) + 4 x (460.27 + 46.03) + (429.59 + 42.96): 31, 30 and 28 days of 5,600 / 365.
    assert taken == Decimal("-6160.01")
    assert set(same) == {"COMPLETED"}
    assert set(other) == {"AWAITING_APPROVAL"}
    assert (balance(app, "cash:PF-1"), app.ledger.position()) == (taken, posted)


@pytest.mark.slow
def test_old_months_that_were_never_charged_wait_for_a_person(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    """Whatever the limit: March and April ended more than 45 days ago, May and June did not."""
    app = platform(tmp_path, date(2026, 2, 27))

    outcomes = backfill(app, instance, MONTHS[-4:])

    assert outcomes == ["AWAITING_APPROVAL"] * 2 + ["COMPLETED"] * 2
    assert app.ledger.position() == 2
