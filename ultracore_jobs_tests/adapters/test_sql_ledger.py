"""The ledger on SQLite."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.ports import Ledger
from ultracore_jobs_tests.adapters.sql_places import open_ledger
from ultracore_jobs_tests.contracts.ledger import LedgerContract


class TestSqliteLedger(LedgerContract):
    """The port's suite, on a file."""

    @pytest.fixture
    def open_ledger(self, tmp_path: Path) -> Callable[[], Ledger]:
        """A ledger in the test's folder."""
        url = f"sqlite:///{tmp_path / 'ultracore.db'}"
        migrate(url)
        return partial(open_ledger, url)
