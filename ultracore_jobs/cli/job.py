"""`job`: what became of a job, why it stands where it stands, and the two things a person may do about it."""

from typing import Annotated, Any

import typer

from ultracore_jobs.application.cancel import cancel_job
from ultracore_jobs.application.job_report import (
    JobReport,
    describe_job,
    last_instant,
    latest_jobs,
    summary_of,
)
from ultracore_jobs.application.job_streams import find_job
from ultracore_jobs.application.results import plain
from ultracore_jobs.application.retry import retry_job
from ultracore_jobs.application.tenants import require_tenant
from ultracore_jobs.bootstrap import build_application, current_user
from ultracore_jobs.cli.output import AsJson, paper, people, print_json, print_table
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.ports.events import StoredEvent

job = typer.Typer(help="What became of a job, and why; cancel or retry it.", no_args_is_help=True)

JobId = Annotated[
    str, typer.Argument(help="As `job list`, a run or its tag ultracore/job_id shows it: job_...")
]
Name = Annotated[str | None, typer.Option(help="Your name; default the user of this machine.")]

_UI = "http://127.0.0.1:3000"
"""Where `ultracore-jobs ui` serves."""

_COLOURS = {
    JobStatus.COMPLETED: "green",
    JobStatus.COMPLETED_WITH_ERRORS: "yellow",
    JobStatus.FAILED: "red",
    JobStatus.MISSED: "red",
}


