"""The next attempt of a failed job: by itself, through the writer's rule; or because a person says so."""

from datetime import timedelta
from pathlib import Path

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.cancel import cancel_job
from ultracore_jobs.application.record import record_run
from ultracore_jobs.application.record_facts import RunFacts, RunState
from ultracore_jobs.application.retry import BY_ITSELF, by_occurrence, retry_job
from ultracore_jobs.errors import IllegalTransitionError, UnknownNameError, UsageError
from ultracore_jobs.lifecycle.events import JobFailed, JobRetried
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.kinds import JobPriority
from ultracore_jobs.lifecycle.retry import unit_of
from ultracore_jobs.ports.occurrences import Occurrence, OccurrenceState
from ultracore_jobs_tests.occurrence_stage import (
    A_MINUTE,
    PAUL,
    ShelfRuns,
    ask,
    desk,
    events_of,
    fail,
    later,
    names_of,
    queue_elsewhere,
    say,
    tick,
)
from ultracore_jobs_tests.stage import FRIDAY, SATURDAY_MORNING

RESET = "ConnectionError: Connection reset by peer"
CODE = "KeyError: 'ccy'"


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Nothing has been asked for."""
    return desk(tmp_path)


@pytest.fixture
def runs() -> ShelfRuns:
    """Nothing runs."""
    return ShelfRuns()


def failed(occurrence: Occurrence, run_id: str = "run_1", error: str = RESET, **changed: object) -> RunFacts:
    """The run of an occurrence worked for a minute, and failed."""
    at = max(occurrence.ready_at, SATURDAY_MORNING)
    facts: dict[str, object] = {
        "run_id": run_id,
        "job_id": occurrence.job_id,
        "job_type": occurrence.job_type,
        "tenant": occurrence.tenant,
        "logical_date": occurrence.logical_date,
        "created_at": at,
        "queued_at": at,
        "started_at": at,
        "ended_at": at + A_MINUTE,
        "state": RunState.FAILED,
        "error": error,
    }
    return RunFacts(**{**facts, **changed})  # type: ignore[arg-type]


def seen_to_fail(app: Application, runs: ShelfRuns, error: str = RESET) -> Occurrence:
    """A job whose first run was launched, noted, and failed; the writer has said so."""
    asked = ask(app, parameters={"max_reject_pct": 0.5}).occurrence
    tick(app, runs)
    tick(app, runs)
    runs.end(status="FAILURE")
    record_run(app.events, failed(asked, error=error), retry=by_occurrence(app))
    return asked


def test_a_failure_that_may_go_away_becomes_the_next_attempt(app: Application, runs: ShelfRuns) -> None:
    """Of the same job, after 150 to 300 s, as `unit_of` draws it; the record and the occurrence agree."""
    asked = seen_to_fail(app, runs)

    _, retry = app.occurrences.of_job(asked.job_id)
    wait = timedelta(seconds=150) + timedelta(seconds=150) * unit_of(asked.job_id, 1)
    assert retry == asked.model_copy(
        update={
            "attempt": 2,
            "ready_at": SATURDAY_MORNING + A_MINUTE + wait,
            "requested_by": BY_ITSELF,
            "requested_at": SATURDAY_MORNING + A_MINUTE,
        }
    )
    *_, last_failed, retried = events_of(app, asked)
    assert isinstance(last_failed, JobFailed)
    assert last_failed.will_retry
    assert isinstance(retried, JobRetried)
    assert retried.next_retry_at == retry.ready_at
    assert tick(app, runs).launch == ()
    later(app, A_MINUTE + wait)
    assert tick(app, runs).launch == (retry,)
    assert names_of(app, asked)[-2:] == ["JobFailed", "JobRetried"]


def test_the_writer_that_was_killed_decides_the_same_again(app: Application, runs: ShelfRuns) -> None:
    """After the occurrence, before its events; then as often as one likes, also after it was launched."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    runs.end(status="FAILURE")
    rule, facts = by_occurrence(app), failed(asked)
    first = rule(facts, 1)
    assert first is not None
    assert first.next_retry_at is not None
    later(app, first.next_retry_at - SATURDAY_MORNING)
    tick(app, runs)
    app.claims.claim(
        job_type="daily_factor",
        tenant="shared",
        period="2026-11-20",
        job_id=asked.job_id,
        attempt=2,
        run_id="run_2",
        pid=1,
        boot_id="boot",
        at=first.next_retry_at,
    )

    record_run(app.events, facts, retry=rule)
    record_run(app.events, facts, retry=rule)

    assert [one.attempt for one in app.occurrences.of_job(asked.job_id)] == [1, 2]
    assert names_of(app, asked).count("JobRetried") == 1


