"""What should run now and does not, and what should stop and does not: asked anew each time.

This is the first form: one-time occurrences (run now, retry) and cancellations. Each look asks run storage
what is there before anything is launched, so whoever asked for a run and was killed is simply asked again,
and an occurrence is FIRED only when its run was seen. Two looks at once may both want a run; the claim
decides then, as always.

Source: DESIGN 4 and 6, domain_rules 21.5 and 21.9.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

from ultracore_jobs.application.cancel import record_cancelled
from ultracore_jobs.application.claiming import is_dead
from ultracore_jobs.application.job_standing import busy_with
from ultracore_jobs.application.job_streams import change_job, load_job, record_occurrence
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.platform import Application
from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.ports.occurrences import Cancellation, Occurrence

AT_ONCE: Final = 20
"""How many are launched in one look: a tick of a sensor that submits more keeps the next one waiting."""

_LOOKED_AT: Final = 5 * AT_ONCE
"""How many are looked at, so that some that must wait do not hide those behind them."""

_WATCHED: Final = timedelta(minutes=10)
"""How long after a cancellation a run of its job may still appear: a launch that was under way."""

_CLOSED = {
    JobStatus.COMPLETED,
    JobStatus.COMPLETED_WITH_ERRORS,
    JobStatus.CANCELLED,
    JobStatus.MISSED,
    JobStatus.SKIPPED_UPSTREAM,
}
_WAITING = {JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RETRYING}


class SeenRun(NamedTuple):
    """A run of a job, as run storage has it.

    Attributes:
        run_id: Which.
        job_id: Of which job; empty where the run does not say so yet.
        attempt: Which attempt, where the run says so.
        is_submitted: Whether it was handed to the queue; one that was only created may never start.
        has_ended: Whether nothing more comes of it.
        is_stopping: Whether it was asked to stop.
        status: The word for it.
    """

    run_id: str
    job_id: str
    attempt: int | None
    is_submitted: bool
    has_ended: bool
    is_stopping: bool
    status: str


class RunStorage(Protocol):
    """What is asked of whoever keeps and stops runs."""

    def of_jobs(self, job_ids: Collection[str]) -> Sequence[SeenRun]:
        """Every run that says it is of one of these jobs."""
        ...

    def by_id(self, run_id: str) -> SeenRun | None:
        """One run."""
        ...

    def busy(self, occurrence: Occurrence) -> str | None:
        """A run, queued or at work, of the same job type, tenant and logical date."""
        ...

    def fault(self, occurrence: Occurrence) -> str | None:
        """Why no run of it can be made, ever; None where one can."""
        ...

    def stop(self, run_id: str, wish: Cancellation) -> None:
        """Ask a run to stop, with reason and actor noted on it before."""
        ...


@dataclass(frozen=True)
class Outstanding:
    """What one look found.

    Attributes:
        launch: What is to be launched now, in order.
        fired: What was seen to have been launched.
        held: What waits although it is due, with the run that is in its way.
        missed: What cannot be launched, with the reason.
        stopping: Runs that were asked to stop.
    """

    launch: tuple[Occurrence, ...] = ()
    fired: tuple[Occurrence, ...] = ()
    held: tuple[tuple[Occurrence, str], ...] = ()
    missed: tuple[tuple[Occurrence, str], ...] = ()
    stopping: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What there is to say, in one line; empty where there is nothing."""
        said = [
            *(f"{one.run_key} waits for run {run}" for one, run in self.held),
            *(f"{one.run_key} cannot run: {why}" for one, why in self.missed),
            *(f"run {run} was asked to stop" for run in self.stopping),
        ]
        return "; ".join(said)


def outstanding_work(app: Application, runs: RunStorage, *, at_once: int = AT_ONCE) -> Outstanding:
    """See to cancellations, note what was launched, and say what is to be launched.

    Args:
        app: The platform.
        runs: Run storage.
        at_once: How many to launch at most.
    """
    stopping = _see_to_cancellations(app, runs)
    due = app.occurrences.due(app.clock.now(), max(_LOOKED_AT, at_once))
    seen = _by_attempt(runs.of_jobs({one.job_id for one in due})) if due else {}
    launch: list[Occurrence] = []
    fired: list[Occurrence] = []
    held: list[tuple[Occurrence, str]] = []
    missed: list[tuple[Occurrence, str]] = []
    taken: dict[tuple[str, str, str], str] = {}
    for one in due:
        run = seen.get((one.job_id, one.attempt))
        if run is not None:
            if app.occurrences.fire(one.job_id, one.attempt, run.run_id, at=app.clock.now()):
                fired.append(one)
            continue
        if len(launch) == at_once:
            continue
        why = _cannot_run(app, runs, one)
        if why is not None:
            _miss(app, one, why)
            missed.append((one, why))
            continue
        period = (one.job_type, one.tenant, one.logical_date.isoformat())
        in_the_way = taken.get(period) or runs.busy(one) or _claimed_by(app, runs, one)
        if in_the_way is not None:
            held.append((one, in_the_way))
            continue
        taken[period] = f"of {one.run_key}"
        launch.append(one)
    return Outstanding(tuple(launch), tuple(fired), tuple(held), tuple(missed), stopping)


