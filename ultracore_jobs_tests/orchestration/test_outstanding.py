"""The sensor on Dagster's own run storage: what it asks for, what it notes, what it stops."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.cancel import cancel_job
from ultracore_jobs.application.retry import retry_job
from ultracore_jobs.orchestration import run_here
from ultracore_jobs.orchestration.outstanding import DagsterRuns
from ultracore_jobs.ports.occurrences import Occurrence, OccurrenceState
from ultracore_jobs_tests.occurrence_stage import (
    A_MINUTE,
    ACACIA,
    OLGA,
    PAUL,
    ask,
    desk,
    fail,
    later,
    names_of,
)
from ultracore_jobs_tests.orchestration.outstanding_location import answer, made, ticked
from ultracore_jobs_tests.stage import FRIDAY, load
from ultracore_jobs_tests.toys import ACCOUNTS, accounts

SATURDAY = date(2026, 11, 21)


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """The toys, with the account of a client."""
    app = desk(tmp_path)
    load(app, ACCOUNTS, accounts(a="10"), tenant=ACACIA)
    return app


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def state_of(app: Application, occurrence: Occurrence) -> OccurrenceState:
    """Where the last attempt of its job stands."""
    return app.occurrences.of_job(occurrence.job_id)[-1].state


def test_a_request_carries_all_that_names_the_job(app: Application, instance: dg.DagsterInstance) -> None:
    """Partition, run config from the parameters, tags; and the tenant's partition is there."""
    asked = ask(app, "account_balance", parameters={"skew": True}).occurrence

    [request] = ticked(app, instance)

    assert (request.run_key, request.job_name) == (f"{asked.job_id}:1", "account_balance")
    assert str(request.partition_key) == f"2026-11-20|{ACACIA}"
    assert request.run_config == {"ops": {"account_balance_compute": {"config": {"skew": True}}}}
    ours = {name: tag for name, tag in request.tags.items() if name.startswith("ultracore/")}
    assert ours == {
        "ultracore/job_id": asked.job_id,
        "ultracore/job_type": "account_balance",
        "ultracore/tenant": ACACIA,
        "ultracore/logical_date": "2026-11-20",
        "ultracore/schedule_id": asked.schedule_id,
        "ultracore/due_at": "2026-11-21T02:00:00Z",
        "ultracore/attempt": "1",
        "ultracore/actor": OLGA,
    }
    assert request.tags["dagster/priority"] == "20"
    assert instance.get_dynamic_partitions("tenants") == [ACACIA]


def test_the_run_is_that_job_and_is_noted(app: Application, instance: dg.DagsterInstance) -> None:
    """Its claim, its tables and its tags are those of the job that was promised."""
    asked = ask(app).occurrence
    [request] = ticked(app, instance)
    assert state_of(app, asked) is OccurrenceState.DUE

    run = answer(app, instance, request)

    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags["ultracore/job_id"] == asked.job_id
    assert [(one.run_id, one.attempt) for one in app.claims.attempts(asked.job_id)] == [(run.run_id, 1)]
    assert ticked(app, instance) == []
    [noted] = app.occurrences.of_job(asked.job_id)
    assert (noted.state, noted.run_id) == (OccurrenceState.FIRED, run.run_id)


