"""What SQLite refuses by itself, how it is opened, and kill -9."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from ultracore_jobs.adapters.database import migrate, open_database, reading
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.errors import StoreError, UsageError
from ultracore_jobs_tests.adapters.migrating import migrate_together
from ultracore_jobs_tests.adapters.sql_guards import DatabaseGuards
from ultracore_jobs_tests.adapters.sql_kills import kill_at_every_boundary
from ultracore_jobs_tests.adapters.sql_places import open_ledger, opened
from ultracore_jobs_tests.contracts.charges import ACME, AT_TEN, charge, charge_id, post


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a database may be; its folder is not there yet."""
    return tmp_path / "home" / "ultracore.db"


@pytest.fixture
def url(file: Path) -> str:
    """A migrated, empty database."""
    migrate(f"sqlite:///{file}")
    return f"sqlite:///{file}"


class TestSqliteGuards(DatabaseGuards):
    """The guards, on a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """A migrated, empty database."""
        migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
        return f"sqlite:///{tmp_path / 'ultracore.db'}"


def test_kill_at_every_boundary(url: str) -> None:
    """On SQLite."""
    kill_at_every_boundary(url)


def test_every_commit_is_flushed_and_every_key_checked(url: str) -> None:
    """WAL with NORMAL may lose the last commits at a power cut: not for a ledger."""
    with reading(opened(url)) as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
        said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]

    assert said == ["wal", 2, 1, 30_000, 1]


def test_a_replace_is_refused_on_any_connection(file: Path, url: str) -> None:
    """``INSERT OR REPLACE`` of another program, which has none of our settings, deletes nothing."""
    post(open_ledger(url), charge("PF-1"))
    other = sqlite3.connect(file)
    for table in ("uc_decisions", "uc_receipts", "uc_entries"):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|no more entries"):
            other.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608 - from the list above
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(
            "INSERT OR REPLACE INTO uc_decisions SELECT 9, decision_id, tenant_id, kind, job_id, as_of_date, "
            "amount_e4, ccy, payload, batch_id, content_hash FROM uc_decisions"
        )
    other.close()

    assert open_ledger(url).receipts([charge_id("PF-1")])[charge_id("PF-1")].seq == 1


def test_an_amount_is_never_a_float(url: str, file: Path) -> None:
    """SQLite would keep 0.5 in a column of whole numbers."""
    other = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match="whole number"):
        other.execute("INSERT INTO uc_entries VALUES (1, 1, 'a', 'AUD', 0.5, NULL, NULL)")
    other.close()
    assert open_ledger(url).position() == 0


def test_two_processes_may_migrate_at_once(file: Path) -> None:
    """The file is not there yet; one makes the tables, the other finds them."""
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(2)
    both = [spawn.Process(target=migrate_together, args=(f"sqlite:///{file}", together)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)

    assert [one.exitcode for one in both] == [0, 0]
    assert post(open_ledger(f"sqlite:///{file}"), charge("PF-1")) == (1,)


def test_a_database_in_memory_is_a_ledger_too() -> None:
    """For a simulation: one process, nothing on the disk."""
    engine = opened("sqlite://")
    migrate(engine)
    ledger = SqlLedger(engine)
    assert post(ledger, charge("PF-1"), charge("PF-2")) == (1, 2)
    assert ledger.balances(ACME, known_at=AT_TEN)["amount"].sum() == 0


def test_a_bare_postgresql_url_gets_the_driver_we_ship() -> None:
    """Also the short form that hosts hand out."""
    for scheme in ("postgresql", "postgres", "postgresql+psycopg2"):
        engine = open_database(f"{scheme}://someone:secret@localhost/jobs")
        assert engine.url.drivername == "postgresql+psycopg2"
        assert str(engine.url.database) == "jobs"


@pytest.mark.parametrize("url", ["mysql://localhost/jobs", "postgresql+asyncpg://localhost/jobs", "jobs.db"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    """What can be used is said."""
    with pytest.raises(UsageError, match="sqlite:///FILE"):
        open_database(url)


def test_what_the_database_says_comes_in_our_words(tmp_path: Path) -> None:
    """Which database, and its own reason; never a password."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError, match=r"database sqlite:///.*empty.db: no such table: uc_receipts"):
        ledger.position()
    unreachable = open_ledger("postgresql://someone:secret@127.0.0.1:1/jobs")
    with pytest.raises(StoreError, match=r"someone:\*\*\*@127.0.0.1:1") as refused:
        unreachable.position()
    assert "secret" not in str(refused.value)
    assert isinstance(refused.value.__cause__, sa.exc.OperationalError)
