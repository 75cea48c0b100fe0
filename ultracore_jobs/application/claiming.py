"""One run at a time for one job of one period: the last guard, whatever door a run came in by (DESIGN 4)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.ports import Claim

HasEnded = Callable[[str], bool]
"""Whether the Dagster run of that id has ended, however; on other machines no process tells."""


def _not_known(_run_id: str) -> bool:
    """Without Dagster there is nobody to ask."""
    return False


@contextmanager
def claimed(
    app: Application,
    *,
    job_type: str,
    moment: Moment,
    job_id: str,
    run_id: str,
    attempt: int | None = None,
    has_ended: HasEnded = _not_known,
) -> Iterator[Claim | None]:
    """Hold a job type's period for one run; None where another run has it, or this attempt was made before.

    A claim whose owner died is taken over. Without *attempt* the next one is made: a person who runs a job
    again means it.

    Args:
        app: The platform.
        job_type: What is claimed.
        moment: Tenant and logical period.
        job_id: The business execution.
        run_id: Who would own it.
        attempt: As the occurrence says, where there is one.
        has_ended: Asks for the owner's run.
    """
    number = attempt or 1 + max((past.attempt for past in app.claims.attempts(job_id)), default=0)
    period = moment.as_of.isoformat()

    def take() -> Claim | None:
        return app.claims.claim(
            job_type=job_type,
            tenant=moment.tenant,
            period=period,
            job_id=job_id,
            attempt=number,
            run_id=run_id,
            pid=app.processes.pid(),
            boot_id=app.processes.boot_id(),
            at=app.clock.now(),
        )

    def is_abandoned(claim: Claim) -> bool:
        same = (claim.job_type, claim.tenant, claim.period) == (job_type, moment.tenant, period)
        return same and is_dead(app, claim, has_ended)

    claim = take()
    if claim is None and app.claims.sweep(is_abandoned, at=app.clock.now()):
        claim = take()
    try:
        yield claim
    finally:
        if claim is not None:
            app.claims.release(claim, at=app.clock.now())


def is_dead(app: Application, claim: Claim, has_ended: HasEnded) -> bool:
    """Whether the owner of a claim works no more: its run has ended, or its process here is gone."""
    if has_ended(claim.run_id):
        return True
    return claim.boot_id == app.processes.boot_id() and not app.processes.lives(claim.pid)
