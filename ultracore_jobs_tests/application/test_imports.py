"""Your own rows, through the same contracts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.adapters.tabular_files import read_table_file
from ultracore_jobs.application import Application
from ultracore_jobs.application.imports import given_dataset, import_table
from ultracore_jobs.application.stored_rows import loads_of
from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.market import PRICES
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.kernels.bitemporal import as_known
from ultracore_jobs.ports import Coverage, VersionRef
from ultracore_jobs_tests.application.import_desk import ASIDE, TWENTY, csv, load_accounts, stored
from ultracore_jobs_tests.stage import SATURDAY_MORNING, StillClock, application
from ultracore_jobs_tests.toys import ACCOUNTS


@pytest.fixture
def clock() -> StillClock:
    """Saturday 21 November 2026, 02:00 UTC."""
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> Application:
    """A platform with an empty store."""
    return application(tmp_path, {}, clock=clock)


def test_rows_are_typed_stamped_and_stored_in_the_load_of_the_day(app: Application) -> None:
    """Amounts become exact decimals; tenant, source and the present instant fill the columns left out."""
    report = load_accounts(app, "account_id,amount\nA,10.50\nB,7\n")

    assert (report.read, report.accepted, report.already_known, report.written) == (2, 2, 0, 2)
    assert report.partition == "2026-11-21"
    assert report.rejected.is_empty()
    assert stored(app).rows() == [
        ("acacia", "A", Decimal("10.5000"), SATURDAY_MORNING, "accounts.csv"),
        ("acacia", "B", Decimal("7.0000"), SATURDAY_MORNING, "accounts.csv"),
    ]


def test_the_manifest_says_where_the_load_came_from(app: Application) -> None:
    """Job, code version, hash of what was given; the job id leads to the version."""
    report = load_accounts(app, "account_id,amount\nA,1\n")

    assert report.version is not None
    made = report.version.provenance
    assert (made.job.job_type, made.job.code_version) == ("import", "test")
    assert made.parameters == {"source": "accounts.csv", "renames": {}}
    assert len(made.input_hash) == 64
    assert [ref.dataset for ref in app.tables.written_by(made.job.job_id)] == ["accounts"]


def test_the_same_file_a_second_time_writes_nothing(app: Application, clock: StillClock) -> None:
    """Not the rows, and not the rejects: not on the same day, not on the next, not under another name."""
    text = f"account_id,amount\n{TWENTY}bad,N/A\n"
    first = load_accounts(app, text)
    assert (first.written, first.rejected.height) == (20, 1)
    for name in ("accounts.csv", "copy.csv"):
        clock.move(timedelta(days=1))
        again = load_accounts(app, text, source=name)
        assert (again.already_known, again.written, again.version) == (20, 0, None)
        assert again.rejected.height == 1

    assert [version.version for _, version in loads_of(app, ACCOUNTS, tenant="acacia")] == [1]
    assert app.tables.partitions(ASIDE, tenant="acacia") == ("2026-11-21",)


def test_a_changed_row_is_a_correction_and_the_others_stay(app: Application, clock: StillClock) -> None:
    """One row written; what was known before is still what was known before."""
    load_accounts(app, "account_id,amount\nA,1\nB,2\n")
    before = clock.now()
    clock.move(timedelta(days=1))

    report = load_accounts(app, "account_id,amount\nA,1\nB,3\n")

    assert (report.already_known, report.written, report.new) == (1, 1, 1)
    rows = stored(app).lazy()
    assert as_known(rows, ACCOUNTS, known_at=before).collect()["amount"].to_list() == [1, 2]
    assert as_known(rows, ACCOUNTS, known_at=clock.now()).collect()["amount"].to_list() == [1, 3]


def test_a_file_may_bring_a_history_of_corrections(app: Application) -> None:
    """Its own instants of knowledge are kept, and a second run still writes nothing."""
    text = "account_id,amount,known_at\nA,1,2026-01-05T00:00:00Z\nA,2,2026-02-05T00:00:00Z\n"

    assert load_accounts(app, text, partition="history").written == 2
    assert load_accounts(app, text, partition="history").written == 0
    known = as_known(stored(app).lazy(), ACCOUNTS, known_at=datetime(2026, 1, 31, tzinfo=UTC)).collect()
    assert known["amount"].to_list() == [1]
    assert app.tables.partitions(ACCOUNTS, tenant="acacia") == ("history",)


def test_a_dry_run_reports_and_writes_nothing(app: Application) -> None:
    """What it would write, it says as `new`."""
    report = load_accounts(app, f"account_id,amount\n{TWENTY}bad,N/A\n", dry_run=True)

    assert (report.read, report.accepted, report.new, report.written, report.version) == (21, 20, 20, 0, None)
    assert report.rejected.height == 1
    assert stored(app).is_empty()
    assert app.tables.partitions(ASIDE, tenant="acacia") == ()


def test_a_bad_row_is_set_aside_with_its_line_and_the_rest_goes_on(app: Application) -> None:
    """Line 23 of the file, because a note on line 2 goes on in line 3; the quarantine keeps all of it."""
    notes = '"A00","0.50","first\nsecond"\n' + "".join(f"A{number:02d},1,\n" for number in range(1, 20))
    report = load_accounts(app, f"account_id,amount,note\n{notes}bad,N/A,\n")

    assert report.written == 20
    assert report.ignored_columns == ("note",)
    reject = report.rejected.row(0, named=True)
    assert reject["row_number"] == 23
    assert (reject["row_key"], reject["column_name"], reject["value"]) == ("bad", "amount", "N/A")
    aside = stored_aside(app)
    assert aside.select(REJECTS_SCHEMA.names()).equals(report.rejected)
    assert set(aside["as_of_date"]) == {date(2026, 11, 21)}
    assert set(aside["tenant_id"]) == {"acacia"}


def stored_aside(app: Application) -> pl.DataFrame:
    """What imports of accounts set aside on Saturday."""
    newest = app.tables.versions(ASIDE, tenant="acacia", partition="2026-11-21")[-1]
    ref = VersionRef(tenant="acacia", dataset=ASIDE.name, partition="2026-11-21", version=newest.version)
    return app.tables.scan(ASIDE, ref).collect()


def stored_jobs(app: Application) -> list[str]:
    """Ids of the imports that set rows aside on Saturday."""
    versions = app.tables.versions(ASIDE, tenant="acacia", partition="2026-11-21")
    return [version.provenance.job.job_id for version in versions]


def test_a_second_file_of_the_day_adds_its_rejects_to_those_of_the_first(app: Application) -> None:
    """Rows set aside are never dropped, by an import no more than by a job."""
    load_accounts(app, f"account_id,amount\n{TWENTY}bad,N/A\n")
    load_accounts(app, f"account_id,amount\n{TWENTY}worse,?\n")

    assert stored_aside(app)["row_key"].to_list() == ["bad", "worse"]
    assert stored_aside(app)["job_id"].to_list() == stored_jobs(app)


def test_a_file_without_rows_writes_nothing(app: Application) -> None:
    """It is a file all the same."""
    report = load_accounts(app, "account_id,amount\n")

    assert (report.read, report.written, report.version) == (0, 0, None)
    assert app.tables.partitions(ACCOUNTS, tenant="acacia") == ()


def test_typed_rows_of_a_parquet_file_are_taken_as_they_are(app: Application, tmp_path: Path) -> None:
    """The file that we wrote ourselves, with its decimals, instants and sources."""
    load_accounts(app, "account_id,amount\nA,1.2345\n")
    stored(app).write_parquet(tmp_path / "accounts.parquet")
    other = application(tmp_path / "other", {})

    report = import_table(
        other, ACCOUNTS, read_table_file(tmp_path / "accounts.parquet"), tenant="acacia", source="x"
    )

    assert report.written == 1
    assert stored(other).equals(stored(app))


def test_sessions_are_completed_only_where_the_caller_says_so(app: Application) -> None:
    """One price does not complete a market; a load of the whole market does."""
    friday = Coverage(market="XNYS", first=date(2026, 11, 20), last=date(2026, 11, 20))
    rows = csv("instrument_id,price_date,close,status\nAAPL,2026-11-20,231.50,OK\n")
    plain = import_table(app, PRICES, rows, tenant="shared", source="x", partition="history")
    whole = import_table(
        app, PRICES, rows.with_columns(close=pl.lit("232")), tenant="shared", source="x", covers=(friday,)
    )

    assert plain.version is not None
    assert plain.version.provenance.covers == ()
    assert whole.version is not None
    assert whole.version.provenance.covers == (friday,)


def test_given_tables_are_found_by_name() -> None:
    """Those of domain_rules 2 that come from outside."""
    assert given_dataset("prices") is PRICES
    with pytest.raises(UnknownNameError, match=r"unknown table 'price'; there are: .*prices"):
        given_dataset("price")


AMOUNTS = st.lists(st.sampled_from(["1", "2.5", "-3", "N/A", "", "1e400"]), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(amounts=AMOUNTS)
def test_every_row_is_stored_or_named(tmp_path_factory: pytest.TempPathFactory, amounts: list[str]) -> None:
    """Read = accepted + rejected rows; what was accepted is in the table; again, nothing is new."""
    app = application(tmp_path_factory.mktemp("platform"), {})
    text = "account_id,amount\n" + "".join(f"A{number},{amount}\n" for number, amount in enumerate(amounts))

    first, second = (load_accounts(app, text, max_reject_pct=1.0) for _ in range(2))

    assert first.read == len(amounts) == first.accepted + first.rejected["row_number"].n_unique()
    assert stored(app).height == first.written == first.accepted
    assert second.written == 0
    assert second.rejected.equals(first.rejected)
