"""Occurrences and cancellations on SQLite and on PostgreSQL."""

from functools import partial
from pathlib import Path

import pytest

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs_tests.adapters.occurrence_places import OccurrenceGuards, open_occurrences
from ultracore_jobs_tests.contracts.occurrences import OccurrencesContract
from ultracore_jobs_tests.contracts.occurrences_recorded import OpenOccurrences
from ultracore_jobs_tests.postgres import PostgresServer


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A migrated, empty file."""
    url = f"sqlite:///{tmp_path / 'ultracore.db'}"
    migrate(url)
    return url


class TestSqliteOccurrences(OccurrencesContract):
    """The port's suite, on a file."""

    @pytest.fixture
    def open_occurrences(self, sqlite_url: str) -> OpenOccurrences:
        """In the test's folder."""
        return partial(open_occurrences, sqlite_url)


class TestPostgresOccurrences(OccurrencesContract):
    """The port's suite, on a database of its own."""

    @pytest.fixture
    def open_occurrences(self, postgres: PostgresServer) -> OpenOccurrences:
        """In a new database."""
        return partial(open_occurrences, postgres.database())


class TestSqliteOccurrenceGuards(OccurrenceGuards):
    """What a file refuses."""

    @pytest.fixture
    def url(self, sqlite_url: str) -> str:
        """A migrated, empty database."""
        return sqlite_url


class TestPostgresOccurrenceGuards(OccurrenceGuards):
    """What PostgreSQL refuses, asked by a superuser."""

    @pytest.fixture
    def url(self, postgres: PostgresServer) -> str:
        """A migrated, empty database."""
        return postgres.database()