def _see_to_cancellations(app: Application, runs: RunStorage) -> tuple[str, ...]:
    """Stop the runs of jobs that somebody wants stopped; acknowledge where nothing of them goes on."""
    wishes = app.occurrences.open_cancellations(_LOOKED_AT)
    if not wishes:
        return ()
    of_jobs: dict[str, list[SeenRun]] = {wish.job_id: [] for wish in wishes}
    for run in runs.of_jobs(set(of_jobs)):
        of_jobs[run.job_id].append(run)
    stopping = []
    for wish in wishes:
        found = of_jobs[wish.job_id] or _run_of_stream(app, runs, wish)
        active = [run for run in found if run.is_submitted and not run.has_ended]
        for run in active:
            if not run.is_stopping:
                runs.stop(run.run_id, wish)
                stopping.append(run.run_id)
        if not active:
            _acknowledge(app, wish, found)
    return tuple(stopping)


def _acknowledge(app: Application, wish: Cancellation, found: Sequence[SeenRun]) -> None:
    """Close a wish where no run of its job is at work, and none can still be on its way."""
    not_begun = record_cancelled(app, wish)
    attempts = app.occurrences.of_job(wish.job_id)
    last_attempt = attempts[-1].attempt if attempts else None
    ended = [run for run in found if run.has_ended]
    now = app.clock.now()
    if any(last_attempt in {None, run.attempt} for run in ended) or (ended and not not_begun):
        outcome = f"run {ended[-1].run_id} ended {ended[-1].status}"
    elif now - wish.requested_at >= _WATCHED:
        outcome = "it had not been launched" if not_begun else "no run of it was found"
    else:
        return
    app.occurrences.acknowledge(wish.job_id, outcome, at=now)


def _run_of_stream(app: Application, runs: RunStorage, wish: Cancellation) -> list[SeenRun]:
    """The run that the record knows of, where none says itself whose it is: it has only been queued."""
    run_id = load_job(app, wish.tenant, wish.job_id).run_id
    run = runs.by_id(run_id) if run_id else None
    return [run] if run is not None else []


def _by_attempt(runs: Iterable[SeenRun]) -> dict[tuple[str, int], SeenRun]:
    return {(run.job_id, run.attempt): run for run in runs if run.is_submitted and run.attempt is not None}


def _cannot_run(app: Application, runs: RunStorage, occurrence: Occurrence) -> str | None:
    """Why an occurrence can never be launched: one that is wrong must not keep the others from running."""
    spec = app.jobs.get(occurrence.job_type)
    if spec is None:
        return f"there is no job type {occurrence.job_type} any more"
    try:
        read_parameters(spec, occurrence.parameters)
        job = record_occurrence(app, occurrence)
    except UsageError as error:
        return str(error)
    if job.status in _CLOSED:
        return f"its job has come to its end already: {job.status.value}"
    return runs.fault(occurrence)


def _miss(app: Application, occurrence: Occurrence, why: str) -> None:
    """Say in the record that it will not run, and then that it is due no more."""

    def skip(job: JobAggregate) -> None:
        if job.status in _WAITING:
            job.skip(JobStatus.MISSED, why[:2000])

    change_job(app, occurrence.tenant, occurrence.job_id, skip)
    app.occurrences.miss(occurrence.job_id, occurrence.attempt, why, at=app.clock.now())


def _claimed_by(app: Application, runs: RunStorage, occurrence: Occurrence) -> str | None:
    """The run of a living process that holds the period."""
    holder = busy_with(app, occurrence)

    def has_ended(run_id: str) -> bool:
        run = runs.by_id(run_id)
        return run.has_ended if run is not None else not run_id.startswith("local:")

    return None if holder is None or is_dead(app, holder, has_ended) else holder.run_id
