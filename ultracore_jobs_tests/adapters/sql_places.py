"""Opens what is kept in a database, in this process or in another."""

import sqlalchemy as sa

from ultracore_jobs.adapters.database import open_database
from ultracore_jobs.adapters.sql_claims import SqlClaims
from ultracore_jobs.adapters.sql_ledger import SqlLedger

OPENED: list[sa.Engine] = []
"""What this process opened and has to close; the fixture `closed_databases` does it after each test."""


def opened(url: str) -> sa.Engine:
    """A database that is closed after the test."""
    OPENED.append(open_database(url))
    return OPENED[-1]


def open_ledger(url: str, decisions_per_commit: int = 100) -> SqlLedger:
    """The ledger in a migrated database; it commits more often than in earnest."""
    return SqlLedger(opened(url), decisions_per_commit=decisions_per_commit)


def open_claims(url: str) -> SqlClaims:
    """The claims in a migrated database."""
    return SqlClaims(opened(url))
