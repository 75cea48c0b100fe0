"""The writer of job events: each way a run can go, what is known of it seen once, twice, or late."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.record import Recorded, by_cause, record_run
from ultracore_jobs.application.record_facts import CheckFact, ProgressFact, RunState
from ultracore_jobs.application.results import Status
from ultracore_jobs.lifecycle.events import JobCompleted, JobFailed, JobScheduled, JobStarted, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobPriority, JobStatus
from ultracore_jobs_tests.application.runs_seen import (
    TEN,
    at,
    done,
    events_of,
    failed,
    job_of,
    names,
    next_run,
)
from ultracore_jobs_tests.stage import StillClock


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlEventStore]:
    """A record in a file, for all tests of this module; each takes a job of its own."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('record') / 'record.db'}")
    migrate(engine)
    yield SqlEventStore(engine, StillClock())
    engine.dispose()


def test_a_run_that_succeeds_is_scheduled_queued_started_and_completed(store: SqlEventStore) -> None:
    """Asked for and queued at 10:00, at work from 10:01 to 10:03: two minutes; each event is dated so."""
    facts = done(
        priority=JobPriority.CRITICAL,
        parameters={"approval_limit": "0"},
        result={"fees_charged": 2, "total_amount": "1012.60"},
    )

    recorded = record_run(store, facts, code_version="1.0")

    assert names(store, facts) == ["JobScheduled", "JobQueued", "JobStarted", "JobCompleted"]
    scheduled, queued, started, completed = events_of(store, facts)
    assert isinstance(scheduled, JobScheduled)
    assert (scheduled.actor, scheduled.at, scheduled.schedule_id) == ("cli:paul", TEN, "on-demand")
    assert (scheduled.scheduled_time, scheduled.priority) == (TEN, JobPriority.CRITICAL)
    assert scheduled.parameters == {"approval_limit": "0"}
    assert (scheduled.job_type, scheduled.logical_date) == ("fee_charging", date(2026, 6, 1))
    assert (queued.at, started.at, started.actor) == (at(0), at(1), "boot:7")
    assert isinstance(completed, JobCompleted)
    assert (completed.at, completed.duration_seconds) == (at(3), 120)
    assert completed.result == {"fees_charged": 2, "total_amount": "1012.60"}
    assert {event.correlation_id for event in events_of(store, facts)} == {facts.run_id}
    assert {event.code_version for event in events_of(store, facts)} == {"1.0"}
    assert len(recorded.events) == 4


def test_looking_twice_or_at_an_older_state_adds_nothing(store: SqlEventStore) -> None:
    """The same look again, then one from when it was still queued, then one from when it ran."""
    facts = done()
    record_run(store, facts)
    queued = replace(facts, state=RunState.WAITING, outcome=None, started_at=None, ended_at=None)
    running = replace(facts, state=RunState.RUNNING, outcome=None, ended_at=None)

    again = [record_run(store, look) for look in (facts, queued, running)]

    assert again == [Recorded()] * 3


def test_each_look_adds_only_what_is_new(store: SqlEventStore) -> None:
    """Queued, at work, a step further, done: one or two events each."""
    ended = done(
        progress=tuple(ProgressFact(key=str(n), at=at(n), percent=40.0 * n, step="") for n in (1, 2))
    )
    running = replace(ended, state=RunState.RUNNING, outcome=None, ended_at=None)
    waiting = replace(running, state=RunState.WAITING, started_at=None, progress=())

    brought = [
        [type(stored.event).__name__ for stored in record_run(store, look).events]
        for look in (waiting, replace(running, progress=running.progress[:1]), running, ended)
    ]

    assert brought == [
        ["JobScheduled", "JobQueued"],
        ["JobStarted", "JobProgressUpdated"],
        ["JobProgressUpdated"],
        ["JobCompleted"],
    ]


def test_an_occurrence_that_was_recorded_when_it_was_made_goes_on(store: SqlEventStore) -> None:
    """Application appended JobScheduled for the schedule; the run adds the rest."""
    facts = done(schedule_id="monthly", due_at=at(-60))
    made = JobAggregate(facts.tenant, facts.job_id, clock=lambda: at(-60))
    made.schedule("monthly", at(-60), JobPriority.CRITICAL, {})
    store.append(job_stream(facts.tenant, facts.job_id), 0, made.uncommitted)

    record_run(store, facts)

    assert names(store, facts) == ["JobScheduled", "JobQueued", "JobStarted", "JobCompleted"]
    assert job_of(store, facts).schedule_id == "monthly"


