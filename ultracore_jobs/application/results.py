"""What a job says about itself when it is done."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import Inputs, Moment, owner
from ultracore_jobs.catalog import Look
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.kernels.gates import GateOutcome


class Status(StrEnum):
    """Outcomes of a job (domain_rules 21.9), as far as one run can tell."""

    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    SKIPPED_UPSTREAM = "SKIPPED_UPSTREAM"


def plain(value: Any) -> Any:
    """*value* as JSON can hold it: money and instants as text, never as floats."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, Enum) else value


def job_result(
    spec: JobSpec,
    inputs: Inputs,
    tables: Mapping[str, pl.DataFrame],
    quarantine: pl.DataFrame,
    gates: Sequence[GateOutcome],
    available: Mapping[str, Any],
    moment: Moment,
    input_hash: str,
) -> dict[str, Any]:
    """The result of a job: its own keys (domain_rules 2b), then those every job has (domain_rules 1)."""
    warnings = [
        f"{found.gate.name}: {found.offenders.height} row(s): {found.gate.law}"
        for found in gates
        if not found.passed
    ]
    own = call_by_name(spec.result, available)
    return plain(
        {
            **own,
            "counts": {
                "read": {name: table.height for name, table in sorted(inputs.tables.items())},
                "computed": {name: table.height for name, table in sorted(tables.items())},
                "quarantined": quarantine.height,
            },
            "period": moment.as_of,
            "known_at": moment.known_at,
            "input_hash": input_hash,
            "inputs_from": list(inputs.labels),
            "warnings": warnings,
        }
    )


def dependants(app: Application, spec: JobSpec, tables: Sequence[str], moment: Moment) -> list[str]:
    """What was computed from the version that these tables replace: ``job_type date`` each.

    A restatement is never silent: these are the numbers a person, or the catch-up, must look at.
    """
    found = []
    for other in app.jobs.values():
        reads = [read for read in other.inputs if read.dataset.name in tables]
        if not reads:
            continue
        same_day = any(read.look is Look.SAME_DAY for read in reads)
        head = other.writes[0]
        day = moment.as_of.isoformat()
        landed = app.tables.partitions(head, tenant=owner(head, moment.tenant))
        later = [name for name in landed if name > day or (same_day and name == day and other is not spec)]
        found += [f"{other.name} {name}" for name in later]
    return sorted(found)