def test_a_second_run_of_the_same_attempt_does_nothing(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Two daemons answered the same tick: one run has the claim, the other is IGNORED."""
    asked = ask(app).occurrence
    [request] = ticked(app, instance)
    first, second = answer(app, instance, request), answer(app, instance, request)

    assert [run.tags["ultracore/outcome"] for run in (first, second)] == ["COMPLETED", "IGNORED"]
    assert len(app.claims.attempts(asked.job_id)) == 1


def test_a_run_that_is_queued_is_launched_and_one_that_was_only_made_is_not(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """As a crash between the two leaves it: Dagster hands over the one that is there when asked again."""
    asked = ask(app).occurrence
    [request] = ticked(app, instance)
    made(instance, request, dg.DagsterRunStatus.NOT_STARTED)
    assert len(ticked(app, instance)) == 1

    made(instance, request, dg.DagsterRunStatus.QUEUED)
    assert ticked(app, instance) == []
    assert state_of(app, asked) is OccurrenceState.FIRED


def test_while_a_run_of_the_period_is_queued_the_next_wish_waits(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """It would lose the claim, and so be lost."""
    ask(app)
    [request] = ticked(app, instance)
    queued = made(instance, request, dg.DagsterRunStatus.QUEUED)
    later(app, A_MINUTE)
    second = ask(app).occurrence

    assert DagsterRuns(app, instance).busy(second) == queued.run_id
    assert ticked(app, instance) == []
    instance.report_run_failed(queued)
    assert [one.run_key for one in ticked(app, instance)] == [second.run_key]


def test_a_day_without_a_partition_is_given_up_and_the_rest_goes_on(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Saturday is no session: asked of Dagster, it would fail the whole tick."""
    wrong = ask(app, "account_balance", as_of=SATURDAY).occurrence
    right = ask(app).occurrence

    assert [one.run_key for one in ticked(app, instance)] == [right.run_key]
    [given_up] = app.occurrences.of_job(wrong.job_id)
    assert given_up.state is OccurrenceState.MISSED
    assert given_up.note == (
        "account_balance has no partition of 2026-11-21: it is due each day that is a session on one of our "
        "exchanges"
    )
    assert names_of(app, wrong) == ["JobScheduled", "JobSkipped"]


def test_a_retry_keeps_the_job_and_what_it_knew(app: Application, instance: dg.DagsterInstance) -> None:
    """Same job id, next attempt, and the cut-off of the first start, an hour before."""
    asked = ask(app, "account_balance", parameters={"skew": True}).occurrence
    run_here(app, instance, job_type="daily_factor", as_of=FRIDAY, tenant="shared", actor=OLGA)
    [request] = ticked(app, instance)
    first = answer(app, instance, request)
    assert first.status is dg.DagsterRunStatus.FAILURE
    ticked(app, instance)
    fail(app, asked)
    later(app, timedelta(hours=1))

    retry_job(app, asked.job_id, actor=PAUL)
    [again] = ticked(app, instance)
    second = answer(app, instance, again)

    assert again.run_key == f"{asked.job_id}:2"
    assert second.tags["ultracore/job_id"] == asked.job_id
    assert second.tags["ultracore/known_at"] == first.tags["ultracore/known_at"] != ""
    assert [claim.attempt for claim in app.claims.attempts(asked.job_id)] == [1, 2]


def test_a_queued_run_is_cancelled_with_reason_and_actor_on_it(tmp_path: Path) -> None:
    """By the queue itself; its tags say who and why, which Dagster does not know."""
    app = desk(tmp_path)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        asked = ask(app).occurrence
        [request] = ticked(app, instance)
        queued = made(instance, request, dg.DagsterRunStatus.QUEUED)
        ticked(app, instance)
        cancel_job(app, asked.job_id, reason="wrong month", actor=PAUL)
        ticked(app, instance)

        run = instance.get_run_by_id(queued.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.CANCELED
        assert run.tags["ultracore/cancel_reason"] == "wrong month"
        assert run.tags["ultracore/cancelled_by"] == PAUL
        ticked(app, instance)
        wish = app.occurrences.cancellation(asked.job_id)
        assert wish is not None
        assert wish.outcome == f"run {run.run_id} ended CANCELED"


def test_a_run_in_a_process_of_ours_is_not_taken_for_stopped(tmp_path: Path) -> None:
    """It has no launcher that could stop it: Dagster would call it cancelled while it works."""
    app = desk(tmp_path)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        asked = ask(app).occurrence
        [request] = ticked(app, instance)
        here = made(instance, request, dg.DagsterRunStatus.STARTED)
        ticked(app, instance)
        cancel_job(app, asked.job_id, reason="wrong month", actor=PAUL)
        ticked(app, instance)
        ticked(app, instance)

        run = instance.get_run_by_id(here.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.STARTED
        assert run.tags["ultracore/cancelled_by"] == PAUL
        assert len(app.occurrences.open_cancellations(20)) == 1
