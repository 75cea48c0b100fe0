"""A tenant with fees to charge: books as a register has them, and a valuation of each session."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ultracore_jobs.application import Application
from ultracore_jobs.application.execution import Execution, run_job
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.application.tenants import add_tenant
from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import CLIENTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.market import CALENDARS
from ultracore_jobs.jobs.registry import job_type
from ultracore_jobs.kernels.high_water_mark import HIGH_WATER_MARKS
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS
from ultracore_jobs.lifecycle.identity import job_identifier
from ultracore_jobs.ports import JobStamp, Provenance
from ultracore_jobs_tests.kernels.fees.fee_books import (
    arrangement,
    calendar,
    clients,
    consent,
    portfolios,
    schedule,
    table,
)
from ultracore_jobs_tests.stage import StillClock, application, load

ACME = "acme"
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
SECOND_OF_JULY = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
"""08:30 in Sydney on 2 July."""
JOB_TYPES = ("fee_charging",)
FEES = job_type("fee_charging")
OLGA = "olga"


def fee_platform(folder: Path, *names: str, clock: StillClock | None = None, **changed: Any) -> Application:
    """A platform on which June 2026 can be charged: A$600,000 a portfolio, 460.27 and GST 46.03 each.

    Args:
        folder: Where it lives.
        names: Portfolios; PF-1 and PF-2 if none is named. Each has arrangement `A-` and its own name.
        clock: Stands at 2 July, 08:30 in Sydney, if not given.
        changed: ``unsigned``: portfolios without consent; ``poor``: portfolios without cash;
            ``amount``: of each NAV; ``end``: first day without a valuation.
    """
    named = names or ("PF-1", "PF-2")
    app = application(
        folder, {name: job_type(name) for name in JOB_TYPES}, clock=clock or StillClock(SECOND_OF_JULY)
    )
    add_tenant(app, ACME, timezone="Australia/Sydney", starts_on=date(2026, 1, 1))
    load(app, CALENDARS, calendar().with_columns(pl.lit("shared").alias("tenant_id")))
    unsigned, poor = changed.get("unsigned", ()), changed.get("poor", ())
    for dataset, rows in (
        (PORTFOLIOS, portfolios(*named)),
        (CLIENTS, clients()),
        (FEE_SCHEDULES, table(FEE_SCHEDULES, schedule())),
        (FEE_ARRANGEMENTS, table(FEE_ARRANGEMENTS, *(_arranged(name) for name in named))),
        (CONSENTS, table(CONSENTS, *(row for name in named if name not in unsigned for row in signed(name)))),
        (
            TRANSACTIONS,
            table(TRANSACTIONS, *(deposit(name, "1.00" if name in poor else "5000.00") for name in named)),
        ),
    ):
        load(app, dataset, rows, tenant=ACME)
    value(app, {name: changed.get("amount", "600000") for name in named}, end=changed.get("end", JULY))
    return app


def value(app: Application, amounts: Mapping[str, str], *, start: date = JUNE, end: date = JULY) -> None:
    """Publish valuations and marks of every weekday of ``[start, end)`` as their jobs would."""
    for day in weekdays(start, end):
        worth = [
            {
                "as_of_date": day, "portfolio_id": name, "valuation_id": "val_x", "base_ccy": "AUD",
                "status": "COMPLETE", "nav": Decimal(amount), "nav_aud": Decimal(amount), "lines": 1,
                "accrued_fees_base": Decimal(0), "stale_lines": 0, "units": Decimal(amount),
                "flow_base": Decimal(0), "nav_per_unit_base": Decimal(1), "units_on": day, "first_on": JUNE,
                "last_nav": Decimal(amount),
            }
            for name, amount in amounts.items()
        ]  # fmt: skip
        marks = [
            {
                "as_of_date": day, "portfolio_id": name, "hwm_unit": Decimal(1), "peak_unit": Decimal(1),
                "units": Decimal(amount), "since_on": start, "reason": "DAILY", "ledger_seq": 0,
            }
            for name, amount in amounts.items()
        ]  # fmt: skip
        publish(app, VALUATIONS, day, table(VALUATIONS, *worth))
        publish(app, HIGH_WATER_MARKS, day, table(HIGH_WATER_MARKS, *marks))
        publish(app, PERFORMANCE_ACCRUALS, day, PERFORMANCE_ACCRUALS.empty())


def publish(app: Application, dataset: Dataset, day: date, rows: pl.DataFrame) -> None:
    """Publish a table of the day, as its job would."""
    app.tables.publish(
        dataset,
        tenant=ACME,
        partition=day.isoformat(),
        frame=conform(rows, dataset),
        provenance=Provenance(
            job=JobStamp(job_id="job_test", job_type=dataset.source, code_version="test"),
            as_of=day,
            known_at=app.clock.now(),
            input_hash="given",
        ),
    )


def charge(app: Application, month: date = JUNE, key: str = "schedule", **parameters: Any) -> Execution:
    """Run the fees of a month from fetch to apply."""
    job_id = job_identifier(ACME, FEES.name, f"{key}:{month}")
    moment = moment_of(app, FEES, ACME, month, app.clock.now())
    return run_job(app, JobRequest(FEES, moment, job_id, None, parameters, "schedule:monthly"))


def balance(app: Application, account: str) -> Decimal:
    """What an account holds now."""
    held = app.ledger.balances(ACME, known_at=app.clock.now()).filter(pl.col("account") == account)
    return Decimal(str(held["amount"].sum() or 0))


def signed(name: str, arrangement_id: str | None = None) -> Iterable[Mapping[str, Any]]:
    """Both consents of the holder, signed on 1 March 2026."""
    for kind in ("OFA", "DEDUCTION"):
        yield consent(
            f"CON-{name}-{kind}", date(2026, 3, 1), kind, arrangement_id=arrangement_id or f"A-{name}",
            account_id=f"{name}-CASH",
        )  # fmt: skip


def deposit(name: str, amount: str) -> dict[str, Any]:
    """Cash paid in on 2 March 2026."""
    return {
        "transaction_id": f"T-{name}", "portfolio_id": name, "client_id": "C-1", "type": "DEPOSIT",
        "at": datetime(2026, 3, 2, tzinfo=UTC), "trade_on": date(2026, 3, 2), "settle_on": date(2026, 3, 2),
        "ccy": "AUD", "amount": Decimal(amount), "external_flow": True, "client_initiated": True,
        "physical_currency": False,
    }  # fmt: skip


def weekdays(start: date, end: date) -> list[date]:
    """Monday to Friday within ``[start, end)``."""
    days = (start + timedelta(days=place) for place in range((end - start).days))
    return [day for day in days if day.weekday() < 5]


def _arranged(name: str) -> Mapping[str, Any]:
    return arrangement(f"A-{name}", portfolio_id=name)
