"""What a job reads of the ledger: its rows as known at K, and a pin by which the same rows are read again."""

from collections.abc import Callable
from datetime import datetime

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.catalog.ledger import LEDGER_BALANCES, LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.errors import IntegrityError
from ultracore_jobs.ports import InputPin, VersionRef

PARTITION = "ledger"
"""What a pin of ledger rows has for a partition; its version is the last place read."""


def rows_of_ledger(
    app: Application, dataset: Dataset, tenant: str, *, known_at: datetime, upto: int | None = None
) -> pl.DataFrame:
    """The rows of one of the ledger's tables, recorded by *known_at*, up to place *upto* where given."""
    ledger = app.ledger
    readers: dict[str, Callable[..., pl.DataFrame]] = {
        LEDGER_DECISIONS.name: ledger.decisions,
        LEDGER_ENTRIES.name: ledger.entries,
        LEDGER_BALANCES.name: ledger.balances,
    }
    return readers[dataset.name](tenant, known_at=known_at, upto=upto)


def pin_of_ledger(dataset: Dataset, tenant: str, rows: pl.DataFrame) -> InputPin:
    """A pin of ledger rows: the last place among them, and the hash of their content.

    What other tenants, or later postings, add to the ledger leaves it as it is.
    """
    last = rows["seq"].max() if "seq" in rows.columns else None
    place = last if isinstance(last, int) else 0
    ref = VersionRef(tenant=tenant, dataset=dataset.name, partition=PARTITION, version=place)
    return InputPin(ref=ref, sha256=content_hash(rows))


def require_same(rows: pl.DataFrame, pin: InputPin) -> None:
    """Hold rows read again against their pin.

    Raises:
        IntegrityError: The ledger no longer says what it said.
    """
    if content_hash(rows) != pin.sha256:
        raise IntegrityError(
            f"{pin.ref.dataset} of tenant {pin.ref.tenant!r} up to place {pin.ref.version} is not what was "
            "read: the ledger was altered outside of this product. Remedy: restore it from a backup."
        )
