"""What jobs there are. One page each in `ultracore_jobs.jobs.types`; `registry` finds them."""

from ultracore_jobs.jobs.registry import job_types, load_pages
from ultracore_jobs.jobs.spec import Cadence, Chart, Example, JobSpec, Priority

__all__ = ["Cadence", "Chart", "Example", "JobSpec", "Priority", "job_types", "load_pages"]
