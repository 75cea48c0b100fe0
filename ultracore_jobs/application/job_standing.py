"""Where a job stands, in one word and a reason that a person can act on."""

from dataclasses import dataclass
from datetime import datetime

from ultracore_jobs.application.claiming import is_dead
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.readiness import waiting_for
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.ports import Claim
from ultracore_jobs.ports.occurrences import Occurrence, OccurrenceState

QUEUED, RUNNING, WAITING = "queued", "running", "waiting"


@dataclass(frozen=True)
class Standing:
    """Where a job stands.

    Attributes:
        word: ``queued``, ``running`` or ``waiting``; of a job that has ended, its status in lower case.
        reason: Why, in a sentence.
    """

    word: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """The documented JSON."""
        return {"status": self.word, "reason": self.reason}


def standing_of(app: Application, job: JobAggregate) -> Standing:
    """Where a job stands now, asked of its stream, its occurrences and who holds its period."""
    attempts = app.occurrences.of_job(job.job_id)
    last = attempts[-1] if attempts else None
    match job.status:
        case JobStatus.RUNNING:
            at = f" at {job.progress_percentage:.0f} %" if job.progress_percentage else ""
            doing = f": {job.current_step}" if job.current_step else ""
            return Standing(RUNNING, f"{job.executor_id} works on it{at} since {_at(job.started_at)}{doing}")
        case JobStatus.QUEUED:
            return Standing(QUEUED, f"run {job.run_id} waits for a free slot")
        case None | JobStatus.SCHEDULED | JobStatus.RETRYING:
            return _not_begun(app, job, last)
        case _:
            return Standing(job.status.value.lower(), _ended(job))


def busy_with(app: Application, occurrence: Occurrence) -> Claim | None:
    """The claim of another job, or of another attempt, that holds the period of an occurrence."""
    return app.claims.holder(occurrence.job_type, occurrence.tenant, occurrence.logical_date.isoformat())


def _not_begun(app: Application, job: JobAggregate, last: Occurrence | None) -> Standing:
    if last is None:
        return Standing(WAITING, f"it was due at {_at(job.scheduled_time)}, and no run of it was seen yet")
    match last.state:
        case OccurrenceState.FIRED:
            return Standing(QUEUED, f"run {last.run_id} was launched for attempt {last.attempt}")
        case OccurrenceState.CANCELLED:
            return Standing("cancelled", last.note)
        case OccurrenceState.MISSED:
            return Standing("missed", last.note)
        case OccurrenceState.DUE:
            return _due(app, last)


def _due(app: Application, occurrence: Occurrence) -> Standing:
    if occurrence.ready_at > app.clock.now():
        return Standing(WAITING, f"attempt {occurrence.attempt} may start at {_at(occurrence.ready_at)}")
    holder = busy_with(app, occurrence)
    if holder is not None and not is_dead(app, holder, lambda _run_id: False):
        return Standing(
            WAITING,
            f"job {holder.job_id} (run {holder.run_id}) works on {occurrence.job_type} of "
            f"{occurrence.logical_date} for {occurrence.tenant}; one does at a time",
        )
    missing = _missing(app, occurrence)
    unless = (
        f"; unless it lands first, the run ends SKIPPED_UPSTREAM for want of {missing}" if missing else ""
    )
    return Standing(
        QUEUED, f"sensor outstanding_work launches it within seconds while the daemon runs{unless}"
    )


def _missing(app: Application, occurrence: Occurrence) -> str:
    spec = app.jobs.get(occurrence.job_type)
    if spec is None:
        return ""
    moment = moment_of(app, spec, occurrence.tenant, occurrence.logical_date, app.clock.now())
    return "; ".join(waiting_for(app, spec, moment))


def _ended(job: JobAggregate) -> str:
    match job.status:
        case JobStatus.FAILED:
            return job.error_message or "it said nothing"
        case JobStatus.COMPLETED | JobStatus.COMPLETED_WITH_ERRORS:
            outcome = (job.result or {}).get("outcome")
            took = f"done at {_at(job.finished_at)} in {job.duration_seconds:.1f} s"
            return f"{took}; {outcome}: {(job.result or {}).get('why', '')}" if outcome else took
        case _:
            return job.reason or ""


def _at(moment: datetime | None) -> str:
    return "an unknown instant" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
