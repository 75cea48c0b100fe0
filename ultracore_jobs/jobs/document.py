"""The documentation of the job types, written from their pages: `docs/job-types.md`."""

from collections.abc import Mapping

import polars as pl

from ultracore_jobs.catalog import Dataset, Read
from ultracore_jobs.jobs.spec import Example, JobSpec

_HEAD = """# Job types

Written from the pages in `ultracore_jobs/jobs/types` by `ultracore-jobs jobs --markdown`; a test compares.
"""


def job_types_page(jobs: Mapping[str, JobSpec]) -> str:
    """The whole page: an overview, then one entry for each job type."""
    overview = [
        "| job type | what for | writes | cadence | priority |",
        "|---|---|---|---|---|",
        *(
            f"| [{job.name}](#{job.name}) | {job.summary} "
            f"| {', '.join(f'`{table.name}`' for table in job.writes)} "
            f"| {job.cadence.name.lower()} | {job.priority.name} |"
            for job in jobs.values()
        ),
    ]
    return "\n".join([_HEAD, *overview, "", *(job_entry(job) for job in jobs.values())])


def job_entry(job: JobSpec) -> str:
    """One job type as Markdown: rule, inputs, outputs, laws, parameters, example."""
    sections = [
        f"## {job.name}",
        job.summary,
        job.rule.strip(),
        f"**Rule:** {job.source}. **Due:** {job.cadence.value}. **Running it again:** {job.rerun}",
        "**Reads**\n\n" + "\n".join(_read(read) for read in job.inputs),
        "**Writes**\n\n" + "\n".join(_table(table) for table in job.writes),
    ]
    if job.gates:
        laws = [f"- `{gate.name}` ({gate.severity.value}): {gate.law}" for gate in job.gates]
        sections.append("**Checked before anything is written**\n\n" + "\n".join(laws))
    sections.append("**Parameters**\n\n" + _parameters(job))
    if job.example is not None:
        sections.append(_example(job.example()))
    return "\n\n".join(sections) + "\n"


def _read(read: Read) -> str:
    days = f", {read.days} days" if read.days else ""
    needed = "" if read.required else ", where there are any"
    return f"- `{read.dataset.name}`: {read.look.value}{days}{needed}"


def _table(table: Dataset) -> str:
    columns = "\n".join(
        f"| `{name}` | {column.dtype} | {column.description}{' (may be null)' if column.nullable else ''} |"
        for name, column in table.columns.items()
    )
    return f"`{table.name}`: {table.grain}.\n\n| column | type | meaning |\n|---|---|---|\n{columns}\n"


def _parameters(job: JobSpec) -> str:
    rows = [
        f"| `{name}` | `{field.default!r}` | {field.description or ''} |"
        for name, field in job.parameters.model_fields.items()
    ]
    return "\n".join(["| parameter | default | meaning |", "|---|---|---|", *rows])


def _example(example: Example) -> str:
    tables = "\n\n".join(f"`{name}`:\n\n{_markdown(rows)}" for name, rows in example.expected.items())
    return f"**Example.** {example.text}\n\n{tables}"


def _markdown(rows: pl.DataFrame) -> str:
    lines = [f"| {' | '.join(rows.columns)} |", f"|{'---|' * rows.width}"]
    lines += [f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |" for row in rows.rows()]
    return "\n".join(lines)
