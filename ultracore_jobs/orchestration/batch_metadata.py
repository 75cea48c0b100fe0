"""What an operator sees of a batch: its name, what it comes to, what is odd, what changed since last time."""

from typing import Any
from urllib.parse import quote_plus

import dagster as dg
import polars as pl

from ultracore_jobs.application import Application
from ultracore_jobs.application.batch_summary import BatchSummary, summarise
from ultracore_jobs.application.batches import BatchState, StandingBatch, standing_batch
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.effect import APPLY, NOTHING
from ultracore_jobs.orchestration.instance import LOCATION_NAME
from ultracore_jobs.orchestration.metadata import SHOWN_ROWS, grouped, table
from ultracore_jobs.ports import Outcome

_READABLE = ":'"
"""What may stand in a query as it is; the UI shows links in full."""


def batch_metadata(app: Application, job: JobSpec, moment: Moment) -> dict[str, Any]:
    """Metadata of the batch of a day as it stands."""
    return of_batch(app, standing_batch(app, job, tenant=moment.tenant, as_of=moment.as_of))


def of_batch(app: Application, batch: StandingBatch) -> dict[str, Any]:
    """Metadata of a batch: state, totals, exceptions, and the largest changes against last time."""
    summary = summarise(app, batch)
    return {
        **_standing(batch),
        "decisions_to_apply": dg.MetadataValue.int(batch.left.filter(pl.col("asks") == APPLY).height),
        "decisions_held": dg.MetadataValue.int(batch.held.height),
        "batch_totals": table(_totals(summary)),
        "batch_exceptions": table(_exceptions(summary)),
        "batch_compared_with": str(summary.last_as_of or "nothing: it is the first"),
        "batch_largest_changes": table(_changes(summary)),
    }


def of_receipts(app: Application, batch: StandingBatch) -> dict[str, Any]:
    """Metadata of the receipts of a batch: what was done, what was refused, and what is left."""
    outcomes = pl.DataFrame(
        [(receipt.decision_id, receipt.outcome.value, receipt.seq) for receipt in batch.receipts.values()],
        schema={"decision_id": pl.String, "outcome": pl.String, "ledger_seq": pl.Int64},
        orient="row",
    )
    receipts = batch.view.join(outcomes, on="decision_id")
    posted = pl.col("outcome") == Outcome.POSTED.value
    return {
        **_standing(batch),
        "receipts": dg.MetadataValue.int(receipts.height),
        "posted": dg.MetadataValue.int(receipts.filter(posted).height),
        "blocked": dg.MetadataValue.int(receipts.filter(~posted).height),
        "held": dg.MetadataValue.int(batch.held.height),
        "not_applied_yet": dg.MetadataValue.int(batch.left.height),
        "applied": table(_applied(receipts)),
        # What was refused stands first: somebody has to look into it.
        "first_receipts": table(
            receipts.sort(posted, "ledger_seq")
            .head(SHOWN_ROWS)
            .select("party", "kind", _money("amount"), "outcome", "ledger_seq")
        ),
        "batch_exceptions": table(_exceptions(summarise(app, batch))),
    }


def _standing(batch: StandingBatch) -> dict[str, Any]:
    found: dict[str, Any] = {
        "batch_id": batch.batch.batch_id,
        "batch_state": batch.state.value,
        "requested_by": batch.provenance.job.actor,
    }
    if batch.verdict is not None:
        found[f"{batch.verdict.verdict.value.lower()}_by"] = batch.verdict.actor
        found["note"] = batch.verdict.note
    if batch.state is BatchState.WAITING:
        found["approve"] = _form("approve_batch", batch.batch.batch_id)
        found["reject"] = _form("reject_batch", batch.batch.batch_id)
    return found


def _form(job: str, batch_id: str) -> dg.MetadataValue[Any]:
    """A link to the form of a person's job, filled in with the batch."""
    form = f"batch_id: {batch_id}\nnote: ''\nname: ''\n"
    page = f"/locations/{LOCATION_NAME}/jobs/{job}/playground/setup"
    return dg.MetadataValue.url(f"{page}?config={quote_plus(form, safe=_READABLE)}")


def _totals(summary: BatchSummary) -> pl.DataFrame:
    shown = summary.totals.select(
        "kind", "decisions", _money("amount"), _money("last_amount").alias("last_time"), "change_pct"
    )
    return shown if summary.last_as_of is not None else shown.drop("last_time", "change_pct")


def _exceptions(summary: BatchSummary) -> pl.DataFrame:
    return summary.exceptions.filter(pl.col("asks") != NOTHING).select(
        "asks",
        "decisions",
        _money("amount"),
        # Some have no reason of their own: the page says that they are never applied without a person.
        pl.col("reason").fill_null("needs a person, whatever the limit"),
        "first",
    )


def _changes(summary: BatchSummary) -> pl.DataFrame:
    return summary.largest_changes.select(
        "party", "kind", _money("amount"), _money("last_amount").alias("last_time"), _money("change")
    )


def _applied(receipts: pl.DataFrame) -> pl.DataFrame:
    """Receipts by kind and outcome: how many, and what they come to."""
    return (
        receipts.group_by("kind", "outcome", "ccy")
        .agg(pl.len().cast(pl.Int64).alias("decisions"), pl.col("amount").sum())
        .sort("kind", "ccy", "outcome")
        .select("kind", "outcome", "decisions", _money("amount"))
    )


def _money(column: str) -> pl.Expr:
    """An amount with its currency in one cell, because the UI's tables are narrow; for the few rows shown."""
    return (
        pl.struct(column, "ccy")
        .map_elements(
            lambda pair: "" if pair[column] is None else f"{grouped(pair[column])} {pair['ccy']}",
            return_dtype=pl.String,
        )
        .alias(column)
    )
