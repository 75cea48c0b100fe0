"""What is read from a Dagster run: which jobs it does, and what it does not say."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.record_facts import RunState
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import count, day
from ultracore_jobs.lifecycle.events import JobScheduled
from ultracore_jobs.lifecycle.kinds import JobPriority
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs.orchestration.record_sensor import Cursor, record_changes
from ultracore_jobs.orchestration.run_facts import facts_of
from ultracore_jobs_tests.orchestration.record_stage import ACACIA_FRIDAY, QUIET, launch
from ultracore_jobs_tests.stage import StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNT_BALANCE, ACCOUNTS, BALANCES, TOYS, accounts

COUNTS = Dataset(
    name="account_counts",
    grain="one tenant on one day",
    key=("as_of_date",),
    source="account_count",
    columns={"as_of_date": day("Day"), "accounts": count("Accounts")},
)


class Counts(NamedTuple):
    """What `count_accounts` returns."""

    account_counts: pl.DataFrame


def count_accounts(*, balances: pl.DataFrame, as_of: object) -> Counts:
    """How many accounts have a balance."""
    row = {"as_of_date": [as_of], "accounts": [balances.height]}
    return Counts(pl.DataFrame(row, schema=COUNTS.schema))


ACCOUNT_COUNT = replace(
    ACCOUNT_BALANCE,
    name="account_count",
    reads=(BALANCES,),
    kernel=count_accounts,
    writes=(COUNTS,),
    gates=(),
    result=lambda account_counts: {"accounts": account_counts["accounts"].item()},
    chart=None,
    preview=None,
)


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Acacia has two accounts, which are also counted."""
    app = application(tmp_path, {**TOYS, "account_count": ACCOUNT_COUNT}, clock=StillClock())
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    return app


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
        yield instance


def materialise_both(app: Application, instance: dg.DagsterInstance, *, skew: bool = False) -> None:
    """Both tables in one run, as "Materialize selected" in the UI launches them."""
    keys = [dg.AssetKey(["balances"]), dg.AssetKey(["account_counts"])]
    location = build_definitions(app.jobs, Platform(lambda: app))
    location.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=ACACIA_FRIDAY,
        asset_selection=keys,
        run_config={**QUIET, "ops": {"account_balance_compute": {"config": {"skew": skew}}}},
        raise_on_error=False,
    )


def jobs_in_record(app: Application) -> dict[str, str]:
    """The last event of each job type."""
    found = {}
    for stream in app.events.streams("jobs.executions/acacia/"):
        first, *_, last = [stored.event for stored in app.events.read(stream)]
        assert isinstance(first, JobScheduled)
        found[str(first.job_type)] = type(last).__name__
    return found


def test_a_run_of_two_job_types_is_two_jobs(app: Application, instance: dg.DagsterInstance) -> None:
    """Each has a stream, its own result, and its own end."""
    launch(app, instance, "daily_factor")
    materialise_both(app, instance)

    record_changes(app, instance, Cursor())

    assert jobs_in_record(app) == {"account_balance": "JobCompleted", "account_count": "JobCompleted"}


def test_of_two_job_types_the_one_that_never_began_leaves_no_trace(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The balances break their law; the count, which needs them, is not reached."""
    launch(app, instance, "daily_factor")
    materialise_both(app, instance, skew=True)

    record_changes(app, instance, Cursor())

    assert jobs_in_record(app) == {"account_balance": "JobFailed"}


def row_of(instance: dg.DagsterInstance) -> dg.RunRecord:
    """The run there is."""
    (record,) = instance.get_run_records()
    return record


def test_a_launch_without_a_partition_is_no_job(app: Application, instance: dg.DagsterInstance) -> None:
    """It is about no day and nobody; Dagster says why it failed."""
    definition = build_definitions(app.jobs, Platform(lambda: app)).resolve_job_def("daily_factor")
    instance.create_run_for_job(definition)

    assert facts_of(app, instance, row_of(instance)) == ()


def test_a_run_of_people_is_no_job(app: Application, instance: dg.DagsterInstance) -> None:
    """Such as `approve_batch`: what it decides stands in the ledger."""

    @dg.op
    def nothing() -> None:
        """Do nothing."""

    @dg.job
    def approve_batch() -> None:
        """A job of people."""
        nothing()

    approve_batch.execute_in_process(instance=instance, run_config=QUIET)

    assert facts_of(app, instance, row_of(instance)) == ()


@pytest.mark.parametrize(
    ("number", "priority"),
    [
        ("30", JobPriority.CRITICAL),
        ("29", JobPriority.HIGH),
        ("10", JobPriority.NORMAL),
        ("0", JobPriority.LOW),
        ("-5", JobPriority.LOW),
        ("soon", JobPriority.LOW),
    ],
)
def test_the_priority_is_the_greatest_that_the_number_reaches(
    app: Application, instance: dg.DagsterInstance, number: str, priority: JobPriority
) -> None:
    """Anyone may type a number into the Launchpad; `daily_factor` is LOW where it is none."""
    launch(app, instance, "daily_factor", tags={"dagster/priority": number})

    (facts,) = facts_of(app, instance, row_of(instance))

    assert facts.priority is priority


def test_a_status_of_a_later_dagster_means_that_nothing_is_known_yet(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """SUSPENDED exists in 1.13 and nothing writes it: the run is looked at again when it changes."""
    launch(app, instance, "daily_factor")
    record = row_of(instance)
    suspended = record.dagster_run.with_status(dg.DagsterRunStatus["SUSPENDED"])
    unknown = dg.RunRecord(
        storage_id=record.storage_id,
        dagster_run=suspended,
        create_timestamp=record.create_timestamp,
        update_timestamp=record.update_timestamp,
        start_time=record.start_time,
        end_time=None,
    )

    (facts,) = facts_of(app, instance, unknown)

    assert (facts.state, facts.began_at, facts.outcome) == (RunState.WAITING, None, None)


def test_parameters_are_those_it_runs_with(app: Application, instance: dg.DagsterInstance) -> None:
    """What the form had, and the defaults of the page."""
    launch(app, instance, form={"account_balance_compute": {"skew": True}})

    (facts,) = facts_of(app, instance, row_of(instance))

    assert facts.parameters == {"max_reject_pct": 0.05, "skew": True}


def test_parameters_that_cannot_be_are_recorded_as_given(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The run fails; the record says with what."""
    definition = build_definitions(app.jobs, Platform(lambda: app)).resolve_job_def("account_balance")
    config = {"ops": {"account_balance_compute": {"config": {"max_reject_pct": 7.0}}}}
    partition = {"dagster/partition/date": "2026-11-20", "dagster/partition/tenant": "acacia"}
    instance.create_run_for_job(definition, run_config=config, tags=partition)

    (facts,) = facts_of(app, instance, row_of(instance))

    assert facts.parameters == {"max_reject_pct": 7.0}
