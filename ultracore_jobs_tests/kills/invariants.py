"""What must be true of a ledger and of published tables, however often somebody was killed.

The ledger is read in SQL of our own rather than through its adapter: what is tested does not testify.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from ultracore_jobs.adapters.database import open_database
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.ports import TableStore, VersionRef
from ultracore_jobs_tests.kills.scenario import Tally

_COUNTED = {
    "decisions": "SELECT count(*) FROM uc_decisions",
    "receipts": "SELECT count(*) FROM uc_receipts",
    "entries": "SELECT count(*) FROM uc_entries",
    "approvals": "SELECT count(*) FROM uc_approvals",
    "freezes": "SELECT count(*) FROM uc_freezes",
}

_LAWS = {
    "decision(s) without receipt": (
        "SELECT count(*) FROM uc_decisions WHERE seq NOT IN (SELECT seq FROM uc_receipts)"
    ),
    "receipt(s) without decision": (
        "SELECT count(*) FROM uc_receipts WHERE seq NOT IN (SELECT seq FROM uc_decisions)"
    ),
    "entry(ies) without receipt": (
        "SELECT count(*) FROM uc_entries WHERE seq NOT IN (SELECT seq FROM uc_receipts)"
    ),
    "decision(s) in the ledger twice": "SELECT count(*) - count(DISTINCT decision_id) FROM uc_decisions",
    "place(s) of the ledger skipped": "SELECT coalesce(max(seq), 0) - count(*) FROM uc_receipts",
    "decision(s) whose entries do not sum to zero": (
        "SELECT count(*) FROM (SELECT 1 FROM uc_entries GROUP BY seq, ccy HAVING sum(amount_e4) <> 0) AS odd"
    ),
}
"""Faults that no reader may ever see, and the query that counts them."""

_HELD = "SELECT count(*) FROM uc_claims WHERE released_at IS NULL"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What must be there in the end, known by hand.

    Attributes:
        before: What each account held before the work; nothing where it is not named.
        moved: By how much the work moves each; not at all where it is not named.
        receipts: How many decisions have a receipt in the end.
        waiting: How many decisions of the batch wait for a person in the end.
    """

    before: Mapping[str, Decimal] = field(default_factory=dict)
    moved: Mapping[str, Decimal] = field(default_factory=dict)
    receipts: int = 0
    waiting: int = 0


def lawful(connection: sa.Connection) -> Tally:
    """The laws of the ledger, which hold at any moment."""
    found = {law: connection.scalar(sa.text(query)) for law, query in _LAWS.items()}
    return Tally(faults=tuple(f"{number} {law}" for law, number in found.items() if number))


def nobody_holds_a_claim(connection: sa.Connection) -> Tally:
    """When all is done."""
    held = connection.scalar(sa.text(_HELD))
    return Tally(faults=(f"{held} claim(s) still held",) if held else ())


def moved_as_promised(connection: sa.Connection, promise: Promise) -> Tally:
    """Each account by exactly what was promised, and as many receipts."""
    query = sa.text("SELECT account, sum(amount_e4) FROM uc_entries GROUP BY account")
    held = {account: Decimal(int(units)).scaleb(-4) for account, units in connection.execute(query)}
    doubled = lost = 0
    for account in {*held, *promise.before, *promise.moved}:
        moved = held.get(account, Decimal(0)) - promise.before.get(account, Decimal(0))
        wanted = promise.moved.get(account, Decimal(0))
        is_less = wanted not in {moved, 0} and 0 <= moved / wanted < 1
        lost += is_less
        doubled += moved != wanted and not is_less
    receipts = connection.scalar(sa.text(_COUNTED["receipts"]))
    wrong = () if receipts == promise.receipts else (f"{receipts} receipts instead of {promise.receipts}",)
    return Tally(doubled=doubled, lost=lost, faults=wrong)


def readable(tables: TableStore, datasets: Iterable[Dataset], *, tenant: str, as_of: date) -> Tally:
    """Every version listed can be read and is what its manifest says, and none repeats the one before."""
    faults = []
    for dataset in datasets:
        versions = tables.versions(dataset, tenant=tenant, partition=as_of.isoformat())
        for version in versions:
            tables.verify(dataset, _ref(dataset, tenant, as_of, version.version))
        contents = [version.content_hash for version in versions]
        if any(one == other for one, other in pairwise(contents)):
            faults.append(f"{dataset.name} has two versions with the same rows")
    return Tally(faults=tuple(faults))


def noted(tables: TableStore, datasets: Iterable[Dataset], *, tenant: str, as_of: date, job_id: str) -> Tally:
    """Every table is published, and the newest version of each is noted as the job's."""
    found = set(tables.written_by(job_id))
    faults = []
    for dataset in datasets:
        versions = tables.versions(dataset, tenant=tenant, partition=as_of.isoformat())
        if not versions or _ref(dataset, tenant, as_of, versions[-1].version) not in found:
            faults.append(f"{dataset.name}: the newest version is not noted as that of {job_id}")
    return Tally(faults=tuple(faults))


def state_of(database: Path, lake: Path) -> dict[str, object]:
    """Everything that must stay as it is when all is done: the ledger, and the small files of the tables."""
    engine = open_database(f"sqlite:///{database}")
    with engine.connect() as connection:
        rows = {name: connection.scalar(sa.text(query)) for name, query in _COUNTED.items()}
    engine.dispose()
    files = {
        str(path.relative_to(lake)): path.read_text(encoding="utf-8") for path in sorted(lake.rglob("*.json"))
    }
    return {**rows, "files": files}


def _ref(dataset: Dataset, tenant: str, as_of: date, version: int) -> VersionRef:
    return VersionRef(tenant=tenant, dataset=dataset.name, partition=as_of.isoformat(), version=version)
