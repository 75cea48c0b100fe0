"""Who keeps the events that `bench_events` measures: the library, the product, and finished rows."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from ultracore_jobs.adapters.database import migrate, open_database, writing
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.adapters.system_clock import SystemClock
from ultracore_jobs.lifecycle.events import JobPriority, JobProgressUpdated, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate

STEP, DETAILS = "Fetching market prices", {"symbols_fetched": 100, "venue": "XASX"}


class TheirJob(Aggregate):
    """A job, as a user of the library writes it."""

    class Progressed(Aggregate.Event):
        """How far it is."""

        progress_percentage: float
        current_step: str
        details: dict[str, Any]

    def update_progress(self, percent: float, step: str, details: dict[str, Any]) -> None:
        """Say how far it is."""
        self.trigger_event(
            self.Progressed, progress_percentage=percent, current_step=step, details=dict(details)
        )


class Theirs:
    """The library."""

    def __init__(self, url: str) -> None:
        """Keep events in a database of its own."""
        at = sa.make_url(url)
        settings = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(at.database)}
        if at.get_backend_name() == "postgresql":
            settings = {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": str(at.database),
                "POSTGRES_HOST": str(at.query.get("host") or at.host),
                "POSTGRES_PORT": str(at.port or 5432),
                "POSTGRES_USER": str(at.username),
                "POSTGRES_PASSWORD": str(at.password or "none"),
            }
        self.app: Application[Any] = Application(env=settings)

    def new(self) -> TheirJob:
        """A job that is kept."""
        job = TheirJob()
        self.app.save(job)
        return job

    def record(self, job: TheirJob, numbers: range) -> None:
        """Make events."""
        for number in numbers:
            job.update_progress(number % 101, STEP, DETAILS)

    def append(self, job: TheirJob) -> None:
        """Keep them."""
        self.app.save(job)

    def read(self, job: TheirJob) -> list[Any]:
        """What is kept."""
        events = [event for event in self.app.events.get(job.id) if isinstance(event, TheirJob.Progressed)]
        return [(event.progress_percentage, event.current_step, event.details) for event in events]

    def rebuild(self, job: TheirJob) -> None:
        """The job as its events left it."""
        self.app.repository.get(job.id)


class Ours:
    """The product."""

    def __init__(self, url: str) -> None:
        """Keep events in a migrated database."""
        self.engine = open_database(url)
        migrate(self.engine)
        self.store = SqlEventStore(self.engine, SystemClock())
        self.jobs = 0

    def new(self) -> JobAggregate:
        """A job that is kept."""
        self.jobs += 1
        name = f"job_{sha256(str(self.jobs).encode()).hexdigest()[:32]}"
        job = JobAggregate("t1", name, clock=SystemClock().now)
        job.schedule("daily", datetime(2024, 1, 15, tzinfo=UTC), JobPriority.HIGH, {})
        job.start("executor_1")
        self.append(job)
        return job

    def record(self, job: JobAggregate, numbers: range) -> None:
        """Make events."""
        for number in numbers:
            job.update_progress(number % 101, STEP, DETAILS)

    def append(self, job: JobAggregate) -> None:
        """Keep them."""
        self.store.append(job_stream("t1", job.job_id), job.committed_version, job.uncommitted)
        job.mark_committed()

    def read(self, job: JobAggregate) -> list[Any]:
        """What is kept."""
        stored = [one.event for one in self.store.read(job_stream("t1", job.job_id))]
        events = [event for event in stored if isinstance(event, JobProgressUpdated)]
        return [(event.progress_percentage, event.current_step, event.details) for event in events]

    def rebuild(self, job: JobAggregate) -> None:
        """The job as its events left it."""
        stored = self.store.read(job_stream("t1", job.job_id))
        JobAggregate.from_events((one.event for one in stored), clock=SystemClock().now)


class Rows:
    """Finished rows into a table as ours, without guards: the limit."""

    def __init__(self, url: str) -> None:
        """Keep rows in a database of its own."""
        self.engine = open_database(url)
        self.position = 0
        self.pending: dict[int, list[tuple[Any, ...]]] = {}
        mark = "?" if self.engine.dialect.name == "sqlite" else "%s"
        self.sql = f"INSERT INTO limit_rows VALUES ({', '.join([mark] * 6)})"  # noqa: S608 - our own text
        with writing(self.engine) as connection:
            connection.exec_driver_sql(
                "CREATE TABLE limit_rows (position integer PRIMARY KEY, stream_no integer, seq integer, "
                "body text, hash text, recorded_at text, UNIQUE (stream_no, seq))"
            )

    def new(self) -> int:
        """The number of a stream."""
        self.pending[len(self.pending)] = []
        return len(self.pending) - 1

    def record(self, job: int, numbers: range) -> None:
        """Rows."""
        for _ in numbers:
            self.position += 1
            row = (self.position, job, self.position, "b" * 340, "0" * 64, "2024-01-15T01:00:00.000000Z")
            self.pending[job].append(row)

    def append(self, job: int) -> None:
        """Insert them."""
        with writing(self.engine) as connection:
            connection.exec_driver_sql(self.sql, self.pending[job])
        self.pending[job] = []
