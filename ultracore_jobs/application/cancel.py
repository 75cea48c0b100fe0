"""Cancel: a wish that a job stop, which the one sensor sees to (DESIGN 6).

What has not been launched is cancelled at once. A run is asked to stop, by the sensor, with reason and actor
on it before; it stops between two commits, so nothing is half done. What it committed until then stays done.
"""

from dataclasses import dataclass
from typing import Any

from ultracore_jobs.application.job_streams import ask, change_job, find_job
from ultracore_jobs.application.people import named
from ultracore_jobs.application.platform import Application
from ultracore_jobs.errors import EffectRefusedError, IllegalTransitionError, UsageError
from ultracore_jobs.lifecycle.canonical import instant_text
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.ports.occurrences import Cancellation, Occurrence, OccurrenceState

CANCELLED, STOPPING = "cancelled", "stopping"


@dataclass(frozen=True)
class CancelAnswer:
    """What became of the wish so far.

    Attributes:
        wish: The one that stands: of who asked first.
        word: ``cancelled`` where nothing of it had been launched, ``stopping`` where a run is asked to stop.
        reason: What happens next, in a sentence.
    """

    wish: Cancellation
    word: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of the answer."""
        return {
            "job_id": self.wish.job_id,
            "tenant": self.wish.tenant,
            "status": self.word,
            "reason": self.reason,
            "requested_by": self.wish.requested_by,
            "requested_at": instant_text(self.wish.requested_at),
        }


def cancel_job(app: Application, job_id: str, *, reason: str, actor: str) -> CancelAnswer:
    """Stop a job for good; saying it again changes nothing.

    Raises:
        UnknownNameError: No such job.
        IllegalTransitionError: It has come to its end.
        UsageError: Nobody is named, or no reason given.
    """
    if not reason.strip():
        raise UsageError("say why: a cancellation is recorded with its reason")
    who = named(actor)
    job = find_job(app, job_id)
    wish = app.occurrences.cancellation(job_id)
    if wish is None:
        if not _is_retried(app, job):
            _require_open(job, reason)
        wish = app.occurrences.cancel(
            Cancellation(
                tenant=job.tenant_id,
                job_id=job_id,
                reason=reason.strip(),
                requested_by=who,
                requested_at=app.clock.now(),
            )
        )
    if record_cancelled(app, wish):
        return CancelAnswer(wish, CANCELLED, "it had not been launched, and will not be")
    if wish.acknowledged_at is not None:
        return CancelAnswer(wish, CANCELLED, wish.outcome)
    return CancelAnswer(
        wish,
        STOPPING,
        "its run is asked to stop within seconds while the daemon runs; what it committed stays",
    )


def record_cancelled(app: Application, wish: Cancellation) -> bool:
    """Let the stream say that a job was cancelled, where nothing of it was launched.

    Of a job with a run the writer says it, from what became of the run.

    Returns:
        Whether the job was cancelled before anything of its last attempt was launched.
    """
    attempts = app.occurrences.of_job(wish.job_id)
    if not attempts or attempts[-1].state is not OccurrenceState.CANCELLED or _has_begun(app, attempts[-1]):
        return False

    # A record that lags behind an earlier attempt must say what became of that first.
    waits = JobStatus.SCHEDULED if attempts[-1].attempt == 1 else JobStatus.RETRYING

    def cancel(job: JobAggregate) -> None:
        if job.status is None:
            ask(job, attempts[-1])
        if job.status is waits:
            job.cancel(wish.reason, wish.requested_by, at=wish.requested_at)

    job = change_job(app, wish.tenant, wish.job_id, cancel)
    return job.status in {JobStatus.CANCELLED, JobStatus.FAILED}


def require_not_cancelled(app: Application, job_id: str) -> None:
    """Refuse to work for a job that somebody cancelled: the last look of a run before it begins.

    A run may have been launched in the very moment in which its job was cancelled.

    Raises:
        EffectRefusedError: Somebody did; names who, when and why.
    """
    wish = app.occurrences.cancellation(job_id)
    if wish is not None:
        raise EffectRefusedError(
            f"{wish.requested_by} cancelled this job at {wish.requested_at:%Y-%m-%d %H:%M:%S} UTC: "
            f"{wish.reason}"
        )


def _has_begun(app: Application, occurrence: Occurrence) -> bool:
    """Whether a run of it holds or held a claim, and so may have done something: the writer says what.

    A run that claims later finds the wish: it claims before it looks, and we wish before we look.
    """
    names = (occurrence.job_id, f"{occurrence.job_id}:effects")
    claims = [claim for name in names for claim in app.claims.attempts(name)]
    return any(claim.attempt == occurrence.attempt for claim in claims)


def _is_retried(app: Application, job: JobAggregate) -> bool:
    """Whether it has failed, and another attempt is due: the record may say so a moment later."""
    if job.status is not JobStatus.FAILED:
        return False
    attempts = app.occurrences.of_job(job.job_id)
    return any(one.attempt > job.retry_count + 1 and one.state is OccurrenceState.DUE for one in attempts)


def _require_open(job: JobAggregate, reason: str) -> None:
    if job.status is None:
        # Asked for, and the record does not say so yet.
        return
    try:
        job.cancel(reason, "nobody")
    except IllegalTransitionError as error:
        raise IllegalTransitionError(f"{error}. Nothing of it is left to stop") from error
