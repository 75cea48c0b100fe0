"""Making up: the sessions of a month that were never valued, in their order, so that it can be charged."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from ultracore_jobs.application.execution import run_job
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.planner import PlannedJob, plan_day
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.readiness import landed
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.catalog import Scope
from ultracore_jobs.jobs import Cadence
from ultracore_jobs.lifecycle.identity import job_identifier

_SCHEDULE = "make_up"


def sessions_to_make_up(
    app: Application, *, tenants: Sequence[str], as_of: date, is_session: Callable[[date], bool]
) -> list[date]:
    """The sessions before *as_of* that a job of the month needs and that some tenant has not landed.

    Nothing on a day on which no such job is due. The last session before the month is one of them: the
    month's first days may be a weekend, which is worth what its Friday was.
    """
    plan = plan_day(app.jobs, tenants=tenants, as_of=as_of, is_session=is_session)
    months = [planned.as_of for planned in plan if app.jobs[planned.job_type].cadence is Cadence.MONTHS]
    if not months:
        return []
    day = min(months) - timedelta(days=1)
    while not is_session(day):
        day -= timedelta(days=1)
    days = [day + timedelta(days=ahead) for ahead in range((as_of - day).days)]
    return [each for each in days if is_session(each) and list(_missing(app, tenants, each, is_session))]


def make_up(
    app: Application,
    *,
    tenants: Sequence[str],
    as_of: date,
    is_session: Callable[[date], bool],
    actor: str,
) -> None:
    """Run what is missing of one session, each job after what it reads; without Dagster, for it is quick."""
    for planned in _missing(app, tenants, as_of, is_session):
        spec = app.jobs[planned.job_type]
        job_id = job_identifier(planned.tenant, planned.job_type, f"{_SCHEDULE}:{as_of.isoformat()}")
        moment = moment_of(app, spec, planned.tenant, planned.as_of, app.clock.now())
        run_job(app, JobRequest(spec, moment, job_id, actor=actor))


def _missing(
    app: Application, tenants: Sequence[str], as_of: date, is_session: Callable[[date], bool]
) -> Iterator[PlannedJob]:
    for planned in plan_day(app.jobs, tenants=tenants, as_of=as_of, is_session=is_session):
        spec = app.jobs[planned.job_type]
        if spec.cadence is not Cadence.SESSIONS or spec.scope is not Scope.TENANT:
            continue
        if not landed(app, spec.writes[0], tenant=planned.tenant, as_of=as_of):
            yield planned
