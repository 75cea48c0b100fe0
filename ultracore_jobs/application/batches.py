"""Batches: the decisions of one job that are applied together, as they stand now.

A batch is named by what it decides, so an approval is of exactly these decisions: when a job is run again
and decides otherwise, that is another batch, and the word on the first one does not count for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import owner
from ultracore_jobs.application.tenants import list_tenants
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.errors import EffectRefusedError, UnknownNameError, UsageError
from ultracore_jobs.jobs import Batch, JobSpec
from ultracore_jobs.jobs.effect import APPLY, DECISION_VIEW, HOLD, REFUSE, Effect
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.kernels.gates import Severity
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Approval, Provenance, Receipt, TableVersion, Verdict, VersionRef


class BatchState(StrEnum):
    """Where a batch stands."""

    EMPTY = "nothing to apply"
    WAITING = "waiting for approval"
    READY = "ready to apply"
    REJECTED = "rejected"
    APPLIED = "applied"


@dataclass(frozen=True, kw_only=True)
class StandingBatch:
    """A batch, whether it may be applied, and what of it was applied already.

    Attributes:
        batch: Its name, and the job that decided.
        spec: Type of that job.
        tenant: Whose.
        as_of: Logical date; of a month its first day.
        tables: The decision tables, by name.
        view: Every decision, a `DECISION_VIEW` table.
        provenance: Where the decisions come from.
        receipts: Of the decisions applied, by decision id.
        verdict: What was said about it; None where nobody has.
    """

    batch: Batch
    spec: JobSpec
    tenant: str
    as_of: date
    tables: Mapping[str, pl.DataFrame]
    view: pl.DataFrame
    provenance: Provenance
    receipts: Mapping[str, Receipt]
    verdict: Approval | None

    @property
    def effect(self) -> Effect:
        """What is done about the decisions."""
        return effect_of(self.spec)

    @cached_property
    def left(self) -> pl.DataFrame:
        """The decisions to apply or to refuse on record that have no receipt yet."""
        applied = pl.col("decision_id").is_in(list(self.receipts))
        return self.view.filter(pl.col("asks").is_in([APPLY, REFUSE]) & ~applied)

    @property
    def held(self) -> pl.DataFrame:
        """The decisions that wait for a person, each by itself."""
        return self.view.filter(pl.col("asks") == HOLD)

    @property
    def totals(self) -> dict[str, Decimal]:
        """What the decisions to apply come to, by currency: the sum of their sizes, whatever the sign."""
        sums = (
            self.left.filter(pl.col("asks") == APPLY)
            .group_by("ccy")
            .agg(pl.col("amount").abs().sum())
            .sort("ccy")
        )
        return dict(sums.iter_rows())

    @property
    def needs_approval(self) -> bool:
        """Whether a person must say yes before anything of it is applied."""
        if self.left.is_empty() or self.effect.approval == "none":
            return False
        if self.effect.approval == "always" or self.left["needs_person"].any():
            return True
        limit = Decimal(str(self.provenance.parameters.get("approval_limit", "0")))
        return limit == 0 or any(total > limit for total in self.totals.values())

    @property
    def state(self) -> BatchState:
        """Where it stands."""
        if self.left.is_empty():
            return BatchState.APPLIED if self.receipts else BatchState.EMPTY
        if self.verdict is not None and self.verdict.verdict is Verdict.REJECTED:
            return BatchState.REJECTED
        if self.needs_approval and self.verdict is None:
            return BatchState.WAITING
        return BatchState.READY


def effect_of(spec: JobSpec) -> Effect:
    """What a job type does about its decisions.

    Raises:
        UsageError: It decides nothing.
    """
    if spec.effect is None:
        raise UsageError(f"job type {spec.name!r} decides nothing, so there is nothing to apply or approve")
    return spec.effect


def standing_batch(app: Application, spec: JobSpec, *, tenant: str, as_of: date) -> StandingBatch:
    """The decisions of one day as they are published now.

    Raises:
        EffectRefusedError: There are none, or a law was not found to hold when they were published.
    """
    effect = effect_of(spec)
    datasets = [table.dataset for table in effect.decisions]
    versions = {dataset.name: _newest(app, dataset, tenant, as_of) for dataset in datasets}
    found = {name: version for name, version in versions.items() if version is not None}
    if len(found) < len(versions):
        raise EffectRefusedError(
            f"no decisions of {spec.name} for tenant {tenant!r} on {as_of}: nothing can be applied that was "
            f"not decided. Remedy: run {spec.name} for that day first."
        )
    head = found[datasets[0].name]
    for version in found.values():
        _require_gates(spec, version, as_of)
    tables = {
        dataset.name: app.tables.scan(
            dataset, _ref(dataset, tenant, as_of, found[dataset.name].version)
        ).collect()
        for dataset in datasets
    }
    given = {**tables, "tenant": tenant, "known_at": head.provenance.known_at}
    view: pl.DataFrame = call_by_name(effect.view, given)
    view = view.select(DECISION_VIEW.names()).cast(DECISION_VIEW)
    hashes = [found[dataset.name].content_hash for dataset in datasets]
    batch_id = identifier("bat_", tenant, spec.name, as_of.isoformat(), *hashes)
    return StandingBatch(
        batch=Batch(batch_id, head.provenance.job.job_id),
        spec=spec,
        tenant=tenant,
        as_of=as_of,
        tables=tables,
        view=view,
        provenance=head.provenance,
        receipts=app.ledger.receipts(view["decision_id"].to_list()),
        verdict=app.ledger.verdict_on(tenant, batch_id),
    )


def find_batch(app: Application, batch_id: str) -> StandingBatch:
    """The batch of that name, if it still is what its job decides.

    Raises:
        UnknownNameError: No batch of that name stands: there never was one, or its job has decided otherwise
            since; lists those that wait.
    """
    waiting = []
    for batch in every_batch(app):
        if batch.batch.batch_id == batch_id:
            return batch
        if batch.state is BatchState.WAITING:
            waiting.append(batch.batch.batch_id)
    raise UnknownNameError("standing batch", batch_id, waiting)


def every_batch(app: Application) -> Iterator[StandingBatch]:
    """The batch of every day on which some job has decided something, newest day first."""
    for spec in app.jobs.values():
        if spec.effect is None:
            continue
        head = spec.effect.decisions[0].dataset
        for tenant in list_tenants(app)["tenant_id"]:
            for partition in reversed(app.tables.partitions(head, tenant=owner(head, tenant))):
                yield standing_batch(app, spec, tenant=tenant, as_of=date.fromisoformat(partition))


def batch_result(app: Application, spec: JobSpec, *, tenant: str, as_of: date) -> dict[str, Any]:
    """What a job's result says of its decisions: the batch, and how many wait for a person."""
    batch = standing_batch(app, spec, tenant=tenant, as_of=as_of)
    waits = batch.left.height if batch.state is BatchState.WAITING else 0
    return {"batch_id": batch.batch.batch_id, "awaiting_approval": waits}


