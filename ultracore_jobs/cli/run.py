"""`run`: one job now, from fetch to apply; or a rehearsal of it that writes nothing."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.application.rehearsal import Rehearsal, rehearse
from ultracore_jobs.application.tenants import require_tenant
from ultracore_jobs.bootstrap import Settings, build_application, current_user
from ultracore_jobs.catalog import Scope
from ultracore_jobs.cli.output import AsJson, paper, print_frame, print_json
from ultracore_jobs.errors import UsageError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.registry import job_type
from ultracore_jobs.orchestration import last_completed_session, open_instance, run_here


def run(
    name: Annotated[str, typer.Argument(help="Job type, such as fee_charging; `jobs` lists them.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="Whose; not for market data.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            formats=["%Y-%m-%d"],
            help="Day it is about, or any day of its month; default the last one over.",
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--set", help="name=value, for a parameter; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Compute on the same path and show the difference; write nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run one job now, in this process, as a named Dagster run.

    Running it again is safe: what stands is not written again, what was applied is not applied again.
    """
    settings = Settings()
    app = build_application(settings)
    spec = job_type(name)
    who = _tenant(app, spec.scope, tenant)
    chosen = day.date() if day else last_completed_session(app.clock.now())
    as_of = spec.cadence.key_of(chosen)
    given = _parameters(spec, parameters or [])
    read_parameters(spec, given)
    if dry_run:
        _print_rehearsal(rehearse(app, spec, tenant=who, as_of=as_of, parameters=given), as_json=as_json)
        return
    with open_instance(settings) as instance:
        done = run_here(
            app,
            instance,
            job_type=name,
            as_of=as_of,
            tenant=who,
            actor=f"cli:{current_user()}",
            parameters=given,
        )
    if as_json:
        print_json({**vars(done), "as_of_date": as_of.isoformat()})
    else:
        paper.print(f"[bold]{done.status}[/] {name} for {who}, {as_of} [dim]{done.job_id}[/]")
        for key, value in done.result.items():
            paper.print(f"  {key}: {value}", soft_wrap=True, markup=False)
        if done.why:
            paper.print(f"  {done.why}", soft_wrap=True, markup=False)
    if not done.went_well:
        raise typer.Exit(1)


def _print_rehearsal(found: Rehearsal, *, as_json: bool) -> None:
    if as_json:
        print_json(found.as_json())
    else:
        paper.print(
            f"[bold]{found.status}[/] dry run of {found.job_type} for {found.tenant}, {found.as_of}: "
            "nothing was written"
        )
        print_frame("What it would write", found.tables)
        for name, changes in found.changes.items():
            print_frame(f"{name}: rows that would differ", changes)
        if found.effects is not None:
            print_frame("What it would do", found.effects)
        for warning in found.warnings:
            paper.print(f"  {warning}", soft_wrap=True, markup=False)
    if found.broken:
        raise typer.Exit(1)


def _tenant(app: Application, scope: Scope, given: str | None) -> str:
    if scope is Scope.SHARED:
        return SHARED
    if given is None:
        raise UsageError("say whose job it is: --tenant TENANT; `ultracore-jobs tenant list` shows them")
    require_tenant(app, given)
    return given


def _parameters(spec: JobSpec, pairs: list[str]) -> dict[str, Any]:
    """Parameters as given: text where the parameter is text, such as a decimal; else as JSON reads it."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            message = f"--set {pair!r} must be name=value, such as --set approval_limit=10000"
            raise UsageError(message)
        field = spec.parameters.model_fields.get(name)
        try:
            given[name] = value if field is not None and field.annotation is str else json.loads(value)
        except ValueError:
            given[name] = value
    return given
