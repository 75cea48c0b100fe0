"""Pages into assets: one compute step for each job type, one asset for each table it writes."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from ultracore_jobs.application.cancel import require_not_cancelled
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.pipeline import JobRequest, compute, publish
from ultracore_jobs.application.readiness import waiting_for
from ultracore_jobs.application.results import Computation, Status
from ultracore_jobs.catalog import Dataset, Look, Scope
from ultracore_jobs.errors import MissingInputError, UltracoreError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.kernels.gates import GateOutcome, Severity
from ultracore_jobs.orchestration import metadata
from ultracore_jobs.orchestration.batch_metadata import batch_metadata
from ultracore_jobs.orchestration.identity import (
    attempt_of,
    describe_run,
    has_ended,
    remember_not_started,
    remember_outcome,
)
from ultracore_jobs.orchestration.partitions import partitions_of
from ultracore_jobs.orchestration.resources import Platform

_SECONDS_BETWEEN_OBSERVATIONS = 2.0

Step = Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]


def asset_key(dataset: Dataset) -> dg.AssetKey:
    """The asset of a table."""
    return dg.AssetKey([dataset.name])


def config_class(job: JobSpec) -> type[dg.Config]:
    """The Launchpad form of a job type: its parameters, as Dagster config."""
    return type(f"{job.name}_parameters", (job.parameters, dg.Config), {})


def assets_of(job: JobSpec, jobs: Mapping[str, JobSpec]) -> dg.AssetsDefinition:
    """The compute step of *job*: fetch, kernel, gates, publish; all around the kernel, no arithmetic.

    A law that is broken shows as a red check and fails the run before anything is written. A run
    whose upstream is missing ends without materialising anything, as does one that is not the owner
    of the job; ``ultracore/outcome`` says so.
    """
    parameters = config_class(job)

    @dg.multi_asset(
        name=f"{job.name}_compute",
        specs=[_spec(job, dataset, jobs) for dataset in job.writes],
        check_specs=[
            dg.AssetCheckSpec(gate.name, asset=dg.AssetKey([gate.on]), description=gate.law)
            for gate in job.gates
        ],
        # Only a step that can be a subset may end without yielding what it did not do.
        can_subset=True,
        op_tags={"ultracore/job_type": job.name},
    )
    def compute_step(
        context: dg.AssetExecutionContext,
        config: parameters,  # type: ignore[valid-type]  # Dagster reads the class, made from the page
        platform: dg.ResourceParam[Platform],
    ) -> Step:
        app = platform.application
        request = describe_run(context, job, app, config.model_dump())  # type: ignore[attr-defined]
        with claimed(
            app,
            job_type=job.name,
            moment=request.moment,
            job_id=request.job_id,
            run_id=context.run.run_id,
            attempt=attempt_of(context.run),
            has_ended=lambda run_id: has_ended(context.instance, run_id),
        ) as claim:
            if claim is None:
                context.log.warning("another run does this job of this period; this one does nothing")
                remember_outcome(context, Status.IGNORED.value)
                return
            missing = waiting_for(app, job, request.moment)
            if missing:
                context.log.warning("not ready, waiting for %s", "; ".join(missing))
                remember_not_started(context, Status.SKIPPED_UPSTREAM.value, "; ".join(missing))
                return
            yield from _run(context, platform, request)

    return compute_step


def _run(context: dg.AssetExecutionContext, platform: Platform, request: JobRequest) -> Step:
    app, job = platform.application, request.spec
    progress = _Progress(context, job)
    try:
        require_not_cancelled(app, request.job_id)
        computation = compute(app, request, progress)
        yield from _checks(context, computation)
        require_not_cancelled(app, request.job_id)
        completion = publish(app, request, computation, progress)
    except UltracoreError as error:
        remember = remember_not_started if isinstance(error, MissingInputError) else remember_outcome
        remember(context, Status.FAILED.value)
        raise dg.Failure(
            description=str(error), metadata={"error": type(error).__name__}, allow_retries=False
        ) from error
    available = computation.available
    for dataset in job.writes:
        if asset_key(dataset) not in context.selected_asset_keys:
            continue
        version = completion.versions[dataset.name]
        found = metadata.of_version(version, app.tables.location(dataset, tenant=request.moment.tenant))
        if dataset is job.writes[0]:
            found = {**metadata.of_head(computation, completion, available), **found}
            if job.effect is not None:
                found = {**batch_metadata(app, job, request.moment), **found}
        yield dg.MaterializeResult(
            asset_key=asset_key(dataset),
            metadata=found,
            data_version=dg.DataVersion(version.content_hash[:16]),
        )
    remember_outcome(context, completion.status.value)


def _checks(context: dg.AssetExecutionContext, computation: Computation) -> Iterator[dg.AssetCheckResult]:
    for found in computation.gates:
        key = dg.AssetCheckKey(dg.AssetKey([found.gate.on]), found.gate.name)
        if key in context.selected_asset_check_keys:
            yield _check_result(found)


def _check_result(found: GateOutcome) -> dg.AssetCheckResult:
    is_law = found.gate.severity is Severity.LAW
    return dg.AssetCheckResult(
        passed=found.passed,
        check_name=found.gate.name,
        asset_key=dg.AssetKey([found.gate.on]),
        severity=dg.AssetCheckSeverity.ERROR if is_law else dg.AssetCheckSeverity.WARN,
        description=found.gate.law,
        metadata=metadata.of_gate(found),
    )


def _spec(job: JobSpec, dataset: Dataset, jobs: Mapping[str, JobSpec]) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(dataset),
        deps=list(_deps(job, jobs)),
        description=f"{dataset.grain[0].upper()}{dataset.grain[1:]}.\n\n{job.summary}\n\n{job.rule}",
        group_name=job.family,
        partitions_def=partitions_of(job),
        metadata=metadata.of_asset(job, dataset),
        kinds={"polars", "parquet"},
        owners=["team:operations"],
        tags={"ultracore/job_type": job.name, "ultracore/priority": job.priority.name.lower()},
        skippable=True,
        code_version=job.kernel.__module__.rpartition(".")[2],
    )


def _deps(job: JobSpec, jobs: Mapping[str, JobSpec]) -> Iterator[dg.AssetDep]:
    own = {dataset.name for dataset in job.writes}
    produced = {dataset.name: other for other in jobs.values() for dataset in other.writes}
    seen: set[str] = set()
    for read in job.inputs:
        name = read.dataset.name
        if name in own or name in seen:
            # A job's own yesterday is memory; Dagster would draw it as a loop.
            continue
        seen.add(name)
        mapping = _mapping(job, produced[name], read.look) if name in produced else None
        yield dg.AssetDep(dg.AssetKey([name]), partition_mapping=mapping)


def _mapping(job: JobSpec, upstream: JobSpec, look: Look) -> dg.PartitionMapping | None:
    if job.scope is Scope.TENANT and upstream.scope is Scope.SHARED:
        return dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name="date")
    if look in {Look.PREVIOUS, Look.RECENT}:
        return _by_date(
            dg.TimeWindowPartitionMapping(
                start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True
            )
        )
    if look is Look.PERIOD:
        # A month maps to its sessions.
        return _by_date(dg.TimeWindowPartitionMapping())
    return None


def _by_date(dates: dg.PartitionMapping) -> dg.PartitionMapping:
    return dg.MultiPartitionMapping(
        {
            "date": dg.DimensionPartitionMapping("date", dates),
            "tenant": dg.DimensionPartitionMapping("tenant", dg.IdentityPartitionMapping()),
        }
    )


class _Progress:
    """Progress as observations on the head table, few enough that the event log stays small."""

    def __init__(self, context: dg.AssetExecutionContext, job: JobSpec) -> None:
        self._context, self._key = context, asset_key(job.writes[0])
        # The first report comes at once: it shows that the job was not held up by what it waits for.
        self._last = time.monotonic() - _SECONDS_BETWEEN_OBSERVATIONS

    def __call__(self, done: float, what: str) -> None:
        self._context.log.info("%3.0f%% %s", done * 100, what)
        if time.monotonic() - self._last < _SECONDS_BETWEEN_OBSERVATIONS:
            return
        self._last = time.monotonic()
        self._context.log_event(
            dg.AssetObservation(
                asset_key=self._key,
                partition=self._context.partition_key,
                metadata={"progress": dg.MetadataValue.float(done), "current_step": what},
            )
        )


def given_assets(jobs: Mapping[str, JobSpec]) -> Sequence[dg.AssetSpec]:
    """The tables we are given, as external assets, so that the graph shows where everything starts."""
    produced = {dataset.name for job in jobs.values() for dataset in job.writes}
    given = {
        read.dataset.name: read.dataset
        for job in jobs.values()
        for read in (*job.inputs, *(job.effect.inputs if job.effect else ()))
        if read.dataset.name not in produced
    }
    return [
        dg.AssetSpec(
            asset_key(dataset),
            description=f"{dataset.grain[0].upper()}{dataset.grain[1:]}.",
            group_name=_group(dataset),
            metadata={
                "licence": dataset.licence,
                "retention": dataset.retention.value,
                "source": dataset.source,
            },
            kinds={"sql" if dataset.source == "ledger" else "parquet"},
        )
        for _, dataset in sorted(given.items())
    ]


def _group(dataset: Dataset) -> str:
    if dataset.source == "ledger":
        return "ledger"
    return "given_market_data" if dataset.scope is Scope.SHARED else "given_books"