def _require_gates(spec: JobSpec, version: TableVersion, as_of: date) -> None:
    held = {stamp.name for stamp in version.provenance.gates if stamp.passed}
    missing = [gate.name for gate in spec.gates if gate.severity is Severity.LAW and gate.name not in held]
    if missing:
        raise EffectRefusedError(
            f"decisions of {spec.name} on {as_of} were published without {', '.join(missing)} found to hold, "
            "so nothing of them may be applied. Remedy: find out what wrote them; it was no run of the job."
        )


def _newest(app: Application, dataset: Dataset, tenant: str, as_of: date) -> TableVersion | None:
    versions = app.tables.versions(dataset, tenant=owner(dataset, tenant), partition=as_of.isoformat())
    return versions[-1] if versions else None


def _ref(dataset: Dataset, tenant: str, as_of: date, version: int) -> VersionRef:
    return VersionRef(
        tenant=owner(dataset, tenant), dataset=dataset.name, partition=as_of.isoformat(), version=version
    )


def batch_json(batch: StandingBatch) -> dict[str, Any]:
    """The documented JSON of one batch."""
    return {
        "batch_id": batch.batch.batch_id,
        "job_type": batch.spec.name,
        "job_id": batch.batch.job_id,
        "tenant": batch.tenant,
        "as_of_date": batch.as_of.isoformat(),
        "state": batch.state.name,
        "requested_by": batch.provenance.job.actor,
        "to_apply": batch.left.filter(pl.col("asks") == APPLY).height,
        "to_refuse": batch.left.filter(pl.col("asks") == REFUSE).height,
        "held": batch.held.height,
        "applied": len(batch.receipts),
        "totals": {ccy: str(total) for ccy, total in batch.totals.items()},
        "verdict": batch.verdict.verdict.value if batch.verdict else None,
        "said_by": batch.verdict.actor if batch.verdict else None,
    }
