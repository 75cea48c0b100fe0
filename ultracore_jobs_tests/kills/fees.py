"""Charging fees, killed wherever it writes.

Four portfolios of A$600,000 owe 460.27 and GST 46.03 for June 2026 (domain_rules 3): PF-1 to PF-3 pay 506.30
each, PF-4 has signed nothing and is refused on record. The ledger commits two decisions at a time, so that
there are boundaries inside a batch.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.application.batches import standing_batch
from ultracore_jobs.application.effects import Applied, apply_batch
from ultracore_jobs.application.execution import Execution, run_job
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.application.results import Status
from ultracore_jobs.jobs.registry import job_type
from ultracore_jobs.lifecycle.identity import job_identifier
from ultracore_jobs_tests.kills.invariants import Promise
from ultracore_jobs_tests.kills.killed_job import KilledJob, Opened
from ultracore_jobs_tests.kills.remembered import remembered
from ultracore_jobs_tests.stage import OPENED, StillClock, application

ACME = "acme"
JUNE = date(2026, 6, 1)
SECOND_OF_JULY = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
FEES = job_type("fee_charging")
NAMES = ("PF-1", "PF-2", "PF-3", "PF-4")
UNSIGNED = "PF-4"
NO_LIMIT = "1000000"
"""An approval limit that no batch here comes to."""
JOB_ID = job_identifier(ACME, FEES.name, f"schedule:{JUNE}")

CHARGED = {
    "cash:PF-1": Decimal("-506.30"),
    "cash:PF-2": Decimal("-506.30"),
    "cash:PF-3": Decimal("-506.30"),
    "fee_income:MANAGEMENT": Decimal("1380.81"),
    "gst_payable": Decimal("138.09"),
}
"""Three times 460.27 and 46.03."""

ADJUSTED = {
    "cash:PF-1": Decimal("3.61"),
    "fee_income:MANAGEMENT": Decimal("-3.28"),
    "gst_payable": Decimal("-0.33"),
}
"""PF-1 at 500,000 on two days: (28 x 5,600 + 2 x 5,000) / 365 = 456.99 instead of 460.27; GST 45.70."""


def opened(place: Path, hours: int = 0) -> Opened:
    """The platform in a folder, so many hours after 2 July, 08:30 in Sydney; and its database."""
    spec = replace(FEES, kernel=remembered(FEES.kernel, place.parent / "remembered"))
    clock = StillClock(SECOND_OF_JULY + timedelta(hours=hours))
    app = application(place, {spec.name: spec}, clock=clock)
    return replace(app, ledger=SqlLedger(OPENED[-1], decisions_per_commit=2)), OPENED[-1]


def run(app: Application, **parameters: Any) -> Execution:
    """The fees of June, from fetch to apply.

    Raises:
        RuntimeError: Another run has the month, though none is alive.
    """
    spec = app.jobs[FEES.name]
    moment = moment_of(app, spec, ACME, JUNE, app.clock.now())
    return run_job(app, JobRequest(spec, moment, JOB_ID, None, parameters, "schedule:monthly"))


def run_alone(app: Application, **parameters: Any) -> Execution:
    """As `run`, where nobody else can have the month.

    Raises:
        RuntimeError: Somebody has: a dead run's claim was not taken over.
    """
    done = run(app, **parameters)
    if done.status is Status.IGNORED:
        raise RuntimeError(done.why)
    return done


def run_without_limit(app: Application) -> Execution:
    """As `run_alone`, with nobody to wait for."""
    return run_alone(app, approval_limit=NO_LIMIT)


def approve(app: Application) -> None:
    """Olga approves what June's run decided."""
    batch = standing_batch(app, app.jobs[FEES.name], tenant=ACME, as_of=JUNE)
    approve_batch(app, batch.batch.batch_id, actor="olga", note="totals looked at")


def apply(app: Application) -> Applied:
    """Only the effect, as its op does it."""
    return apply_batch(app, app.jobs[FEES.name], tenant=ACME, as_of=JUNE, actor="robot")


def decide_approve_and_adjust(app: Application) -> None:
    """Run June again; where an adjustment waits, Olga approves it, and it is applied.

    The run after that finds nothing left to adjust, and publishes so; then all is as it stays.
    """
    if run_alone(app).status is Status.AWAITING_APPROVAL:
        approve(app)
        run_alone(app)
    run_alone(app)


def given(place: Path) -> None:
    """A platform on which June can be charged."""
    # It runs Polars when it is imported, which nobody may who forks.
    from ultracore_jobs_tests.fee_stage import fee_platform  # noqa: PLC0415

    fee_platform(place, *NAMES, unsigned=(UNSIGNED,))
    _close()


def decided(place: Path) -> None:
    """June is decided, and waits for Olga."""
    run(opened(place)[0])
    _close()


def approved(place: Path) -> None:
    """Olga has approved."""
    approve(opened(place)[0])
    _close()


def charged(place: Path) -> None:
    """June was charged."""
    run(opened(place)[0])
    _close()


def restated(place: Path) -> None:
    """The last two NAVs of PF-1 are found to have been 500,000."""
    from ultracore_jobs_tests.fee_stage import value  # noqa: PLC0415 - as in `given`

    amounts = {**dict.fromkeys(NAMES, "600000"), "PF-1": "500000"}
    value(opened(place)[0], amounts, start=date(2026, 6, 29))
    _close()


GIVEN = (given,)
DECIDED = (given, decided)
APPROVED = (given, decided, approved)
RESTATED = (given, decided, approved, charged, restated)

ALL_WAIT = Promise(waiting=4)
ALL_CHARGED = Promise(moved=CHARGED, receipts=4)
JOB = KilledJob(spec=FEES, tenant=ACME, as_of=JUNE, job_id=JOB_ID, open=opened)
APPLY = JOB.scenario("apply", APPROVED, apply, ALL_CHARGED)

SCENARIOS = (
    JOB.scenario("decide", GIVEN, run_alone, ALL_WAIT),
    JOB.scenario("approve", DECIDED, approve, ALL_WAIT),
    APPLY,
    JOB.scenario("all in one", GIVEN, run_without_limit, ALL_CHARGED),
    JOB.scenario("decide again", RESTATED, run_alone, Promise(before=CHARGED, receipts=4, waiting=1)),
    JOB.scenario(
        "adjust", RESTATED, decide_approve_and_adjust, Promise(before=CHARGED, moved=ADJUSTED, receipts=5)
    ),
)


def _close() -> None:
    """Everything into the database's own file, which is copied."""
    while OPENED:
        OPENED.pop().dispose()