@pytest.mark.parametrize("outcome", [Status.AWAITING_APPROVAL, Status.FROZEN])
def test_a_batch_that_waits_for_a_person_is_a_completed_job_that_says_so(
    store: SqlEventStore, outcome: Status
) -> None:
    """Computed, not applied: the result names the outcome and why."""
    facts = done(outcome=outcome, why="2 decisions wait", result={"batch_id": "bat_1"}, with_errors=True)

    record_run(store, facts)

    job = job_of(store, facts)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.result == {"batch_id": "bat_1", "outcome": outcome.value, "why": "2 decisions wait"}


def test_rows_left_out_make_it_completed_with_errors(store: SqlEventStore) -> None:
    """Green, and yet not all is well."""
    facts = done(outcome=Status.COMPLETED_WITH_ERRORS)
    record_run(store, facts)

    assert job_of(store, facts).status is JobStatus.COMPLETED_WITH_ERRORS


def test_a_run_that_found_its_inputs_missing_was_never_started(store: SqlEventStore) -> None:
    """SKIPPED_UPSTREAM, with what it waits for."""
    facts = done(outcome=Status.SKIPPED_UPSTREAM, waiting_for="factors of 2026-11-20")

    record_run(store, facts)

    assert names(store, facts) == ["JobScheduled", "JobQueued", "JobSkipped"]
    assert job_of(store, facts).status is JobStatus.SKIPPED_UPSTREAM
    assert job_of(store, facts).reason == "waiting for factors of 2026-11-20"


def test_a_skipped_run_that_was_taken_to_be_at_work_has_failed(store: SqlEventStore) -> None:
    """A running job cannot be skipped; the record stays true, and says what was missing."""
    facts = done(outcome=Status.SKIPPED_UPSTREAM, waiting_for="factors")
    record_run(store, replace(facts, state=RunState.RUNNING, outcome=None, ended_at=None))

    record_run(store, facts)

    job = job_of(store, facts)
    assert (job.status, job.error_message, job.will_retry) == (JobStatus.FAILED, "waiting for factors", False)
    assert record_run(store, facts) == Recorded()


def test_an_ignored_run_leaves_no_trace(store: SqlEventStore) -> None:
    """Another run had the period: it did nothing, and there never was such a job."""
    facts = done(outcome=Status.IGNORED)

    assert record_run(store, facts) == Recorded()
    assert events_of(store, facts) == []


def test_an_ignored_run_that_was_seen_waiting_is_called_off(store: SqlEventStore) -> None:
    """The record said that it waits; now it says why nothing came of it, and that no person stopped it."""
    facts = done(outcome=Status.IGNORED)
    waiting = replace(facts, state=RunState.WAITING, outcome=None, started_at=None, ended_at=None)
    record_run(store, waiting)

    record_run(store, facts)

    job = job_of(store, facts)
    assert names(store, facts) == ["JobScheduled", "JobQueued", "JobCancelled"]
    assert job.reason == "another run did fee_charging of this period"
    assert events_of(store, facts)[-1].actor == "ultracore-jobs"


def test_a_job_that_two_doors_launched_belongs_to_the_run_that_works(store: SqlEventStore) -> None:
    """Both wait; the second begins; the first finds it at work and adds nothing, early or late."""
    first = done(outcome=Status.IGNORED, lost_to_sibling=True)
    second = done(job_id=first.job_id)
    for facts in (first, second):
        waiting = replace(facts, state=RunState.WAITING, outcome=None, started_at=None, ended_at=None)
        record_run(store, waiting)

    for facts in (first, second, first):
        record_run(store, facts)

    assert names(store, first) == ["JobScheduled", "JobQueued", "JobStarted", "JobCompleted"]
    assert job_of(store, first).run_id == second.run_id


def test_what_was_refused_is_not_tried_again(store: SqlEventStore) -> None:
    """A rejected batch: whatever the rule for retries says."""
    facts = failed(outcome=Status.REFUSED, error="batch bat_1 was rejected by olga")

    record_run(store, facts, retry=by_cause)

    assert names(store, facts)[-1] == "JobFailed"
    assert not job_of(store, facts).will_retry


def test_a_failure_that_may_go_away_is_tried_again_at_a_set_instant(store: SqlEventStore) -> None:
    """A database timeout: JobFailed announces it, JobRetried names the instant, 150 to 300 s after 10:03.

    The next run, by whatever door, is the second attempt of the same job.
    """
    first = failed()
    second = next_run(first, 7, state=RunState.SUCCEEDED, outcome=Status.COMPLETED)

    record_run(store, first, retry=by_cause)
    between = job_of(store, first)
    record_run(store, second, retry=by_cause)

    assert between.status is JobStatus.RETRYING
    assert between.next_retry_at is not None
    assert at(5.5) <= between.next_retry_at <= at(8)
    assert names(store, first)[3:] == ["JobFailed", "JobRetried", "JobQueued", "JobStarted", "JobCompleted"]
    failure = events_of(store, first)[3]
    assert isinstance(failure, JobFailed)
    assert failure.error_details["cause"] == "database_timeout"
    assert failure.error_details["step"] == "fee_charging_compute"
    assert job_of(store, first).retry_count == 1


