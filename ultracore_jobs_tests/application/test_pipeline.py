"""The one shape of all jobs: fetch, kernel, gates, publish."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import Completion, JobRequest, compute, execute
from ultracore_jobs.application.quarantine import quarantine_dataset
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.catalog import Scope
from ultracore_jobs.errors import GateError, MissingInputError, UsageError
from ultracore_jobs.ports import TableStore, VersionRef
from ultracore_jobs_tests.stage import FRIDAY, StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, BALANCES, FACTORS, TOYS, accounts

DAY = FRIDAY.isoformat()


@pytest.fixture
def clock() -> StillClock:
    """A clock the test moves."""
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> Application:
    """Two accounts of acacia, and the factor of Friday."""
    app = application(tmp_path, TOYS, clock=clock)
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    execute(app, request(app, "daily_factor", tenant="shared", job_id="job_factor"))
    return app


def request(
    app: Application,
    job_type: str,
    *,
    tenant: str = "acacia",
    job_id: str = "job_1",
    parameters: Mapping[str, object] | None = None,
) -> JobRequest:
    """A job of Friday that starts now."""
    moment = Moment(tenant, FRIDAY, app.clock.now())
    return JobRequest(app.jobs[job_type], moment, job_id, parameters=parameters or {})


def run(app: Application, *, job_id: str = "job_1", **parameters: object) -> Completion:
    """`account_balance` of Friday."""
    return execute(app, request(app, "account_balance", job_id=job_id, parameters=parameters))


def stored(app: Application, version: int = 1) -> dict[str, Decimal]:
    """The stored balances by account."""
    ref = VersionRef(tenant="acacia", dataset="balances", partition=DAY, version=version)
    return dict(app.tables.scan(BALANCES, ref).collect().select("account_id", "balance").rows())


def test_a_job_publishes_what_its_kernel_computes(app: Application) -> None:
    """Amounts 10 and 20, factor 2: balances 20 and 40, total 60."""
    done = run(app)

    assert done.status == "COMPLETED"
    assert stored(app) == {"A": Decimal(20), "B": Decimal(40)}
    assert done.result["total"] == "60.0000"
    assert done.result["written"] == {"balances": 2}
    assert not done.reused


def test_what_it_read_is_pinned_to_the_byte(app: Application) -> None:
    """Both inputs stand in the manifest with version and hash, the gates with their outcome."""
    version = run(app).versions["balances"]

    pinned = {pin.ref.dataset: pin for pin in version.provenance.inputs}
    assert set(pinned) == {"accounts", "factors"}
    newest = app.tables.newest(ACCOUNTS, tenant="acacia")["history"]
    assert pinned["accounts"].sha256 == newest.sha256
    assert {gate.name: gate.passed for gate in version.provenance.gates} == {
        "balances_reconciled": True,
        "no_small_balance": True,
    }


def test_a_second_run_of_the_same_day_writes_nothing(app: Application, clock: StillClock) -> None:
    """A later start has another cut-off, but the same rows: the same input hash."""
    first = run(app)
    clock.move(timedelta(hours=1))
    second = run(app, job_id="job_2")

    assert second.reused
    assert second.result["written"] == {}
    assert second.result["input_hash"] == first.result["input_hash"]
    assert len(app.tables.versions(BALANCES, tenant="acacia", partition=DAY)) == 1
    assert app.tables.written_by("job_2") == app.tables.written_by("job_1")


def test_a_correction_makes_the_next_version_and_names_its_dependants(
    app: Application, clock: StillClock
) -> None:
    """A is corrected from 10 to 11: version 2 says 22, version 1 stands as it was."""
    run(app)
    clock.move(timedelta(days=1))
    load(
        app,
        ACCOUNTS,
        accounts(A="11.00", known_at="2026-11-22T00:00:00Z"),
        tenant="acacia",
        partition="2026-11-22",
    )
    clock.move(timedelta(days=1))
    done = run(app, job_id="job_2")

    assert done.result["restates"] == {"tables": {"balances": 2}, "dependants": []}
    assert stored(app, 1)["A"] == Decimal(20)
    assert stored(app, 2)["A"] == Decimal(22)


def test_changed_inputs_that_change_no_number_restate_nothing(app: Application, clock: StillClock) -> None:
    """A row that says the same again has another known_at, so another input hash, but gives equal rows."""
    run(app)
    clock.move(timedelta(days=1))
    load(
        app,
        ACCOUNTS,
        accounts(A="10.00", known_at="2026-11-22T00:00:00Z"),
        tenant="acacia",
        partition="2026-11-22",
    )
    clock.move(timedelta(days=1))
    done = run(app, job_id="job_2")

    assert done.reused
    assert "restates" not in done.result


def test_knowledge_after_the_cut_off_is_as_if_it_did_not_exist(app: Application) -> None:
    """The correction is loaded, but known only tomorrow."""
    load(
        app,
        ACCOUNTS,
        accounts(A="11.00", known_at="2026-11-22T00:00:00Z"),
        tenant="acacia",
        partition="2026-11-22",
    )

    run(app)

    assert stored(app)["A"] == Decimal(20)


def test_a_broken_law_publishes_nothing(app: Application) -> None:
    """`skew` makes our own arithmetic wrong; the message names law, count and first row."""
    with pytest.raises(GateError, match="balances_reconciled is broken by 2 row") as refused:
        run(app, skew=True)

    assert "A balance is amount times factor" in str(refused.value)
    assert app.tables.versions(BALANCES, tenant="acacia", partition=DAY) == ()


def test_a_warning_lets_the_rest_go_on(tmp_path: Path) -> None:
    """A balance of two is small: published, and the job says COMPLETED_WITH_ERRORS."""
    app = application(tmp_path, TOYS)
    load(app, ACCOUNTS, accounts(A="1.00"), tenant="acacia")
    execute(app, request(app, "daily_factor", tenant="shared"))

    done = run(app)

    assert done.status == "COMPLETED_WITH_ERRORS"
    assert stored(app) == {"A": Decimal(2)}
    assert done.result["warnings"] == ["no_small_balance: 1 row(s): A balance is at least ten"]


def test_rows_set_aside_are_kept_with_their_reason(tmp_path: Path) -> None:
    """Also on the second run, which computes nothing, the job still says that rows were set aside."""
    app = application(tmp_path, TOYS)
    load(app, ACCOUNTS, accounts(A="10.00", bad="1.00"), tenant="acacia")
    execute(app, request(app, "daily_factor", tenant="shared"))

    first, second = run(app), run(app, job_id="job_2")

    table = quarantine_dataset("account_balance", Scope.TENANT)
    ref = VersionRef(tenant="acacia", dataset=table.name, partition=DAY, version=1)
    rows = app.tables.scan(table, ref).collect()
    assert rows.select("row_key", "reason", "job_id").rows() == [("bad", "BAD_ACCOUNT", "job_1")]
    assert first.status == second.status == "COMPLETED_WITH_ERRORS"
    assert second.reused
    assert len(app.tables.versions(table, tenant="acacia", partition=DAY)) == 1


def test_a_missing_table_fails_before_anything_is_written(tmp_path: Path) -> None:
    """The message names table, tenant and remedy."""
    app = application(tmp_path, TOYS)
    execute(app, request(app, "daily_factor", tenant="shared"))

    with pytest.raises(MissingInputError, match="ultracore-jobs import accounts FILE --tenant acacia"):
        run(app)

    assert app.tables.partitions(BALANCES, tenant="acacia") == ()


def test_an_unknown_parameter_is_refused_by_name(app: Application) -> None:
    """The message lists what there is."""
    with pytest.raises(UsageError, match=r"slant.*There are: max_reject_pct, skew"):
        run(app, slant=True)


def test_one_tenant_never_sees_another(app: Application) -> None:
    """Banksia's rows lie beside acacia's; each job reads its own."""
    load(app, ACCOUNTS, accounts("banksia", Z="99.00"), tenant="banksia")

    computed = compute(app, request(app, "account_balance", tenant="banksia"))

    assert computed.tables["balances"]["account_id"].to_list() == ["Z"]


def test_shared_tables_are_read_under_the_reserved_tenant(app: Application) -> None:
    """The factor belongs to `shared`, and acacia's job reads it."""
    computed = compute(app, request(app, "account_balance"))

    assert [pin.ref.tenant for pin in computed.inputs.pins["factors"]] == ["shared"]
    assert isinstance(computed.inputs.tables["factors"], pl.DataFrame)
    assert app.tables.partitions(FACTORS, tenant="shared") == (DAY,)


class _PowerCut(Exception):  # noqa: N818  it is what happens, not an error of ours
    """The machine stops."""


class _CutBefore:
    """The real store, until the named call: then the machine stops, once."""

    def __init__(self, tables: TableStore, call: str) -> None:
        self._tables, self._call = tables, call

    def __getattr__(self, name: str) -> object:
        if name == self._call:
            self._call = ""
            raise _PowerCut(name)
        return getattr(self._tables, name)


@pytest.mark.parametrize("call", ["publish", "remember_job"])
def test_a_power_cut_half_way_is_mended_by_running_again(app: Application, call: str) -> None:
    """Before the first table, or after the last: the second run ends with one version of each table."""
    cut = replace(app, tables=_CutBefore(app.tables, call))  # type: ignore[arg-type]  # a store but for the cut
    with pytest.raises(_PowerCut):
        run(cut)

    run(app, job_id="job_2")

    assert stored(app) == {"A": Decimal(20), "B": Decimal(40)}
    assert len(app.tables.versions(BALANCES, tenant="acacia", partition=DAY)) == 1
    assert [ref.version for ref in app.tables.written_by("job_2")] == [1]
