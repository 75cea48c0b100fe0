"""A person's word on a batch: four eyes, recorded once, with name and reason."""

from ultracore_jobs.application.batches import BatchState, StandingBatch, find_batch
from ultracore_jobs.application.people import is_same_person, named
from ultracore_jobs.application.platform import Application
from ultracore_jobs.errors import EffectRefusedError, UsageError
from ultracore_jobs.ports import Approval, Verdict


def approve_batch(app: Application, batch_id: str, *, actor: str, note: str) -> Approval:
    """Let a batch be applied; applying it is another step.

    Saying it again changes nothing.

    Args:
        app: The platform.
        batch_id: As the job's result, `approvals list` or the UI shows it.
        actor: Who approves; never who asked for the job.
        note: What was looked at.

    Raises:
        UnknownNameError: No such batch stands; when its job decided otherwise since, approve the new one.
        EffectRefusedError: It was rejected, has nothing to apply, or *actor* asked for the job.
        LedgerConflictError: Another person spoke first.
        UsageError: No name is given.
    """
    return _say(app, find_batch(app, batch_id), Verdict.APPROVED, actor=actor, note=note)


def reject_batch(app: Application, batch_id: str, *, actor: str, note: str) -> Approval:
    """Let a batch never be applied; its decisions stand as information.

    Raises:
        UnknownNameError: No such batch stands.
        EffectRefusedError: It was approved, or has nothing to apply, or *actor* asked for the job.
        LedgerConflictError: Another person spoke first.
        UsageError: No name or no reason is given.
    """
    if not note.strip():
        raise UsageError("say why: a rejection is recorded with its reason")
    return _say(app, find_batch(app, batch_id), Verdict.REJECTED, actor=actor, note=note)


def _say(app: Application, batch: StandingBatch, verdict: Verdict, *, actor: str, note: str) -> Approval:
    who = named(actor)
    asked_by = batch.provenance.job.actor
    if is_same_person(who, asked_by):
        raise EffectRefusedError(
            f"{who} asked for this job, so another person must say whether its decisions are applied"
        )
    if batch.verdict is None and batch.state in {BatchState.EMPTY, BatchState.APPLIED}:
        raise EffectRefusedError(
            f"batch {batch.batch.batch_id}: {batch.state.value}; there is nothing left to approve or reject"
        )
    return app.ledger.record_verdict(
        Approval(
            tenant=batch.tenant,
            batch_id=batch.batch.batch_id,
            verdict=verdict,
            actor=who,
            note=note.strip(),
            at=app.clock.now(),
        )
    )
