"""The one database: SQLite in a file, or PostgreSQL, opened so that what is committed stays.

All our tables share one `METADATA` and one chain of migrations (prefix ``uc_``, version table
``uc_alembic_version``), so they can stand beside Dagster's. Money is kept as whole ten-thousandths of the
currency (``..._e4``, 64 bits), because SQLite has no exact decimal; sums in SQL are exact on both.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import stamina
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from ultracore_jobs.errors import MissingExtraError, StoreError, UsageError

VERSION_TABLE = "uc_alembic_version"

METADATA = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "ck": "%(table_name)s_%(constraint_name)s_ck",
    }
)

_PATIENCE_SECONDS = 30
"""How long one writer waits for another before it gives up."""

WRITER_LOCK = 0x75635F6C65646772
"""Advisory lock of PostgreSQL that whoever writes the ledger holds to the end: ``uc_ledgr`` in ASCII."""


class MoneyE4(sa.types.TypeDecorator[Decimal]):
    """An amount as whole ten-thousandths, the scale of `MONEY`."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002 - its form
        """1.50 -> 15000."""
        return None if value is None else int(value.scaleb(4))

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:  # noqa: ARG002 - its form
        """15000 -> 1.5000."""
        return None if value is None else Decimal(value).scaleb(-4)


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment in UTC to the microsecond: ``timestamptz``, and on SQLite text of fixed width, which sorts."""

    impl = sa.String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """The type of this database."""
        wide = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True) if wide else sa.String(27))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """The moment in UTC."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - its form
        """An aware moment in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


def open_database(url: str) -> sa.Engine:
    """Connections to the database at *url*; nothing is read or written yet.

    SQLite: write-ahead log, every commit flushed to the disk, foreign keys, up to 30 s of waiting for
    another writer. ``sqlite://`` alone is a database in memory, for one process.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://...``.

    Raises:
        UsageError: Another kind of database, or not a URL.
        MissingExtraError: The driver of PostgreSQL is not installed.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "postgresql":
        try:
            engine = sa.create_engine(parsed, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise MissingExtraError("postgres", "a PostgreSQL database") from error
        sa.event.listen(engine, "connect", _set_up_postgresql)
        return engine
    in_memory = parsed.database in {None, "", ":memory:"}
    if not in_memory:
        Path(str(parsed.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        parsed,
        connect_args={"timeout": _PATIENCE_SECONDS, "check_same_thread": False},
        # A database in memory is that of its one connection.
        poolclass=sa.StaticPool if in_memory else None,
    )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(database: str | sa.Engine) -> None:
    """Bring the tables to what this code expects; nothing happens where they are.

    Safe when several processes do it at once: one works, the others wait and find it done.

    Raises:
        StoreError: The database cannot be reached, or is newer than this code.
    """
    engine = open_database(database) if isinstance(database, str) else database
    config = Config()
    config.set_main_option("script_location", "ultracore_jobs.adapters:migrations")
    config.set_main_option("path_separator", "os")
    try:
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        if isinstance(database, str):
            engine.dispose()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction whose writer is alone from its first statement to its commit.

    So what it reads still holds when it writes, and places in the ledger are taken in the order of commits.

    Raises:
        StoreError: The database refused, or cannot be reached.
    """
    with in_our_words(engine), engine.execution_options(uc_begin="IMMEDIATE").begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that only reads; it waits for no writer.

    Raises:
        StoreError: The database refused, or cannot be reached.
    """
    with in_our_words(engine), engine.connect() as connection:
        yield connection


@contextmanager
def in_our_words(engine: sa.Engine) -> Iterator[None]:
    """Turns what the database client raises into a `StoreError` that names the database."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()
        message = f"database {where}: {cause[0] if cause else type(error).__name__}"
        raise StoreError(message) from error
    except CommandError as error:
        message = f"database {where} is newer than this code; install the release that made it: {error}"
        raise StoreError(message) from error


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        message = "ULTRACORE_DATABASE_URL is not a URL; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise UsageError(message) from error
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg2")
    if parsed.drivername in {"postgresql+psycopg2", "sqlite", "sqlite+pysqlite"}:
        return parsed
    message = f"database {parsed.drivername!r} is not supported; use sqlite:///FILE or postgresql://..."
    raise UsageError(message)


def _set_up_postgresql(connection: Any, _record: object) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = '{_PATIENCE_SECONDS}s'")
    connection.autocommit = False


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions by itself, and too late: we begin them in `_begin_sqlite`.
    connection.isolation_level = None
    _turn_on_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA foreign_keys = ON")
    # So that the delete of a REPLACE meets the trigger that refuses deletes.
    connection.execute("PRAGMA recursive_triggers = ON")


# SQLite does not wait for others while it changes the journal's form, so whoever opens a new file must.
@stamina.retry(on=sqlite3.OperationalError, attempts=None, timeout=_PATIENCE_SECONDS, wait_max=0.2)
def _turn_on_wal(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
        connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('uc_begin', 'DEFERRED')}")
