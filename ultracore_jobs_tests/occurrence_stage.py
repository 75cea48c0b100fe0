"""A small platform on which jobs are asked for, and a run storage in memory that answers for Dagster."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ultracore_jobs.application import Application
from ultracore_jobs.application.outstanding import Outstanding, SeenRun, outstanding_work
from ultracore_jobs.application.submit import Submission, submit_job
from ultracore_jobs.application.tenants import add_tenant
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle.events import Event, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobPriority
from ultracore_jobs.ports.occurrences import Cancellation, Occurrence
from ultracore_jobs_tests.stage import FRIDAY, StillClock, application
from ultracore_jobs_tests.toys import TOYS

ACACIA = "acacia"
OLGA, PAUL = "cli:olga", "mcp:paul"
A_MINUTE = timedelta(minutes=1)


def desk(folder: Path, jobs: dict[str, JobSpec] | None = None, **given: Any) -> Application:
    """The toys, and tenant acacia; it is Saturday morning."""
    app = application(folder, jobs or TOYS, **given)
    add_tenant(app, ACACIA, starts_on=date(2026, 1, 1))
    return app


def ask(app: Application, job_type: str = "daily_factor", **changed: Any) -> Submission:
    """Olga wants Friday's factor."""
    given: dict[str, Any] = {"as_of": FRIDAY, "actor": OLGA}
    if job_type == "account_balance":
        given["tenant"] = ACACIA
    return submit_job(app, job_type, **{**given, **changed})


def events_of(app: Application, occurrence: Occurrence) -> list[Event]:
    """What the stream of a job says."""
    return [one.event for one in app.events.read(job_stream(occurrence.tenant, occurrence.job_id))]


def names_of(app: Application, occurrence: Occurrence) -> list[str]:
    """The kinds of its events."""
    return [type(event).__name__ for event in events_of(app, occurrence)]


def say(app: Application, occurrence: Occurrence, *commands: tuple[Any, ...]) -> None:
    """Let the writer say of a job what became of its run."""
    stream = job_stream(occurrence.tenant, occurrence.job_id)
    events = events_of(app, occurrence)
    job = JobAggregate.from_events(events, clock=app.clock.now)
    for name, *arguments in commands:
        getattr(job, name)(*arguments)
    app.events.append(stream, job.committed_version, job.uncommitted)


def start(app: Application, occurrence: Occurrence, run_id: str = "run_1") -> None:
    """The writer says that a run of it works."""
    say(app, occurrence, ("start", f"run:{run_id}"))


def fail(app: Application, occurrence: Occurrence, error: str = "KeyError: 'ccy'") -> None:
    """The writer says that it was started and failed for good."""
    say(app, occurrence, ("start", "run:run_1"), ("fail", error, {}, False))


def queue_elsewhere(app: Application, job_id: str, run_id: str) -> JobAggregate:
    """The writer found a run of Friday's factor that somebody launched in the UI; it waits for a slot."""
    job = JobAggregate("shared", job_id, clock=app.clock.now)
    job.schedule(
        "on-demand",
        app.clock.now(),
        JobPriority.LOW,
        {"max_reject_pct": 0.5},
        job_type="daily_factor",
        logical_date=FRIDAY,
    )
    job.queue(run_id=run_id)
    app.events.append(job_stream("shared", job_id), 0, job.uncommitted)
    job.mark_committed()
    return job


@dataclass
class ShelfRuns:
    """Run storage in memory; `launch` does what the daemon does with requests."""

    runs: dict[str, SeenRun] = field(default_factory=dict)
    periods: dict[str, tuple[str, str, date]] = field(default_factory=dict)
    faulty: dict[str, str] = field(default_factory=dict)
    stopped: list[tuple[str, str, str]] = field(default_factory=list)
    obeys: bool = True

    def of_jobs(self, job_ids: Collection[str]) -> Sequence[SeenRun]:
        """Every run that says it is of one of these jobs."""
        return [run for run in self.runs.values() if run.job_id in job_ids]

    def by_id(self, run_id: str) -> SeenRun | None:
        """One run."""
        return self.runs.get(run_id)

    def busy(self, occurrence: Occurrence) -> str | None:
        """A run at work on the same period."""
        wanted = (occurrence.job_type, occurrence.tenant, occurrence.logical_date)
        for run_id, period in self.periods.items():
            run = self.runs[run_id]
            if period == wanted and run.is_submitted and not run.has_ended:
                return run_id
        return None

    def fault(self, occurrence: Occurrence) -> str | None:
        """As the test says, by job id."""
        return self.faulty.get(occurrence.job_id)

    def stop(self, run_id: str, wish: Cancellation) -> None:
        """Stop it, or only remember that it was asked to."""
        self.stopped.append((run_id, wish.reason, wish.requested_by))
        run = self.runs[run_id]
        ended = {"has_ended": True, "status": "CANCELED"}
        self.runs[run_id] = run._replace(**(ended if self.obeys else {"is_stopping": True}))

    def launch(self, *occurrences: Occurrence, submitted: bool = True) -> None:
        """Make a run for each; without being submitted it is only created."""
        for one in occurrences:
            run_id = f"run_{len(self.runs) + 1}"
            self.runs[run_id] = SeenRun(
                run_id=run_id,
                job_id=one.job_id,
                attempt=one.attempt,
                is_submitted=submitted,
                has_ended=False,
                is_stopping=False,
                status="QUEUED" if submitted else "NOT_STARTED",
            )
            self.periods[run_id] = (one.job_type, one.tenant, one.logical_date)

    def end(self, run_id: str = "run_1", status: str = "SUCCESS") -> None:
        """Let a run end."""
        self.runs[run_id] = self.runs[run_id]._replace(has_ended=True, status=status)


def tick(app: Application, runs: ShelfRuns, **given: Any) -> Outstanding:
    """One look, after which the daemon launches what it names."""
    found = outstanding_work(app, runs, **given)
    runs.launch(*found.launch)
    return found


def later(app: Application, by: timedelta) -> datetime:
    """Let time pass; the instant it is then."""
    assert isinstance(app.clock, StillClock)
    app.clock.move(by)
    return app.clock.now().astimezone(UTC)
