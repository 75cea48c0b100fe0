"""`events`: the record itself. Whether it is what it was, what is added to it, and sending it on."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from ultracore_jobs.adapters.blobs import open_blobs
from ultracore_jobs.adapters.heads import FileHeads
from ultracore_jobs.application import Application
from ultracore_jobs.application.relaying import follow
from ultracore_jobs.bootstrap import build_application, build_relay
from ultracore_jobs.cli.job import event_json, print_event
from ultracore_jobs.cli.output import AsJson, paper, people, print_json
from ultracore_jobs.errors import StoreError, UnknownNameError, UsageError
from ultracore_jobs.ports import Relayed
from ultracore_jobs.ports.events import StoredEvent

events = typer.Typer(
    help="The record: whether it is what it was, and what is added to it.", no_args_is_help=True
)

_SHOWN_FAULTS = 20
_AT_ONCE = 1_000
_SECONDS = 1.0


@events.command("verify")
def verify(
    *,
    stream: Annotated[
        str | None, typer.Option(help="Only this stream, such as jobs.executions/acacia/job_...")
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="Folder where heads of days are kept: shows also what was rewritten hashes and all."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look whether the record is what it was: no gap, and each hash follows from the one before.

    Exits 0 if it is, 1 with the first bad event of each stream if not.
    """
    app = build_application()
    if stream is not None and stream not in app.events.heads([stream]):
        raise UnknownNameError("stream", stream, app.events.streams(stream.rpartition("/")[0])[:5])
    if stream is not None and heads is not None:
        raise UsageError("heads are of the whole record; leave out --stream or --heads")
    kept = FileHeads(open_blobs(str(heads))).all() if heads is not None else ()
    found = app.events.verify(stream=stream, heads=kept)
    if as_json:
        print_json(
            {
                "events": found.events,
                "streams": found.streams,
                "with_heads": heads is not None,
                "is_whole": not found.faults,
                "faults": [fault._asdict() for fault in found.faults],
            }
        )
    else:
        paper.print(f"looked at {found.events:,} event(s) of {found.streams:,} stream(s)")
        for fault in found.faults[:_SHOWN_FAULTS]:
            paper.print(str(fault), style="red", soft_wrap=True, markup=False)
        if len(found.faults) > _SHOWN_FAULTS:
            paper.print(f"and {len(found.faults) - _SHOWN_FAULTS} more")
        if not found.faults:
            paper.print("[green]it is what it was[/]")
        if heads is None and stream is None:
            people.print("without --heads, a record that was rewritten from its first event is not seen")
    if found.faults:
        raise typer.Exit(1)


@events.command("tail")
def tail(
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many of the last ones.")] = 20,
    after: Annotated[int | None, typer.Option(min=0, help="All after this position instead.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only whose.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the last events of the record, oldest first; with --json one document a line."""
    app = build_application()
    begin = max(0, app.events.position() - count) if after is None else after
    pause: Callable[[], object] | None = (lambda: Event().wait(_SECONDS)) if follow else None
    with suppress(KeyboardInterrupt):
        for stored in following(app, begin, pause):
            if tenant not in {None, stored.stream.split("/", 2)[1]}:
                continue
            if as_json:
                sys.stdout.write(json.dumps(event_json(stored)) + "\n")
                sys.stdout.flush()
            else:
                print_event(stored, whose=True)


def following(app: Application, after: int, pause: Callable[[], object] | None) -> Iterator[StoredEvent]:
    """The events after a position, in the order of recording.

    Args:
        app: The platform.
        after: The position.
        pause: Called where there are no more for now, before looking again; without it that is the end.
    """
    while True:
        page = app.events.read_all(after, _AT_ONCE)
        yield from page
        if page:
            after = page[-1].position
        elif pause is None:
            return
        else:
            pause()


@events.command("relay")
def relay_events(
    *,
    follow_on: Annotated[
        bool, typer.Option("--follow", help="Go on with what comes, until it is interrupted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send what is recorded and not sent yet to Kafka (ULTRACORE_KAFKA_BOOTSTRAP), in its order.

    Killed anywhere and started again it may send some events twice, and leaves none out.
    """
    relay = build_relay(build_application())
    try:
        if follow_on:
            with suppress(KeyboardInterrupt):
                follow(relay, Event().wait, _tell)
            return
        sent, behind = 0, 1
        while behind:
            done = relay.relay()
            sent, behind = sent + done.sent, done.behind
    finally:
        relay.close()
    if as_json:
        print_json({"sent": sent, "behind": behind})
    else:
        paper.print(f"{sent:,} events sent; nothing is left to send")


def _tell(done: Relayed | StoreError) -> None:
    """One line for each pass that did something, or failed."""
    if isinstance(done, StoreError):
        people.print(str(done), style="yellow", markup=False)
    elif done.sent:
        paper.print(f"{done.sent:,} sent, {done.behind:,} left")
