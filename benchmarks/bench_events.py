"""The record: appending one event at a time and a hundred at a time, rebuilding a job, verifying the chain.

    python -m benchmarks.bench_events --events 10000 --rounds 7
    python -m benchmarks.bench_events --on postgresql

`ours` writes canonical JSON, links it into the hash chain and checks the expected version, alone among
writers. `eventsourcing` is the library of that name as its users use it (`Aggregate.trigger_event`,
`Application.save`); it has no chain. `rows` is the limit: finished rows of the size of ours through the
driver, nothing made, checked or hashed. On SQLite all three flush every commit to the disk; the PostgreSQL
of the tests does not.

- `single`: record an event, append it; a tenth as many events.
- `batch`: append a hundred that were recorded before.
- `whole`: record a hundred, append them.

Ours writes an event's text when it is recorded, the peer when it is saved. So `batch` flatters us a
little, and `whole` says by how much.

What both have written is read back and compared before anything is timed.
"""

import argparse
import os
import platform
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from benchmarks.bench_valuation import require
from benchmarks.event_sides import DETAILS, STEP, Ours, Rows, Theirs
from benchmarks.interleave import interleave, measure, report, script, table
from ultracore_jobs.adapters.database import open_database
from ultracore_jobs_tests.postgres import postgres_server

BATCH, WARM_UP, LONG = 100, 200, 1_000
TASKS = ("single", "batch", "whole")


VARIANTS: dict[str, Callable[[str], Any]] = {"rows": Rows, "eventsourcing": Theirs, "ours": Ours}


def work(task: str, side: Any, events: int) -> Callable[[], None]:
    """What is timed; what comes before it is done already."""
    times = range(events // 10) if task == "single" else range(events // BATCH)
    jobs = [side.new()] * len(times) if task == "single" else [side.new() for _ in times]
    batch = range(1) if task == "single" else range(BATCH)
    if task == "batch":
        for job in jobs:
            side.record(job, batch)

    def append_each() -> None:
        for job in jobs:
            if task != "batch":
                side.record(job, batch)
            side.append(job)

    return append_each


def check(place: str) -> None:
    """Both keep what they were given, one by one and a hundred at a time, and our chain is whole."""
    wanted = [(number % 101, STEP, DETAILS) for number in range(250)]
    for name in ("eventsourcing", "ours"):
        side = VARIANTS[name](database(place))
        job = side.new()
        for numbers in (*(range(number, number + 1) for number in range(150)), range(150, 250)):
            side.record(job, numbers)
            side.append(job)
        require(side.read(job) == wanted, f"what {name} keeps is what it was given")
        if isinstance(side, Ours):
            require(side.store.verify() == (252, 1, ()), "our chain is whole")


def rates(place: str, events: int, rounds: int) -> str:
    """How long it takes to rebuild a job of 1,000 events, and how many events are verified in a second."""
    sides = {name: VARIANTS[name](database(place)) for name in ("eventsourcing", "ours")}
    long = {name: side.new() for name, side in sides.items()}
    for name, side in sides.items():
        # Ours has two events by now, theirs one.
        side.record(long[name], range(LONG - (2 if name == "ours" else 1)))
        side.append(long[name])
    work("whole", sides["ours"], events)()
    took: dict[str, list[float]] = {"eventsourcing": [], "ours": [], "verify": []}
    for _ in range(rounds):
        for name, side in sides.items():
            took[name].append(seconds(partial(side.rebuild, long[name])))
        took["verify"].append(seconds(sides["ours"].store.verify))
    theirs, ours, verify = (median(took[name]) for name in took)
    verified = sides["ours"].store.verify().events
    return (
        f"rebuild {LONG:,} events: ours {ours * 1e3:.1f} ms, eventsourcing {theirs * 1e3:.1f} ms\n"
        f"verify {verified:,} events: {verified / verify:,.0f} a second"
    )


def seconds(task: Callable[[], object]) -> float:
    """How long it takes."""
    started = perf_counter()
    task()
    return perf_counter() - started


def database(place: str) -> str:
    """The URL of a new database: a file in a folder, or on a server."""
    name = f"bench_{uuid4().hex}"
    if not place.startswith("postgresql"):
        return f"sqlite:///{place}/{name}.db"
    server = open_database(place)
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    server.dispose()
    return sa.make_url(place).set(database=name).render_as_string(hide_password=False)


@contextmanager
def places(kind: str) -> Iterator[str]:
    """Where databases can be made."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield folder
    else:
        with postgres_server() as server:
            yield server.empty_database()


def machine() -> str:
    """What it was measured on."""
    model = next(
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    )
    return (
        f"{os.cpu_count()} cores of {model}, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, SQLAlchemy {sa.__version__}"
    )


def main() -> None:
    """Check, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--events", type=int, default=10_000, help="of `batch` and `whole`; a multiple of 100"
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of each variant")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--place", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        task, name = given.one
        side = VARIANTS[name](database(given.place))
        warm, timed = work(task, side, WARM_UP), work(task, side, given.events)
        report(measure(timed, warm))
        return
    with places(given.on) as place:
        check(place)
        print(f"{machine()}\n{given.on}, {given.events:,} events, {given.rounds} rounds")
        for task in TASKS:
            base = [script(__file__), "--place", place, "--events", str(given.events), "--one", task]
            turns = interleave({name: [*base, name] for name in VARIANTS}, given.rounds)
            print(f"\n{task}\n\n{table(turns, limit='rows', peer='eventsourcing')}")
        print(f"\n{rates(place, given.events, given.rounds)}")


if __name__ == "__main__":
    main()
