"""`demo`: a whole business day on real market data, and where its results are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ultracore_jobs.application import Application
from ultracore_jobs.application.making_up import make_up, sessions_to_make_up
from ultracore_jobs.application.planner import PlannedJob
from ultracore_jobs.bootstrap import Settings, build_application, current_user
from ultracore_jobs.cli.output import AsJson, paper, people, print_json
from ultracore_jobs.cli.summary import print_summary
from ultracore_jobs.errors import UsageError
from ultracore_jobs.orchestration import JobRun, last_completed_session, open_instance, run_business_day
from ultracore_jobs.orchestration.partitions import is_session
from ultracore_jobs.sample import TENANTS, install_sample


def demo(
    *,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Business day; default the last completed one."),
    ] = None,
    portfolios: Annotated[int, typer.Option(min=5, help="Portfolios of each sample tenant.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Run a whole business day through Dagster on real market data, and show where the results are.

    Loads a sample platform of two tenants, then runs the day's jobs as named Dagster runs, each after
    what it reads from. A second run finds everything done and rewrites nothing. On the last business day of
    a month the month's fees are decided too, and wait for approval.
    """
    settings = Settings(feeds="replay")
    app = build_application(settings)
    as_of = _business_day(app, day)
    instance = open_instance(settings)
    with _progress(quiet=as_json) as progress:
        task = progress.add_task("Loading the sample platform", total=None)
        install_sample(
            app,
            as_of=as_of,
            portfolios=portfolios,
            progress=lambda what: progress.update(task, description=f"Loading the sample platform: {what}"),
        )
        progress.update(task, description="Sample platform loaded", total=1, completed=1)

        def started(job: PlannedJob, position: int, total: int) -> None:
            progress.update(
                task, description=f"{position}/{total} {job.job_type} for {job.tenant}", total=None
            )

        def ended(run: JobRun) -> None:
            colour = "green" if run.status == "COMPLETED" else "yellow" if run.went_well else "red"
            progress.console.print(
                f"  [{colour}]{run.status:<22}[/] {run.job_type} for {run.tenant} [dim]{run.seconds:.1f} s[/]"
            )

        actor = f"cli:{current_user()}"
        tenants = tuple(TENANTS)
        sessions = sessions_to_make_up(app, tenants=tenants, as_of=as_of, is_session=is_session)
        for place, session in enumerate(sessions, start=1):
            progress.update(
                task,
                description=f"Valuing the month that ends: {session}, {place}/{len(sessions)}",
                total=len(sessions),
                completed=place,
            )
            make_up(app, tenants=tenants, as_of=session, is_session=is_session, actor=actor)
        report = run_business_day(
            app, instance, as_of=as_of, tenants=tenants, actor=actor, started=started, ended=ended
        )
    document: dict[str, Any] = {
        **report.as_json(),
        "lake": settings.lake,
        "home": str(settings.home.absolute()),
    }
    if as_json:
        print_json(document)
    else:
        print_summary(app, report, lake=settings.lake)
    if not report.went_well:
        raise typer.Exit(1)


def _business_day(app: Application, asked: datetime | None) -> date:
    last = last_completed_session(app.clock.now())
    if asked is None:
        return last
    day = asked.date()
    if day > last:
        message = (
            f"{day} is not over yet: its prices and fixing are not out. The last completed session is {last}."
        )
        raise UsageError(message)
    if not is_session(day):
        message = f"{day} is no business day: no exchange of ours trades. Choose a weekday such as {last}."
        raise UsageError(message)
    return day


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=people, transient=True, disable=quiet) as progress:
        yield progress
    if not quiet:
        paper.print()
