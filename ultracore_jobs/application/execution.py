"""A whole job without Dagster: claim, compute, publish, apply."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.effects import Applied, apply_batch
from ultracore_jobs.application.pipeline import Completion, JobRequest, compute, publish
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.readiness import waiting_for
from ultracore_jobs.application.results import Status


@dataclass(frozen=True)
class Execution:
    """What a job came to.

    Attributes:
        status: Its outcome.
        completion: What was published; None where it did not start.
        applied: What was done about its decisions; None where it decides nothing.
        why: Why it did not start or go on; empty where it did.
    """

    status: Status
    completion: Completion | None = None
    applied: Applied | None = None
    why: str = ""

    @property
    def result(self) -> dict[str, Any]:
        """The job's result, with what became of its decisions under ``effect``."""
        own = dict(self.completion.result) if self.completion else {}
        return {**own, "effect": self.applied.as_json()} if self.applied else own


def run_job(
    app: Application, request: JobRequest, progress: Callable[[float, str], None] | None = None
) -> Execution:
    """Do one job from fetch to apply, unless another run does, or its inputs are missing.

    Idempotent: what stands is not written again, what was applied is not applied again.
    """
    spec, moment = request.spec, request.moment
    # Two processes with one job id are two owners: the claim is given to one of them.
    owner = request.run_id or f"local:{app.processes.boot_id()}:{app.processes.pid()}"
    with claimed(app, job_type=spec.name, moment=moment, job_id=request.job_id, run_id=owner) as claim:
        if claim is None:
            return Execution(
                Status.IGNORED, why=f"{spec.name} for {moment.tenant} on {moment.as_of} runs already"
            )
        missing = waiting_for(app, spec, moment)
        if missing:
            return Execution(Status.SKIPPED_UPSTREAM, why="; ".join(missing))
        follow = {} if progress is None else {"progress": progress}
        completion = publish(app, request, compute(app, request, **follow), **follow)
        if spec.effect is None:
            return Execution(completion.status, completion)
        applied = apply_batch(app, spec, tenant=moment.tenant, as_of=moment.as_of, actor=request.actor)
    stopped = applied.status is not Status.COMPLETED
    return Execution(applied.status if stopped else completion.status, completion, applied, applied.why)