def test_a_failure_that_stays_is_not_tried_again(app: Application, runs: ShelfRuns) -> None:
    """A bug does not go away."""
    asked = seen_to_fail(app, runs, CODE)

    assert len(app.occurrences.of_job(asked.job_id)) == 1
    assert names_of(app, asked)[-1] == "JobFailed"


def test_three_retries_and_no_more(app: Application, runs: ShelfRuns) -> None:
    """Four attempts in all, each with its own run; then the job stays failed."""
    asked = ask(app).occurrence
    for number in range(1, 6):
        later(app, timedelta(hours=2))
        tick(app, runs)
        tick(app, runs)
        last = app.occurrences.of_job(asked.job_id)[-1]
        if f"run_{number}" not in runs.runs:
            break
        runs.end(f"run_{number}", "FAILURE")
        record_run(app.events, failed(last, f"run_{number}"), retry=by_occurrence(app))

    assert [one.run_id for one in app.occurrences.of_job(asked.job_id)] == [
        "run_1",
        "run_2",
        "run_3",
        "run_4",
    ]
    assert names_of(app, asked).count("JobFailed") == 4
    assert names_of(app, asked)[-1] == "JobFailed"


def test_what_somebody_cancelled_is_not_tried_again(app: Application, runs: ShelfRuns) -> None:
    """The wish came while the run was at work, and the run failed by itself."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    cancel_job(app, asked.job_id, reason="wrong month", actor=PAUL)
    runs.end(status="FAILURE")

    record_run(app.events, failed(asked), retry=by_occurrence(app))

    last = events_of(app, asked)[-1]
    assert isinstance(last, JobFailed)
    assert not last.will_retry
    assert "wrong month" in last.error_details["retry"]  # type: ignore[operator]
    assert len(app.occurrences.of_job(asked.job_id)) == 1


def test_a_cancellation_between_decision_and_record_ends_the_job(app: Application, runs: ShelfRuns) -> None:
    """The retry was recorded, then cancelled, then the writer said that it would come: it does not."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    runs.end(status="FAILURE")
    record_run(app.events, failed(asked, state=RunState.RUNNING, ended_at=None))
    decide = by_occurrence(app)

    def then_cancelled(facts: RunFacts, attempt: int) -> object:
        decision = decide(facts, attempt)
        cancel_job(app, asked.job_id, reason="wrong month", actor=PAUL)
        return decision

    record_run(app.events, failed(asked), retry=then_cancelled)  # type: ignore[arg-type]
    later(app, timedelta(hours=1))

    assert tick(app, runs).launch == ()
    assert names_of(app, asked)[-2:] == ["JobRetried", "JobCancelled"]


def test_a_person_may_know_better_than_the_failure(app: Application, runs: ShelfRuns) -> None:
    """The bug was mended: the next attempt is due now, with the same parameters, in the person's name."""
    asked = seen_to_fail(app, runs, CODE)
    at = later(app, 5 * A_MINUTE)

    answer = retry_job(app, asked.job_id, actor=PAUL)

    assert answer.job_id == asked.job_id
    assert (answer.occurrence.attempt, answer.occurrence.ready_at) == (2, at)
    assert answer.occurrence.parameters == {"max_reject_pct": 0.5}
    assert answer.standing.word == "queued"
    last = events_of(app, asked)[-1]
    assert isinstance(last, JobRetried)
    assert (last.actor, last.next_retry_at, last.retry_count) == (PAUL, at, 1)
    assert tick(app, runs).launch == (answer.occurrence,)


def test_asking_twice_for_a_retry_is_asking_once(app: Application, runs: ShelfRuns) -> None:
    """Also where it waits already by itself."""
    asked = seen_to_fail(app, runs, CODE)
    first = retry_job(app, asked.job_id, actor=PAUL)
    later(app, A_MINUTE)

    assert retry_job(app, asked.job_id, actor=PAUL).occurrence == first.occurrence
    assert names_of(app, asked).count("JobRetried") == 1


def test_a_retry_that_waits_by_itself_is_named(app: Application, runs: ShelfRuns) -> None:
    """With when it comes; it does not come sooner for being asked for."""
    asked = seen_to_fail(app, runs)

    answer = retry_job(app, asked.job_id, actor=PAUL)

    assert answer.occurrence.attempt == 2
    assert answer.standing.word == "waiting"
    assert answer.standing.reason.startswith("attempt 2 may start at 2026-11-21 02:0")


def test_what_a_crash_left_out_of_the_record_is_added(app: Application, runs: ShelfRuns) -> None:
    """Killed between the person's occurrence and its event: the look at it says it."""
    asked = seen_to_fail(app, runs, CODE)
    app.occurrences.put(
        asked.model_copy(update={"attempt": 2, "requested_by": PAUL, "requested_at": SATURDAY_MORNING})
    )

    tick(app, runs)

    assert names_of(app, asked)[-1] == "JobRetried"


