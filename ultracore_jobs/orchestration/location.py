"""The code location: everything Dagster knows of us, assembled in one function."""

import warnings
from collections.abc import Mapping

import dagster as dg

from ultracore_jobs.application.retry import by_occurrence
from ultracore_jobs.jobs import JobSpec, job_types
from ultracore_jobs.orchestration.assets import assets_of, given_assets
from ultracore_jobs.orchestration.effects import effect_assets
from ultracore_jobs.orchestration.jobs import dagster_job
from ultracore_jobs.orchestration.outstanding import outstanding_sensor
from ultracore_jobs.orchestration.people import PEOPLE
from ultracore_jobs.orchestration.record_sensor import job_events
from ultracore_jobs.orchestration.resources import Platform
from ultracore_jobs.orchestration.sensors import approved_batches


def build_definitions(
    jobs: Mapping[str, JobSpec] | None = None, platform: Platform | None = None
) -> dg.Definitions:
    """Definitions for *jobs* (by default all registered) on *platform* (by default the configured one)."""
    jobs = job_types() if jobs is None else jobs
    named = {name: dagster_job(job) for name, job in jobs.items()}
    deciding = [job for job in jobs.values() if job.effect is not None]
    with warnings.catch_warnings():
        # Code links and the mapping from (date, tenant) to date are beta in Dagster; tests hold what we
        # rely on, and an operator can do nothing about it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.Definitions(
            assets=[
                *(assets_of(job, jobs) for job in jobs.values()),
                *(effect_assets(job) for job in deciding),
                *given_assets(jobs),
            ],
            jobs=[*named.values(), *(PEOPLE if deciding else ())],
            sensors=[
                job_events(by_occurrence),
                outstanding_sensor(list(named.values())),
                *([approved_batches([named[job.name] for job in deciding])] if deciding else []),
            ],
            resources={"platform": platform or Platform()},
        )
