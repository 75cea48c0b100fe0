"""What jobs there are. One page each in `ultracore_jobs.jobs.types`; `registry` finds them."""

from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.effect import Batch, DecisionTable, Effect
from ultracore_jobs.jobs.registry import job_types, load_pages
from ultracore_jobs.jobs.spec import Chart, Example, JobSpec, Priority

__all__ = [
    "Batch",
    "Cadence",
    "Chart",
    "DecisionTable",
    "Effect",
    "Example",
    "JobSpec",
    "Priority",
    "job_types",
    "load_pages",
]
