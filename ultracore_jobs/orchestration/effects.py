"""Effects as ops: ``read -> apply -> verify`` for each job type that decides something.

The UI lets anyone launch them, so each step asks the ledger and the table store anew and trusts nothing that
another step said. What may not be done is refused, and the run says why.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from ultracore_jobs.application.batches import effect_of, standing_batch
from ultracore_jobs.application.cancel import require_not_cancelled
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.effects import Applied, apply_batch, require_posted_as_decided
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.application.results import Status
from ultracore_jobs.errors import EffectRefusedError, UltracoreError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.orchestration.batch_metadata import of_receipts
from ultracore_jobs.orchestration.identity import (
    ACTOR_TAG,
    BATCH_TAG,
    JOB_TAG,
    OUTCOME_TAG,
    REASON_TAG,
    actor_of,
    attempt_of,
    has_ended,
    job_of_run,
    remember_outcome,
    tenant_and_day,
)
from ultracore_jobs.orchestration.partitions import partitions_of
from ultracore_jobs.orchestration.resources import Platform

_WAITS = (
    "waits until another person than who asked for it launches `approve_batch`; then the sensor "
    "`approved_batches` applies it."
)
_APPROVALS = {
    "none": "Nobody need approve first.",
    "over_limit": f"A batch that comes to more than the parameter `approval_limit` {_WAITS}",
    "always": f"Every batch {_WAITS}",
}


def receipts_key(job: JobSpec) -> dg.AssetKey:
    """The asset of a job type's receipts."""
    return dg.AssetKey([effect_of(job).receipts])


def effect_assets(job: JobSpec) -> dg.AssetsDefinition:
    """The receipts of *job*: what was done about its decisions, in a pool of its own."""
    effect, pool = effect_of(job), f"{job.name}_effects"
    after = {"after": dg.In(dg.Nothing)}
    nothing = dg.Out(dg.Nothing)

    @dg.op(name=f"{job.name}_read", ins=after, out=nothing, pool=pool, tags={"ultracore/job_type": job.name})
    def read(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
        """Look at the decisions: are they there, were their laws found to hold, may they be applied?"""
        tenant, day = tenant_and_day(context, job)
        with _refusals(context):
            batch = standing_batch(platform.application, job, tenant=tenant, as_of=day)
        tags = {
            JOB_TAG: job_of_run(context.run, job, tenant, context.instance),
            ACTOR_TAG: actor_of(context.run),
            BATCH_TAG: batch.batch.batch_id,
            "ultracore/job_type": job.name,
            "ultracore/tenant": tenant,
            "ultracore/logical_date": day.isoformat(),
        }
        context.instance.add_run_tags(context.run.run_id, tags)
        context.log.info(
            "batch %s: %s, %d to apply, %d held", batch.batch.batch_id, batch.state.value, batch.left.height,
            batch.held.height,
        )  # fmt: skip

    @dg.op(name=f"{job.name}_apply", ins=after, out=nothing, pool=pool, tags={"ultracore/job_type": job.name})
    def apply(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
        """Do what the decisions ask for, as far as it is not done yet."""
        app = platform.application
        tenant, day = tenant_and_day(context, job)
        with claimed(
            app,
            job_type=f"{job.name}:effects",
            moment=Moment(tenant, day, app.clock.now()),
            job_id=f"{job_of_run(context.run, job, tenant, context.instance)}:effects",
            run_id=context.run.run_id,
            attempt=attempt_of(context.run),
            has_ended=lambda run_id: has_ended(context.instance, run_id),
        ) as claim:
            if claim is None:
                context.log.warning("another run applies these decisions; this one does nothing")
                remember_outcome(context, Status.IGNORED.value)
                return
            with _refusals(context):
                require_not_cancelled(app, job_of_run(context.run, job, tenant, context.instance))
                applied = apply_batch(app, job, tenant=tenant, as_of=day, actor=actor_of(context.run))
        _tell(context, applied)

    @dg.op(
        name=f"{job.name}_verify", ins=after, out=nothing, pool=pool, tags={"ultracore/job_type": job.name}
    )
    def verify(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> Any:
        """Count the receipts in the ledger against the decisions, and show them."""
        app = platform.application
        tenant, day = tenant_and_day(context, job)
        with _refusals(context):
            batch = standing_batch(app, job, tenant=tenant, as_of=day)
            require_posted_as_decided(app, batch)
        yield dg.Output(None, metadata=of_receipts(app, batch))

    @dg.graph_asset(
        name=effect.receipts,
        ins={"decided": dg.AssetIn(key=dg.AssetKey([job.writes[0].name]), dagster_type=dg.Nothing)},
        partitions_def=partitions_of(job),
        group_name=job.family,
        description=f"{effect.summary}\n\nEach decision at most once, by its id; running it again adds what "
        f"is missing. {_APPROVALS[effect.approval]}\n\nIts latest numbers are those of the last run that "
        "came this far; a refused or frozen run says why in the tag `ultracore/reason`.",
        owners=["team:operations"],
        tags={"ultracore/job_type": job.name, "ultracore/effect": "true"},
        kinds={"sql"},
    )
    def receipts(decided: Any) -> Any:
        return verify(apply(read(decided)))

    return receipts


@contextmanager
def _refusals(context: dg.OpExecutionContext) -> Iterator[None]:
    """Turn what may not be done into a failed run that says why, and is found by its outcome."""
    try:
        yield
    except UltracoreError as error:
        refused = isinstance(error, EffectRefusedError)
        remember_outcome(context, Status.REFUSED.value if refused else Status.FAILED.value)
        context.instance.add_run_tags(context.run.run_id, {REASON_TAG: str(error)[:1000]})
        # One line to read before the traceback that Dagster adds.
        context.log.error("%s", error)  # noqa: TRY400 - it is the message that helps, not where it was raised
        raise dg.Failure(
            description=str(error), metadata={"error": type(error).__name__}, allow_retries=False
        ) from error


def _tell(context: dg.OpExecutionContext, applied: Applied) -> None:
    """Tag the run with what became of its decisions, where that is not simply done."""
    context.log.info("%s", applied.as_json())
    if applied.status is not Status.COMPLETED:
        context.log.warning("%s: %s", applied.status.value, applied.why)
        context.instance.add_run_tags(context.run.run_id, {REASON_TAG: applied.why[:1000]})
        remember_outcome(context, applied.status.value)
        return
    run = context.instance.get_run_by_id(context.run.run_id)
    # A re-execution has the tags of the run before it; what the compute step of this one said stands.
    said = run.tags.get(OUTCOME_TAG) if run is not None else None
    if said not in {Status.COMPLETED.value, Status.COMPLETED_WITH_ERRORS.value}:
        remember_outcome(context, Status.COMPLETED.value)