def test_a_number_that_a_claim_used_is_not_used_again(app: Application, runs: ShelfRuns) -> None:
    """A person launched the job again in the UI as attempt 2; the next is the third."""
    asked = seen_to_fail(app, runs, CODE)
    app.claims.claim(
        job_type="daily_factor",
        tenant="shared",
        period="2026-11-20",
        job_id=asked.job_id,
        attempt=2,
        run_id="run_ui",
        pid=1,
        boot_id="boot",
        at=SATURDAY_MORNING,
    )

    assert retry_job(app, asked.job_id, actor=PAUL).occurrence.attempt == 3


def test_a_job_that_was_launched_in_the_ui_is_tried_again_too(app: Application) -> None:
    """It has no occurrence: what it is to do is in the record, and the next attempt keeps its id."""
    job = queue_elsewhere(app, "job_ui", "run_ui")
    job.start("run:run_ui")
    job.fail(CODE, {}, will_retry=False)
    app.events.append("jobs.executions/shared/job_ui", 2, job.uncommitted)

    retry = retry_job(app, "job_ui", actor=PAUL).occurrence

    assert (retry.job_id, retry.attempt, retry.schedule_id) == ("job_ui", 2, "retry:job_ui")
    assert (retry.job_type, retry.logical_date, retry.priority) == ("daily_factor", FRIDAY, 0)
    assert retry.parameters == {"max_reject_pct": 0.5}


def test_the_same_by_itself(app: Application) -> None:
    """From the facts of its run."""
    at = SATURDAY_MORNING
    asked = Occurrence(
        tenant="shared",
        schedule_id="on-demand",
        due_at=at,
        ready_at=at,
        job_id="job_ui",
        job_type="daily_factor",
        logical_date=FRIDAY,
        priority=0,
        requested_by=PAUL,
        requested_at=at,
    )
    facts = failed(asked, parameters={"max_reject_pct": 0.5}, priority=JobPriority.HIGH)
    record_run(app.events, facts, retry=by_occurrence(app))

    [retry] = app.occurrences.of_job("job_ui")
    assert (retry.attempt, retry.priority, retry.parameters) == (2, 20, {"max_reject_pct": 0.5})
    assert retry.state is OccurrenceState.DUE


def test_a_run_without_a_day_is_not_tried_again(app: Application) -> None:
    """Nobody could say which partition."""
    asked = ask(app).occurrence

    decision = by_occurrence(app)(failed(asked, logical_date=None), 1)

    assert decision is not None
    assert (decision.will_retry, decision.next_retry_at) == (False, None)


def test_what_has_not_failed_cannot_be_retried(app: Application, runs: ShelfRuns) -> None:
    """Not what waits, runs, is done or was cancelled; the message says which."""
    asked = ask(app).occurrence
    with pytest.raises(IllegalTransitionError, match="that is queued; it must be failed"):
        retry_job(app, asked.job_id, actor=PAUL)
    tick(app, runs)
    tick(app, runs)
    say(app, asked, ("start", "run:run_1"))
    with pytest.raises(IllegalTransitionError, match="that is running"):
        retry_job(app, asked.job_id, actor=PAUL)
    say(app, asked, ("complete", {}, 1.0))
    with pytest.raises(IllegalTransitionError, match="that is completed"):
        retry_job(app, asked.job_id, actor=PAUL)
    with pytest.raises(UnknownNameError):
        retry_job(app, "job_9", actor=PAUL)
    with pytest.raises(UsageError, match="who you are"):
        retry_job(app, asked.job_id, actor="")


def test_a_failed_job_that_was_to_be_cancelled_is_not_retried(app: Application, runs: ShelfRuns) -> None:
    """It failed before it could be stopped; who wants it must run it anew."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    cancel_job(app, asked.job_id, reason="wrong month", actor=PAUL)
    runs.end(status="FAILURE")
    fail(app, asked)

    with pytest.raises(IllegalTransitionError, match="was cancelled: wrong month"):
        retry_job(app, asked.job_id, actor=PAUL)


def test_a_job_that_does_not_say_what_it_is_cannot_be_retried(app: Application) -> None:
    """It was recorded by the original's own call, without type and day."""
    job = JobAggregate("shared", "job_bare", clock=app.clock.now)
    job.schedule("daily", SATURDAY_MORNING, JobPriority.HIGH, {})
    job.fail(CODE, {}, will_retry=False)
    app.events.append("jobs.executions/shared/job_bare", 0, job.uncommitted)

    with pytest.raises(UsageError, match="job_bare does not say what"):
        retry_job(app, "job_bare", actor=PAUL)
