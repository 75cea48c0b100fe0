"""The table store on Parquet files in a folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.adapters.parquet_bytes import ROW_GROUP_ROWS, read_rows, write_rows
from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.catalog.columns import count, units
from ultracore_jobs.errors import ConcurrentWriteError, IntegrityError, StoreError, UsageError
from ultracore_jobs.ports import TableStore, TableVersion
from ultracore_jobs_tests.adapters.still import StillClock
from ultracore_jobs_tests.contracts.table_store import TableStoreContract
from ultracore_jobs_tests.contracts.tables_to_store import (
    MARKS,
    NOON,
    TENANT,
    TOTALS,
    append,
    marks,
    provenance,
    publish,
    ref_of,
    totals,
)


class TestParquetTables(TableStoreContract):
    """The port's suite, on a folder."""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], TableStore]:
        """A store on the test's folder."""
        return partial(ParquetTables, str(tmp_path / "lake"), StillClock())


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where the files are."""
    return tmp_path / "lake"


@pytest.fixture
def store(lake: Path) -> ParquetTables:
    """A store on `lake`."""
    return ParquetTables(str(lake), StillClock())


def folder(lake: Path) -> Path:
    """The partition that these tests write."""
    return lake / TENANT / "totals" / "2026-11-20"


def document() -> str:
    """docs/bad-input.md."""
    return (Path(__file__).parents[2] / "docs" / "bad-input.md").read_text(encoding="utf-8")


class TestFiles:
    """What is on the disk, for people and for other programs."""

    def test_a_version_is_a_parquet_file_beside_its_manifest(self, store: ParquetTables, lake: Path) -> None:
        """Named by its number and the first digits of its hash."""
        version = publish(store, totals("PF-1"))

        assert version.file == f"v000001-{version.sha256[:12]}.parquet"
        assert sorted(path.name for path in folder(lake).iterdir()) == ["manifest.json", version.file]
        assert (folder(lake) / version.file).stat().st_size == version.bytes
        assert store.location(TOTALS, tenant=TENANT) == str(lake / TENANT / "totals")

    def test_a_manifest_is_json_that_a_person_can_read(self, store: ParquetTables, lake: Path) -> None:
        """One field a line, with the number of its format."""
        version = publish(store, totals("PF-1"))
        text = (folder(lake) / "manifest.json").read_text(encoding="utf-8")
        manifest = json.loads(text)

        assert manifest["format"] == 1
        assert TableVersion.model_validate(manifest["versions"][0]) == version
        assert text.count("\n") > 20

    def test_a_job_is_found_by_the_first_digits_of_its_id(self, store: ParquetTables, lake: Path) -> None:
        """A folder stays small for years."""
        store.remember_job("job_c19355e71ae8a0bac470a5a02d7c17c3", ())

        assert (lake / "_jobs" / "c1" / "job_c19355e71ae8a0bac470a5a02d7c17c3.json").is_file()

    def test_duckdb_reads_the_same_rows(self, store: ParquetTables, lake: Path) -> None:
        """A second opinion on types and values, decimals and instants included."""
        publish(store, totals("PF-1", "PF-2"))
        query = (
            f"select portfolio_id, amount, ratio, lots, tags, tier.\"from\" from '{folder(lake)}/*.parquet'"  # noqa: S608 -- our own path
        )

        assert duckdb.connect().execute(query).fetchall() == [
            (name, Decimal("-0.2350"), 0.1, 3, ["a", None, "é"], Decimal("0.5000"))
            for name in ("PF-1", "PF-2")
        ]

    def test_floats_and_money_are_plain_and_everything_is_zstd(
        self, store: ParquetTables, lake: Path
    ) -> None:
        """performance.md: a dictionary of floats costs 6 times the time to read back."""
        version = publish(store, totals(*(f"PF-{index}" for index in range(100))))
        file = pq.ParquetFile(folder(lake) / version.file)
        columns = {
            (chunk := file.metadata.row_group(0).column(index)).path_in_schema: chunk
            for index in range(file.metadata.num_columns)
        }

        assert {chunk.compression for chunk in columns.values()} == {"ZSTD"}
        assert not columns["ratio"].has_dictionary_page
        assert not columns["amount"].has_dictionary_page
        assert columns["portfolio_id"].has_dictionary_page
        assert columns["amount"].physical_type == "INT64"

    def test_a_file_says_which_table_it_is_of(self, store: ParquetTables, lake: Path) -> None:
        """Found without its manifest, it still tells grain, key, types and licence."""
        version = publish(store, totals("PF-1"))
        told = json.loads(pq.read_schema(folder(lake) / version.file).metadata[b"ultracore"])

        assert told["dataset"] == "totals"
        assert told["grain"] == TOTALS.grain
        assert told["key"] == ["as_of_date", "portfolio_id"]
        assert told["schema"][2] == "amount: decimal(18,4)"

    def test_large_tables_have_row_groups(self) -> None:
        """So that one key of a sorted table is found without reading it all."""
        frame = pl.concat([marks("1")] * (ROW_GROUP_ROWS + 1))
        file = pq.ParquetFile(BytesIO(write_rows(frame, MARKS)))

        assert file.metadata.num_row_groups == 2

    @given(cuts=st.lists(st.integers(0, 5), max_size=3))
    @settings(max_examples=20)
    def test_equal_rows_are_equal_bytes(self, cuts: list[int]) -> None:
        """However the table was put together: so a crashed write is taken over, not written twice."""
        frame = totals(*(f"PF-{index}" for index in range(5)))
        edges = [0, *sorted(cuts), 5]
        chunked = pl.concat([frame[start:end] for start, end in pairwise(edges)], rechunk=False)

        assert write_rows(chunked, TOTALS) == write_rows(frame, TOTALS)
        assert read_rows(write_rows(chunked, TOTALS)).equals(frame)


class TestDamage:
    """Files that are no longer what they were."""

    @pytest.mark.parametrize("place", [0.0, 0.5, 0.999], ids=["head", "middle", "tail"])
    def test_a_flipped_bit_is_found(self, store: ParquetTables, lake: Path, place: float) -> None:
        """One bit in head, middle or tail; the message names the file and both hashes."""
        version = publish(store, totals("PF-1", "PF-2"))
        path = folder(lake) / version.file
        data = bytearray(path.read_bytes())
        data[int(place * len(data))] ^= 1
        path.write_bytes(data)

        with pytest.raises(IntegrityError) as raised:
            store.verify(TOTALS, ref_of(TOTALS, version))
        told = str(raised.value)
        assert told.startswith(f"{path}: SHA-256 of the file is ")
        assert told.endswith(
            f", but the manifest promises {version.sha256}. Remedy: restore the file from a backup."
        )
        assert (
            "SHA-256 of the file is ..., but the manifest promises ... Remedy: restore the file" in document()
        )

    @pytest.mark.parametrize(
        ("field_name", "what"),
        [
            ("rows", "number of rows is 2, but the manifest promises 0"),
            ("schema_hash", "hash of the schema is"),
            ("content_hash", "hash of the rows is"),
        ],
    )
    def test_a_changed_manifest_is_found(
        self, store: ParquetTables, lake: Path, field_name: str, what: str
    ) -> None:
        """The file is whole, the promise is not."""
        version = publish(store, totals("PF-1", "PF-2"))
        path = folder(lake) / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["versions"][0][field_name] = 0 if field_name == "rows" else "0" * 64
        path.write_text(json.dumps(manifest), encoding="utf-8")

        with pytest.raises(IntegrityError, match=what):
            store.verify(TOTALS, ref_of(TOTALS, version))

    def test_a_file_that_is_gone_is_named(self, store: ParquetTables, lake: Path) -> None:
        """By those who read it and by those who verify it."""
        version = publish(store, totals("PF-1"))
        path = folder(lake) / version.file
        path.unlink()

        for act in (store.scan, store.verify):
            with pytest.raises(IntegrityError) as raised:
                act(TOTALS, ref_of(TOTALS, version))
            told = "is missing, but listed. Remedy: restore it from a backup."
            assert str(raised.value) == f"{path} {told}"
            assert told in document()

    def test_a_manifest_cut_short_is_named(self, store: ParquetTables, lake: Path) -> None:
        """Nothing is published over it."""
        publish(store, totals("PF-1"))
        path = folder(lake) / "manifest.json"
        path.write_bytes(path.read_bytes()[:100])

        with pytest.raises(
            StoreError, match=r"manifest\.json cannot be read: .*Remedy: restore it from a backup"
        ):
            store.newest(TOTALS, tenant=TENANT)
        with pytest.raises(StoreError, match=r"manifest\.json cannot be read"):
            publish(store, totals("PF-1"))
        assert "or read it with the release that wrote it; this one knows format 1." in document()

    def test_a_manifest_of_a_later_format_is_not_guessed_at(self, store: ParquetTables, lake: Path) -> None:
        """Nor written over."""
        publish(store, totals("PF-1"))
        path = folder(lake) / "manifest.json"
        path.write_text(
            path.read_text(encoding="utf-8").replace('"format": 1', '"format": 2', 1), encoding="utf-8"
        )

        with pytest.raises(StoreError, match="has format 2; this release knows 1"):
            publish(store, totals("PF-1"))
        assert "has format 2; this release knows 1" in document()

    def test_a_version_file_with_other_bytes_in_the_way_is_not_taken_over(
        self, store: ParquetTables, lake: Path, tmp_path: Path
    ) -> None:
        """Left by a crash, and damaged since."""
        other = publish(ParquetTables(str(tmp_path / "other"), StillClock()), totals("PF-1"))
        folder(lake).mkdir(parents=True)
        (folder(lake) / other.file).write_bytes(b"damaged")

        with pytest.raises(IntegrityError, match="has other bytes than its name says"):
            publish(store, totals("PF-1"))
        assert store.partitions(TOTALS, tenant=TENANT) == ()


class TestWriters:
    """Two at a time."""

    def test_a_second_writer_is_told_to_read_again(self, lake: Path) -> None:
        """Both read version 1; the first publishes version 2; the second's rows are not listed."""
        clock = StillClock()
        store, other = ParquetTables(str(lake), clock), ParquetTables(str(lake), StillClock())
        publish(store, totals("PF-1"))
        clock.meanwhile = lambda: publish(other, totals("PF-2"))

        with pytest.raises(ConcurrentWriteError, match="replaced by another writer meanwhile; read it again"):
            publish(store, totals("PF-3"))
        versions = store.versions(TOTALS, tenant=TENANT, partition="2026-11-20")
        assert [version.version for version in versions] == [1, 2]
        assert store.scan(TOTALS, ref_of(TOTALS, versions[1])).collect().equals(totals("PF-2"))

    def test_the_first_version_may_be_written_twice_at_a_time_too(self, lake: Path) -> None:
        """Even with the same rows, which make the same file."""
        clock = StillClock()
        store, other = ParquetTables(str(lake), clock), ParquetTables(str(lake), StillClock())
        clock.meanwhile = lambda: publish(other, totals("PF-1"))

        with pytest.raises(ConcurrentWriteError):
            publish(store, totals("PF-1"))
        [version] = store.versions(TOTALS, tenant=TENANT, partition="2026-11-20")
        store.verify(TOTALS, ref_of(TOTALS, version))

    def test_an_append_that_came_second_loses_no_row_of_the_first(self, lake: Path) -> None:
        """It is told, and appends again, to what there is then."""
        clock = StillClock()
        store, other = ParquetTables(str(lake), clock), ParquetTables(str(lake), StillClock())
        clock.meanwhile = lambda: append(other, marks("1"))

        with pytest.raises(ConcurrentWriteError):
            append(store, marks("2"))
        assert append(store, marks("2")).rows == 2


