"""`approvals`: what waits for a person, and the person's word. `freeze`: stop all effects."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from ultracore_jobs.application.approvals import approve_batch, reject_batch
from ultracore_jobs.application.batch_summary import receipts_by_kind, summarise
from ultracore_jobs.application.batches import BatchState, StandingBatch, batch_json, every_batch, find_batch
from ultracore_jobs.application.freezing import freeze_money, release_money, standing_freezes
from ultracore_jobs.application.results import plain
from ultracore_jobs.bootstrap import Settings, build_application
from ultracore_jobs.cli.output import AsJson, paper, print_frame, print_json, print_table
from ultracore_jobs.orchestration import JobRun, apply_here, open_instance

approvals = typer.Typer(
    help="Batches that wait for a person, and the person's word on them.", no_args_is_help=True
)
freeze = typer.Typer(help="Stop all effects, or let them go on.", no_args_is_help=True)

BatchId = Annotated[str, typer.Argument(help="As `approvals list` shows it: bat_...")]
Name = Annotated[str, typer.Option(help="Your name; never that of who asked for the job.")]
Note = Annotated[str, typer.Option(help="What you looked at, and why you say so.")]


@approvals.command("list")
def list_batches(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those applied, rejected or empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the batches that wait for a person, or are approved and not applied yet."""
    open_states = {BatchState.WAITING, BatchState.READY}
    found = [batch for batch in every_batch(build_application()) if every or batch.state in open_states]
    if as_json:
        print_json([batch_json(batch) for batch in found])
        return
    if not found:
        paper.print("Nothing waits for a person.")
        return
    print_table(
        "Batches",
        ("batch", "job", "tenant", "of", "state", "to apply", "refuse", "held", "total"),
        [
            (
                batch.batch.batch_id,
                batch.spec.name,
                batch.tenant,
                batch.as_of,
                batch.state.value,
                *_counts(batch),
                _money(batch),
            )
            for batch in found
        ],
    )


@approvals.command("show")
def show(batch_id: BatchId, *, as_json: AsJson = False) -> None:
    """Show a batch before you approve it: totals, exceptions, and the change against last time."""
    app = build_application()
    batch = find_batch(app, batch_id)
    summary = summarise(app, batch)
    if as_json:
        print_json({**batch_json(batch), **summary.as_json()})
        return
    paper.print(
        f"[bold]{batch.batch.batch_id}[/] {batch.spec.name} for {batch.tenant}, {batch.as_of}: "
        f"[bold]{batch.state.value}[/], asked for by {batch.provenance.job.actor}"
    )
    compared = summary.last_as_of or "nothing, it is the first"
    print_frame(f"To apply, compared with {compared}", summary.totals)
    print_frame("Not simply applied", summary.exceptions)
    print_frame("Largest changes", summary.largest_changes)
    if batch.state is BatchState.WAITING:
        paper.print(
            f'\nTo say so: approvals approve {batch_id} --name "YOUR NAME"', soft_wrap=True, markup=False
        )


@approvals.command("approve")
def approve(batch_id: BatchId, *, name: Name, note: Note = "", as_json: AsJson = False) -> None:
    """Approve a batch and apply it; a second time adds nothing.

    Applying is a Dagster run of the receipts alone. Where the daemon is quicker, this finds it done.
    """
    settings = Settings()
    app = build_application(settings)
    said = approve_batch(app, batch_id, actor=f"cli:{name}", note=note)
    with open_instance(settings) as instance:
        run = apply_here(app, instance, find_batch(app, batch_id))
    after = find_batch(app, batch_id)
    if as_json:
        print_json({**batch_json(after), "run_id": run.run_id, "outcome": run.status, "why": run.why})
    else:
        paper.print(f"{batch_id} approved by {said.actor} at {said.at:%Y-%m-%d %H:%M:%S} UTC")
        print_applied(after, run)
    if not run.went_well:
        raise typer.Exit(1)


@approvals.command("reject")
def reject(batch_id: BatchId, *, name: Name, note: Note, as_json: AsJson = False) -> None:
    """Reject a batch: its decisions are never applied, and stand as information."""
    app = build_application()
    said = reject_batch(app, batch_id, actor=f"cli:{name}", note=note)
    if as_json:
        print_json(batch_json(find_batch(app, batch_id)))
    else:
        paper.print(f"{batch_id} rejected by {said.actor}: {said.note}")


def print_applied(batch: StandingBatch, run: JobRun) -> None:
    """What became of a batch, and its receipts by kind."""
    outcomes = [receipt.outcome.value for receipt in batch.receipts.values()]
    paper.print(
        f"{run.status}: {outcomes.count('POSTED'):,} posted, {outcomes.count('BLOCKED'):,} refused on "
        f"record, {batch.held.height:,} held, {batch.left.height:,} not applied yet"
    )
    if run.why or "error" in run.result:
        paper.print(str(run.why or run.result["error"]), soft_wrap=True, markup=False)
    print_frame("Receipts", receipts_by_kind(batch))


@freeze.command("now")
def freeze_now(
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
    name: Annotated[str, typer.Option(help="Your name.")],
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Until when, UTC; else until released."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Stop all effects of all tenants. Decisions go on; nothing is charged, sent, ordered or deleted."""
    ends = until.replace(tzinfo=UTC) if until else None
    done = freeze_money(build_application(), actor=f"cli:{name}", reason=reason, until_at=ends)
    if as_json:
        print_json(plain(done.model_dump()))
    else:
        paper.print(f"From now on {done}", soft_wrap=True)


@freeze.command("release")
def release(
    freeze_id: Annotated[str, typer.Argument(help="As `freeze list` shows it.")],
    *,
    name: Annotated[str, typer.Option(help="Your name.")],
    note: Annotated[str, typer.Option(help="Why effects may go on.")],
    as_json: AsJson = False,
) -> None:
    """End a freeze; what was decided meanwhile is applied by the next run of its job."""
    done = release_money(build_application(), freeze_id, actor=f"cli:{name}", note=note)
    if as_json:
        print_json(plain(done.model_dump()))
    else:
        paper.print(f"{freeze_id} released by {done.released_by}")


@freeze.command("list")
def list_freezes(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what stops effects now."""
    app = build_application()
    found = app.ledger.freezes() if every else standing_freezes(app)
    if as_json:
        print_json([plain(each.model_dump()) for each in found])
    elif not found:
        paper.print("Nothing is frozen.")
    else:
        print_table(
            "Freezes",
            ("freeze", "by", "from", "until", "reason", "released by"),
            [
                (each.freeze_id, each.actor, each.from_at, each.until_at, each.reason, each.released_by)
                for each in found
            ],
        )


def _counts(batch: StandingBatch) -> tuple[int, int, int]:
    counted = batch_json(batch)
    return int(counted["to_apply"]), int(counted["to_refuse"]), int(counted["held"])


def _money(batch: StandingBatch) -> str:
    return ", ".join(f"{ccy} {total:,.2f}" for ccy, total in batch.totals.items())
