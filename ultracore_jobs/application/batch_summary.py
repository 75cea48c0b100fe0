"""What a person looks at before a batch is approved: totals, exceptions, and the change against last time."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ultracore_jobs.application.batches import StandingBatch, standing_batch
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.results import plain
from ultracore_jobs.jobs.effect import APPLY, HOLD, REFUSE

_SHOWN = 20
_CENT = 0.005


@dataclass(frozen=True, kw_only=True)
class BatchSummary:
    """A batch at a glance.

    Attributes:
        batch: It.
        last_as_of: Day of the batch it is compared with; None where there is none.
        totals: By kind and currency: ``kind``, ``ccy``, ``decisions``, ``amount``, ``last_decisions``,
            ``last_amount``, ``change_pct`` (null without a last amount).
        exceptions: What is not simply applied, by ``asks`` and ``reason``: ``decisions``, ``amount``,
            ``first``
            (the first party).
        largest_changes: Parties whose amount differs most from last time: ``party``, ``kind``, ``ccy``,
            ``amount``, ``last_amount``, ``change``.
    """

    batch: StandingBatch
    last_as_of: date | None
    totals: pl.DataFrame
    exceptions: pl.DataFrame
    largest_changes: pl.DataFrame

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of the three tables."""
        return {
            "compared_with": plain(self.last_as_of),
            "totals": plain(self.totals.to_dicts()),
            "exceptions": plain(self.exceptions.to_dicts()),
            "largest_changes": plain(self.largest_changes.to_dicts()),
        }


def summarise(app: Application, batch: StandingBatch) -> BatchSummary:
    """Totals, exceptions, and the change against the batch before it of the same job and tenant."""
    last = _last(app, batch)
    before = batch.view.clear() if last is None else last.view
    return BatchSummary(
        batch=batch,
        last_as_of=None if last is None else last.as_of,
        totals=_totals(batch.view, before),
        exceptions=_exceptions(batch.view),
        largest_changes=_changes(batch.view, before) if last is not None else _changes(before, before),
    )


def receipts_by_kind(batch: StandingBatch) -> pl.DataFrame:
    """What was applied: ``outcome``, ``kind``, ``reason``, ``ccy``, ``receipts``, ``amount`` as decided."""
    outcomes = pl.DataFrame(
        {
            "decision_id": list(batch.receipts),
            "outcome": [receipt.outcome.value for receipt in batch.receipts.values()],
        },
        schema={"decision_id": pl.String, "outcome": pl.String},
    )
    key = ["outcome", "kind", "reason", "ccy"]
    return (
        batch.view.join(outcomes, on="decision_id")
        .group_by(key)
        .agg(pl.len().cast(pl.Int64).alias("receipts"), pl.col("amount").sum())
        .sort("outcome", "kind", "reason", "ccy", descending=[True, False, False, False])
    )


def _last(app: Application, batch: StandingBatch) -> StandingBatch | None:
    head = batch.effect.decisions[0].dataset
    earlier = [
        day for day in app.tables.partitions(head, tenant=batch.tenant) if day < batch.as_of.isoformat()
    ]
    if not earlier:
        return None
    return standing_batch(app, batch.spec, tenant=batch.tenant, as_of=date.fromisoformat(earlier[-1]))


def _totals(view: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    now, last = (
        rows.filter(pl.col("asks") == APPLY)
        .group_by("kind", "ccy")
        .agg(
            pl.len().cast(pl.Int64).alias(f"{prefix}decisions"),
            pl.col("amount").sum().alias(f"{prefix}amount"),
        )
        for rows, prefix in ((view, ""), (before, "last_"))
    )
    change = 100 * (pl.col("amount").cast(pl.Float64) / pl.col("last_amount").cast(pl.Float64) - 1)
    return (
        now.join(last, on=["kind", "ccy"], how="full", coalesce=True)
        .with_columns(pl.col("decisions", "last_decisions").fill_null(0))
        .with_columns(
            pl.when(pl.col("last_amount") != 0).then(change.round(1)).alias("change_pct"),
        )
        .select("kind", "ccy", "decisions", "amount", "last_decisions", "last_amount", "change_pct")
        .sort("kind", "ccy")
    )


def _exceptions(view: pl.DataFrame) -> pl.DataFrame:
    applies, stopped = pl.col("asks") == APPLY, pl.col("asks").is_in([REFUSE, HOLD])
    odd = view.filter(stopped | (applies & pl.col("needs_person")))
    return (
        odd.sort("party")
        .group_by("asks", "reason", "ccy")
        .agg(
            pl.len().cast(pl.Int64).alias("decisions"),
            pl.col("amount").sum(),
            pl.col("party").first().alias("first"),
        )
        .sort("asks", "reason", "ccy")
    )


def _changes(view: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    key = ["party", "kind", "ccy"]
    now, last = (
        rows.filter(pl.col("asks") == APPLY).group_by(key).agg(pl.col("amount").sum())
        for rows in (view, before)
    )
    nothing = pl.col("amount", "last_amount").fill_null(0)
    return (
        now.join(last.rename({"amount": "last_amount"}), on=key, how="full", coalesce=True)
        .with_columns(nothing)
        .with_columns((pl.col("amount") - pl.col("last_amount")).alias("change"))
        .filter(pl.col("change").abs() > _CENT)
        .sort(pl.col("change").abs(), *key, descending=[True, False, False, False])
        .head(_SHOWN)
        .select(*key, "amount", "last_amount", "change")
    )
