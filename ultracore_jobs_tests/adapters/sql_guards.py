"""What the database itself refuses, whoever asks: the same tests on every database."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ultracore_jobs.adapters.database import METADATA, VERSION_TABLE, migrate, reading, writing
from ultracore_jobs.adapters.ledger_tables import CLAIMS, DECISIONS, ENTRIES, RECEIPTS
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.errors import FrozenError, StoreError
from ultracore_jobs.ports import Approval, Verdict
from ultracore_jobs_tests.adapters.sql_places import open_claims, open_ledger, opened
from ultracore_jobs_tests.contracts.charges import (
    ACME,
    AT_ELEVEN,
    AT_TEN,
    OLGA,
    PAUL,
    charge,
    charge_id,
    charges,
    claim,
    post,
)

APPEND_ONLY = [
    "uc_decisions",
    "uc_receipts",
    "uc_entries",
    "uc_approvals",
    "uc_freezes",
    "uc_freeze_releases",
]


class DatabaseGuards:
    """Inherit it in a ``Test...`` class that has the fixture `url`."""

    @pytest.fixture
    def url(self) -> str:
        """A migrated, empty database."""
        raise NotImplementedError

    @pytest.fixture
    def filled(self, url: str) -> sa.Engine:
        """The database, with a row in each table of the ledger."""
        ledger = open_ledger(url)
        post(ledger, charge("PF-1"))
        word = Approval(tenant=ACME, batch_id="b", verdict=Verdict.APPROVED, actor=PAUL, note="", at=AT_TEN)
        ledger.record_verdict(word)
        freeze = ledger.freeze(actor=OLGA, reason="stop", at=AT_TEN)
        ledger.release(freeze.freeze_id, actor=PAUL, note="", at=AT_ELEVEN)
        return opened(url)

    @pytest.mark.parametrize("table", APPEND_ONLY)
    def test_a_row_is_neither_changed_nor_removed(self, filled: sa.Engine, table: str) -> None:
        """By any SQL, in any transaction: not through our code, but past it."""
        with reading(filled) as connection:
            before = connection.execute(sa.text(f"SELECT * FROM {table}")).all()  # noqa: S608 - from the list above
        column = METADATA.tables[table].columns.values()[-1].name
        for change in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):  # noqa: S608 - as above
            with pytest.raises(StoreError, match=f"{table} is append-only"), writing(filled) as connection:
                connection.execute(sa.text(change))

        with reading(filled) as connection:
            assert connection.execute(sa.text(f"SELECT * FROM {table}")).all() == before  # noqa: S608 - as above
        assert len(before) >= 1

    def test_entries_that_do_not_balance_get_no_receipt(self, url: str) -> None:
        """Written past our code: 10.00 out of nowhere."""
        with pytest.raises(StoreError, match="do not sum to zero"):
            _write(opened(url), amounts=["-100.00", "110.00"])
        assert open_ledger(url).position() == 0

    def test_entries_balance_in_each_currency(self, url: str) -> None:
        """100 dollars out and 100 yen in do not."""
        with pytest.raises(StoreError, match="do not sum to zero"):
            _write(opened(url), amounts=["-100", "100"], currencies=["AUD", "JPY"])

    def test_entries_without_a_receipt_cannot_be_committed(self, url: str) -> None:
        """Nor a receipt without its decision."""
        with pytest.raises(StoreError, match=r"(?i)foreign key"):
            _write(opened(url), amounts=["-100.00", "100.00"], receipt=False)
        with pytest.raises(StoreError, match=r"(?i)foreign key"):
            _write(opened(url), amounts=[], decision=False)

    def test_a_receipt_seals_its_decision(self, filled: sa.Engine) -> None:
        """No entry is added to what was posted, balanced or not."""
        row = {"seq": 1, "number": 9, "account": "x", "ccy": "AUD", "amount_e4": Decimal(0)}
        with pytest.raises(StoreError, match="no more entries"), writing(filled) as connection:
            connection.execute(sa.insert(ENTRIES), row)

    def test_a_blocked_decision_has_no_entries(self, url: str) -> None:
        """No cash moves without consent."""
        with pytest.raises(StoreError, match="only a POSTED decision"):
            _write(opened(url), amounts=["-100.00", "100.00"], outcome="BLOCKED")

    def test_a_claim_can_only_be_released(self, url: str) -> None:
        """Not handed to another, not taken back up, not removed."""
        claims = open_claims(url)
        held = claim(claims)
        engine = opened(url)
        for change in (
            sa.update(CLAIMS).values(run_id="run_9"),
            sa.update(CLAIMS).values(run_id="run_9", released_at=AT_TEN),
            sa.delete(CLAIMS),
        ):
            with pytest.raises(StoreError, match="a claim"), writing(engine) as connection:
                connection.execute(change)
        claims.release(held, at=AT_ELEVEN)
        with pytest.raises(StoreError, match="only be released"), writing(engine) as connection:
            connection.execute(sa.update(CLAIMS).values(released_at=None))

    def test_the_steps_make_the_tables_that_the_code_expects(self, url: str) -> None:
        """Alembic compares columns, types, keys and indexes; and a second migration does nothing."""
        engine = opened(url)
        migrate(engine)
        migrate(url)
        with reading(engine) as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
            )
            assert compare_metadata(context, METADATA) == []
            tables = set(sa.inspect(connection).get_table_names())
        assert all(name.startswith("uc_") for name in tables)

    def test_a_database_of_a_later_release_is_refused(self, url: str) -> None:
        """Rather than written to by code that does not know it."""
        engine = opened(url)
        with writing(engine) as connection:
            connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = 'uc_9999'"))  # noqa: S608 - ours
        with pytest.raises(StoreError, match="newer than this code"):
            migrate(url)

    def test_a_freeze_stops_a_batch_between_two_commits(self, url: str) -> None:
        """Two of five are committed, then a person freezes; the other three come after the release."""
        engine, person = opened(url), open_ledger(url)
        ledger = SqlLedger(engine, decisions_per_commit=2)
        batch = charges("PF-1", "PF-2", "PF-3", "PF-4", "PF-5")
        commit = engine.dialect.do_commit

        def commit_and_be_frozen(dbapi_connection: Any) -> None:
            commit(dbapi_connection)
            engine.dialect.do_commit = commit  # type: ignore[method-assign]
            person.freeze(actor=OLGA, reason="stop", at=AT_ELEVEN)

        engine.dialect.do_commit = commit_and_be_frozen  # type: ignore[method-assign]
        with pytest.raises(FrozenError, match="stop"):
            post(ledger, *batch)
        assert ledger.position() == 2

        person.release(person.freezes()[0].freeze_id, actor=PAUL, note="go on", at=AT_ELEVEN)
        assert post(ledger, *batch, at=AT_ELEVEN) == (1, 2, 3, 4, 5)

    def test_a_failing_commit_leaves_nothing_of_its_decisions(self, url: str) -> None:
        """The last of three cannot be written; the two before it in the same commit are not there either."""
        ledger = SqlLedger(opened(url), decisions_per_commit=3)
        _write(opened(url), amounts=[], decision_id=charge_id("PF-3"), seq=9, receipt=False)

        with pytest.raises(StoreError):
            post(ledger, charge("PF-1"), charge("PF-2"), charge("PF-3"))
        assert ledger.position() == 0
        assert ledger.entries(ACME, known_at=AT_TEN).is_empty()


def _write(
    engine: sa.Engine,
    *,
    amounts: list[str],
    currencies: list[str] | None = None,
    decision_id: str = "d",
    seq: int = 1,
    outcome: str = "POSTED",
    decision: bool = True,
    receipt: bool = True,
) -> None:
    """Write a decision past our code."""
    given = charge("PF-1").decision
    with writing(engine) as connection:
        if decision:
            connection.execute(
                sa.insert(DECISIONS),
                {
                    **given.model_dump(include={"kind", "job_id", "ccy", "batch_id"}),
                    "seq": seq,
                    "decision_id": decision_id,
                    "tenant_id": ACME,
                    "as_of_date": given.as_of,
                    "amount_e4": given.amount,
                    "payload": "{}",
                    "content_hash": "0" * 64,
                },
            )
        for number, amount in enumerate(amounts, start=1):
            connection.execute(
                sa.insert(ENTRIES),
                {
                    "seq": seq,
                    "number": number,
                    "account": f"leg:{number}",
                    "ccy": (currencies or ["AUD"] * len(amounts))[number - 1],
                    "amount_e4": Decimal(amount),
                },
            )
        if receipt:
            row = {"seq": seq, "outcome": outcome, "actor": OLGA}
            connection.execute(sa.insert(RECEIPTS), {**row, "recorded_at": AT_TEN})
