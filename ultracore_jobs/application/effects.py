"""Apply: what a job decided is done, each decision at most once.

Whoever calls, and however often: what has a receipt is skipped, so a run that crashed is simply run again.
Nothing is done that was not decided, checked and, where a person must say yes, approved.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from ultracore_jobs.application.batches import BatchState, StandingBatch, standing_batch
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import moment_of, take
from ultracore_jobs.application.results import Status, by_name
from ultracore_jobs.errors import EffectRefusedError, FrozenError, IntegrityError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.ports import Outcome, Posting, Receipt


@dataclass(frozen=True)
class Applied:
    """What became of a batch.

    Attributes:
        status: COMPLETED, AWAITING_APPROVAL or FROZEN.
        batch: As it stood before.
        receipts: Those this call added, in ledger order.
        why: Why it did not go on; empty where it did.
    """

    status: Status
    batch: StandingBatch
    receipts: tuple[Receipt, ...] = ()
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """The documented JSON."""
        outcomes = Counter(receipt.outcome.value for receipt in self.receipts)
        return {
            "status": self.status.value,
            "batch_id": self.batch.batch.batch_id,
            "posted": outcomes[Outcome.POSTED.value],
            "blocked": outcomes[Outcome.BLOCKED.value],
            "before": len(self.batch.receipts),
            "not_applied": self.batch.left.height - len(self.receipts),
            "held": self.batch.held.height,
            "why": self.why,
        }


def apply_batch(app: Application, spec: JobSpec, *, tenant: str, as_of: date, actor: str) -> Applied:
    """Do what the decisions of one day ask for, as far as it is not done yet.

    Where a person must approve first, or effects are frozen, it does nothing and says so: the decisions
    stand, and the same call does it later.

    Raises:
        EffectRefusedError: Nothing was decided, a law was not checked, or the batch was rejected.
        LedgerConflictError: The ledger has other content under a decision's id.
    """
    batch = standing_batch(app, spec, tenant=tenant, as_of=as_of)
    if batch.state is BatchState.REJECTED and batch.verdict is not None:
        raise EffectRefusedError(
            f"batch {batch.batch.batch_id} was rejected by {batch.verdict.actor}: {batch.verdict.note}. "
            f"Remedy: mend what was wrong and run {spec.name} again; other decisions make another batch."
        )
    if batch.state is BatchState.WAITING:
        return Applied(
            Status.AWAITING_APPROVAL, batch, why=f"{batch.left.height} decisions wait for approval"
        )
    if batch.left.is_empty():
        return Applied(Status.COMPLETED, batch)
    at = app.clock.now()
    freeze = app.ledger.frozen(at)
    if freeze is not None:
        return Applied(Status.FROZEN, batch, why=str(freeze))
    return _post(app, batch, actor=actor, at=at)


def postings_at(app: Application, batch: StandingBatch, *, at: datetime) -> list[Posting]:
    """What would be posted for the decisions left, were they applied at *at*; reads, and writes nothing."""
    spec, effect = batch.spec, batch.effect
    moment = moment_of(app, spec, batch.tenant, batch.as_of, at)
    parameters = read_parameters(spec, batch.provenance.parameters)
    fresh = {read.argument: take(app, read, moment, dict(parameters))[0] for read in effect.inputs}
    available = by_name(moment, parameters, _only_left(batch), fresh)
    postings = call_by_name(effect.postings, {**available, "at": at, "batch": batch.batch})
    return list(postings)


def require_posted_as_decided(app: Application, batch: StandingBatch) -> None:
    """Hold what the ledger posted with this batch against what was decided.

    Raises:
        IntegrityError: Some decision was posted with another amount than decided.
    """
    kinds = batch.view["kind"].unique().to_list()
    posted = app.ledger.decisions(batch.tenant, known_at=app.clock.now(), kinds=kinds).filter(
        (pl.col("batch_id") == batch.batch.batch_id) & (pl.col("outcome") == Outcome.POSTED.value)
    )
    wrong = posted.join(batch.view, on="decision_id", suffix="_decided").filter(
        (pl.col("amount") != pl.col("amount_decided")) | (pl.col("ccy") != pl.col("ccy_decided"))
    )
    if wrong.height:
        row = wrong.row(0, named=True)
        raise IntegrityError(
            f"{row['decision_id']} was decided as {row['amount_decided']} and posted as {row['amount']} "
            f"{row['ccy']}; {wrong.height} such decision(s) of batch {batch.batch.batch_id}"
        )


def _post(app: Application, batch: StandingBatch, *, actor: str, at: datetime) -> Applied:
    postings = postings_at(app, batch, at=at)
    wanted = set(batch.left["decision_id"])
    strange = [
        posting.decision.decision_id for posting in postings if posting.decision.decision_id not in wanted
    ]
    if strange:
        raise EffectRefusedError(
            f"{batch.spec.name} wants to apply {strange[0]}, which was not decided; nothing was done"
        )
    try:
        receipts = app.ledger.post(postings, actor=actor, at=at)
    except FrozenError as error:
        # Frozen while it posted: what was committed before has its receipts.
        found = app.ledger.receipts(wanted)
        return Applied(Status.FROZEN, batch, _in_order(found.values()), str(error))
    return Applied(Status.COMPLETED, batch, _in_order(receipts))


def _only_left(batch: StandingBatch) -> dict[str, pl.DataFrame]:
    """The decision tables without the rows that are applied, held or ask for nothing."""
    ids = batch.left.select(pl.col("decision_id"))
    return {
        table.dataset.name: batch.tables[table.dataset.name].join(
            ids, left_on=table.decision_id, right_on="decision_id", how="semi", maintain_order="left"
        )
        for table in batch.effect.decisions
    }


def _in_order(receipts: Iterable[Receipt]) -> tuple[Receipt, ...]:
    return tuple(sorted(receipts, key=lambda receipt: receipt.seq))
