"""The ledger, claims, guards and kill -9 on a real PostgreSQL server."""

import multiprocessing
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.errors import StoreError
from ultracore_jobs.ports import Claims, Ledger
from ultracore_jobs_tests.adapters.migrating import migrate_together
from ultracore_jobs_tests.adapters.sql_guards import APPEND_ONLY, DatabaseGuards
from ultracore_jobs_tests.adapters.sql_kills import kill_at_every_boundary
from ultracore_jobs_tests.adapters.sql_places import open_claims, open_ledger, opened
from ultracore_jobs_tests.contracts.charges import charge, post
from ultracore_jobs_tests.contracts.claims import ClaimsContract
from ultracore_jobs_tests.contracts.ledger import LedgerContract
from ultracore_jobs_tests.postgres import PostgresServer


class TestPostgresLedger(LedgerContract):
    """The port's suite, on a database of its own."""

    @pytest.fixture
    def open_ledger(self, postgres: PostgresServer) -> Callable[[], Ledger]:
        """A ledger in a new database."""
        return partial(open_ledger, postgres.database())


class TestPostgresClaims(ClaimsContract):
    """The port's suite, on a database of its own."""

    @pytest.fixture
    def open_claims(self, postgres: PostgresServer) -> Callable[[], Claims]:
        """Claims in a new database."""
        return partial(open_claims, postgres.database())


class TestPostgresGuards(DatabaseGuards):
    """The guards, asked by a superuser."""

    @pytest.fixture
    def url(self, postgres: PostgresServer) -> str:
        """A migrated, empty database."""
        return postgres.database()

    @pytest.mark.parametrize("table", APPEND_ONLY)
    def test_a_table_is_not_emptied(self, filled: sa.Engine, table: str) -> None:
        """TRUNCATE asks no trigger of a row; and a session that plays replica switches none off."""
        for change in (f"TRUNCATE {table} CASCADE", f"DELETE FROM {table}"):  # noqa: S608 - from the list
            with pytest.raises(StoreError, match="is append-only"), writing(filled) as connection:
                connection.execute(sa.text(f"SET LOCAL session_replication_role = replica; {change}"))

    def test_the_public_has_no_right_to_change(self, url: str) -> None:
        """As domain_rules 22 asks: no update or delete right."""
        with reading(opened(url)) as connection:
            rights = connection.execute(
                sa.text(
                    "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' "
                    "AND table_name LIKE 'uc_%' AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')"
                )
            ).all()
        assert rights == []


def test_kill_at_every_boundary(postgres: PostgresServer) -> None:
    """On PostgreSQL."""
    kill_at_every_boundary(postgres.database())


def test_two_processes_may_migrate_at_once(postgres: PostgresServer) -> None:
    """One makes the tables, the other waits and finds them."""
    url = postgres.empty_database()
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(2)
    both = [spawn.Process(target=migrate_together, args=(url, together)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)

    assert [one.exitcode for one in both] == [0, 0]
    assert post(open_ledger(url), charge("PF-1")) == (1,)
