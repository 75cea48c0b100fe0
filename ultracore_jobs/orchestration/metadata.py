"""What an operator sees on an asset's page: numbers over time, one plot, one small table, its origin."""

import inspect
import sys
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl

from ultracore_jobs.application.pipeline import Completion
from ultracore_jobs.application.results import Computation, plain
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.kernels.gates import GateOutcome
from ultracore_jobs.orchestration.pictures import bar_chart
from ultracore_jobs.ports import TableVersion

SHOWN_ROWS = 20
"""Rows of a table that the UI shows."""


def of_asset(job: JobSpec, dataset: Dataset) -> dict[str, Any]:
    """Static metadata: the contract, and links to the page and the kernel."""
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name,
                    type=str(column.dtype),
                    description=column.description,
                    constraints=dg.TableColumnConstraints(nullable=column.nullable),
                )
                for name, column in dataset.columns.items()
            ]
        ),
        "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=_code(job)),
        "grain": dataset.grain,
        "key": ", ".join(dataset.key),
        "retention": dataset.retention.value,
        "licence": dataset.licence,
        "rule": dg.MetadataValue.md(job.rule),
        "rule_source": job.source,
        "rerun": job.rerun,
    }


def of_head(computation: Computation, completion: Completion, available: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of the head table: every number of the result, the picture, the preview, the inputs."""
    job = computation.spec
    found: dict[str, Any] = {
        name: _number(value) for name, value in completion.result.items() if _is_number(value)
    }
    found["quarantined_rows"] = dg.MetadataValue.int(computation.quarantine.height)
    if job.chart is not None:
        svg = bar_chart(call_by_name(job.chart, available))
        found["picture"] = dg.MetadataValue.md(
            f"![{job.name}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
        )
    if job.preview is not None:
        found["preview"] = table(call_by_name(job.preview, available))
    if computation.quarantine.height:
        found["quarantine"] = table(computation.quarantine)
    found["status"] = completion.status.value
    found["reused"] = completion.reused
    found["ultracore/result"] = dg.MetadataValue.json(completion.result)
    found["inputs"] = table(
        pl.DataFrame(
            [
                {
                    "table": pin.ref.dataset,
                    "partition": pin.ref.partition,
                    "version": pin.ref.version,
                    "sha256": pin.sha256[:16],
                }
                for pin in computation.inputs.all_pins
            ],
            schema={"table": pl.String, "partition": pl.String, "version": pl.Int64, "sha256": pl.String},
        )
    )
    return found


def of_version(version: TableVersion, location: str) -> dict[str, Any]:
    """Metadata of any table: how many rows, which version, which file, which hash."""
    return {
        "dagster/row_count": version.rows,
        "version": dg.MetadataValue.int(version.version),
        "file": dg.MetadataValue.path(f"{location}/{version.provenance.as_of}/{version.file}"),
        "sha256": version.sha256,
        "content_hash": version.content_hash,
        "known_at": version.provenance.known_at.isoformat(),
    }


def of_gate(found: GateOutcome) -> dict[str, Any]:
    """Metadata of a check: how many rows break the law, and the first of them."""
    offenders = found.offenders
    return {
        "rows_breaking_it": dg.MetadataValue.int(offenders.height),
        **({"first_rows": table(offenders)} if offenders.height else {}),
    }


def _code(job: JobSpec) -> list[dg.LocalFileCodeReference | dg.UrlCodeReference]:
    """Links to what a reader wants to see: the page first, then the kernel."""
    references: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = []
    page = inspect.getsourcefile(job.result)
    module = sys.modules.get(f"ultracore_jobs.jobs.types.{job.name}")
    page = getattr(module, "__file__", None) or page
    if page:
        references.append(
            dg.LocalFileCodeReference(file_path=page, line_number=1, label=f"{job.name}: the page")
        )
    kernel = inspect.getsourcefile(job.kernel)
    if kernel:
        line = inspect.getsourcelines(job.kernel)[1]
        references.append(
            dg.LocalFileCodeReference(
                file_path=kernel, line_number=line, label=f"{job.kernel.__name__}: the kernel"
            )
        )
    return references


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    return isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()


def _number(value: Any) -> dg.MetadataValue[Any]:
    """A number the UI plots over time: the nearest float; the exact decimal stands in the result."""
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(float(value))


def table(frame: pl.DataFrame) -> dg.MetadataValue[Any]:
    """The first rows of a table, as the UI shows them."""
    if frame.is_empty():
        return dg.MetadataValue.text("none")
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()})
        for row in frame.head(SHOWN_ROWS).iter_rows(named=True)
    ]
    return dg.MetadataValue.table(records)


def grouped(number: Decimal) -> str:
    """A decimal as people read it: 18,771.13. Two digits after the point at least, and none lost."""
    text = f"{number:,f}"
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(2, '0')}"


def _cell(value: Any) -> str | int | float | bool:
    if isinstance(value, Decimal):
        return grouped(value)
    shown = plain(value)
    if shown is None:
        return ""
    return shown if isinstance(shown, str | int | float | bool) else str(shown)
