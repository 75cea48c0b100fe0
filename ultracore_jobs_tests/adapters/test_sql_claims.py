"""Claims on SQLite."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.ports import Claims
from ultracore_jobs_tests.adapters.sql_places import open_claims
from ultracore_jobs_tests.contracts.claims import ClaimsContract


class TestSqliteClaims(ClaimsContract):
    """The port's suite, on a file."""

    @pytest.fixture
    def open_claims(self, tmp_path: Path) -> Callable[[], Claims]:
        """Claims in the test's folder."""
        url = f"sqlite:///{tmp_path / 'ultracore.db'}"
        migrate(url)
        return partial(open_claims, url)
