"""Which jobs a business day needs, and in which order: by dependency first, then by priority."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.catalog import Look, Scope
from ultracore_jobs.jobs import Cadence, JobSpec


@dataclass(frozen=True)
class PlannedJob:
    """One job of a business day."""

    job_type: str
    tenant: str


def plan_day(
    jobs: Mapping[str, JobSpec], *, tenants: Sequence[str], is_session: bool
) -> tuple[PlannedJob, ...]:
    """The jobs of one day, each after what it reads from.

    Args:
        jobs: The registered job types.
        tenants: Tenants that are open on the day; shared jobs run once, under ``shared``.
        is_session: Whether some exchange of ours trades that day; else jobs by sessions are left out.

    Returns:
        Jobs in an order in which every table is written before it is read. Among those that are
        ready, higher priority first, then by name; of one type, tenants in the order given.

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
            if jobs[name].cadence is Cadence.SESSIONS and not is_session:
                continue
            owners = [SHARED] if jobs[name].scope is Scope.SHARED else tenants
            planned += [PlannedJob(name, tenant) for tenant in owners]
    return tuple(planned)


def upstreams(jobs: Mapping[str, JobSpec]) -> dict[str, set[str]]:
    """For each job type, the types whose tables of the same day it reads.

    The previous partition and a job's own tables are memory, not order; see DESIGN 4.
    """
    writers = {dataset.name: job.name for job in jobs.values() for dataset in job.writes}
    return {
        job.name: {
            writers[read.dataset.name]
            for read in job.inputs
            if read.dataset.name in writers and read.look not in {Look.PREVIOUS, Look.STORED}
        }
        - {job.name}
        for job in jobs.values()
    }
