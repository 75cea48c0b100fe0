"""What the ledger says about the decisions of one portfolio: posted or refused, by whom, and the entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from ultracore_jobs.application.batches import StandingBatch, standing_batch
from ultracore_jobs.application.platform import Application
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.ports import Approval


@dataclass(frozen=True, kw_only=True)
class LedgerPart:
    """What was done about a portfolio's decisions of one period, as the ledger says now.

    Attributes:
        batch: The decisions of the tenant as they stand now; it says whether they wait.
        verdict: What a person said about it; None where nobody has.
        waiting: Decisions of the portfolio without a receipt: columns of `DECISION_VIEW`.
        decisions: Its `LEDGER_DECISIONS`, in ledger order; of adjustments, also earlier ones.
        entries: Their `LEDGER_ENTRIES`.
        verdicts: Who approved the batch that each decision was applied with, by batch.
    """

    batch: StandingBatch
    verdict: Approval | None
    waiting: pl.DataFrame
    decisions: pl.DataFrame
    entries: pl.DataFrame
    verdicts: Mapping[str, Approval]

    @property
    def tables(self) -> tuple[tuple[str, pl.DataFrame], ...]:
        """Its tables with their names."""
        return ("waiting", self.waiting), ("decisions", self.decisions), ("entries", self.entries)


def explain_ledger(
    app: Application, spec: JobSpec, *, tenant: str, portfolio_id: str, as_of: date
) -> LedgerPart | None:
    """What became of the decisions of one portfolio; None where the job type decides nothing."""
    if spec.effect is None:
        return None
    batch = standing_batch(app, spec, tenant=tenant, as_of=as_of)
    ours = batch.view.filter(pl.col("party") == portfolio_id)
    now = app.clock.now()
    decisions = app.ledger.decisions(tenant, known_at=now)
    entries = app.ledger.entries(tenant, known_at=now)
    ids = ours["decision_id"].implode()
    # What adjusts a decision names its entries, and has an id of its own.
    first = entries.filter(pl.col("decision_id").is_in(ids))["entry_id"].implode()
    adjusting = entries.filter(pl.col("adjusts").is_in(first))["decision_id"].implode()
    found = pl.col("decision_id").is_in(ids) | pl.col("decision_id").is_in(adjusting)
    applied = decisions.filter(found)
    verdicts = {
        batch_id: said
        for batch_id in applied["batch_id"].unique()
        if (said := app.ledger.verdict_on(tenant, batch_id)) is not None
    }
    return LedgerPart(
        batch=batch,
        verdict=batch.verdict,
        waiting=ours.join(applied.select("decision_id"), on="decision_id", how="anti", maintain_order="left"),
        decisions=applied,
        entries=entries.filter(found),
        verdicts=verdicts,
    )
