"""Which jobs a business day needs, and in which order: by dependency first, then by priority."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from graphlib import TopologicalSorter

from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.catalog import Look, Scope
from ultracore_jobs.jobs import Cadence, JobSpec


@dataclass(frozen=True)
class PlannedJob:
    """One job of a business day."""

    job_type: str
    tenant: str
    as_of: date


def plan_day(
    jobs: Mapping[str, JobSpec], *, tenants: Sequence[str], as_of: date, is_session: Callable[[date], bool]
) -> tuple[PlannedJob, ...]:
    """The jobs of one day, each after what it reads from.

    Args:
        jobs: The registered job types.
        tenants: Tenants that are open on the day; shared jobs run once, under ``shared``.
        as_of: The day.
        is_session: Whether some exchange of ours trades on a day; else jobs by sessions are left out.

    Returns:
        Jobs in an order in which every table is written before it is read, each with the key of its period.
        Jobs of a month or a quarter are due on its last session. Among those that are ready, higher priority
        first, then by name; of one type, tenants in the order given.

    Raises:
        graphlib.CycleError: Two job types read each other's tables of the same day.

    Source: domain_rules 0.2 and 21.6.
    """
    sorter = TopologicalSorter(upstreams(jobs))
    sorter.prepare()
    planned: list[PlannedJob] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda name: (-jobs[name].priority, name))
        for name in ready:
            sorter.done(name)
            cadence = jobs[name].cadence
            if not _is_due(cadence, as_of, is_session):
                continue
            owners = [SHARED] if jobs[name].scope is Scope.SHARED else tenants
            planned += [PlannedJob(name, tenant, cadence.key_of(as_of)) for tenant in owners]
    return tuple(planned)


def _is_due(cadence: Cadence, as_of: date, is_session: Callable[[date], bool]) -> bool:
    if cadence is Cadence.DAYS:
        return True
    if not is_session(as_of):
        return False
    if cadence is Cadence.SESSIONS:
        return True
    after = (cadence.period_end(cadence.key_of(as_of)) - as_of).days
    return not any(is_session(as_of + timedelta(days=ahead)) for ahead in range(1, after))


def upstreams(jobs: Mapping[str, JobSpec]) -> dict[str, set[str]]:
    """For each job type, the types whose tables of the same day it reads.

    The previous partition and a job's own tables are memory, not order; see DESIGN 4.
    """
    writers = {dataset.name: job.name for job in jobs.values() for dataset in job.writes}
    return {
        job.name: {
            writers[read.dataset.name]
            for read in job.inputs
            if read.dataset.name in writers and read.look not in {Look.PREVIOUS, Look.STORED, Look.RECENT}
        }
        - {job.name}
        for job in jobs.values()
    }
