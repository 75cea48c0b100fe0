"""Tables for the store under test, and the short ways to write them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog import Dataset, Partitioning
from ultracore_jobs.catalog.columns import KNOWN_AT, Column, count, day, flag, fraction, instant, money, text
from ultracore_jobs.errors import ConcurrentWriteError
from ultracore_jobs.ports import (
    Coverage,
    GateStamp,
    InputPin,
    JobStamp,
    Provenance,
    TableStore,
    TableVersion,
    VersionRef,
)

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TENANT = "acme"

TOTALS = Dataset(
    name="totals",
    grain="one total of one portfolio on one day",
    key=("as_of_date", "portfolio_id"),
    source="a job",
    columns={
        "as_of_date": day("Day"),
        "portfolio_id": text("Portfolio"),
        "amount": money("Amount", nullable=True),
        "ratio": fraction("Ratio", nullable=True),
        "lots": count("Lots", nullable=True),
        "is_open": flag("Open", nullable=True),
        "priced_at": instant("When it was priced", nullable=True),
        "tags": Column(pl.List(pl.String), "Labels", nullable=True),
        "tier": Column(pl.Struct({"from": pl.Decimal(18, 4), "bps": pl.Int64}), "Tier", nullable=True),
    },
)

MARKS = Dataset(
    name="marks",
    grain="one mark of one instrument on one day, as known from one moment on",
    key=("instrument_id", "marked_on"),
    partitioning=Partitioning.BY_LOAD,
    source="a feed",
    valid_date="marked_on",
    covered_by=("XASX", "XNYS"),
    columns={
        "instrument_id": text("Instrument"),
        "marked_on": day("Day"),
        "close": money("Mark", above=0),
        "known_at": KNOWN_AT,
    },
)

ROW = {
    "as_of_date": FRIDAY,
    "portfolio_id": "PF-1",
    "amount": Decimal("-0.2350"),
    "ratio": 0.1,
    "lots": 3,
    "is_open": True,
    "priced_at": datetime(2026, 11, 20, 5, 30, 0, 123456, tzinfo=UTC),
    "tags": ["a", None, "é"],
    "tier": {"from": Decimal("0.5"), "bps": None},
}


def totals(*ids: str, **values: object) -> pl.DataFrame:
    """One row a portfolio."""
    return pl.DataFrame([ROW | values | {"portfolio_id": name} for name in ids], schema=TOTALS.schema)


def marks(*closes: str, on: date = FRIDAY, known_at: datetime = NOON) -> pl.DataFrame:
    """One row an instrument, `I0`, `I1`, and so on."""
    rows = [
        {"instrument_id": f"I{index}", "marked_on": on, "close": Decimal(close), "known_at": known_at}
        for index, close in enumerate(closes)
    ]
    return pl.DataFrame(rows, schema=MARKS.schema)


def provenance(*covers: Coverage, job_id: str = "job_0123456789abcdef0123456789abcdef") -> Provenance:
    """Where a version came from, every field with a value."""
    ref = VersionRef(tenant="shared", dataset="prices", partition="2026-11-20", version=2)
    return Provenance(
        job=JobStamp(job_id=job_id, job_type="a_job", run_id="run", code_version="1.0"),
        as_of=FRIDAY,
        known_at=NOON,
        parameters={"stale_days": 5, "share": 0.05, "names": ["a"]},
        inputs=(InputPin(ref=ref, sha256="0" * 64, known_at=NOON),),
        input_hash="1" * 64,
        gates=(GateStamp(name="nav_reconciled", passed=True),),
        covers=covers,
        result={"counts": {"read": 1}, "warnings": []},
    )


def session(market: str, first: date, last: date | None = None) -> Coverage:
    """Coverage of one session, or of several."""
    return Coverage(market=market, first=first, last=last or first)


def ref_of(dataset: Dataset, version: TableVersion, partition: str = "2026-11-20") -> VersionRef:
    """A version of the partition that these tests write."""
    return VersionRef(tenant=TENANT, dataset=dataset.name, partition=partition, version=version.version)


def publish(store: TableStore, frame: pl.DataFrame, partition: str = "2026-11-20") -> TableVersion:
    """Publish totals."""
    return store.publish(TOTALS, tenant=TENANT, partition=partition, frame=frame, provenance=provenance())


def append(store: TableStore, frame: pl.DataFrame, *covers: Coverage) -> TableVersion:
    """Append marks."""
    return store.append(
        MARKS, tenant=TENANT, partition="2026-11-20", frame=frame, provenance=provenance(*covers)
    )


def append_until_done(open_store: Callable[[], TableStore], name: str, rows: int) -> None:
    """Append one row after the other, and again where another writer was first: one process of several."""
    store = open_store()
    for number in range(rows):
        frame = marks("1").with_columns(instrument_id=pl.lit(f"{name}-{number}"))
        while True:
            try:
                append(store, frame)
            except ConcurrentWriteError:
                continue
            break
