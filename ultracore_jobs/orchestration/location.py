"""The code location: everything Dagster knows of us, assembled in one function."""

from collections.abc import Mapping

import dagster as dg

from ultracore_jobs.jobs import JobSpec, job_types
from ultracore_jobs.orchestration.assets import assets_of, given_assets
from ultracore_jobs.orchestration.jobs import dagster_job
from ultracore_jobs.orchestration.resources import Platform


def build_definitions(
    jobs: Mapping[str, JobSpec] | None = None, platform: Platform | None = None
) -> dg.Definitions:
    """Definitions for *jobs*, by default all registered ones, on *platform*, by default the configured one."""
    jobs = job_types() if jobs is None else jobs
    return dg.Definitions(
        assets=[*(assets_of(job, jobs) for job in jobs.values()), *given_assets(jobs)],
        jobs=[dagster_job(job) for job in jobs.values()],
        resources={"platform": platform or Platform()},
    )