@job.command("list")
def list_jobs(
    *,
    tenant: Annotated[str | None, typer.Option(help="Only whose; `shared` for market data.")] = None,
    job_type: Annotated[str | None, typer.Option("--type", help="Only of this job type.")] = None,
    status: Annotated[
        JobStatus | None, typer.Option(case_sensitive=False, help="Only those that stand so, such as FAILED.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, those to which something happened last first.

    What needs a person: `job list --status failed`.
    """
    app = build_application()
    if tenant is not None:
        require_tenant(app, tenant)
    found = latest_jobs(app, limit=limit, tenant=tenant, job_type=job_type, status=status)
    if as_json:
        print_json([summary_of(one) for one in found])
        return
    if not found:
        paper.print("No such job is on record.")
        return
    print_table(
        "Jobs",
        ("job", "type", "tenant", "of", "status", "since"),
        [
            (
                one.job_id,
                plain(one.job_type),
                one.tenant_id,
                one.logical_date,
                plain(one.status),
                f"{since:%Y-%m-%d %H:%M:%S}" if (since := last_instant(one)) else "",
            )
            for one in found
        ],
    )


@job.command("show")
def show(job_id: JobId, *, as_json: AsJson = False) -> None:
    """Show one job: where it stands and why, its attempts, what its checks said, its runs."""
    report = describe_job(build_application(), job_id)
    if as_json:
        print_json({**report.as_json(), "runs": [f"{_UI}/runs/{run_id}" for run_id in report.run_ids]})
        return
    _print_report(report)


@job.command("cancel")
def cancel(
    job_id: JobId,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Stop a job for good.

    What was not launched is cancelled at once. A run is asked to stop by the daemon; it stops between two
    commits, so nothing is half done, and what it committed stays. Saying it again changes nothing.
    """
    answer = cancel_job(build_application(), job_id, reason=reason, actor=_actor(name))
    if as_json:
        print_json(answer.as_json())
        return
    paper.print(f"[bold]{answer.word}[/] {job_id}: {answer.reason}", soft_wrap=True)
    if answer.wish.requested_by != _actor(name):
        people.print(f"{answer.wish.requested_by} had asked for it before; that word stands", markup=False)


@job.command("retry")
def retry(job_id: JobId, *, name: Name = None, as_json: AsJson = False) -> None:
    """Let a failed job be tried again now, with the same parameters and what was known when it first started.

    The daemon launches it within seconds. To compute with what came since, run it anew: `run`.
    """
    answer = retry_job(build_application(), job_id, actor=_actor(name))
    if as_json:
        print_json({**answer.as_json(), "attempt": answer.occurrence.attempt})
        return
    paper.print(
        f"[bold]{answer.standing.word}[/] {job_id}, attempt {answer.occurrence.attempt}: "
        f"{answer.standing.reason}",
        soft_wrap=True,
    )


@job.command("audit")
def audit(job_id: JobId, *, as_json: AsJson = False) -> None:
    """Print everything that is on record of a job, with the hashes that prove it was not changed.

    Exits 0 if the chain of hashes holds, 1 with the first bad event if not.
    """
    app = build_application()
    found = find_job(app, job_id)
    stream = job_stream(found.tenant_id, job_id)
    events = app.events.read(stream)
    verdict = app.events.verify(stream=stream)
    if as_json:
        print_json(
            {
                "job_id": job_id,
                "tenant": found.tenant_id,
                "stream": stream,
                "events": [event_json(one) for one in events],
                "is_whole": not verdict.faults,
                "faults": [str(fault) for fault in verdict.faults],
            }
        )
    else:
        for one in events:
            print_event(one)
        if not verdict.faults:
            paper.print(f"{len(events)} event(s); each hash follows from the one before it")
    if verdict.faults:
        people.print(f"not what it was: {verdict.faults[0]}", style="red", markup=False)
        raise typer.Exit(1)


def event_json(stored: StoredEvent) -> dict[str, Any]:
    """An event as it stands in the record."""
    event = stored.event
    own = event.model_dump(mode="json", exclude_none=True)
    about = {"tenant_id", event.IDENTITY, "at", "actor", "correlation_id", "causation_id", "code_version"}
    return {
        "position": stored.position,
        "stream": stored.stream,
        "seq": stored.seq,
        "event_type": type(event).__name__,
        **{name: own[name] for name in ("at", "actor") if name in own},
        **{name: own[name] for name in ("correlation_id", "causation_id", "code_version") if name in own},
        "payload": {name: value for name, value in own.items() if name not in about},
        "prev_hash": stored.prev_hash,
        "hash": stored.hash,
        "recorded_at": plain(stored.recorded_at),
    }


def print_event(stored: StoredEvent, *, whose: bool = False) -> None:
    """An event in a few lines; *whose* adds the stream it is of."""
    said = event_json(stored)
    of = f" [dim]{stored.stream}[/]" if whose else ""
    paper.print(
        f"[bold]{stored.seq:>4} {said['event_type']}[/] {said['at']} by {said['actor']}{of}", soft_wrap=True
    )
    for name, value in said["payload"].items():
        paper.print(f"       {name}: {value}", soft_wrap=True, markup=False)
    paper.print(f"       [dim]hash {stored.hash}[/]", soft_wrap=True)


def _print_report(report: JobReport) -> None:
    found = report.job
    colour = _COLOURS.get(found.status, "bold") if found.status else "bold"
    paper.print(f"[bold]{found.job_id}[/]: {found.job_type} for {found.tenant_id}, {found.logical_date}")
    paper.print(f"[{colour}]{report.standing.word}[/]: {report.standing.reason}", soft_wrap=True)
    if report.wish is not None:
        wish = report.wish
        done = wish.outcome or "under way"
        paper.print(
            f"{wish.requested_by} wants it stopped since {wish.requested_at:%Y-%m-%d %H:%M:%S} UTC: "
            f"{wish.reason} ({done})",
            soft_wrap=True,
            markup=False,
        )
    if found.error_message and found.status is not JobStatus.FAILED:
        paper.print(f"failed before: {found.error_message}", soft_wrap=True, markup=False)
    for key, value in (found.result or {}).items():
        paper.print(f"  {key}: {_in_words(value)}", soft_wrap=True, markup=False)
    if report.attempts:
        print_table(
            "Attempts",
            ("attempt", "what became of it", "run"),
            [(one.number, one.says, one.run_id) for one in report.attempts],
        )
    if found.checks:
        print_table(
            "Checks",
            ("check", "said", "at"),
            [
                (check.check_type, "passed" if check.passed else "FAILED", f"{check.at:%Y-%m-%d %H:%M:%S}")
                for check in found.checks
            ],
        )
    for run_id in report.run_ids:
        paper.print(f"{_UI}/runs/{run_id}", soft_wrap=True)


def _actor(name: str | None) -> str:
    return f"cli:{name or current_user()}"


def _in_words(value: Any) -> str:
    """A part of a result as people read it: counts by name, without brackets and quotes."""
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_in_words(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return str(value)
