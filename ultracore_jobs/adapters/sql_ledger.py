"""The ledger in the database.

Whoever writes is alone in the ledger until the commit (`writing`). So a decision that is found missing
is still missing when it is written, places follow the order of commits, and no posting is under way
when a freeze has been recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.ledger_frames import instant, money, read_table, total
from ultracore_jobs.adapters.ledger_people import LedgerPeople, in_force, name_of, utc
from ultracore_jobs.adapters.ledger_standing import (
    BOOKS,
    adjusted_places,
    by_id,
    chunks,
    receipt_of,
    refuse_other_content,
    standing_among,
)
from ultracore_jobs.adapters.ledger_tables import DECISIONS, ENTRIES, RECEIPTS
from ultracore_jobs.catalog.ledger import LEDGER_BALANCES, LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.errors import FrozenError
from ultracore_jobs.ports import Posting, Receipt

_ADJUSTED = DECISIONS.alias("adjusted")


class SqlLedger(LedgerPeople):
    """A `Ledger` in a migrated database (SQLite or PostgreSQL)."""

    def __init__(self, engine: sa.Engine, *, decisions_per_commit: int = 500) -> None:
        """Keep the ledger in the database of *engine*, committing so many decisions at a time."""
        super().__init__(engine)
        self._per_commit = decisions_per_commit

    def post(self, postings: Sequence[Posting], *, actor: str, at: datetime) -> tuple[Receipt, ...]:
        """Apply each decision that was not applied before; the receipts of all, in the order given."""
        moment, who = utc(at, "at"), name_of(actor)
        wanted = by_id(postings)
        with reading(self._engine) as connection:
            standing = standing_among(connection, wanted)
            refuse_other_content(wanted, standing)
            left = [posting for decision_id, posting in wanted.items() if decision_id not in standing]
            places = adjusted_places(connection, left)
        receipts = {decision_id: found.receipt for decision_id, found in standing.items()}
        for some in chunks(left, self._per_commit):
            receipts.update(self._apply(some, places, who, moment))
        return tuple(receipts[posting.decision.decision_id] for posting in postings)

    def receipts(self, decision_ids: Iterable[str]) -> dict[str, Receipt]:
        """Receipts of those decisions that were applied, by decision id."""
        with reading(self._engine) as connection:
            found = standing_among(connection, dict.fromkeys(decision_ids))
        return {decision_id: one.receipt for decision_id, one in found.items()}

    def batch_receipts(self, tenant: str, batch_id: str) -> tuple[Receipt, ...]:
        """Receipts of all decisions applied with a batch, in ledger order."""
        query = (
            sa.select(RECEIPTS, DECISIONS.c.decision_id)
            .join_from(RECEIPTS, DECISIONS)
            .where(DECISIONS.c.tenant_id == tenant, DECISIONS.c.batch_id == batch_id)
            .order_by(RECEIPTS.c.seq)
        )
        with reading(self._engine) as connection:
            return tuple(receipt_of(row) for row in connection.execute(query))

    def position(self) -> int:
        """The greatest place taken in the ledger; 0 while it is empty."""
        with reading(self._engine) as connection:
            return _position(connection)

    def decisions(
        self, tenant: str, *, known_at: datetime, kinds: Sequence[str] = (), upto: int | None = None
    ) -> pl.DataFrame:
        """The applied decisions of a tenant, a `LEDGER_DECISIONS` table in ledger order."""
        query = (
            sa.select(
                DECISIONS.c.tenant_id,
                DECISIONS.c.decision_id,
                DECISIONS.c.kind,
                DECISIONS.c.job_id,
                DECISIONS.c.as_of_date,
                money(DECISIONS.c.amount_e4),
                DECISIONS.c.ccy,
                DECISIONS.c.payload,
                DECISIONS.c.batch_id,
                RECEIPTS.c.outcome,
                RECEIPTS.c.actor,
                RECEIPTS.c.seq,
                instant(RECEIPTS.c.recorded_at, self._engine.dialect),
            )
            .join_from(DECISIONS, RECEIPTS)
            .where(*_visible(tenant, known_at, kinds, upto))
            .order_by(RECEIPTS.c.seq)
        )
        with reading(self._engine) as connection:
            return read_table(connection, query, LEDGER_DECISIONS)

    def entries(
        self, tenant: str, *, known_at: datetime, kinds: Sequence[str] = (), upto: int | None = None
    ) -> pl.DataFrame:
        """The entries of a tenant, a `LEDGER_ENTRIES` table in ledger order."""
        query = (
            sa.select(
                DECISIONS.c.tenant_id,
                _entry_id(DECISIONS.c.decision_id, ENTRIES.c.number).label("entry_id"),
                DECISIONS.c.decision_id,
                DECISIONS.c.kind,
                DECISIONS.c.as_of_date,
                ENTRIES.c.account,
                ENTRIES.c.ccy,
                money(ENTRIES.c.amount_e4),
                _entry_id(_ADJUSTED.c.decision_id, ENTRIES.c.adjusts_number).label("adjusts"),
                RECEIPTS.c.seq,
                instant(RECEIPTS.c.recorded_at, self._engine.dialect),
            )
            .select_from(BOOKS.outerjoin(_ADJUSTED, _ADJUSTED.c.seq == ENTRIES.c.adjusts_seq))
            .where(*_visible(tenant, known_at, kinds, upto))
            .order_by(RECEIPTS.c.seq, ENTRIES.c.number)
        )
        with reading(self._engine) as connection:
            return read_table(connection, query, LEDGER_ENTRIES)

    def balances(self, tenant: str, *, known_at: datetime, upto: int | None = None) -> pl.DataFrame:
        """What each account holds, a `LEDGER_BALANCES` table by account and currency."""
        account, ccy = ENTRIES.c.account, ENTRIES.c.ccy
        query = (
            sa.select(sa.literal(tenant).label("tenant_id"), account, ccy, total(ENTRIES.c.amount_e4))
            .select_from(BOOKS)
            .where(*_visible(tenant, known_at, (), upto))
            .group_by(account, ccy)
        )
        with reading(self._engine) as connection:
            # Sorted here: the databases differ in how they order text.
            return read_table(connection, query, LEDGER_BALANCES).sort("account", "ccy")

    def _apply(
        self, postings: Sequence[Posting], adjusted: Mapping[str, tuple[int, int]], actor: str, at: datetime
    ) -> dict[str, Receipt]:
        """Commit those of *postings* that nobody has committed meanwhile; the receipts of all."""
        wanted = by_id(postings)
        with writing(self._engine) as connection:
            standing = standing_among(connection, wanted)
            refuse_other_content(wanted, standing)
            receipts = {decision_id: found.receipt for decision_id, found in standing.items()}
            left = [posting for decision_id, posting in wanted.items() if decision_id not in standing]
            if left:
                freeze = in_force(connection, at)
                if freeze is not None:
                    message = f"nothing more is applied: {freeze}"
                    raise FrozenError(message)
                added = [
                    Receipt(
                        decision_id=posting.decision.decision_id,
                        outcome=posting.outcome,
                        applied_at=at,
                        actor=actor,
                        seq=seq,
                    )
                    for seq, posting in enumerate(left, start=_position(connection) + 1)
                ]
                _insert(connection, left, adjusted, added)
                receipts.update((receipt.decision_id, receipt) for receipt in added)
        return receipts


def _insert(
    connection: sa.Connection,
    postings: Sequence[Posting],
    adjusted: Mapping[str, tuple[int, int]],
    receipts: Sequence[Receipt],
) -> None:
    """Decisions, then entries, then receipts: a receipt seals what it is for."""
    decisions = [
        {
            "seq": receipt.seq,
            "decision_id": decision.decision_id,
            "tenant_id": decision.tenant,
            "kind": decision.kind,
            "job_id": decision.job_id,
            "as_of_date": decision.as_of,
            "amount_e4": decision.amount,
            "ccy": decision.ccy,
            "payload": decision.payload_json,
            "batch_id": decision.batch_id,
            "content_hash": posting.content_hash,
        }
        for posting, receipt in zip(postings, receipts, strict=True)
        for decision in [posting.decision]
    ]
    nothing = (None, None)
    entries = [
        {
            "seq": receipt.seq,
            "number": number,
            "account": entry.account,
            "ccy": entry.ccy,
            "amount_e4": entry.amount,
            "adjusts_seq": adjusts_seq,
            "adjusts_number": adjusts_number,
        }
        for posting, receipt in zip(postings, receipts, strict=True)
        for number, entry in enumerate(posting.entries, start=1)
        for adjusts_seq, adjusts_number in [adjusted[entry.adjusts] if entry.adjusts else nothing]
    ]
    done = [
        {
            "seq": receipt.seq,
            "outcome": receipt.outcome.value,
            "actor": receipt.actor,
            "recorded_at": receipt.applied_at,
        }
        for receipt in receipts
    ]
    connection.execute(sa.insert(DECISIONS), decisions)
    if entries:
        connection.execute(sa.insert(ENTRIES), entries)
    connection.execute(sa.insert(RECEIPTS), done)


def _visible(
    tenant: str, known_at: datetime, kinds: Sequence[str], upto: int | None
) -> list[sa.ColumnElement[bool]]:
    """The rows of a tenant that were recorded by the cut-off."""
    conditions = [DECISIONS.c.tenant_id == tenant, RECEIPTS.c.recorded_at <= utc(known_at, "known_at")]
    if kinds:
        conditions.append(DECISIONS.c.kind.in_(kinds))
    if upto is not None:
        conditions.append(RECEIPTS.c.seq <= upto)
    return conditions


def _entry_id(
    decision_id: sa.ColumnElement[str], number: sa.ColumnElement[int] | sa.ColumnElement[int | None]
) -> sa.ColumnElement[str]:
    """The id of an entry, as `Posting.entry_id` has it; null where there is no decision."""
    return decision_id + "." + sa.cast(number, sa.String)


def _position(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.max(RECEIPTS.c.seq))) or 0
