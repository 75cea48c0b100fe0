"""A whole business day, in process: each planned job as its own named Dagster run, in order."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.application.planner import PlannedJob, plan_day
from ultracore_jobs.orchestration.one_run import JobRun, run_here
from ultracore_jobs.orchestration.partitions import is_session


@dataclass(frozen=True)
class DayReport:
    """All jobs of one business day."""

    as_of_date: date
    tenants: tuple[str, ...]
    jobs: tuple[JobRun, ...]

    @property
    def went_well(self) -> bool:
        """Whether every job's tables stand."""
        return all(job.went_well for job in self.jobs)

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of `ultracore-jobs demo --json`, without the locations."""
        keys = ("job_type", "tenant", "job_id", "run_id", "status", "result")
        return {
            "as_of_date": self.as_of_date.isoformat(),
            "tenants": list(self.tenants),
            "jobs": [{key: asdict(job)[key] for key in keys} for job in self.jobs],
        }


def run_business_day(
    app: Application,
    instance: dg.DagsterInstance,
    *,
    as_of: date,
    tenants: Sequence[str],
    actor: str,
    started: Callable[[PlannedJob, int, int], None] = lambda _job, _position, _total: None,
    ended: Callable[[JobRun], None] = lambda _run: None,
) -> DayReport:
    """Run every planned job of *as_of* for *tenants*, each after what it reads from.

    On the last session of a month, the jobs of the month are among them. A job that fails does not stop the
    day: what does not depend on it goes on, what does ends SKIPPED_UPSTREAM. The runs are ordinary named runs
    and show in the UI.
    """
    plan = plan_day(app.jobs, tenants=tenants, as_of=as_of, is_session=is_session)
    runs = []
    for position, planned in enumerate(plan, start=1):
        started(planned, position, len(plan))
        run = run_here(
            app, instance, job_type=planned.job_type, as_of=planned.as_of, tenant=planned.tenant, actor=actor
        )
        ended(run)
        runs.append(run)
    return DayReport(as_of, tuple(tenants), tuple(runs))
