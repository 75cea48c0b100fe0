"""The only place that imports Dagster: turns pages of `jobs.types` into assets, checks and jobs.

`build_definitions` is the front door for the code location; `run_business_day`, `run_here` and `apply_here`
for the command line.
"""

from ultracore_jobs.orchestration.business_day import DayReport, run_business_day
from ultracore_jobs.orchestration.instance import add_tenant_partition, open_instance
from ultracore_jobs.orchestration.location import build_definitions
from ultracore_jobs.orchestration.one_run import JobRun, apply_here, run_here
from ultracore_jobs.orchestration.partitions import last_completed_session
from ultracore_jobs.orchestration.resources import Platform

__all__ = [
    "DayReport",
    "JobRun",
    "Platform",
    "add_tenant_partition",
    "apply_here",
    "build_definitions",
    "last_completed_session",
    "open_instance",
    "run_business_day",
    "run_here",
]
