"""The end of a business day, on one screen."""

import os
import shutil
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ultracore_jobs.application import Application
from ultracore_jobs.application.results import Status
from ultracore_jobs.cli.output import paper, print_table
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs.orchestration import DayReport
from ultracore_jobs.ports import VersionRef

_SHOWN = 8


def print_summary(app: Application, report: DayReport, *, lake: str) -> None:
    """NAV by tenant, flagged portfolios with reasons, where the files are, what to do next."""
    print_table(
        f"Business day {report.as_of_date}",
        ("job", "tenant", "status", "seconds", "rows written"),
        [
            (run.job_type, run.tenant, run.status, round(run.seconds, 1), _rows(run.result))
            for run in report.jobs
        ],
    )
    notes = {(run.job_type, run.tenant): _note(run.result) for run in report.jobs}
    if any(notes.values()):
        paper.print("\n[bold]To look at[/]")
    for (job_type, tenant), note in notes.items():
        if note:
            paper.print(f"  {job_type} for {tenant}: {note}", soft_wrap=True)
    if all(run.result.get("reused") for run in report.jobs):
        paper.print("\nEvery table stands as it was computed before: nothing rewritten.")
    _print_nav(report)
    for tenant in report.tenants:
        _print_flagged(app, report, tenant)
    valuation = next(
        (run for run in report.jobs if run.job_type == "portfolio_valuation" and run.job_id), None
    )
    paper.print(f"\nTables (Parquet): [bold]{lake}[/]", soft_wrap=True)
    paper.print("Next:")
    command = _command()
    for run in report.jobs:
        if run.status == Status.AWAITING_APPROVAL:
            paper.print(
                f"  {command} approvals show {run.result['batch_id']}"
                f"  [dim]# {run.job_type} for {run.tenant} waits for another person[/]",
                soft_wrap=True,
            )
    paper.print(f"  {command} ui  [dim]# these runs in the Dagster UI[/]", soft_wrap=True)
    if valuation is not None:
        paper.print(
            f"  {command} replay {valuation.job_id}  [dim]# the same numbers again[/]", soft_wrap=True
        )
        read = f"import polars as pl; print(pl.read_parquet('{_file_of(app, report, valuation.tenant)}'))"
        paper.print(f'  {_python()} -c "{read}"', soft_wrap=True, markup=False)


def _command() -> str:
    """How the person who reads this runs us: by name if it is on the path, else as they did."""
    return "ultracore-jobs" if shutil.which("ultracore-jobs") else _near(sys.argv[0])


def _python() -> str:
    """The interpreter that has our packages, in the shortest words."""
    found = shutil.which("python")
    return "python" if found and Path(found).samefile(sys.executable) else _near(sys.executable)


def _near(path: str) -> str:
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def _rows(result: Mapping[str, Any]) -> int:
    return sum(result.get("written", {}).values())


def _note(result: Mapping[str, Any]) -> str:
    """Why a job did not end well, or which warnings stand, each with how many rows it is about."""
    if "error" in result:
        return str(result["error"]).splitlines()[0]
    if "waiting_for" in result:
        return f"waiting for {result['waiting_for']}"
    counted = [warning.split(" row(s)")[0] for warning in result.get("warnings", [])]
    quarantined = result.get("counts", {}).get("quarantined", 0)
    return ", ".join([*counted, *([f"quarantined: {quarantined}"] if quarantined else [])])


def _print_nav(report: DayReport) -> None:
    rows = [
        (
            run.tenant,
            Decimal(str(run.result["total_value"])),
            int(run.result["portfolios_updated"]),
            int(run.result.get("incomplete", 0)),
        )
        for run in report.jobs
        if "total_value" in run.result
    ]
    if rows:
        paper.print()
        print_table("Net asset value", ("tenant", "NAV in AUD", "complete", "incomplete"), rows)


def _print_flagged(app: Application, report: DayReport, tenant: str) -> None:
    found = _valuations(app, report, tenant)
    if found is None:
        return
    flagged = found.filter((pl.col("status") != "COMPLETE") | pl.col("flags").is_not_null())
    if flagged.is_empty():
        return
    shown = flagged.sort(pl.col("status") == "COMPLETE", "portfolio_id").head(_SHOWN)
    paper.print()
    print_table(
        f"{tenant}: {flagged.height} of {found.height} portfolios flagged",
        ("portfolio", "status", "reason", "flags"),
        shown.select("portfolio_id", "status", "reason", "flags").rows(),
    )
    if flagged.height > _SHOWN:
        paper.print(f"  [dim]... and {flagged.height - _SHOWN} more[/]")


def _valuations(app: Application, report: DayReport, tenant: str) -> pl.DataFrame | None:
    day = report.as_of_date.isoformat()
    versions = app.tables.versions(VALUATIONS, tenant=tenant, partition=day)
    if not versions:
        return None
    ref = VersionRef(tenant=tenant, dataset=VALUATIONS.name, partition=day, version=versions[-1].version)
    return app.tables.scan(VALUATIONS, ref).collect()


def _file_of(app: Application, report: DayReport, tenant: str) -> str:
    day = report.as_of_date.isoformat()
    version = app.tables.versions(VALUATIONS, tenant=tenant, partition=day)[-1]
    return f"{app.tables.location(VALUATIONS, tenant=tenant)}/{day}/{version.file}"
