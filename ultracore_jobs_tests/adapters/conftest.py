"""Databases for the tests of adapters."""

from collections.abc import Iterator

import pytest

from ultracore_jobs_tests.adapters.sql_places import OPENED
from ultracore_jobs_tests.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the session, started by the first test that needs it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(autouse=True)
def closed_sql_places() -> Iterator[None]:
    """Closes what a test opened: an open connection at the end is a warning, and so an error."""
    yield
    while OPENED:
        OPENED.pop().dispose()
