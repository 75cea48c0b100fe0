"""What is known of jobs, for whoever looks: a list of the latest, and everything about one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ultracore_jobs.application.job_standing import Standing, standing_of
from ultracore_jobs.application.job_streams import find_job, load_job
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.results import plain
from ultracore_jobs.lifecycle.events import EXECUTIONS
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.ports import Claim
from ultracore_jobs.ports.occurrences import Cancellation, Occurrence

_PAGE: Final = 1_000
_LOOKED_THROUGH: Final = 50_000
"""Latest events that a list looks through: what matches nothing must not read the whole record."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a job: what was asked for, and who worked on it.

    Attributes:
        number: 1, 2, ...
        occurrence: What was asked for; None where a run came by another door.
        claim: Who worked on it; None where nobody has begun.
    """

    number: int
    occurrence: Occurrence | None
    claim: Claim | None

    @property
    def run_id(self) -> str | None:
        """Its run, where there is one."""
        if self.claim is not None:
            return self.claim.run_id
        return None if self.occurrence is None else self.occurrence.run_id

    @property
    def says(self) -> str:
        """What became of it, in words."""
        claim, asked = self.claim, self.occurrence
        if claim is not None:
            since = f"{claim.claimed_at:%Y-%m-%d %H:%M:%S}"
            if claim.released_at is None:
                return f"at work since {since} UTC"
            return f"worked {since} to {claim.released_at:%H:%M:%S} UTC: {claim.release_reason}"
        if asked is None:
            return ""
        note = f": {asked.note}" if asked.note else ""
        ready = f" from {asked.ready_at:%Y-%m-%d %H:%M:%S} UTC on" if asked.state.value == "DUE" else ""
        return f"{asked.state.value.lower()}{ready}{note}, asked for by {asked.requested_by}"

    def as_json(self) -> dict[str, Any]:
        """The documented JSON."""
        asked, claim = self.occurrence, self.claim
        return {
            "attempt": self.number,
            "run_id": self.run_id,
            "state": asked.state.value if asked else None,
            "requested_by": asked.requested_by if asked else None,
            "ready_at": plain(asked.ready_at) if asked else None,
            "began_at": plain(claim.claimed_at) if claim else None,
            "ended_at": plain(claim.released_at) if claim else None,
            "says": self.says,
        }


@dataclass(frozen=True)
class JobReport:
    """Everything about one job.

    Attributes:
        job: As its stream has it.
        standing: Where it stands, in a word and a reason.
        attempts: Its attempts, first one first.
        wish: Somebody's wish that it stop.
    """

    job: JobAggregate
    standing: Standing
    attempts: tuple[Attempt, ...]
    wish: Cancellation | None

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Its runs, as far as known, first one first."""
        known = [attempt.run_id for attempt in self.attempts]
        return tuple(dict.fromkeys(run_id for run_id in (*known, self.job.run_id) if run_id))

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of `job show`."""
        job, wish = self.job, self.wish
        return {
            **summary_of(job),
            "standing": self.standing.word,
            "reason": self.standing.reason,
            "parameters": job.parameters,
            "retry_count": job.retry_count,
            "next_retry_at": plain(job.next_retry_at),
            "progress_percentage": job.progress_percentage,
            "current_step": job.current_step,
            "duration_seconds": job.duration_seconds,
            "result": job.result,
            "error_message": job.error_message,
            "error_details": job.error_details,
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "checks": [
                {
                    "check_type": check.check_type,
                    "passed": check.passed,
                    "at": plain(check.at),
                    "details": check.details,
                }
                for check in job.checks
            ],
            "cancellation": plain(wish.model_dump()) if wish else None,
            "run_ids": list(self.run_ids),
            "events": job.version,
        }


def describe_job(app: Application, job_id: str) -> JobReport:
    """Everything about one job.

    Raises:
        UnknownNameError: No such job.
    """
    job = find_job(app, job_id)
    asked = {one.attempt: one for one in app.occurrences.of_job(job_id)}
    claimed = {one.attempt: one for one in app.claims.attempts(job_id)}
    attempts = tuple(
        Attempt(number, asked.get(number), claimed.get(number)) for number in sorted({*asked, *claimed})
    )
    return JobReport(job, standing_of(app, job), attempts, app.occurrences.cancellation(job_id))


def latest_jobs(
    app: Application,
    *,
    limit: int,
    tenant: str | None = None,
    job_type: str | None = None,
    status: JobStatus | None = None,
) -> list[JobAggregate]:
    """The jobs to which something happened last, the latest first.

    Args:
        app: The platform.
        limit: How many at most.
        tenant: Only whose.
        job_type: Only of this type.
        status: Only those that stand so.
            Of what matches, only jobs with an event among the latest 50,000 are found.
    """
    found: list[JobAggregate] = []
    for owner, job_id in _latest_streams(app):
        if tenant not in {None, owner}:
            continue
        job = load_job(app, owner, job_id)
        if job_type in {None, job.job_type} and status in {None, job.status}:
            found.append(job)
        if len(found) == limit:
            break
    return found


def summary_of(job: JobAggregate) -> dict[str, Any]:
    """A job in one line of JSON."""
    return {
        "job_id": job.job_id,
        "tenant": job.tenant_id,
        "job_type": plain(job.job_type),
        "as_of_date": plain(job.logical_date),
        "status": plain(job.status),
        "priority": plain(job.priority),
        "schedule_id": job.schedule_id,
        "scheduled_time": plain(job.scheduled_time),
        "finished_at": plain(job.finished_at),
    }


def last_instant(job: JobAggregate) -> datetime | None:
    """When it came to where it stands, as far as known."""
    return job.finished_at or job.started_at or job.scheduled_time


def _latest_streams(app: Application) -> Iterator[tuple[str, str]]:
    """Tenant and job of each stream of jobs, that with the latest event first."""
    seen: set[str] = set()
    upto = app.events.position()
    last = max(0, upto - _LOOKED_THROUGH)
    while upto > last:
        after = max(last, upto - _PAGE)
        for event in reversed(app.events.read_all(after, upto - after)):
            topic, tenant, subject = event.stream.split("/", 2)
            if topic == EXECUTIONS and event.stream not in seen:
                seen.add(event.stream)
                yield tenant, subject
        upto = after