class TestSweep:
    """What crashed writers leave."""

    def test_what_nobody_can_list_any_more_is_removed_after_a_day(self, lake: Path) -> None:
        """Temporary files, and files of a version that another attempt has published."""
        store = ParquetTables(str(lake), StillClock(datetime.now(NOON.tzinfo) + timedelta(days=2)))  # noqa: TID251 -- files have the disk's time
        version = publish(store, totals("PF-1"))
        store.remember_job("job_ab12", ())
        lost = [
            folder(lake) / ".tmp-abc",
            folder(lake) / "v000001-000000000000.parquet",
            lake / "_jobs" / "ab" / ".tmp-x",
        ]
        kept = [
            folder(lake) / version.file,
            folder(lake) / "manifest.json",
            folder(lake) / "v000002-000000000000.parquet",
            folder(lake) / "notes.txt",
            lake / "_jobs" / "ab" / "job_ab12.json",
        ]
        for path in (*lost, kept[2], kept[3]):
            path.write_bytes(b"")

        assert store.sweep(grace=timedelta(days=3)) == ()
        assert store.sweep() == tuple(sorted(str(path.relative_to(lake)) for path in lost))
        assert all(path.exists() for path in kept)
        assert not any(path.exists() for path in lost)
        assert store.sweep() == ()

    def test_an_empty_place_has_nothing_to_sweep(self, store: ParquetTables) -> None:
        """Not even a folder."""
        assert store.sweep() == ()


