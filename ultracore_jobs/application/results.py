"""What a job says about itself when it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import Inputs, Moment, owner
from ultracore_jobs.catalog import Look
from ultracore_jobs.errors import GateError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import Parameters, call_by_name
from ultracore_jobs.kernels.gates import GateOutcome, Severity


class Status(StrEnum):
    """Outcomes of a job (domain_rules 21.9), as far as one run can tell, and of what it wanted to do.

    IGNORED: another run has this job or period. AWAITING_APPROVAL, FROZEN: decided, not done yet, for want of
    a person's word or while effects are stopped. REFUSED: what was asked may not be done.
    """

    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    SKIPPED_UPSTREAM = "SKIPPED_UPSTREAM"
    IGNORED = "IGNORED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    FROZEN = "FROZEN"
    REFUSED = "REFUSED"


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


@dataclass(frozen=True, kw_only=True)
class Computation:
    """What a job computed, before anything is written.

    Attributes:
        spec: The job's type.
        moment: For whom, about which day, with what knowledge.
        parameters: What the kernel ran with.
        inputs: What it read.
        input_hash: SHA-256 over everything the outcome depends on.
        tables: Every table written, by name, conforming to its contract.
        quarantine: Rows set aside.
        gates: Every law, as found.
        reused: Whether the stored tables already come from these very inputs.
    """

    spec: JobSpec
    moment: Moment
    parameters: Parameters
    inputs: Inputs
    input_hash: str
    tables: Mapping[str, pl.DataFrame]
    quarantine: pl.DataFrame
    gates: tuple[GateOutcome, ...]
    reused: bool

    @property
    def status(self) -> Status:
        """COMPLETED, or COMPLETED_WITH_ERRORS where rows were set aside or a warning stands."""
        troubled = self.quarantine.height > 0 or any(not gate.passed for gate in self.gates)
        return Status.COMPLETED_WITH_ERRORS if troubled else Status.COMPLETED

    @property
    def available(self) -> dict[str, Any]:
        """Everything that a result, chart or preview function may ask for, by name."""
        tables = {**self.tables, "quarantine": self.quarantine}
        return by_name(self.moment, self.parameters, self.inputs.tables, tables)

    def require_gates(self) -> None:
        """Refuse to go on where a law of our own arithmetic is broken.

        Raises:
            GateError: Names each law broken and the first rows that break it.
        """
        broken = [gate for gate in self.gates if gate.gate.severity is Severity.LAW and not gate.passed]
        if broken:
            raise GateError("\n".join(_describe(gate) for gate in broken))


def by_name(moment: Moment, parameters: Parameters, *tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """What kernels, gates and result functions may ask for.

    What a job writes shadows what it reads under the same name: a gate looks at the outcome.
    """
    available: dict[str, Any] = {
        "as_of": moment.as_of,
        "period_end": moment.period_end,
        "known_at": moment.known_at,
        "tenant": moment.tenant,
        "timezone": moment.timezone,
        **dict(parameters),
    }
    for some in tables:
        available.update(some)
    return available


def job_result(computation: Computation) -> dict[str, Any]:
    """The result of a job: its own keys (domain_rules 2b), then those every job has (domain_rules 1)."""
    inputs, moment = computation.inputs, computation.moment
    warnings = [
        f"{found.gate.name}: {found.offenders.height} row(s): {found.gate.law}"
        for found in computation.gates
        if not found.passed
    ]
    own: dict[str, Any] = call_by_name(computation.spec.result, computation.available)
    common = {
        "counts": {
            "read": {name: table.height for name, table in sorted(inputs.tables.items())},
            "computed": {name: table.height for name, table in sorted(computation.tables.items())},
            "quarantined": computation.quarantine.height,
        },
        "period": moment.as_of,
        "known_at": moment.known_at,
        "input_hash": computation.input_hash,
        "inputs_from": list(inputs.labels),
        "warnings": warnings,
    }
    return {key: plain(value) for key, value in {**own, **common}.items()}


def dependants(app: Application, spec: JobSpec, tables: Sequence[str], moment: Moment) -> list[str]:
    """What was computed from the version that these tables replace: ``job_type date`` each.

    A restatement is never silent: these are the numbers a person, or the catch-up, must look at.
    """
    found = []
    for other in app.jobs.values():
        reads = [read for read in other.inputs if read.dataset.name in tables]
        if not reads:
            continue
        same_day = any(read.look in {Look.SAME_DAY, Look.PERIOD} for read in reads)
        head = other.writes[0]
        for name in app.tables.partitions(head, tenant=owner(head, moment.tenant)):
            start = date.fromisoformat(name)
            # A month lies after each of its days, as far as they are read as its own.
            holds = start <= moment.as_of < other.cadence.period_end(start)
            if start > moment.as_of or (holds and same_day and other is not spec):
                found.append(f"{other.name} {name}")
    return sorted(found)


def _describe(found: GateOutcome) -> str:
    first = found.offenders.head(3).to_dicts()
    return (
        f"{found.gate.name} is broken by {found.offenders.height} row(s), so nothing was published. "
        f"Law: {found.gate.law}. First: {plain(first)}"
    )
