"""Every job type's worked example, run through its kernel."""

from decimal import Decimal

import polars as pl
import pytest

from ultracore_jobs.catalog import conform
from ultracore_jobs.jobs import JobSpec, job_types
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.kernels.gates import Severity


@pytest.mark.parametrize("job", job_types().values(), ids=lambda job: str(job.name))
def test_the_worked_example_holds(job: JobSpec) -> None:
    """The expected rows are found among those computed, and no law is broken."""
    assert job.example is not None, f"{job.name} has no worked example"
    example = job.example()
    available = {
        "as_of": example.as_of,
        "period_end": job.cadence.period_end(example.as_of),
        "timezone": "Australia/Sydney",
        "known_at": example.known_at,
        "tenant": "shared" if job.scope.value == "shared" else "acacia",
        **dict(job.parameters(**example.parameters)),
        **example.inputs,
    }

    returned = call_by_name(job.kernel, available)._asdict()

    for name, expected in example.expected.items():
        _assert_holds(returned[name], expected, name)
    outcome = {**available, **returned}
    for dataset in job.writes:
        conform(returned[dataset.name], dataset)
    for gate in job.gates:
        # A warning may be what the example is about.
        assert gate.severity is Severity.WARNING or call_by_name(gate.broken, outcome).is_empty(), (
            f"{gate.name}: {gate.law}"
        )


def _assert_holds(computed: pl.DataFrame, expected: pl.DataFrame, name: str) -> None:
    found = {tuple(_plain(cell) for cell in row) for row in computed.select(expected.columns).rows()}
    for row in expected.rows():
        assert tuple(_plain(cell) for cell in row) in found, (
            f"{name}: {row} is not among {sorted(found, key=str)}"
        )


def _plain(cell: object) -> object:
    return cell.normalize() if isinstance(cell, Decimal) else cell
