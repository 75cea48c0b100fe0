"""`import`: your own rows, through the same contracts. `tenant`: who there is."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ultracore_jobs.adapters.tabular_files import read_table_file
from ultracore_jobs.application.imports import ImportReport, given_dataset, import_table
from ultracore_jobs.application.tenants import add_tenant, list_tenants, require_tenant
from ultracore_jobs.bootstrap import Settings, build_application
from ultracore_jobs.catalog import describe_rejects
from ultracore_jobs.cli.output import AsJson, paper, people, print_json, print_table
from ultracore_jobs.errors import UsageError
from ultracore_jobs.orchestration import add_tenant_partition

_FIRST_DATA_ROW = 2

tenants = typer.Typer(help="Who the platform works for.", no_args_is_help=True)


def import_file(
    table: Annotated[str, typer.Argument(help="Table to load, such as `prices` or `transactions`.")],
    source: Annotated[Path, typer.Argument(help="CSV or Parquet file.")],
    *,
    tenant: Annotated[str, typer.Option(help="Whose rows; `shared` for market data.")],
    renames: Annotated[
        list[str] | None,
        typer.Option("--map", help="theirs=ours, for a column they name otherwise; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and report; write nothing.")] = False,
    max_reject_pct: Annotated[
        float, typer.Option(help="Share of bad rows above which nothing is written.")
    ] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Load your own rows; bad rows are set aside with a reason, good ones go on."""
    app = build_application()
    dataset = given_dataset(table)
    require_tenant(app, tenant)
    rows = read_table_file(source)
    report = import_table(
        app,
        dataset,
        rows,
        tenant=tenant,
        source=source.name,
        renames=_renames(renames or []),
        dry_run=dry_run,
        first_row=_FIRST_DATA_ROW if source.suffix == ".csv" else 1,
        max_reject_pct=max_reject_pct,
    )
    if as_json:
        print_json(
            {
                "table": table,
                "tenant": tenant,
                "partition": report.partition,
                "dry_run": dry_run,
                "read": report.read,
                "accepted": report.accepted,
                "already_known": report.already_known,
                "written": report.written,
                "rejected": report.rejected.to_dicts(),
            }
        )
    else:
        _print_report(table, tenant, report, dry_run=dry_run)


def _print_report(table: str, tenant: str, report: ImportReport, *, dry_run: bool) -> None:
    paper.print(
        f"{table} of {tenant}: read {report.read:,}, accepted {report.accepted:,}, "
        f"already there {report.already_known:,}, written {report.written:,}"
    )
    if report.rejected.height:
        people.print(f"set aside {report.rejected['row_number'].n_unique():,} row(s):", style="yellow")
        people.print(describe_rejects(report.rejected), markup=False)
    if dry_run:
        paper.print("dry run: nothing was written")
    elif not report.written:
        paper.print("nothing new: nothing was written")


def _renames(pairs: list[str]) -> dict[str, str]:
    renames = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not (theirs and equals and ours):
            message = f"--map {pair!r} must be theirs=ours, such as --map Ticker=symbol"
            raise UsageError(message)
        renames[theirs] = ours
    return renames


@tenants.command("add")
def add(
    tenant: Annotated[str, typer.Argument(help="Short id: lower-case letters, digits, - and _.")],
    *,
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone of its business day; default Australia/Sydney.")
    ] = None,
    starts_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First business day; default today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register a tenant; a second time changes nothing unless something differs."""
    app = build_application()
    start = starts_on.date() if starts_on else None
    added = add_tenant(app, tenant, name=name, timezone=timezone, starts_on=start)
    add_tenant_partition(Settings(), tenant)
    if as_json:
        print_json({"tenant": tenant, "added": added})
    else:
        paper.print(f"{tenant}: {'recorded' if added else 'already there, unchanged'}")


@tenants.command("list")
def show(*, as_json: AsJson = False) -> None:
    """List the tenants."""
    found = list_tenants(build_application())
    columns = ("tenant_id", "name", "timezone", "starts_on", "closed_on")
    if as_json:
        print_json(found.select(columns).to_dicts())
    else:
        print_table("Tenants", columns, found.select(columns).rows())