def test_a_failure_that_does_not_go_away_stays_until_a_person_runs_it_again(store: SqlEventStore) -> None:
    """A broken law is final. Olga runs it again: JobRetried by her when her run begins, nothing before."""
    first = failed(error="invariant: debits and credits differ")
    second = next_run(first, 60, state=RunState.RUNNING, outcome=None, ended_at=None)
    record_run(store, first, retry=by_cause)

    waits = record_run(store, replace(second, state=RunState.WAITING, started_at=None), retry=by_cause)
    record_run(store, second, retry=by_cause)

    assert waits == Recorded()
    assert names(store, first)[3:] == ["JobFailed", "JobRetried", "JobQueued", "JobStarted"]
    assert events_of(store, first)[4].actor == "ui:olga"


def test_a_run_waits_in_the_record_for_the_run_before_it(store: SqlEventStore) -> None:
    """The second attempt is seen first, then the first one at work, then its end: nothing is out of order."""
    first = failed()
    second = next_run(first, 7, state=RunState.SUCCEEDED, outcome=Status.COMPLETED)

    early = record_run(store, second)
    record_run(store, replace(first, state=RunState.RUNNING, outcome=None, ended_at=None))
    held = record_run(store, replace(second, after=None))
    record_run(store, first)
    record_run(store, second)

    assert (early.events, early.waits_for) == ((), first.run_id)
    assert (held.events, held.waits_for) == ((), first.run_id)
    assert [type(event) for event in events_of(store, first)].count(JobStarted) == 2
    assert job_of(store, first).status is JobStatus.COMPLETED


def test_a_run_that_was_given_up_and_lives_is_believed(store: SqlEventStore) -> None:
    """A monitor reported it dead; it succeeded all the same, and Dagster now says so."""
    facts = done()
    record_run(store, replace(facts, state=RunState.FAILED, outcome=Status.FAILED, worker_died=True))

    record_run(store, facts)

    assert names(store, facts)[3:] == ["JobFailed", "JobRetried", "JobStarted", "JobCompleted"]
    assert record_run(store, facts) == Recorded()


def test_a_run_may_fail_or_be_cancelled_before_it_begins(store: SqlEventStore) -> None:
    """Its process never came; or a person took it out of the queue, and said why."""
    unlaunched = failed(started_at=None, error="no such image")
    cancelled = done(
        state=RunState.CANCELLED,
        outcome=None,
        started_at=None,
        cancel_reason="wrong month",
        cancelled_by="cli:paul",
    )
    for facts in (unlaunched, cancelled):
        record_run(store, facts)

    assert names(store, unlaunched) == ["JobScheduled", "JobQueued", "JobFailed"]
    assert names(store, cancelled) == ["JobScheduled", "JobQueued", "JobCancelled"]
    assert job_of(store, cancelled).reason == "wrong month"
    assert events_of(store, cancelled)[-1].actor == "cli:paul"


def test_whoever_cancels_without_a_name_is_recorded_as_unattributed(store: SqlEventStore) -> None:
    """A click in the UI: the record does not guess."""
    facts = done(state=RunState.CANCELLED, outcome=None)
    record_run(store, facts)

    assert names(store, facts) == ["JobScheduled", "JobQueued", "JobStarted", "JobCancelled"]
    assert events_of(store, facts)[-1].actor == "ui:unattributed"


def test_gates_are_compliance_checks_also_when_they_are_seen_late(store: SqlEventStore) -> None:
    """Two come with the end, one after it; `fee_consent` carries the name it had before (domain_rules 22)."""
    checks = tuple(
        CheckFact(name=name, passed=name != "every_fee_taken", at=at(2), details={"law": "..."})
        for name in ("gst_reconciled", "every_fee_taken", "fee_consent")
    )
    facts = done(checks=checks[:2])
    record_run(store, facts)

    record_run(store, replace(facts, checks=checks))

    job = job_of(store, facts)
    assert [(check.check_type, check.passed) for check in job.checks] == [
        ("gst_reconciled", True),
        ("every_fee_taken", False),
        ("fee_consent", True),
    ]
    assert job.checks[2].details == {"law": "...", "alias": "fee_disclosure"}
    assert names(store, facts)[-2:] == ["JobCompleted", "ComplianceCheckRecorded"]


def test_a_run_of_a_job_that_has_ended_is_named_and_changes_nothing(store: SqlEventStore) -> None:
    """Such as a second attempt of what was cancelled: a person must look."""
    first = done()
    record_run(store, first)
    stranger = done(job_id=first.job_id)

    late = record_run(store, stranger)

    assert (late.events, late.late) == ((), True)
