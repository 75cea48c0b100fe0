"""Cancel: at once where nothing was launched, else by the sensor; and never undone by what comes later."""

from pathlib import Path

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.cancel import cancel_job, record_cancelled, require_not_cancelled
from ultracore_jobs.errors import EffectRefusedError, IllegalTransitionError, UnknownNameError, UsageError
from ultracore_jobs.lifecycle.events import JobCancelled
from ultracore_jobs.ports.occurrences import Cancellation, OccurrenceState
from ultracore_jobs_tests.occurrence_stage import (
    A_MINUTE,
    OLGA,
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
    start,
    tick,
)
from ultracore_jobs_tests.stage import SATURDAY_MORNING

WHY = "wrong month"


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Nothing has been asked for."""
    return desk(tmp_path)


@pytest.fixture
def runs() -> ShelfRuns:
    """Nothing runs."""
    return ShelfRuns()


def test_what_was_not_launched_is_cancelled_at_once(app: Application, runs: ShelfRuns) -> None:
    """Who and why are in the record, and the sensor launches nothing."""
    asked = ask(app).occurrence

    answer = cancel_job(app, asked.job_id, reason=f" {WHY} ", actor=PAUL)

    assert answer.as_json() == {
        "job_id": asked.job_id,
        "tenant": "shared",
        "status": "cancelled",
        "reason": "it had not been launched, and will not be",
        "requested_by": PAUL,
        "requested_at": "2026-11-21T02:00:00Z",
    }
    last = events_of(app, asked)[-1]
    assert isinstance(last, JobCancelled)
    assert (last.reason, last.cancelled_by, last.actor, last.at) == (WHY, PAUL, PAUL, SATURDAY_MORNING)
    assert app.occurrences.of_job(asked.job_id)[0].state is OccurrenceState.CANCELLED
    assert tick(app, runs).launch == ()


def test_the_run_of_a_job_is_asked_to_stop_with_reason_and_actor(app: Application, runs: ShelfRuns) -> None:
    """By the sensor; then the wish is acknowledged with what came of it, and the writer says the rest."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    start(app, asked)

    assert cancel_job(app, asked.job_id, reason=WHY, actor=PAUL).word == "stopping"
    assert names_of(app, asked) == ["JobScheduled", "JobStarted"]
    assert tick(app, runs).stopping == ("run_1",)
    assert runs.stopped == [("run_1", WHY, PAUL)]
    tick(app, runs)

    wish = app.occurrences.cancellation(asked.job_id)
    assert wish is not None
    assert wish.outcome == "run run_1 ended CANCELED"
    assert app.occurrences.open_cancellations(20) == ()


def test_a_run_that_is_stopping_is_asked_once(app: Application, runs: ShelfRuns) -> None:
    """It stops at its next safe point; until then the wish is open."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    runs.obeys = False
    cancel_job(app, asked.job_id, reason=WHY, actor=PAUL)

    assert [tick(app, runs).stopping for _ in range(3)] == [("run_1",), (), ()]
    assert len(app.occurrences.open_cancellations(20)) == 1


def test_a_job_that_was_quicker_is_done(app: Application, runs: ShelfRuns) -> None:
    """It ended while the wish was under way: the wish says so, and changes nothing."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    cancel_job(app, asked.job_id, reason=WHY, actor=PAUL)
    runs.end()
    say(app, asked, ("start", "run:run_1"), ("complete", {}, 1.0))
    tick(app, runs)

    wish = app.occurrences.cancellation(asked.job_id)
    assert wish is not None
    assert wish.outcome == "run run_1 ended SUCCESS"
    assert names_of(app, asked)[-1] == "JobCompleted"


