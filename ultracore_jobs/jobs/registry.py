"""Finds the pages: every module in `ultracore_jobs.jobs.types` that defines ``JOB`` is a job type."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from ultracore_jobs.errors import InvalidJobSpecError, UnknownNameError
from ultracore_jobs.jobs import types
from ultracore_jobs.jobs.spec import JobSpec


def load_pages(package: ModuleType) -> dict[str, JobSpec]:
    """The job types of a package of pages, by name.

    Raises:
        InvalidJobSpecError: A page has no ``JOB``, its file is not named like the job type, or two
            pages write one table (one asset has one writer).
    """
    pages: dict[str, JobSpec] = {}
    writers: dict[str, str] = {}
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        job = getattr(module, "JOB", None)
        if not isinstance(job, JobSpec) or job.name != module_info.name:
            message = f"page {module.__name__} must define JOB = JobSpec(name={module_info.name!r}, ...)"
            raise InvalidJobSpecError(message)
        for dataset in job.writes:
            other = writers.setdefault(dataset.name, job.name)
            if other != job.name:
                message = f"{other} and {job.name} both write {dataset.name}; one table has one writer"
                raise InvalidJobSpecError(message)
        pages[job.name] = job
    return pages


@cache
def job_types() -> dict[str, JobSpec]:
    """The registered job types, by name."""
    return load_pages(types)


def job_type(name: str) -> JobSpec:
    """One job type by its name.

    Raises:
        UnknownNameError: There is none of that name.
    """
    pages = job_types()
    if name not in pages:
        raise UnknownNameError("job type", name, tuple(pages))
    return pages[name]
