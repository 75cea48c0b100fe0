"""What every `TableStore` must keep to, wherever it keeps its files."""

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from ultracore_jobs.catalog.columns import money, text
from ultracore_jobs.catalog.fingerprint import content_hash, schema_hash
from ultracore_jobs.errors import ContractError, StoreError, UsageError
from ultracore_jobs.ports import TableStore
from ultracore_jobs_tests.contracts.tables_to_store import (
    FRIDAY,
    MARKS,
    MONDAY,
    NOON,
    ROW,
    TENANT,
    TOTALS,
    append,
    append_until_done,
    marks,
    provenance,
    publish,
    ref_of,
    session,
    totals,
)


class TableStoreContract:
    """Inherit it in a ``Test...`` class that has the fixture `open_store`."""

    @pytest.fixture
    def open_store(self) -> Callable[[], TableStore]:
        """Opens the store under test, in this process or in another, so it must be picklable."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, open_store: Callable[[], TableStore]) -> TableStore:
        """The store under test, empty."""
        return open_store()

    def test_what_is_published_can_be_read(self, store: TableStore) -> None:
        """Every type, nulls, nested values, and the order of rows."""
        frame = pl.concat([totals("PF-2", "PF-1"), totals("PF-3", **dict.fromkeys(list(ROW)[2:]))])
        version = publish(store, frame)

        assert store.scan(TOTALS, ref_of(TOTALS, version)).collect().equals(frame)

    def test_a_version_says_what_it_is(self, store: TableStore) -> None:
        """Row count, hashes, when, and from what."""
        frame = totals("PF-1", "PF-2")
        version = publish(store, frame)

        assert (version.version, version.rows) == (1, 2)
        assert version.content_hash == content_hash(frame)
        assert version.schema_hash == schema_hash(TOTALS.schema)
        assert version.published_at == NOON
        assert version.provenance == provenance()
        assert len(version.sha256) == 64

    def test_a_version_says_which_days_and_which_knowledge_it_holds(self, store: TableStore) -> None:
        """So that a reader need not open what cannot hold what it looks for."""
        earlier = datetime(2026, 11, 20, 6, tzinfo=UTC)
        version = append(store, pl.concat([marks("1", on=MONDAY), marks("1", known_at=earlier)]))
        without = publish(store, totals("PF-1"))

        assert (version.first_valid_on, version.last_valid_on) == (FRIDAY, MONDAY)
        assert (version.first_known_at, version.last_known_at) == (earlier, NOON)
        assert (without.first_valid_on, without.first_known_at) == (None, None)

    def test_the_next_version_leaves_the_one_before_as_it_was(self, store: TableStore) -> None:
        """A number computed from version 1 can be computed from it again."""
        first = publish(store, totals("PF-1"))
        second = publish(store, totals("PF-1", amount=Decimal(7)))

        assert store.versions(TOTALS, tenant=TENANT, partition="2026-11-20") == (first, second)
        assert (first.version, second.version) == (1, 2)
        assert store.scan(TOTALS, ref_of(TOTALS, first)).collect().equals(totals("PF-1"))
        store.verify(TOTALS, ref_of(TOTALS, first))
        store.verify(TOTALS, ref_of(TOTALS, second))

    def test_equal_rows_published_twice_are_two_versions(self, store: TableStore) -> None:
        """Whether that is wanted, the application decides."""
        first, second = publish(store, totals("PF-1")), publish(store, totals("PF-1"))

        assert (first.version, second.version) == (1, 2)
        assert first.content_hash == second.content_hash

    def test_another_reader_sees_the_same(
        self, store: TableStore, open_store: Callable[[], TableStore]
    ) -> None:
        """What is published is outside the process, to the last field."""
        other = open_store()
        assert other.newest(TOTALS, tenant=TENANT) == {}
        first = publish(store, totals("PF-1"))
        assert other.newest(TOTALS, tenant=TENANT) == {"2026-11-20": first}
        second = publish(store, totals("PF-2"))

        assert other.versions(TOTALS, tenant=TENANT, partition="2026-11-20") == (first, second)
        assert other.newest(TOTALS, tenant=TENANT) == {"2026-11-20": second}

    def test_appending_keeps_the_rows_before(self, store: TableStore) -> None:
        """Rows in order of arrival; a correction comes after what it corrects."""
        first = append(store, marks("1", "2"))
        later = datetime(2026, 11, 23, 13, tzinfo=UTC)
        second = append(store, marks("3", known_at=later))

        assert (first.rows, second.rows) == (2, 3)
        assert (
            store.scan(MARKS, ref_of(MARKS, second))
            .collect()
            .equals(pl.concat([marks("1", "2"), marks("3", known_at=later)]))
        )
        assert store.scan(MARKS, ref_of(MARKS, first)).collect().equals(marks("1", "2"))

    def test_appending_keeps_the_coverage_before(self, store: TableStore) -> None:
        """The new version covers what either covers, each range once and as it was given."""
        asx, nyse = session("XASX", FRIDAY), session("XNYS", FRIDAY, MONDAY)
        append(store, marks("1"), asx)
        again = append(store, marks("2"), nyse, asx)
        empty = append(store, MARKS.empty())

        assert again.provenance.covers == (asx, nyse)
        assert empty.provenance.covers == (asx, nyse)
        assert empty.rows == 2

    def test_a_table_without_rows_is_a_version_too(self, store: TableStore) -> None:
        """That there was nothing is knowledge."""
        version = publish(store, TOTALS.empty())

        assert version.rows == 0
        assert store.scan(TOTALS, ref_of(TOTALS, version)).collect().equals(TOTALS.empty())
        store.verify(TOTALS, ref_of(TOTALS, version))
        nothing = append(store, MARKS.empty())
        assert (nothing.first_valid_on, nothing.last_known_at) == (None, None)

    def test_nothing_published_is_nothing_found(self, store: TableStore) -> None:
        """No error: a table may be new."""
        assert store.versions(TOTALS, tenant=TENANT, partition="2026-11-20") == ()
        assert store.newest(TOTALS, tenant=TENANT) == {}
        assert store.partitions(TOTALS, tenant=TENANT) == ()
        assert store.written_by("job_00") == ()

    def test_partitions_come_in_order_of_their_names(self, store: TableStore) -> None:
        """Dates in ISO form are in order of time then; `history` comes after them."""
        names = ["2026-11-23", "history", "2026-11-20", "2025-01-02"]
        published = {name: publish(store, totals("PF-1"), name) for name in names}

        assert store.partitions(TOTALS, tenant=TENANT) == (
            "2025-01-02",
            "2026-11-20",
            "2026-11-23",
            "history",
        )
        assert list(store.newest(TOTALS, tenant=TENANT).items()) == sorted(published.items())

    def test_tenants_and_tables_do_not_see_each_other(self, store: TableStore) -> None:
        """domain_rules 1: isolation."""
        publish(store, totals("PF-1"))

        assert store.newest(TOTALS, tenant="acme-2") == {}
        assert store.newest(replace(TOTALS, name="totals_2"), tenant=TENANT) == {}

    def test_a_table_that_breaks_its_contract_writes_nothing(self, store: TableStore) -> None:
        """In either way of writing, and whether or not there was a version before."""
        bad = totals("PF-1", "PF-1")
        with pytest.raises(ContractError, match="DUPLICATE_KEY"):
            publish(store, bad)
        assert store.partitions(TOTALS, tenant=TENANT) == ()
        with pytest.raises(ContractError, match="NOT_ABOVE 0"):
            append(store, marks("0"))
        assert store.partitions(MARKS, tenant=TENANT) == ()

        before = publish(store, totals("PF-1"))
        with pytest.raises(ContractError, match="is missing"):
            publish(store, totals("PF-1").drop("amount"))
        assert store.versions(TOTALS, tenant=TENANT, partition="2026-11-20") == (before,)

    def test_a_column_added_to_the_contract_later_comes_as_null(self, store: TableStore) -> None:
        """In the place the contract has for it; one that was dropped is left out."""
        version = publish(store, totals("PF-1"))
        columns = {
            "as_of_date": TOTALS.columns["as_of_date"],
            "advice": text("New", nullable=True),
            "portfolio_id": TOTALS.columns["portfolio_id"],
            "tier": TOTALS.columns["tier"],
        }
        changed = replace(TOTALS, columns=columns)
        ref = ref_of(TOTALS, version)

        assert (
            store.scan(changed, ref)
            .collect()
            .equals(
                totals("PF-1").select(
                    "as_of_date", pl.lit(None, pl.String).alias("advice"), "portfolio_id", "tier"
                )
            )
        )
        store.verify(changed, ref)

    def test_rows_are_appended_to_those_of_an_older_contract(self, store: TableStore) -> None:
        """The older rows have null in the new column."""
        append(store, marks("1"))
        wider = replace(MARKS, columns={**MARKS.columns, "venue": text("New", nullable=True)})
        frame = marks("2").with_columns(venue=pl.lit("XASX"), instrument_id=pl.lit("I9"))
        version = store.append(
            wider, tenant=TENANT, partition="2026-11-20", frame=frame, provenance=provenance()
        )

        assert store.scan(wider, ref_of(MARKS, version)).collect()["venue"].to_list() == [None, "XASX"]

    def test_a_column_that_got_another_type_is_refused(self, store: TableStore) -> None:
        """Rather than read as something it is not."""
        version = publish(store, totals("PF-1"))
        changed = replace(TOTALS, columns={**TOTALS.columns, "lots": money("Lots", nullable=True)})

        with pytest.raises(
            StoreError, match=r"another contract of 'totals': lots is Int64 there and Decimal"
        ):
            store.scan(changed, ref_of(TOTALS, version))

    def test_a_version_that_is_not_there_is_named(self, store: TableStore) -> None:
        """With those that are."""
        version = publish(store, totals("PF-1"))
        missing = ref_of(TOTALS, version).model_copy(update={"version": 7})

        with pytest.raises(StoreError, match="no version 7; there are: 1"):
            store.scan(TOTALS, missing)
        with pytest.raises(StoreError, match="no version 7; there are: 1"):
            store.verify(TOTALS, missing)
        with pytest.raises(UsageError, match="a version of 'totals', not of 'marks'"):
            store.scan(MARKS, ref_of(TOTALS, version))

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "..",
            "../acme",
            "a/b",
            "/etc",
            "a\\b",
            "a\0b",
            "a\n",
            "_jobs",
            "é",
            "a b",
            "%2e",
            "a" * 300,
        ],
    )
    def test_names_that_could_lead_elsewhere_are_refused(self, store: TableStore, name: str) -> None:
        """On every way in: the name of a tenant, a partition or a job may come from a command line."""
        for act in (
            lambda: publish(store, totals("PF-1"), name),
            lambda: store.versions(TOTALS, tenant=name, partition="2026-11-20"),
            lambda: store.newest(TOTALS, tenant=name),
            lambda: store.partitions(replace(TOTALS, name=name), tenant=TENANT),
            lambda: store.location(TOTALS, tenant=name),
            lambda: store.remember_job(name, ()),
        ):
            with pytest.raises(UsageError, match="is no valid name of a"):
                act()
        assert store.written_by(name) == ()

    def test_a_job_id_leads_to_what_the_job_wrote(
        self, store: TableStore, open_store: Callable[[], TableStore]
    ) -> None:
        """Also where it found its tables written already; the last note counts."""
        ref = ref_of(TOTALS, publish(store, totals("PF-1")))
        other = ref.model_copy(update={"dataset": "marks"})
        job_id = "job_c19355e71ae8a0bac470a5a02d7c17c3"

        for written in ((ref,), (ref, other), (ref, other)):
            store.remember_job(job_id, written)
            assert open_store().written_by(job_id) == written
        assert store.written_by(job_id.upper()) == ()
        assert store.written_by("job_c1") == ()

    def test_writers_in_two_processes_lose_nothing(
        self, store: TableStore, open_store: Callable[[], TableStore]
    ) -> None:
        """Each appends 6 rows to one partition, over and over until it succeeds."""
        # A forked child of a process that has threads may hang; a spawned one has none to miss.
        spawn = multiprocessing.get_context("spawn")
        writers = [
            spawn.Process(target=append_until_done, args=(open_store, name, 6)) for name in ("left", "right")
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(timeout=60)

        assert [writer.exitcode for writer in writers] == [0, 0]
        versions = store.versions(MARKS, tenant=TENANT, partition="2026-11-20")
        assert [version.rows for version in versions] == list(range(1, 13))
        newest = store.scan(MARKS, ref_of(MARKS, versions[-1])).collect()
        assert sorted(newest["instrument_id"]) == sorted(
            f"{name}-{number}" for name in ("left", "right") for number in range(6)
        )
        for version in versions:
            store.verify(MARKS, ref_of(MARKS, version))