def test_a_retry_that_waits_is_cancelled_at_once(app: Application, runs: ShelfRuns) -> None:
    """The first attempt failed; the second was to come in five minutes."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    runs.end(status="FAILURE")
    soon = SATURDAY_MORNING + 5 * A_MINUTE
    say(app, asked, ("start", "run:run_1"), ("fail", "Connection reset", {}, True), ("retry", soon))
    app.occurrences.put(asked.model_copy(update={"attempt": 2, "ready_at": soon}))

    assert cancel_job(app, asked.job_id, reason=WHY, actor=PAUL).word == "cancelled"
    assert names_of(app, asked)[-1] == "JobCancelled"
    later(app, 10 * A_MINUTE)
    assert tick(app, runs).launch == ()


def test_a_launch_that_was_under_way_is_caught(app: Application, runs: ShelfRuns) -> None:
    """Named by the sensor, then cancelled, then its run appears: it is stopped, and does not begin."""
    asked = ask(app).occurrence
    cancel_job(app, asked.job_id, reason=WHY, actor=PAUL)
    runs.launch(asked)

    with pytest.raises(EffectRefusedError, match=f"{PAUL} cancelled this job at 2026-11-21 02:00:00.*{WHY}"):
        require_not_cancelled(app, asked.job_id)
    assert tick(app, runs).stopping == ("run_1",)
    assert app.occurrences.of_job(asked.job_id)[0].state is OccurrenceState.CANCELLED


def test_a_run_that_was_launched_and_not_noted_yet_is_stopped(app: Application, runs: ShelfRuns) -> None:
    """It had a claim before the wish, so the writer says what came of it; the wish is closed at once."""
    asked = ask(app).occurrence
    tick(app, runs)
    app.claims.claim(
        job_type="daily_factor",
        tenant="shared",
        period="2026-11-20",
        job_id=asked.job_id,
        attempt=1,
        run_id="run_1",
        pid=1,
        boot_id="boot",
        at=SATURDAY_MORNING,
    )

    assert cancel_job(app, asked.job_id, reason=WHY, actor=PAUL).word == "stopping"
    assert tick(app, runs).stopping == ("run_1",)
    tick(app, runs)

    assert names_of(app, asked) == ["JobScheduled"]
    wish = app.occurrences.cancellation(asked.job_id)
    assert wish is not None
    assert wish.outcome == "run run_1 ended CANCELED"


def test_a_wish_for_what_was_not_launched_is_watched_for_ten_minutes(
    app: Application, runs: ShelfRuns
) -> None:
    """Then no launch can be under way any more."""
    asked = ask(app).occurrence
    cancel_job(app, asked.job_id, reason=WHY, actor=PAUL)

    later(app, 9 * A_MINUTE)
    tick(app, runs)
    assert len(app.occurrences.open_cancellations(20)) == 1
    later(app, A_MINUTE)
    tick(app, runs)
    wish = app.occurrences.cancellation(asked.job_id)
    assert wish is not None
    assert wish.outcome == "it had not been launched"


def test_saying_it_again_changes_nothing(app: Application) -> None:
    """The first word stands, whoever speaks next."""
    asked = ask(app).occurrence
    first = cancel_job(app, asked.job_id, reason=WHY, actor=PAUL)
    again = cancel_job(app, asked.job_id, reason="me too", actor=OLGA)

    assert again.wish == first.wish
    assert names_of(app, asked) == ["JobScheduled", "JobCancelled"]


def test_what_a_crash_left_out_of_the_record_is_added(app: Application, runs: ShelfRuns) -> None:
    """Killed between the wish and its event, and before that between the occurrence and its own."""
    asked = ask(app).occurrence
    bare = app.occurrences.put(asked.model_copy(update={"job_id": "job_bare", "schedule_id": "now:bare"}))
    for one in (asked, bare):
        app.occurrences.cancel(
            Cancellation(
                tenant="shared",
                job_id=one.job_id,
                reason=WHY,
                requested_by=PAUL,
                requested_at=SATURDAY_MORNING,
            )
        )

    tick(app, runs)

    assert names_of(app, asked) == names_of(app, bare) == ["JobScheduled", "JobCancelled"]


def test_a_job_that_was_launched_elsewhere_can_be_cancelled(app: Application, runs: ShelfRuns) -> None:
    """In the UI: no occurrence, and the run does not say yet whose it is; the record knows its run."""
    asked = ask(app).occurrence
    launched = asked.model_copy(update={"job_id": "job_ui", "schedule_id": "on-demand"})
    queue_elsewhere(app, launched.job_id, "run_1")
    runs.launch(launched)
    runs.runs["run_1"] = runs.runs["run_1"]._replace(job_id="", attempt=None)

    assert cancel_job(app, "job_ui", reason=WHY, actor=PAUL).word == "stopping"
    assert tick(app, runs).stopping == ("run_1",)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_what_has_ended_cannot_be_cancelled(app: Application, status: str) -> None:
    """And the message says so."""
    asked = ask(app).occurrence
    if status == "failed":
        fail(app, asked)
    else:
        say(app, asked, ("start", "run:run_1"), ("complete", {}, 1.0))

    with pytest.raises(IllegalTransitionError, match=f"cannot cancel a job that is {status}.*left to stop"):
        cancel_job(app, asked.job_id, reason=WHY, actor=PAUL)
    assert app.occurrences.cancellation(asked.job_id) is None


def test_nonsense_is_refused(app: Application) -> None:
    """No such job, no reason, nobody."""
    asked = ask(app).occurrence
    with pytest.raises(UnknownNameError, match=f"unknown job 'job_9'; there are: {asked.job_id}"):
        cancel_job(app, "job_9", reason=WHY, actor=PAUL)
    with pytest.raises(UsageError, match="say why"):
        cancel_job(app, asked.job_id, reason=" ", actor=PAUL)
    with pytest.raises(UsageError, match="who you are"):
        cancel_job(app, asked.job_id, reason=WHY, actor="ui:unattributed")
    require_not_cancelled(app, asked.job_id)


def test_a_job_with_a_run_is_not_said_to_be_cancelled_before_it_stopped(
    app: Application, runs: ShelfRuns
) -> None:
    """The writer says it, from what became of the run."""
    asked = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    wish = cancel_job(app, asked.job_id, reason=WHY, actor=PAUL).wish

    assert not record_cancelled(app, wish)
    assert names_of(app, asked) == ["JobScheduled"]
