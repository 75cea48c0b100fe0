"""Sensors: what the daemon looks for every few seconds."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ultracore_jobs.application import Application
from ultracore_jobs.application.batches import BatchState, StandingBatch, find_batch
from ultracore_jobs.application.results import Status
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.orchestration.effects import receipts_key
from ultracore_jobs.orchestration.identity import ACTOR_TAG, BATCH_TAG, OUTCOME_TAG
from ultracore_jobs.orchestration.partitions import partition_key
from ultracore_jobs.orchestration.resources import Platform
from ultracore_jobs.ports import Approval, Verdict

_LOOK_BACK = timedelta(days=400)
"""Longer than any freeze; what is applied already is remembered in the cursor, and not looked at again."""

_ATTEMPTS = 3


def approved_batches(jobs: Sequence[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """Applies what a person approved: one run of the receipts alone for each approved batch.

    Level-triggered: it asks what was approved and is not applied yet, so nothing is forgotten while the
    daemon is away. A run that failed is tried again, three times in all; then a person must look.
    """

    @dg.sensor(
        name="approved_batches",
        jobs=jobs,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=approved_batches.__doc__,
    )
    def sense(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        app = platform.application
        said = [
            one
            for one in app.ledger.verdicts(since=app.clock.now() - _LOOK_BACK)
            if one.verdict is Verdict.APPROVED
        ]
        settled = set(json.loads(context.cursor or "[]")) & {one.batch_id for one in said}
        requests: list[dg.RunRequest] = []
        for one in said:
            if one.batch_id in settled:
                continue
            batch = _ready(app, one)
            if batch is None:
                settled.add(one.batch_id)
            else:
                requests += _requests(context.instance, app, batch, one)
        cursor = json.dumps(sorted(settled))
        if not requests:
            return dg.SensorResult(skip_reason="nothing approved waits to be applied", cursor=cursor)
        return dg.SensorResult(run_requests=requests, cursor=cursor)

    return sense


def receipts_request(
    batch: StandingBatch, said: Approval, *, due_at: datetime, attempt: int, number: int
) -> dg.RunRequest:
    """The run that applies an approved batch: the receipts alone, as a job of its own."""
    return dg.RunRequest(
        run_key=f"approval:{said.batch_id}:{number}",
        job_name=batch.spec.name,
        partition_key=partition_key(batch.spec, batch.as_of, batch.tenant),
        asset_selection=[receipts_key(batch.spec)],
        tags=receipts_tags(said, due_at=due_at, attempt=attempt),
    )


def receipts_tags(said: Approval, *, due_at: datetime, attempt: int) -> dict[str, str]:
    """Tags of a run that applies an approved batch."""
    return {
        BATCH_TAG: said.batch_id,
        ACTOR_TAG: said.actor,
        "ultracore/schedule_id": f"approval:{said.batch_id}",
        "ultracore/due_at": due_at.isoformat(),
        "ultracore/attempt": str(attempt),
    }


def _ready(app: Application, said: Approval) -> StandingBatch | None:
    """The batch, if something of it is still to be applied."""
    try:
        batch = find_batch(app, said.batch_id)
    except UnknownNameError:
        # Its job has decided otherwise since; what was approved is not what stands.
        return None
    return batch if batch.state is BatchState.READY else None


def _requests(
    instance: dg.DagsterInstance, app: Application, batch: StandingBatch, said: Approval
) -> list[dg.RunRequest]:
    runs = instance.get_runs(dg.RunsFilter(tags={"ultracore/schedule_id": f"approval:{said.batch_id}"}))
    # A run that met a freeze did nothing: its job has ended, and the next run is another job, due now.
    frozen = [run for run in runs if run.tags.get(OUTCOME_TAG) == Status.FROZEN.value]
    tried = [run for run in runs if run not in frozen]
    failed = [run for run in tried if run.status is dg.DagsterRunStatus.FAILURE]
    now = app.clock.now()
    if len(tried) > len(failed) or len(failed) >= _ATTEMPTS or app.ledger.frozen(now):
        return []
    due_at = now if frozen else said.at
    return [receipts_request(batch, said, due_at=due_at, attempt=len(failed) + 1, number=len(runs) + 1)]
