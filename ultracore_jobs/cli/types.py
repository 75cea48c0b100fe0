"""`jobs`: what there is. `replay`: a past number, computed again."""

import sys
from typing import Annotated

import typer

from ultracore_jobs.application.replay import replay_job
from ultracore_jobs.application.results import plain
from ultracore_jobs.bootstrap import build_application
from ultracore_jobs.cli.output import AsJson, paper, print_json, print_table
from ultracore_jobs.jobs.document import job_types_page
from ultracore_jobs.jobs.registry import job_types


def list_types(
    *,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option(help="Print the page docs/job-types.md.")] = False,
) -> None:
    """List the job types: what each is for, what it reads and writes, its parameters."""
    jobs = job_types()
    if markdown:
        sys.stdout.write(job_types_page(jobs))
        return
    if as_json:
        print_json(
            [
                {
                    "job_type": job.name,
                    "family": job.family,
                    "summary": job.summary,
                    "source": job.source,
                    "cadence": job.cadence.name.lower(),
                    "priority": job.priority.name,
                    "scope": job.scope.value,
                    "reads": [read.argument for read in job.inputs],
                    "writes": [dataset.name for dataset in job.writes],
                    "gates": [gate.name for gate in job.gates],
                    "parameters": job.parameters.model_json_schema()["properties"],
                    "rerun": job.rerun,
                }
                for job in jobs.values()
            ]
        )
        return
    print_table(
        "Job types",
        ("job type", "what for", "writes"),
        [
            (
                job.name,
                job.summary,
                ", ".join(dataset.name for dataset in job.writes),
            )
            for job in jobs.values()
        ],
    )


def replay(
    job_id: Annotated[str, typer.Argument(help="As printed by a run, or in its tag ultracore/job_id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Compute a past job again from the very inputs it read, and compare; nothing is written.

    Exits 0 if every table agrees, 1 with the first differing cell if not.
    """
    found = replay_job(build_application(), job_id)
    if as_json:
        print_json(
            {
                "job_id": found.job_id,
                "job_type": found.job_type,
                "tenant": found.moment.tenant,
                "as_of_date": found.moment.as_of.isoformat(),
                "known_at": plain(found.moment.known_at),
                "stored_code_version": found.stored_code_version,
                "code_version": found.code_version,
                "agrees": found.agrees,
                "tables": [
                    {
                        "dataset": table.ref.dataset,
                        "version": table.ref.version,
                        "rows": table.rows,
                        "stored_hash": table.stored_hash,
                        "replayed_hash": table.replayed_hash,
                        "first_difference": vars(table.difference) if table.difference else None,
                    }
                    for table in found.tables
                ],
            }
        )
    else:
        paper.print(
            f"[bold]{found.job_type}[/] for {found.moment.tenant}, {found.moment.as_of}, "
            f"as known at {found.moment.known_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        for table in found.tables:
            if table.difference is None:
                paper.print(
                    f"  [green]same[/]    {table.ref.dataset} v{table.ref.version}, {table.rows:,} rows, "
                    f"{table.stored_hash[:16]}"
                )
            else:
                where = table.difference
                paper.print(
                    f"  [red]differs[/] {table.ref.dataset} v{table.ref.version}: row {where.row_key}, "
                    f"column {where.column}: stored {where.stored}, replayed {where.replayed}"
                )
        if found.stored_code_version != found.code_version:
            paper.print(f"  computed then by {found.stored_code_version}, now by {found.code_version}")
    if not found.agrees:
        raise typer.Exit(1)
