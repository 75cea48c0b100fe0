"""Which job a re-execution is of, and how the record goes on: another attempt, or another job."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.record import by_cause
from ultracore_jobs.lifecycle.events import JobRetried
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.orchestration.record_sensor import Cursor, record_changes
from ultracore_jobs_tests.orchestration.record_stage import (
    again,
    differences,
    enqueue,
    events_of,
    job_id_of,
    job_in_record,
    launch,
    names,
    record_all,
)
from ultracore_jobs_tests.stage import StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, TOYS, accounts


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Acacia has accounts."""
    app = application(tmp_path, TOYS, clock=StillClock())
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    return app


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
        yield instance


def test_a_re_execution_of_what_failed_is_the_next_attempt(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """One stream: failed, tried again by a person, completed."""
    launch(app, instance, "daily_factor")
    first = launch(app, instance, form={"account_balance_compute": {"skew": True}})
    second = launch(app, instance, tags=again(first.run_id, **{"ultracore/actor": "ui:olga"}))

    record_all(app, instance)

    events = events_of(app, instance, second.run_id)
    assert events == events_of(app, instance, first.run_id)
    assert [kind for kind in names(events) if kind != "ComplianceCheckRecorded"] == [
        "JobScheduled", "JobStarted", "JobFailed", "JobRetried", "JobStarted", "JobCompleted",
    ]  # fmt: skip
    assert [event.actor for event in events if isinstance(event, JobRetried)] == ["ui:olga"]
    assert differences(app, instance) == []


def test_a_re_execution_of_what_is_done_is_a_new_job(app: Application, instance: dg.DagsterInstance) -> None:
    """Three times the same day: three jobs. And a run again of a failed run whose job is done by now, too."""
    launch(app, instance, "daily_factor")
    first = launch(app, instance, form={"account_balance_compute": {"skew": True}})
    mended = launch(app, instance, tags=again(first.run_id))
    once_more = launch(app, instance, tags=again(first.run_id))
    of_the_new = launch(app, instance, tags={**again(first.run_id), "dagster/parent_run_id": mended.run_id})

    record_all(app, instance)

    jobs = [job_id_of(app, instance, run.run_id) for run in (first, mended, once_more, of_the_new)]
    assert jobs[0] == jobs[1]
    assert len(set(jobs)) == 3
    assert differences(app, instance) == []


def test_a_re_execution_of_an_occurrence_is_another_attempt_of_it(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Dagster copies the tags of the run before it, the number of the attempt among them."""
    due = {"ultracore/schedule_id": "s", "ultracore/due_at": "2026-11-20T22:30:00+00:00"}
    launch(app, instance, "daily_factor")
    first = launch(
        app,
        instance,
        form={"account_balance_compute": {"skew": True}},
        tags={**due, "ultracore/attempt": "1"},
    )
    stored = instance.get_run_by_id(first.run_id)
    assert stored is not None

    second = launch(app, instance, tags={**stored.tags, **again(first.run_id)})
    record_all(app, instance)

    assert job_id_of(app, instance, second.run_id) == job_id_of(app, instance, first.run_id)
    assert job_in_record(app, instance, second.run_id).status is JobStatus.COMPLETED
    assert differences(app, instance) == []


def test_a_re_execution_of_what_was_cancelled_is_a_new_job(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Somebody stopped the job for good; who wants it all the same wants another."""
    stopped = instance.get_run_by_id(enqueue(app, instance).run_id)
    assert stopped is not None
    instance.report_run_canceled(stopped)

    second = launch(app, instance, "daily_factor", tags=again(stopped.run_id))
    record_all(app, instance)

    assert job_in_record(app, instance, stopped.run_id).status is JobStatus.CANCELLED
    assert job_in_record(app, instance, second.run_id).status is JobStatus.COMPLETED
    assert differences(app, instance) == []


def test_a_retry_is_announced_and_is_the_next_attempt(app: Application, instance: dg.DagsterInstance) -> None:
    """The provider's feed was down: the record names the instant, and the occurrence's second run goes on."""
    due = {"ultracore/schedule_id": "s", "ultracore/due_at": "2026-11-20T22:30:00+00:00"}
    run = enqueue(app, instance, **due, **{"ultracore/attempt": "1"})
    stored = instance.get_run_by_id(run.run_id)
    assert stored is not None
    instance.report_run_failed(stored, "503 Service Unavailable")
    tick = record_changes(app, instance, Cursor(), retry=by_cause)
    between = job_in_record(app, instance, run.run_id)

    second = launch(app, instance, "daily_factor", tags={**due, "ultracore/attempt": "2"})
    record_changes(app, instance, tick.cursor, retry=by_cause)

    assert between.status is JobStatus.RETRYING
    assert between.next_retry_at is not None
    assert names(events_of(app, instance, second.run_id)) == [
        "JobScheduled", "JobQueued", "JobFailed", "JobRetried", "JobStarted", "JobCompleted",
    ]  # fmt: skip
    assert differences(app, instance) == []


def test_an_attempt_that_names_its_job_is_of_that_job(app: Application, instance: dg.DagsterInstance) -> None:
    """A job that was launched in the UI has no occurrence; its next attempt is one that names it."""
    launch(app, instance, "daily_factor")
    first = launch(app, instance, form={"account_balance_compute": {"skew": True}})
    job_id = job_id_of(app, instance, first.run_id)
    attempt = {
        "ultracore/schedule_id": f"retry:{job_id}",
        "ultracore/due_at": "2026-11-20T22:30:00Z",
        "ultracore/attempt": "2",
    }

    second = launch(app, instance, tags=attempt)
    record_all(app, instance)

    assert job_id_of(app, instance, second.run_id) == job_id
    assert job_in_record(app, instance, second.run_id).retry_count == 1
    assert differences(app, instance) == []


def test_a_re_execution_of_what_was_skipped_is_the_next_attempt(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Its inputs came, and a person ran it again: one stream, with both."""
    first = launch(app, instance)
    launch(app, instance, "daily_factor")
    second = launch(app, instance, tags=again(first.run_id))

    record_all(app, instance)

    kinds = names(events_of(app, instance, second.run_id))
    assert [kind for kind in kinds if kind != "ComplianceCheckRecorded"] == [
        "JobScheduled", "JobSkipped", "JobRetried", "JobStarted", "JobCompleted",
    ]  # fmt: skip
    assert job_id_of(app, instance, second.run_id) == job_id_of(app, instance, first.run_id)
    assert differences(app, instance) == []
