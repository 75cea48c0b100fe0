"""A small platform to test on: a real table store in a folder, a clock that stands still."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.local_processes import LocalProcesses
from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.adapters.sql_claims import SqlClaims
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.adapters.sql_occurrences import SqlOccurrences
from ultracore_jobs.application import Application
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.errors import FeedError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Coverage, Delivery, Feeds, JobStamp, Provenance

OPENED: list[sa.Engine] = []
"""Databases of the platforms made here; closed after each test, and opened again by who goes on."""

FRIDAY = date(2026, 11, 20)
MONDAY = date(2026, 11, 23)
SATURDAY_MORNING = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


@dataclass
class StillClock:
    """A clock that moves only when it is told to."""

    instant: datetime = SATURDAY_MORNING

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.instant += by


@dataclass
class ShelfFeeds:
    """A provider whose deliveries the test lays out, by vendor table."""

    shelf: dict[str, Delivery] = field(default_factory=dict)
    asked: list[tuple[str, date, date]] = field(default_factory=list)

    def deliver(self, dataset: Dataset, *, since: date, until: date, known_at: datetime) -> Delivery:
        """What lies on the shelf, whatever the window; the window asked for is remembered."""
        self.asked.append((dataset.name, since, until))
        if dataset.name not in self.shelf:
            message = f"no delivery of {dataset.name} on the shelf for {until} at {known_at}"
            raise FeedError(message)
        return self.shelf[dataset.name]


def application(
    folder: Path,
    jobs: Mapping[str, JobSpec],
    *,
    feeds: Feeds | None = None,
    clock: StillClock | None = None,
) -> Application:
    """The platform with its tables in *folder*."""
    clock = clock or StillClock()
    database = open_database(f"sqlite:///{folder / 'ultracore.db'}")
    migrate(database)
    OPENED.append(database)
    return Application(
        tables=ParquetTables(str(folder / "lake"), clock),
        ledger=SqlLedger(database),
        claims=SqlClaims(database),
        events=SqlEventStore(database, clock),
        occurrences=SqlOccurrences(database),
        processes=LocalProcesses(),
        feeds=feeds or ShelfFeeds(),
        clock=clock,
        jobs=jobs,
        code_version="test",
    )


def load(
    app: Application,
    dataset: Dataset,
    rows: pl.DataFrame,
    *,
    tenant: str = "shared",
    partition: str = "history",
    covers: tuple[Coverage, ...] = (),
) -> None:
    """Append rows of a given table, as an import would."""
    stamp = Provenance(
        job=JobStamp(
            job_id=identifier("job_", dataset.name, partition), job_type="test", code_version="test"
        ),
        as_of=FRIDAY,
        known_at=app.clock.now(),
        input_hash="given",
        covers=covers,
    )
    app.tables.append(dataset, tenant=tenant, partition=partition, frame=rows, provenance=stamp)
