"""The table store itself: publish two portfolios and note the job, for the first time and for the second."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.ports import Clock, TableVersion
from ultracore_jobs_tests.adapters.still import StillClock
from ultracore_jobs_tests.contracts.tables_to_store import NOON, TENANT, TOTALS, publish, ref_of, totals
from ultracore_jobs_tests.kills.scenario import Scenario, Tally

_JOB_ID = "job_c19355e71ae8a0bac470a5a02d7c17c3"
_PARTITION = "2026-11-20"
_MUCH_LATER = NOON + timedelta(days=365 * 1000)


def empty(_place: Path) -> None:
    """Nothing is there, not even a folder of the tenant."""


def published(place: Path) -> None:
    """Another portfolio was published before."""
    publish(_store(place), totals("PF-0"))


def work(place: Path, _attempt: int) -> None:
    """What a job does last: publish, unless it stands already, and note it."""
    store = _store(place)
    listed = _listed(store)
    if not listed or not store.scan(TOTALS, ref_of(TOTALS, listed[-1])).collect().equals(_wanted()):
        listed = (*listed, publish(store, _wanted()))
    store.remember_job(_JOB_ID, (ref_of(TOTALS, listed[-1]),))


def whole_or_not_at_all(place: Path) -> Tally:
    """A reader sees the old rows or the new ones, and a note only of what is there."""
    store = _store(place)
    listed = _listed(store)
    for version in listed:
        store.verify(TOTALS, ref_of(TOTALS, version))
    rows = [store.scan(TOTALS, ref_of(TOTALS, version)).collect() for version in listed]
    noted = store.written_by(_JOB_ID)
    faults = (
        *(["rows that nobody published"] if any(not _is_known(one) for one in rows) else []),
        *(["a note of what is not there"] if noted and noted != (ref_of(TOTALS, listed[-1]),) else []),
        *(["a partition without versions"] if bool(_partitions(store)) != bool(listed) else []),
    )
    return Tally(faults=faults)


def complete(place: Path) -> Tally:
    """The new rows are there and noted, and a sweep leaves nothing but what is listed."""
    store = _store(place, StillClock(_MUCH_LATER))
    store.sweep()
    listed = _listed(store)
    files = {path.name for path in place.rglob("*") if path.is_file()}
    rows = [store.scan(TOTALS, ref_of(TOTALS, version)).collect() for version in listed]
    is_last = (
        bool(rows) and rows[-1].equals(_wanted()) and not any(one.equals(_wanted()) for one in rows[:-1])
    )
    faults = (
        *([] if is_last else ["the new rows are not the newest version, once"]),
        *([] if store.written_by(_JOB_ID) == (ref_of(TOTALS, listed[-1]),) else ["the job is not noted"]),
        *(
            []
            if files == {"manifest.json", f"{_JOB_ID}.json", *(one.file for one in listed)}
            else ["left-overs"]
        ),
    )
    return whole_or_not_at_all(place) + Tally(faults=faults)


def files_of(place: Path) -> dict[str, str]:
    """Every file that is no left-over, and what is in it."""
    return {
        str(path.relative_to(place)): path.read_bytes().hex()
        for path in sorted(place.rglob("[!.]*"))
        if path.is_file()
    }


def _store(place: Path, clock: Clock | None = None) -> ParquetTables:
    return ParquetTables(str(place / "lake"), clock or StillClock())


def _listed(store: ParquetTables) -> tuple[TableVersion, ...]:
    return store.versions(TOTALS, tenant=TENANT, partition=_PARTITION)


def _partitions(store: ParquetTables) -> tuple[str, ...]:
    return store.partitions(TOTALS, tenant=TENANT)


def _wanted() -> pl.DataFrame:
    return totals("PF-1", "PF-2")


def _is_known(rows: pl.DataFrame) -> bool:
    return rows.equals(_wanted()) or rows.equals(totals("PF-0"))


SCENARIOS = tuple(
    Scenario(
        name=f"table store: {name}",
        prepare=prepare,
        act=work,
        interrupted=whole_or_not_at_all,
        examine=complete,
        state=files_of,
    )
    for name, prepare in (("first version", (empty,)), ("second version", (empty, published)))
)
