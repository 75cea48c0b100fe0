"""What stands in the ledger already, and what must be refused because of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from ultracore_jobs.adapters.ledger_tables import DECISIONS, ENTRIES, RECEIPTS
from ultracore_jobs.errors import LedgerConflictError
from ultracore_jobs.ports import Outcome, Posting, Receipt

BOOKS = ENTRIES.join(RECEIPTS, ENTRIES.c.seq == RECEIPTS.c.seq).join(
    DECISIONS, DECISIONS.c.seq == RECEIPTS.c.seq
)
"""Entries with the receipt that makes them count, and the decision they are of."""


_NAMED_AT_ONCE = 5_000
"""Ids in one query; SQLite takes 32,766 parameters."""


class Standing(NamedTuple):
    """A decision that is in the ledger."""

    receipt: Receipt
    content_hash: str


def by_id(postings: Sequence[Posting]) -> dict[str, Posting]:
    """Each posting once, by decision id, in the order given.

    Raises:
        LedgerConflictError: One id was given with different content.
    """
    wanted: dict[str, Posting] = {}
    other = set()
    for posting in postings:
        first = wanted.setdefault(posting.decision.decision_id, posting)
        if first is not posting and first.content_hash != posting.content_hash:
            other.add(posting.decision.decision_id)
    if other:
        message = f"given twice with different content: {_listed(other)}; nothing was posted"
        raise LedgerConflictError(message)
    return wanted


def standing_among(connection: sa.Connection, decision_ids: Iterable[str]) -> dict[str, Standing]:
    """Those of *decision_ids* that are in the ledger."""
    found = {}
    for some in chunks(list(decision_ids), _NAMED_AT_ONCE):
        query = (
            sa.select(RECEIPTS, DECISIONS.c.decision_id, DECISIONS.c.content_hash)
            .join_from(RECEIPTS, DECISIONS)
            .where(DECISIONS.c.decision_id.in_(some))
        )
        for row in connection.execute(query):
            found[row.decision_id] = Standing(receipt_of(row), row.content_hash)
    return found


def refuse_other_content(wanted: dict[str, Posting], standing: dict[str, Standing]) -> None:
    """Refuse where the ledger holds other content under an id that is wanted.

    Raises:
        LedgerConflictError: It does; all such ids are named.
    """
    other = {
        decision_id
        for decision_id, found in standing.items()
        if found.content_hash != wanted[decision_id].content_hash
    }
    if other:
        message = (
            f"posted before with other content: {_listed(other)}; nothing was posted. "
            "What is posted is never edited: decide an adjustment that names the entries it adjusts"
        )
        raise LedgerConflictError(message)


def adjusted_places(connection: sa.Connection, postings: Sequence[Posting]) -> dict[str, tuple[int, int]]:
    """Place and number of each entry that is adjusted, by its id.

    An adjustment is of a posted entry, on the same account of the same tenant in the same currency.

    Raises:
        LedgerConflictError: Some are not.
    """
    made = {
        (entry.adjusts, posting.decision.tenant, entry.account, entry.ccy)
        for posting in postings
        for entry in posting.entries
        if entry.adjusts is not None
    }
    # An entry's id is its decision's id, a dot, and its number.
    decision_ids = sorted({adjusts.rpartition(".")[0] for adjusts, *_ in made})
    places, posted = {}, set()
    for some in chunks(decision_ids, _NAMED_AT_ONCE):
        query = (sa.select(DECISIONS.c.decision_id, DECISIONS.c.tenant_id, ENTRIES).select_from(BOOKS)).where(
            DECISIONS.c.decision_id.in_(some)
        )
        for row in connection.execute(query):
            entry_id = f"{row.decision_id}.{row.number}"
            places[entry_id] = (row.seq, row.number)
            posted.add((entry_id, row.tenant_id, row.account, row.ccy))
    bad = {adjusts for adjusts, *rest in made if (adjusts, *rest) not in posted}
    if bad:
        message = (
            f"entries that are adjusted are not posted, or not on that account: {_listed(bad)}; "
            "nothing was posted"
        )
        raise LedgerConflictError(message)
    return places


def receipt_of(row: sa.Row[Any]) -> Receipt:
    """The receipt in a row of `RECEIPTS`."""
    return Receipt(
        decision_id=row.decision_id,
        outcome=Outcome(row.outcome),
        applied_at=row.recorded_at,
        actor=row.actor,
        seq=row.seq,
    )


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """*items* in runs of at most *size*."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _listed(ids: set[str]) -> str:
    """The first few, and how many there are."""
    shown = 10
    names = ", ".join(sorted(ids)[:shown])
    return names if len(ids) <= shown else f"{names} and {len(ids) - shown} more"
