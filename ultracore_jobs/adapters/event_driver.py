"""The record's own way to the driver: a transaction, and statements said as they are.

An append says three things to the database. Through SQLAlchemy they take three times as long as all else
that a single append does (its statements are few and fixed, so there is nothing to be built); reading and
whatever is rare goes through SQLAlchemy as everywhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import chain
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from ultracore_jobs.adapters.database import WRITER_LOCK, in_our_words
from ultracore_jobs.adapters.ledger_standing import chunks
from ultracore_jobs.errors import StoreError

_INSERTED_AT_ONCE = 1_000
_BACKSLASH = "\\"

Cells = tuple[Any, ...]


class Driver(NamedTuple):
    """The driver's connection, in a transaction, and how its database is spoken to."""

    connection: Any
    dialect: sa.Dialect

    @classmethod
    def of(cls, connection: sa.Connection) -> Self:
        """The driver beneath a connection."""
        return cls(connection.connection, connection.dialect)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite; else it is PostgreSQL."""
        return self.dialect.name == "sqlite"


@contextmanager
def alone(engine: sa.Engine) -> Iterator[Driver]:
    """As `writing`: a transaction whose writer is alone from its first statement to its commit.

    Raises:
        StoreError: The database refused, or cannot be reached.
    """
    with in_our_words(engine):
        pooled = engine.raw_connection()
    driver = Driver(pooled, engine.dialect)
    try:
        if driver.is_sqlite:
            say(driver, "BEGIN IMMEDIATE")
        else:
            say(driver, "SELECT pg_advisory_xact_lock(?)", (WRITER_LOCK,))
        yield driver
        with _in_our_words(driver):
            engine.dialect.do_commit(pooled)
    finally:
        # The pool rolls back what was not committed.
        pooled.close()


def say(driver: Driver, sql: str, arguments: Sequence[Any] = ()) -> Any:
    """The driver's cursor, after it said *sql*, which has ``?`` for each argument and nowhere else.

    Raises:
        StoreError: The database refused.
    """
    cursor = driver.connection.cursor()
    with _in_our_words(driver):
        cursor.execute(sql if driver.is_sqlite else sql.replace("?", "%s"), arguments)
    return cursor


def insert(driver: Driver, words: str, rows: Sequence[Cells]) -> None:
    """Insert rows by statements of many rows: less than a statement for each.

    Raises:
        StoreError: The database refused.
    """
    row = f"({', '.join('?' * len(rows[0]))})"
    for some in chunks(rows, _INSERTED_AT_ONCE):
        say(driver, f"{words} VALUES {', '.join([row] * len(some))}", list(chain.from_iterable(some)))


def copy(driver: Driver, table: str, rows: Iterable[Cells]) -> None:
    """Insert rows by COPY, which PostgreSQL reads in half the time of a statement.

    Only backslashes are escaped: JSON has no raw tab or line break in it, nor has any other cell.

    Raises:
        StoreError: The database refused.
    """
    text = "".join(["\t".join(map(str, row)) + "\n" for row in rows]).replace(_BACKSLASH, _BACKSLASH * 2)
    with _in_our_words(driver):
        driver.connection.cursor().copy_expert(f"COPY {table} FROM STDIN", StringIO(text))


@contextmanager
def _in_our_words(driver: Driver) -> Iterator[None]:
    try:
        yield
    except driver.dialect.loaded_dbapi.Error as error:
        message = f"the database refused: {str(error).strip().splitlines()[0]}"
        raise StoreError(message) from error
