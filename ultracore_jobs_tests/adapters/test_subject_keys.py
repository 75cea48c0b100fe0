"""Keys of people, on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs_tests.adapters.event_places import open_subject_keys
from ultracore_jobs_tests.adapters.sql_places import OPENED
from ultracore_jobs_tests.adapters.subject_key_tests import SubjectKeyTests, key_in
from ultracore_jobs_tests.contracts.jobs_recorded import MONDAY
from ultracore_jobs_tests.postgres import PostgresServer


class TestSqliteSubjectKeys(SubjectKeyTests):
    """On a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """A migrated, empty database."""
        migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
        return f"sqlite:///{tmp_path / 'ultracore.db'}"

    def test_an_erased_key_is_nowhere_in_the_files(self, url: str, tmp_path: Path) -> None:
        """Neither in what the database freed, nor in its write-ahead log."""
        keys = open_subject_keys(url)
        keys.seal("t1", "CL-7", {"name": "Zoë"}, at=MONDAY)
        key = key_in(url)
        assert _files_with(tmp_path, key)
        while OPENED:
            OPENED.pop().dispose()
        keys = open_subject_keys(url)
        keys.erase("t1", "CL-7", actor="olga", at=MONDAY)

        assert _files_with(tmp_path, key) == []


class TestPostgresSubjectKeys(SubjectKeyTests):
    """On a database of its own."""

    @pytest.fixture
    def url(self, postgres: PostgresServer) -> str:
        """A migrated, empty database."""
        return postgres.database()


def _files_with(folder: Path, key: bytes) -> list[str]:
    return [path.name for path in folder.iterdir() if key in path.read_bytes()]