class TestPlace:
    """Where tables can be kept."""

    def test_a_folder_can_be_named_by_url(self, lake: Path) -> None:
        """As object stores are."""
        publish(ParquetTables(f"file://{lake}", StillClock()), totals("PF-1"))

        assert ParquetTables(str(lake), StillClock()).partitions(TOTALS, tenant=TENANT) == ("2026-11-20",)

    def test_a_place_without_adapter_is_refused(self) -> None:
        """At once, not at the first write."""
        with pytest.raises(UsageError, match="tables cannot be kept at 'ftp://x'"):
            ParquetTables("ftp://x", StillClock())

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        """A file stands where the folder should."""
        (tmp_path / "lake").write_text("")
        store = ParquetTables(str(tmp_path / "lake"), StillClock())

        assert store.newest(TOTALS, tenant=TENANT) == {}
        with pytest.raises(StoreError, match="cannot write"):
            publish(store, totals("PF-1"))

    def test_a_relative_root_stays_where_it_was_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Dagster changes the working folder of its processes."""
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path)
        store = ParquetTables("lake", StillClock())
        monkeypatch.chdir(tmp_path / "elsewhere")
        publish(store, totals("PF-1"))

        assert (tmp_path / "lake" / TENANT).is_dir()


def test_the_newest_of_many_partitions_are_found_without_reading_them_again(store: ParquetTables) -> None:
    """Manifests are parsed once and again only when they change."""
    for number in range(20):
        publish(store, totals("PF-1"), f"day-{number:02}")
    first = store.newest(TOTALS, tenant=TENANT)
    publish(store, totals("PF-2"), "day-07")
    second = store.newest(TOTALS, tenant=TENANT)

    changed = [name for name in first if second[name] is not first[name]]
    assert changed == ["day-07"]
    assert second["day-07"].version == 2


def test_the_same_version_can_be_scanned_under_an_equal_contract(store: ParquetTables) -> None:
    """A dataset is what it says, not which object it is."""
    version = publish(store, totals("PF-1"))

    assert store.scan(replace(TOTALS), ref_of(TOTALS, version)).select(pl.len()).collect().item() == 1
    assert version.provenance == provenance()


def test_the_documentation_has_the_messages_about_names_and_types(store: ParquetTables) -> None:
    """docs/bad-input.md quotes them."""
    with pytest.raises(UsageError) as name:
        store.newest(TOTALS, tenant="../acme")
    assert str(name.value) in document()

    trades = replace(
        TOTALS, name="trades", columns={**TOTALS.columns, "units": units("Units", nullable=True)}
    )
    frame = totals("PF-1").with_columns(units=pl.lit(None, pl.Decimal(18, 6)))
    version = store.publish(
        trades, tenant=TENANT, partition="2026-11-20", frame=frame, provenance=provenance()
    )
    changed = replace(trades, columns={**trades.columns, "units": count("Units", nullable=True)})
    with pytest.raises(StoreError) as contract:
        store.scan(changed, ref_of(trades, version))
    assert str(contract.value).partition(".parquet ")[2] in document()
