"""The one shape of all jobs: fetch, kernel, gates, publish.

`compute` reads and calculates and writes nothing but the provider's delivery; `publish` writes the
tables of a computation whose gates hold. Orchestration calls the two and turns what they return into
Dagster's events; ``execute`` calls them one after the other for those who need no Dagster.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import polars as pl
from pydantic import ValidationError

from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.quarantine import quarantine_dataset
from ultracore_jobs.application.reading import Inputs, Moment, fetch
from ultracore_jobs.application.results import Status, dependants, job_result, plain
from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset, Partitioning, conform, describe_rejects
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.errors import GateError, TooManyRejectsError, UsageError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import Parameters, call_by_name
from ultracore_jobs.kernels.gates import GateOutcome, Severity
from ultracore_jobs.ports import GateStamp, JobStamp, Provenance, TableVersion, VersionRef

Progress = Callable[[float, str], None]
"""Called with a fraction done and what is being done."""


@dataclass(frozen=True)
class JobRequest:
    """One job to do.

    Attributes:
        spec: Its type.
        moment: For whom, about which day, with what knowledge.
        job_id: Its identity.
        run_id: The Dagster run that does it, where there is one.
        parameters: As a person or a schedule gave them.
    """

    spec: JobSpec
    moment: Moment
    job_id: str
    run_id: str | None = None
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Computation:
    """What a job computed, before anything is written.

    Attributes:
        tables: Every table written, by name, conforming to its contract; empty where reused.
        quarantine: Rows set aside.
        gates: Every law, as found.
        reused: Whether the stored tables already come from these very inputs.
    """

    request: JobRequest
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
        return _available(
            self.request, self.parameters, self.inputs.tables, self.tables, {"quarantine": self.quarantine}
        )

    def require_gates(self) -> None:
        """Refuse to go on where a law of our own arithmetic is broken.

        Raises:
            GateError: Names each law broken and the first rows that break it.
        """
        broken = [gate for gate in self.gates if gate.gate.severity is Severity.LAW and not gate.passed]
        if broken:
            raise GateError("\n".join(_describe(gate) for gate in broken))


@dataclass(frozen=True)
class Completion:
    """What a job did."""

    status: Status
    reused: bool
    result: dict[str, Any]
    versions: Mapping[str, TableVersion]


def compute(
    app: Application, request: JobRequest, progress: Progress = lambda _done, _what: None
) -> Computation:
    """Fetch the inputs, run the kernel, hold the outcome against contracts and laws.

    Raises:
        UsageError: A parameter is unknown or out of bounds.
        MissingInputError: A required table has no rows.
        TooManyRejectsError: More delivered rows were set aside than ``max_reject_pct`` allows.
        ContractError: The kernel returned a table that breaks its contract.
    """
    spec, moment = request.spec, request.moment
    parameters = read_parameters(spec, request.parameters or {})
    progress(0.05, "Fetching inputs")
    inputs = fetch(app, spec, moment)
    input_hash = _input_hash(app, request, parameters, inputs)
    stored = _stored_from(app, request, input_hash)
    if stored:
        progress(1.0, "Nothing changed since the last run")
        tables = {name: app.tables.scan(dataset, ref).collect() for name, (dataset, ref) in stored.items()}
        outcome = _outcome(request, parameters, inputs, tables, _stored_quarantine(app, request))
        return Computation(request, parameters, inputs, input_hash, *outcome, reused=True)
    progress(0.3, f"Computing from {sum(table.height for table in inputs.tables.values()):,} rows")
    available = _available(request, parameters, inputs.tables)
    returned = call_by_name(spec.kernel, available)._asdict()
    quarantine = returned.pop("quarantine", pl.DataFrame(schema=REJECTS_SCHEMA))
    _limit_rejects(parameters, inputs, quarantine)
    tables = {dataset.name: conform(returned[dataset.name], dataset) for dataset in spec.writes}
    progress(0.7, "Checking invariants")
    outcome = _outcome(request, parameters, inputs, tables, quarantine)
    return Computation(request, parameters, inputs, input_hash, *outcome, reused=False)


def publish(
    app: Application, computation: Computation, progress: Progress = lambda _done, _what: None
) -> Completion:
    """Write the tables, the head table last, and say what was done.

    Re-running with the same inputs writes nothing. Changed inputs that give other rows make the next
    version, and the result names what was computed from the one before.

    Raises:
        GateError: A law is broken; nothing was written.
        ConcurrentWriteError: Another writer replaced a manifest meanwhile.
    """
    computation.require_gates()
    request, spec = computation.request, computation.request.spec
    result = job_result(
        spec,
        computation.inputs,
        computation.tables,
        computation.quarantine,
        computation.gates,
        computation.available,
        request.moment,
        computation.input_hash,
    )
    if computation.quarantine.height and not computation.reused:
        _publish_quarantine(app, computation)
    progress(0.85, "Publishing")
    versions: dict[str, TableVersion] = {}
    written: list[str] = []
    for dataset in reversed(spec.writes):
        version, is_new = _publish_table(app, computation, dataset, result)
        versions[dataset.name] = version
        if is_new:
            written.append(dataset.name)
    day = request.moment.as_of.isoformat()
    app.tables.remember_job(
        request.job_id,
        tuple(
            VersionRef(tenant=request.moment.tenant, dataset=name, partition=day, version=version.version)
            for name, version in versions.items()
        ),
    )
    restated = [name for name in written if versions[name].version > 1 and _is_by_date(spec, name)]
    if restated:
        result["restates"] = {
            "tables": {name: versions[name].version for name in restated},
            "dependants": dependants(app, spec, restated, request.moment),
        }
    result["written"] = {name: versions[name].rows for name in sorted(written)}
    result["reused"] = not written
    progress(1.0, "Done")
    return Completion(computation.status, not written, result, versions)


def execute(app: Application, request: JobRequest) -> Completion:
    """`compute` and `publish`, for those who need no Dagster."""
    return publish(app, compute(app, request))


def read_parameters(spec: JobSpec, given: Mapping[str, Any]) -> Parameters:
    """The parameters of a job type from what a person gave.

    Raises:
        UsageError: Names each bad parameter and what is allowed.
    """
    try:
        return spec.parameters.model_validate(dict(given))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        known = ", ".join(spec.parameters.model_fields)
        message = f"parameters of {spec.name}: {faults}. There are: {known}"
        raise UsageError(message) from error


def _outcome(
    request: JobRequest,
    parameters: Parameters,
    inputs: Inputs,
    tables: Mapping[str, pl.DataFrame],
    quarantine: pl.DataFrame,
) -> tuple[Mapping[str, pl.DataFrame], pl.DataFrame, tuple[GateOutcome, ...]]:
    available = _available(request, parameters, inputs.tables, tables, {"quarantine": quarantine})
    gates = tuple(GateOutcome(gate, call_by_name(gate.broken, available)) for gate in request.spec.gates)
    return tables, quarantine, gates


def _available(request: JobRequest, parameters: Parameters, *tables: Mapping[str, Any]) -> dict[str, Any]:
    moment = request.moment
    available = {
        "as_of": moment.as_of,
        "known_at": moment.known_at,
        "tenant": moment.tenant,
        **dict(parameters),
    }
    for some in tables:
        # What a job writes shadows what it reads under the same name: a gate looks at the outcome.
        available.update(some)
    return available


def _input_hash(app: Application, request: JobRequest, parameters: Parameters, inputs: Inputs) -> str:
    """SHA-256 over everything the outcome depends on; the cut-off K only where it left rows out."""
    text = json.dumps(
        {
            "job_type": request.spec.name,
            "tenant": request.moment.tenant,
            "as_of": request.moment.as_of.isoformat(),
            "parameters": plain(parameters.model_dump()),
            "code_version": app.code_version,
            "inputs": [pin.model_dump(mode="json") for pin in inputs.all_pins],
        },
        sort_keys=True,
    )
    return sha256(text.encode()).hexdigest()


def _stored_from(
    app: Application, request: JobRequest, input_hash: str
) -> dict[str, tuple[Dataset, VersionRef]] | None:
    """The stored tables, where all of them come from these very inputs; None where one does not.

    Only for tables of the day: an appended load is compared row by row by its kernel.
    """
    day, tenant = request.moment.as_of.isoformat(), request.moment.tenant
    found: dict[str, tuple[Dataset, VersionRef]] = {}
    for dataset in request.spec.writes:
        if dataset.partitioning is not Partitioning.BY_DATE:
            return None
        versions = app.tables.versions(dataset, tenant=tenant, partition=day)
        if not versions or versions[-1].provenance.input_hash != input_hash:
            return None
        ref = VersionRef(tenant=tenant, dataset=dataset.name, partition=day, version=versions[-1].version)
        found[dataset.name] = (dataset, ref)
    return found


def _stored_quarantine(app: Application, request: JobRequest) -> pl.DataFrame:
    dataset = quarantine_dataset(request.spec.name, request.spec.scope)
    day, tenant = request.moment.as_of.isoformat(), request.moment.tenant
    versions = app.tables.versions(dataset, tenant=tenant, partition=day)
    if not versions:
        return pl.DataFrame(schema=REJECTS_SCHEMA)
    ref = VersionRef(tenant=tenant, dataset=dataset.name, partition=day, version=versions[-1].version)
    return app.tables.scan(dataset, ref).select(REJECTS_SCHEMA.names()).collect()


def _limit_rejects(parameters: Parameters, inputs: Inputs, quarantine: pl.DataFrame) -> None:
    """A delivery that is mostly bad is not to be trusted at all."""
    rows = quarantine.select("table_name", "row_key", "row_number").n_unique() if quarantine.height else 0
    if inputs.delivered_rows and rows > parameters.max_reject_pct * inputs.delivered_rows:
        message = (
            f"{rows} of {inputs.delivered_rows} delivered rows were rejected, more than max_reject_pct = "
            f"{parameters.max_reject_pct:.0%}; nothing was written.\n{describe_rejects(quarantine)}"
        )
        raise TooManyRejectsError(message)


def _publish_table(
    app: Application, computation: Computation, dataset: Dataset, result: dict[str, Any]
) -> tuple[TableVersion, bool]:
    """The version that stands for the table now, and whether this job wrote it."""
    request = computation.request
    frame, day, tenant = (
        computation.tables[dataset.name],
        request.moment.as_of.isoformat(),
        request.moment.tenant,
    )
    versions = app.tables.versions(dataset, tenant=tenant, partition=day)
    provenance = _provenance(app, computation, dataset, result)
    if dataset.partitioning is Partitioning.BY_LOAD:
        covered = bool(versions) and set(provenance.covers) <= set(versions[-1].provenance.covers)
        if versions and frame.is_empty() and covered:
            return versions[-1], False
        return app.tables.append(
            dataset, tenant=tenant, partition=day, frame=frame, provenance=provenance
        ), True
    same_rows = bool(versions) and versions[-1].content_hash == content_hash(frame)
    if computation.reused or same_rows:
        return versions[-1], False
    return app.tables.publish(dataset, tenant=tenant, partition=day, frame=frame, provenance=provenance), True


def _publish_quarantine(app: Application, computation: Computation) -> None:
    request = computation.request
    dataset = quarantine_dataset(request.spec.name, request.spec.scope)
    moment = request.moment
    frame = computation.quarantine.select(
        pl.lit(moment.tenant).alias("tenant_id"),
        pl.lit(moment.as_of).alias("as_of_date"),
        pl.lit(request.job_id).alias("job_id"),
        *REJECTS_SCHEMA.names(),
    )
    versions = app.tables.versions(dataset, tenant=moment.tenant, partition=moment.as_of.isoformat())
    if versions:
        ref = VersionRef(
            tenant=moment.tenant,
            dataset=dataset.name,
            partition=moment.as_of.isoformat(),
            version=versions[-1].version,
        )
        stored = app.tables.scan(dataset, ref).drop("job_id").collect()
        if content_hash(stored) == content_hash(frame.drop("job_id")):
            return
    provenance = _provenance(app, computation, dataset, {})
    app.tables.publish(
        dataset, tenant=moment.tenant, partition=moment.as_of.isoformat(), frame=frame, provenance=provenance
    )


def _provenance(
    app: Application, computation: Computation, dataset: Dataset, result: dict[str, Any]
) -> Provenance:
    request = computation.request
    return Provenance(
        job=JobStamp(
            job_id=request.job_id,
            job_type=request.spec.name,
            run_id=request.run_id,
            code_version=app.code_version,
        ),
        as_of=request.moment.as_of,
        known_at=request.moment.known_at,
        parameters=plain(computation.parameters.model_dump()),
        inputs=computation.inputs.all_pins,
        input_hash=computation.input_hash,
        gates=tuple(GateStamp(name=found.gate.name, passed=found.passed) for found in computation.gates),
        covers=tuple(span for span in computation.inputs.covers if span.market in dataset.covered_by),
        result=result,
    )


def _is_by_date(spec: JobSpec, name: str) -> bool:
    return any(
        dataset.name == name and dataset.partitioning is Partitioning.BY_DATE for dataset in spec.writes
    )


def _describe(found: GateOutcome) -> str:
    first = found.offenders.head(3).to_dicts()
    return (
        f"{found.gate.name} is broken by {found.offenders.height} row(s), so nothing was published. "
        f"Law: {found.gate.law}. First: {plain(first)}"
    )


def request_for(
    spec: JobSpec,
    *,
    tenant: str,
    as_of: date,
    known_at: datetime,
    job_id: str,
    run_id: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> JobRequest:
    """A request in one call."""
    return JobRequest(spec, Moment(tenant, as_of, known_at), job_id, run_id, parameters)
