"""What is launched, what waits, what is given up: one look at a time."""

from datetime import timedelta
from pathlib import Path

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.outstanding import outstanding_work
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.jobs import Priority
from ultracore_jobs.lifecycle.kinds import JobStatus
from ultracore_jobs.ports.occurrences import Occurrence, OccurrenceState
from ultracore_jobs_tests.occurrence_stage import (
    A_MINUTE,
    ShelfRuns,
    ask,
    desk,
    events_of,
    later,
    names_of,
    say,
    tick,
)
from ultracore_jobs_tests.stage import FRIDAY, SATURDAY_MORNING


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Nothing has been asked for."""
    return desk(tmp_path)


@pytest.fixture
def runs() -> ShelfRuns:
    """Nothing runs."""
    return ShelfRuns()


def days(app: Application, count: int) -> list[Occurrence]:
    """The factors of so many days, asked for at one instant, Friday first."""
    return [ask(app, as_of=FRIDAY - timedelta(days=number)).occurrence for number in range(count)]


def test_what_was_asked_for_is_launched_and_then_noted(app: Application, runs: ShelfRuns) -> None:
    """Launched in one look, seen in the next, and then there is nothing."""
    asked = ask(app).occurrence

    assert tick(app, runs).launch == (asked,)
    assert app.occurrences.of_job(asked.job_id)[0].state is OccurrenceState.DUE
    second = tick(app, runs)
    assert (second.launch, second.fired) == ((), (asked,))
    [noted] = app.occurrences.of_job(asked.job_id)
    assert (noted.state, noted.run_id) == (OccurrenceState.FIRED, "run_1")
    assert tick(app, runs).fired == ()
    assert len(runs.runs) == 1


def test_a_look_whose_answer_was_lost_is_made_again(app: Application, runs: ShelfRuns) -> None:
    """The daemon was killed before it made anything of it."""
    asked = ask(app).occurrence

    assert outstanding_work(app, runs).launch == (asked,)
    assert tick(app, runs).launch == (asked,)
    assert tick(app, runs).launch == ()


def test_a_run_that_was_only_created_is_asked_for_again(app: Application, runs: ShelfRuns) -> None:
    """Killed between making it and handing it to the queue; Dagster hands over the one that is there."""
    asked = ask(app).occurrence
    runs.launch(asked, submitted=False)

    assert outstanding_work(app, runs).launch == (asked,)
    assert app.occurrences.of_job(asked.job_id)[0].state is OccurrenceState.DUE


def test_a_run_of_another_door_is_seen_too(app: Application, runs: ShelfRuns) -> None:
    """Whoever launched this job and attempt: it is not launched again."""
    asked = ask(app).occurrence
    runs.launch(asked)

    found = tick(app, runs)

    assert (found.launch, found.fired) == ((), (asked,))


def test_a_run_of_an_earlier_attempt_is_not_that_of_this_one(app: Application, runs: ShelfRuns) -> None:
    """The first ended; the second is launched."""
    first = ask(app).occurrence
    tick(app, runs)
    tick(app, runs)
    runs.end(status="FAILURE")
    retry = app.occurrences.put(
        first.model_copy(update={"attempt": 2, "idempotency_key": None, "requested_at": SATURDAY_MORNING})
    )

    assert tick(app, runs).launch == (retry,)


def test_twenty_are_launched_in_one_look_the_most_urgent_first(app: Application, runs: ShelfRuns) -> None:
    """Thirty of low priority, and a critical one that came last; the rest in the next look."""
    for occurrence in days(app, 30):
        assert occurrence.priority == 0
    urgent = ask(app, as_of=FRIDAY - timedelta(days=40), priority=Priority.CRITICAL).occurrence

    first, second = tick(app, runs), tick(app, runs)

    assert first.launch[0] == urgent
    assert (len(first.launch), len(second.launch), len(second.fired)) == (20, 11, 20)
    assert list(first.launch[1:] + second.launch) == sorted(
        first.launch[1:] + second.launch, key=lambda one: one.job_id
    )


def test_nothing_is_launched_before_it_is_ready(app: Application, runs: ShelfRuns) -> None:
    """A retry in five minutes."""
    asked = ask(app).occurrence
    app.occurrences.put(asked.model_copy(update={"attempt": 2, "ready_at": SATURDAY_MORNING + 5 * A_MINUTE}))

    assert [one.attempt for one in tick(app, runs).launch] == [1]
    tick(app, runs)
    runs.end()
    later(app, 4 * A_MINUTE)
    assert tick(app, runs).launch == ()
    later(app, A_MINUTE)
    assert [one.attempt for one in tick(app, runs).launch] == [2]


def test_one_at_a_time_works_on_a_period(app: Application, runs: ShelfRuns) -> None:
    """Two wishes for one day: the second waits for the first, and is not lost."""
    first = ask(app).occurrence
    second = ask(app, parameters={"max_reject_pct": 0.5}).occurrence
    other_day = ask(app, as_of=FRIDAY - timedelta(days=1)).occurrence
    ordered = sorted([first, second], key=lambda one: one.job_id)

    found = tick(app, runs)
    assert {one.job_id for one in found.launch} == {ordered[0].job_id, other_day.job_id}
    assert found.held == ((ordered[1], f"of {ordered[0].run_key}"),)
    assert tick(app, runs).held[0][1] == next(
        run.run_id for run in runs.runs.values() if run.job_id == ordered[0].job_id
    )
    for run_id in tuple(runs.runs):
        runs.end(run_id)
    assert tick(app, runs).launch == (ordered[1],)


def test_a_job_waits_for_who_holds_its_period_while_he_lives(app: Application, runs: ShelfRuns) -> None:
    """A job that runs in a process without Dagster; when it is done, the wish is carried out."""
    asked = ask(app).occurrence
    moment = Moment("shared", FRIDAY, SATURDAY_MORNING)
    with claimed(app, job_type="daily_factor", moment=moment, job_id="job_other", run_id="local:job_other"):
        assert tick(app, runs).held == ((asked, "local:job_other"),)
    assert tick(app, runs).launch == (asked,)


def test_who_holds_a_period_and_is_dead_is_not_waited_for(app: Application, runs: ShelfRuns) -> None:
    """Killed with its claim in its hand: the run that is launched takes it over."""
    asked = ask(app).occurrence
    app.claims.claim(
        job_type="daily_factor",
        tenant="shared",
        period=FRIDAY.isoformat(),
        job_id="job_dead",
        attempt=1,
        run_id="local:job_dead",
        pid=2**22 + 1,
        boot_id=app.processes.boot_id(),
        at=SATURDAY_MORNING,
    )

    assert tick(app, runs).launch == (asked,)


def test_what_cannot_run_does_not_keep_others_from_running(app: Application, runs: ShelfRuns) -> None:
    """It is given up with its reason, in the record too; the next one is launched in the same look."""
    wrong, right = days(app, 2)
    runs.faulty[wrong.job_id] = "daily_factor has no partition of 2026-11-20"

    found = tick(app, runs)

    assert found.launch == (right,)
    assert str(found) == f"{wrong.run_key} cannot run: daily_factor has no partition of 2026-11-20"
    [given_up] = app.occurrences.of_job(wrong.job_id)
    assert (given_up.state, given_up.note) == (OccurrenceState.MISSED, runs.faulty[wrong.job_id])
    last = events_of(app, wrong)[-1]
    assert (type(last).__name__, last.status) == ("JobSkipped", JobStatus.MISSED)  # type: ignore[attr-defined]
    assert tick(app, runs).missed == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"job_type": "retired_type"}, "no job type retired_type"),
        ({"parameters": {"skw": 1}}, "skw"),
    ],
)
def test_what_another_release_asked_for_is_given_up(
    app: Application, runs: ShelfRuns, change: dict[str, object], why: str
) -> None:
    """A page that is gone, a parameter that is gone."""
    asked = ask(app).occurrence
    old = app.occurrences.put(
        asked.model_copy(update={"job_id": "job_old", "schedule_id": "now:old", **change})
    )

    found = tick(app, runs)

    assert found.launch == (asked,)
    assert [one for one, _ in found.missed] == [old]
    assert why in found.missed[0][1]


def test_what_a_crash_left_out_of_the_record_is_added(app: Application, runs: ShelfRuns) -> None:
    """The occurrence is there, its event is not; the look adds it before anything is launched."""
    asked = ask(app).occurrence
    left = app.occurrences.put(
        asked.model_copy(update={"job_id": "job_left", "schedule_id": "now:left", "logical_date": FRIDAY})
    )
    assert names_of(app, left) == []

    tick(app, runs)

    assert names_of(app, left) == ["JobScheduled"]


def test_a_job_that_has_ended_is_not_launched_again(app: Application, runs: ShelfRuns) -> None:
    """Its runs were deleted before they were noted: the record knows better."""
    asked = ask(app).occurrence
    say(app, asked, ("start", "run:gone"), ("complete", {}, 1.0))

    found = tick(app, runs)

    assert found.launch == ()
    assert "COMPLETED" in found.missed[0][1]
    assert names_of(app, asked)[-1] == "JobCompleted"
