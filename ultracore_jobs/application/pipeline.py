"""The one shape of all jobs: fetch, kernel, gates, publish.

`compute` reads and calculates and writes nothing but the provider's delivery; `publish` writes the
tables of a computation whose gates hold. Orchestration calls the two and turns what they return into
Dagster's events; `execute` calls them one after the other for those who need no Dagster.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import polars as pl
from pydantic import ValidationError

from ultracore_jobs.application.batches import batch_result
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.publishing import publish_quarantine, publish_table, published_from, set_aside
from ultracore_jobs.application.reading import Inputs, Moment, fetch
from ultracore_jobs.application.results import Computation, Status, by_name, dependants, job_result, plain
from ultracore_jobs.catalog import REJECTS_SCHEMA, Partitioning, conform, describe_rejects
from ultracore_jobs.errors import TooManyRejectsError, UsageError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import Parameters, call_by_name
from ultracore_jobs.kernels.gates import GateOutcome
from ultracore_jobs.ports import GateStamp, JobStamp, Provenance, TableVersion, VersionRef

Progress = Callable[[float, str], None]
"""Called with the fraction done and what is being done."""


@dataclass(frozen=True)
class JobRequest:
    """One job to do.

    Attributes:
        spec: Its type.
        moment: For whom, about which day, with what knowledge.
        job_id: Its identity.
        run_id: The Dagster run that does it, where there is one.
        parameters: As a person or a schedule gave them.
        actor: Who asked for it: a person, a schedule, a service.
    """

    spec: JobSpec
    moment: Moment
    job_id: str
    run_id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    actor: str = "unattributed"


@dataclass(frozen=True)
class Completion:
    """What a job did.

    Attributes:
        reused: Whether every table already stood as computed, so that nothing was written.
        result: The job's result, as JSON can hold it.
        versions: The version that stands for each table now.
    """

    status: Status
    reused: bool
    result: dict[str, Any]
    versions: Mapping[str, TableVersion]


def _silent(_done: float, _what: str) -> None:
    """Progress that nobody follows."""


def compute(app: Application, request: JobRequest, progress: Progress = _silent) -> Computation:
    """Fetch the inputs, run the kernel, hold the outcome against contracts and laws.

    Raises:
        UsageError: A parameter is unknown or out of bounds.
        MissingInputError: A required table has no rows.
        TooManyRejectsError: More delivered rows were set aside than ``max_reject_pct`` allows.
        ContractError: The kernel returned a table that breaks its contract.
    """
    spec, moment = request.spec, request.moment
    parameters = read_parameters(spec, request.parameters)
    progress(0.05, "Fetching inputs")
    inputs = fetch(app, spec, moment, dict(parameters))
    input_hash = _input_hash(app, request, parameters, inputs)
    tables = published_from(app, spec, moment, input_hash)
    reused = tables is not None
    if tables is None:
        progress(0.3, f"Computing from {sum(table.height for table in inputs.tables.values()):,} rows")
        returned = call_by_name(spec.kernel, by_name(moment, parameters, inputs.tables))._asdict()
        quarantine = returned.pop("quarantine", pl.DataFrame(schema=REJECTS_SCHEMA))
        _limit_rejects(parameters, inputs, quarantine)
        tables = {dataset.name: conform(returned[dataset.name], dataset) for dataset in spec.writes}
    else:
        quarantine = set_aside(app, spec, moment)
    progress(0.7, "Checking invariants")
    available = by_name(moment, parameters, inputs.tables, {**tables, "quarantine": quarantine})
    return Computation(
        spec=spec,
        moment=moment,
        parameters=parameters,
        inputs=inputs,
        input_hash=input_hash,
        tables=tables,
        quarantine=quarantine,
        gates=tuple(GateOutcome(gate, call_by_name(gate.broken, available)) for gate in spec.gates),
        reused=reused,
    )


def publish(
    app: Application, request: JobRequest, computation: Computation, progress: Progress = _silent
) -> Completion:
    """Write the tables, the head table last, and say what was done.

    Re-running with the same inputs writes nothing. Changed inputs that give other rows make the next
    version, and the result names what was computed from the one before.

    Raises:
        GateError: A law is broken; nothing was written.
        ConcurrentWriteError: Another writer replaced a manifest meanwhile.
    """
    computation.require_gates()
    spec, moment = computation.spec, computation.moment
    result = job_result(computation)
    provenance = _provenance(app, request, computation, result)
    progress(0.85, "Publishing")
    if not computation.reused:
        publish_quarantine(app, computation, provenance)
    versions: dict[str, TableVersion] = {}
    written: dict[str, int] = {}
    restated: dict[str, int] = {}
    for dataset in reversed(spec.writes):
        version, is_new = publish_table(app, computation, dataset, provenance)
        versions[dataset.name] = version
        if is_new:
            written[dataset.name] = computation.tables[dataset.name].height
            if dataset.partitioning is Partitioning.BY_DATE and version.version > 1:
                restated[dataset.name] = version.version
    day = moment.as_of.isoformat()
    refs = [
        VersionRef(tenant=moment.tenant, dataset=name, partition=day, version=version.version)
        for name, version in versions.items()
    ]
    app.tables.remember_job(request.job_id, tuple(refs))
    if restated:
        result["restates"] = {
            "tables": restated,
            "dependants": dependants(app, spec, tuple(restated), moment),
        }
    if spec.effect is not None:
        result.update(batch_result(app, spec, tenant=moment.tenant, as_of=moment.as_of))
    result["written"] = dict(sorted(written.items()))
    result["reused"] = not written
    progress(1.0, "Done")
    return Completion(computation.status, not written, result, versions)


def execute(app: Application, request: JobRequest) -> Completion:
    """`compute` and `publish`, for those who need no Dagster."""
    return publish(app, request, compute(app, request))


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
        raise UsageError(f"parameters of {spec.name}: {faults}. There are: {known}") from error


def _input_hash(app: Application, request: JobRequest, parameters: Parameters, inputs: Inputs) -> str:
    """SHA-256 over everything the outcome depends on; the cut-off K only where it left rows out."""
    text = json.dumps(
        {
            "job_type": request.spec.name,
            "tenant": request.moment.tenant,
            "as_of": request.moment.as_of.isoformat(),
            "timezone": request.moment.timezone,
            "parameters": plain(parameters.model_dump()),
            "code_version": app.code_version,
            "inputs": [pin.model_dump(mode="json") for pin in inputs.all_pins],
        },
        sort_keys=True,
    )
    return sha256(text.encode()).hexdigest()


def _limit_rejects(parameters: Parameters, inputs: Inputs, quarantine: pl.DataFrame) -> None:
    """A delivery that is mostly bad is not to be trusted at all."""
    rows = quarantine.select("table_name", "row_key", "row_number").n_unique() if quarantine.height else 0
    if inputs.delivered_rows and rows > parameters.max_reject_pct * inputs.delivered_rows:
        raise TooManyRejectsError(
            f"{rows} of {inputs.delivered_rows} delivered rows were rejected, more than max_reject_pct = "
            f"{parameters.max_reject_pct:.0%}; nothing was written.\n{describe_rejects(quarantine)}"
        )


def _provenance(
    app: Application, request: JobRequest, computation: Computation, result: dict[str, Any]
) -> Provenance:
    return Provenance(
        job=JobStamp(
            job_id=request.job_id,
            job_type=request.spec.name,
            run_id=request.run_id,
            code_version=app.code_version,
            actor=request.actor,
        ),
        as_of=computation.moment.as_of,
        known_at=computation.moment.known_at,
        parameters=plain(computation.parameters.model_dump()),
        inputs=computation.inputs.all_pins,
        input_hash=computation.input_hash,
        gates=tuple(GateStamp(name=found.gate.name, passed=found.passed) for found in computation.gates),
        covers=computation.inputs.covers,
        result=result,
    )
