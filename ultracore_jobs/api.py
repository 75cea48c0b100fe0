"""The names of the original document, in one front door: code written from it works with this import line.

    from ultracore_jobs.api import JobAggregate, JobPriority, JobScheduler, JobType, PortfolioValuationJob

Aggregates and the scheduler here know the time; where a test must stand still, pass ``clock=`` or use
`ultracore_jobs.lifecycle`. A job class runs its job from fetch to apply on the platform that the environment
describes (``ULTRACORE_HOME``, `docs/settings.md`); it is idempotent, and writes no lifecycle event.

Source: original_document; docs/from-the-original-document.md maps each name.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from ultracore_jobs import __version__
from ultracore_jobs.adapters.system_clock import SystemClock
from ultracore_jobs.application.execution import run_job
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.application.results import Status
from ultracore_jobs.application.tenants import list_tenants, require_tenant
from ultracore_jobs.bootstrap import build_application, current_user
from ultracore_jobs.catalog import Scope
from ultracore_jobs.errors import MissingInputError, UsageError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle import job_aggregate, recurrence, schedule_aggregate
from ultracore_jobs.lifecycle.events import (
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobProgressUpdated,
    JobRetried,
    JobScheduleCreated,
    JobScheduled,
    JobStarted,
    ScheduleDisabled,
    ScheduleEnabled,
)
from ultracore_jobs.lifecycle.identity import job_identifier
from ultracore_jobs.lifecycle.kinds import JobPriority, JobStatus, JobType, ScheduleType
from ultracore_jobs.orchestration.partitions import last_completed_session

_now = SystemClock().now


class JobAggregate(job_aggregate.JobAggregate):
    """One business execution, on the machine's time."""

    default_clock = staticmethod(_now)
    code_version = __version__


class ScheduleAggregate(schedule_aggregate.ScheduleAggregate):
    """One schedule, on the machine's time."""

    default_clock = staticmethod(_now)
    code_version = __version__


class JobScheduler(recurrence.JobScheduler):
    """When schedules run next, and whether one should run now, on the machine's time."""

    def __init__(self) -> None:
        """Take the machine's clock."""
        super().__init__(clock=_now)


class _Job:
    """One job type, to be run from code."""

    job_type: ClassVar[str]

    def execute(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        tenant: str | None = None,
        as_of_date: date | None = None,
    ) -> dict[str, Any]:
        """Run the job from fetch to apply, and give its result.

        Args:
            parameters: Of the job type; defaults for those left out.
            tenant: Whose; the only one there is, if left out. Market data belongs to ``shared``.
            as_of_date: Day it is about, or any day of its month; the last completed session, if left out.

        Returns:
            The result by the keys of domain_rules 2b. Running it again does nothing twice.

        Raises:
            UsageError: A parameter or the tenant is unknown, or another run works on this period.
            MissingInputError: Something it needs has not landed; names it.
            DataError: The data given cannot be used.
            GateError: A law of our own arithmetic is broken; nothing was published.
        """
        app = build_application()
        spec = app.jobs[self.job_type]
        owner = _owner(app, spec, tenant)
        now = app.clock.now()
        as_of = spec.cadence.key_of(as_of_date or last_completed_session(now))
        job_id = job_identifier(owner, spec.name, f"api:{as_of.isoformat()}")
        moment = moment_of(app, spec, owner, as_of, now)
        request = JobRequest(spec, moment, job_id, None, parameters or {}, f"api:{current_user()}")
        done = run_job(app, request)
        if done.status is Status.SKIPPED_UPSTREAM:
            raise MissingInputError(f"{spec.name} for {owner} on {as_of} waits for {done.why}")
        if done.status is Status.IGNORED:
            raise UsageError(done.why)
        return done.result


def _owner(app: Application, spec: JobSpec, tenant: str | None) -> str:
    if spec.scope is Scope.SHARED:
        return SHARED
    if tenant is not None:
        require_tenant(app, tenant)
        return tenant
    known = list_tenants(app)["tenant_id"].to_list()
    if len(known) != 1:
        names = ", ".join(known) or "none yet; ultracore-jobs tenant add"
        raise UsageError(f"say whose job it is: execute(..., tenant=...); there are: {names}")
    return str(known[0])


class PortfolioValuationJob(_Job):
    """What every portfolio is worth; result keys ``portfolios_updated``, ``total_value``."""

    job_type = "portfolio_valuation"


class HighWaterMarkUpdateJob(_Job):
    """Peaks and high-water marks; result keys ``updated``, ``skipped``."""

    job_type = "high_water_mark_update"


class FeeChargingJob(_Job):
    """A month's fees; result keys ``fees_charged``, ``total_amount`` (incl. GST), ``blocked``, ``held``."""

    job_type = "fee_charging"


class ExchangeRateUpdateJob(_Job):
    """The day's exchange rates; result keys ``published``, ``carried``, ``quarantined``."""

    job_type = "exchange_rate_update"


class MarketDataRefreshJob(_Job):
    """Prices and corporate actions; result keys ``loaded``, ``corrected``, ``rejected``."""

    job_type = "market_data_refresh"


__all__ = [
    "ExchangeRateUpdateJob",
    "FeeChargingJob",
    "HighWaterMarkUpdateJob",
    "JobAggregate",
    "JobCancelled",
    "JobCompleted",
    "JobFailed",
    "JobPriority",
    "JobProgressUpdated",
    "JobRetried",
    "JobScheduleCreated",
    "JobScheduled",
    "JobScheduler",
    "JobStarted",
    "JobStatus",
    "JobType",
    "MarketDataRefreshJob",
    "PortfolioValuationJob",
    "ScheduleAggregate",
    "ScheduleDisabled",
    "ScheduleEnabled",
    "ScheduleType",
]
