"""Pages as Dagster sees them: named jobs, gates as checks, outcomes as tags."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.orchestration import Platform, build_definitions, run_business_day
from ultracore_jobs_tests.stage import FRIDAY, StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, BALANCES, TOYS, accounts

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ACACIA_FRIDAY = dg.MultiPartitionKey({"date": FRIDAY.isoformat(), "tenant": "acacia"})


@pytest.fixture
def clock() -> StillClock:
    """A clock the test moves."""
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> Application:
    """Acacia has accounts, banksia has none."""
    app = application(tmp_path, TOYS, clock=clock)
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    return app


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", ["acacia", "banksia"])
        yield instance


def launch(
    app: Application, instance: dg.DagsterInstance, tags: dict[str, str] | None = None, **config: object
) -> dg.ExecuteInProcessResult:
    """`account_balance` of acacia's Friday, as the UI would launch it."""
    job = build_definitions(TOYS, Platform(lambda: app)).resolve_job_def("account_balance")
    return job.execute_in_process(
        instance=instance,
        partition_key=ACACIA_FRIDAY,
        run_config={**QUIET, "ops": {"account_balance_compute": {"config": config}}},
        tags=tags,
        raise_on_error=False,
    )


def tags(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """The tags of a run as they stand now."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return dict(run.tags)


def test_the_code_location_loads() -> None:
    """Every definition resolves, for the registered job types and for the toys."""
    dg.Definitions.validate_loadable(build_definitions())
    dg.Definitions.validate_loadable(build_definitions(TOYS))


def test_a_business_day_runs_every_job_in_order(app: Application, instance: dg.DagsterInstance) -> None:
    """Banksia has no accounts: its job fails with the remedy, acacia's goes on."""
    report = run_business_day(app, instance, as_of=FRIDAY, tenants=("acacia", "banksia"), actor="cli:olga")

    assert [(run.job_type, run.tenant, run.status) for run in report.jobs] == [
        ("daily_factor", "shared", "COMPLETED"),
        ("account_balance", "acacia", "COMPLETED"),
        ("account_balance", "banksia", "FAILED"),
    ]
    assert not report.went_well
    assert "import accounts FILE --tenant banksia" in report.jobs[2].result["error"]
    assert report.jobs[1].result["total"] == "60.0000"
    run = tags(instance, report.jobs[1].run_id)
    assert run["ultracore/job_id"] == report.jobs[1].job_id
    assert run["ultracore/tenant"] == "acacia"
    assert run["ultracore/logical_date"] == "2026-11-20"
    assert run["dagster/priority"] == "20"


def test_a_second_day_run_rewrites_nothing_and_says_so(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The runs are new, the jobs complete, the tables stand."""
    run_business_day(app, instance, as_of=FRIDAY, tenants=("acacia",), actor="cli:olga")
    again = run_business_day(app, instance, as_of=FRIDAY, tenants=("acacia",), actor="cli:olga")

    assert [run.result["reused"] for run in again.jobs] == [True, True]
    assert [run.status for run in again.jobs] == ["COMPLETED", "COMPLETED"]


def test_a_job_whose_upstream_is_missing_materialises_nothing(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The run is green, but nothing landed, and the tags say what it waits for."""
    finished = launch(app, instance)

    assert finished.success
    assert finished.get_asset_materialization_events() == []
    assert tags(instance, finished.run_id)["ultracore/outcome"] == "SKIPPED_UPSTREAM"
    waited = tags(instance, finished.run_id)["ultracore/waiting_for"]
    assert waited == "factors of 2026-11-20 (daily_factor for tenant shared)"
    assert app.tables.partitions(BALANCES, tenant="acacia") == ()


def test_a_re_execution_sees_what_came_since_it_waited(
    app: Application, clock: StillClock, instance: dg.DagsterInstance
) -> None:
    """Dagster copies the tags of the run that was skipped; its cut-off must not come with them."""
    skipped = launch(app, instance)
    clock.move(timedelta(hours=1))
    run_business_day(app, instance, as_of=FRIDAY, tenants=(), actor="cli:olga")
    copied = tags(instance, skipped.run_id)

    again = launch(app, instance, tags=copied)

    now = tags(instance, again.run_id)
    assert again.get_asset_materialization_events() != []
    assert now["ultracore/outcome"] == "COMPLETED"
    assert now["ultracore/waiting_for"] == ""
    assert now["ultracore/known_at"] == "2026-11-21T03:00:00+00:00"


def test_a_retry_keeps_the_cut_off_of_the_first_start(
    app: Application, clock: StillClock, instance: dg.DagsterInstance
) -> None:
    """The first run started and broke a law; what was known at its start holds for the next, too."""
    run_business_day(app, instance, as_of=FRIDAY, tenants=(), actor="cli:olga")
    broken = launch(app, instance, skew=True)
    clock.move(timedelta(days=1))

    again = launch(app, instance, tags=tags(instance, broken.run_id))

    assert tags(instance, again.run_id)["ultracore/known_at"] == "2026-11-21T02:00:00+00:00"
    assert tags(instance, again.run_id)["ultracore/outcome"] == "COMPLETED"


def test_a_broken_law_is_a_red_check_and_nothing_is_materialised(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The check fails by name with the offending rows; the run fails; the store holds nothing."""
    run_business_day(app, instance, as_of=FRIDAY, tenants=(), actor="cli:olga")
    finished = launch(app, instance, skew=True)

    checks = {check.check_name: check for check in finished.get_asset_check_evaluations()}
    assert not finished.success
    assert finished.get_asset_materialization_events() == []
    assert not checks["balances_reconciled"].passed
    assert checks["balances_reconciled"].severity is dg.AssetCheckSeverity.ERROR
    assert checks["balances_reconciled"].metadata["rows_breaking_it"].value == 2
    assert checks["no_small_balance"].passed
    assert tags(instance, finished.run_id)["ultracore/outcome"] == "FAILED"
    assert app.tables.partitions(BALANCES, tenant="acacia") == ()


def test_the_page_shows_numbers_a_picture_and_where_they_came_from(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Numbers plot over time; the picture is inline; the result is there as a whole."""
    report = run_business_day(app, instance, as_of=FRIDAY, tenants=("acacia",), actor="cli:olga")
    event = instance.get_latest_materialization_event(dg.AssetKey(["balances"]))
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata

    assert shown["total"].value == 60.0
    assert shown["dagster/row_count"].value == 2
    assert str(shown["picture"].value).startswith("![account_balance](data:image/svg+xml;base64,")
    assert shown["ultracore/result"].value == report.jobs[1].result
    version = app.tables.versions(BALANCES, tenant="acacia", partition="2026-11-20")[0]
    assert shown["sha256"].value == version.sha256
    assert version.provenance.job.run_id == report.jobs[1].run_id
