"""kill -9 wherever the store touches the disk: the old state or the new one, and a re-run completes."""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.ports import VersionRef
from ultracore_jobs_tests.adapters.crashing import JOB_ID, PARTITION, work
from ultracore_jobs_tests.adapters.still import StillClock
from ultracore_jobs_tests.contracts.tables_to_store import NOON, TENANT, TOTALS, publish, ref_of, totals

MUCH_LATER = NOON + timedelta(days=365 * 1000)


@pytest.mark.parametrize("versions_before", [0, 1])
def test_a_killed_writer_leaves_the_old_state_or_the_new_one(tmp_path: Path, versions_before: int) -> None:
    """First publication, with all its folders, and the second one."""
    before = tmp_path / "before"
    before.mkdir()
    for _ in range(versions_before):
        publish(ParquetTables(str(before), StillClock()), totals("PF-0"))
    kills = kill_everywhere(tmp_path)

    published = [check(tmp_path / str(number), versions_before) for number in range(1, kills + 1)]
    # Some died before the manifest was replaced, some after; none that came later saw less.
    assert published == sorted(published)
    assert {published[0], published[-1]} == {False, True}


def kill_everywhere(folder: Path) -> int:
    """Kill a writer at each touch of the disk; how many times until one got through."""
    command = [sys.executable, "-m", "ultracore_jobs_tests.adapters.crashing", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours

    assert done.stderr == ""
    assert int(done.stdout) > 20
    return int(done.stdout)


def check(lake: Path, versions_before: int) -> bool:
    """Whether the killed writer had published; and that a re-run completes what is left to do."""
    store = ParquetTables(str(lake), StillClock())
    versions = store.versions(TOTALS, tenant=TENANT, partition=PARTITION)
    published = len(versions) > versions_before
    noted = store.written_by(JOB_ID)

    assert len(versions) == versions_before + published
    assert store.partitions(TOTALS, tenant=TENANT) == ((PARTITION,) if versions else ())
    for version in versions:
        store.verify(TOTALS, ref_of(TOTALS, version))
    if versions:
        rows = store.scan(TOTALS, ref_of(TOTALS, versions[-1])).collect()
        assert rows.equals(totals("PF-1", "PF-2") if published else totals("PF-0"))
    if noted:
        assert noted == (ref_of(TOTALS, versions[-1]),)

    if not published:
        work(lake, StillClock())
    elif not noted:
        store.remember_job(JOB_ID, (ref_of(TOTALS, versions[-1]),))
    whole(lake, versions_before + 1)
    return published


def whole(lake: Path, versions: int) -> None:
    """The re-run's version is there, its job is noted, and a sweep leaves nothing but what is listed."""
    store = ParquetTables(str(lake), StillClock(MUCH_LATER))
    store.sweep()
    listed = store.versions(TOTALS, tenant=TENANT, partition=PARTITION)
    ref = VersionRef(tenant=TENANT, dataset="totals", partition=PARTITION, version=versions)

    assert [version.version for version in listed] == list(range(1, versions + 1))
    assert store.written_by(JOB_ID) == (ref,)
    assert store.scan(TOTALS, ref).collect().equals(totals("PF-1", "PF-2"))
    store.verify(TOTALS, ref)
    files = {path.name for path in lake.rglob("*") if path.is_file()}
    assert files == {"manifest.json", f"{JOB_ID}.json", *(version.file for version in listed)}
    shutil.rmtree(lake)
