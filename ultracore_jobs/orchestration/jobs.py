"""One named Dagster job for each job type: what a schedule, a person or the command line launches."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.orchestration.effects import receipts_key


def dagster_job(job: JobSpec) -> UnresolvedAssetJobDefinition:
    """The job that computes and publishes every table of *job*, and then applies its decisions, in process.

    Its priority is a run tag, the only form the queue looks at.
    """
    keys = [dg.AssetKey([dataset.name]) for dataset in job.writes]
    if job.effect is not None:
        keys.append(receipts_key(job))
    return dg.define_asset_job(
        job.name,
        selection=dg.AssetSelection.assets(*keys),
        description=f"{job.summary}\n\n{job.rule}\n\nRunning it again: {job.rerun}",
        tags={
            "dagster/priority": str(int(job.priority)),
            "ultracore/job_type": job.name,
        },
        executor_def=dg.in_process_executor,
    )
