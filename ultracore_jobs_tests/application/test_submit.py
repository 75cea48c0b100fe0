"""Run now: an occurrence, an event, and an answer; nothing is launched by the door."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.jobs import Priority
from ultracore_jobs.lifecycle.events import JobScheduled, job_stream
from ultracore_jobs.lifecycle.identity import job_identifier
from ultracore_jobs.lifecycle.kinds import JobPriority
from ultracore_jobs.ports.occurrences import OccurrenceState
from ultracore_jobs_tests.occurrence_stage import (
    A_MINUTE,
    ACACIA,
    OLGA,
    ask,
    desk,
    events_of,
    later,
    names_of,
    start,
)
from ultracore_jobs_tests.stage import FRIDAY, SATURDAY_MORNING, load
from ultracore_jobs_tests.toys import ACCOUNTS, accounts


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Nothing has been asked for."""
    return desk(tmp_path)


def test_a_wish_is_an_occurrence_due_now_and_an_event(app: Application) -> None:
    """With the identity that anyone can compute: SHA-256 of tenant, type and ``schedule_id:due_at``."""
    answer = ask(app, "account_balance", parameters={"skew": True})

    asked = answer.occurrence
    assert (asked.tenant, asked.job_type, asked.logical_date) == (ACACIA, "account_balance", FRIDAY)
    assert (asked.due_at, asked.ready_at, asked.attempt) == (SATURDAY_MORNING, SATURDAY_MORNING, 1)
    assert (asked.priority, asked.parameters, asked.requested_by) == (20, {"skew": True}, OLGA)
    assert asked.schedule_id.startswith("now:")
    key = f"{asked.schedule_id}:2026-11-21T02:00:00Z"
    assert answer.job_id == job_identifier(ACACIA, "account_balance", key)
    assert app.occurrences.due(SATURDAY_MORNING, 20) == (asked,)
    [event] = events_of(app, asked)
    assert event == JobScheduled(
        tenant_id=ACACIA,
        job_id=answer.job_id,
        at=SATURDAY_MORNING,
        actor=OLGA,
        code_version="test",
        schedule_id=asked.schedule_id,
        scheduled_time=SATURDAY_MORNING,
        priority=JobPriority.HIGH,
        parameters={"skew": True},
        job_type="account_balance",
        logical_date=FRIDAY,
    )


def test_the_answer_names_the_job_and_that_it_is_queued(app: Application) -> None:
    """It reads nothing, so nothing is missing."""
    assert ask(app).as_json() == {
        "job_id": ask(app).job_id,
        "job_type": "daily_factor",
        "tenant": "shared",
        "as_of_date": "2026-11-20",
        "schedule_id": ask(app).occurrence.schedule_id,
        "due_at": "2026-11-21T02:00:00Z",
        "status": "queued",
        "reason": "sensor outstanding_work launches it within seconds while the daemon runs",
    }


def test_the_answer_says_what_the_run_would_miss(app: Application) -> None:
    """Friday's factor has not been computed."""
    load(app, ACCOUNTS, accounts(a="10"), tenant=ACACIA)

    standing = ask(app, "account_balance").standing

    assert standing.word == "queued"
    assert (
        "SKIPPED_UPSTREAM for want of factors of 2026-11-20 (daily_factor for tenant shared)"
        in standing.reason
    )


def test_while_another_job_works_on_the_period_it_waits(app: Application) -> None:
    """And says for whom."""
    moment = Moment("shared", FRIDAY, SATURDAY_MORNING)
    with claimed(app, job_type="daily_factor", moment=moment, job_id="job_other", run_id="run_other"):
        standing = ask(app).standing

    assert standing.word == "waiting"
    assert "job_other (run run_other)" in standing.reason


def test_asking_again_under_a_key_is_asking_once(app: Application) -> None:
    """A minute later, when it runs already; the answer is of the one job, and nothing is appended."""
    first = ask(app, idempotency_key="month-end")
    start(app, first.occurrence)
    later(app, A_MINUTE)

    again = ask(app, idempotency_key="month-end")

    assert again.occurrence == first.occurrence
    assert again.standing.word == "running"
    assert names_of(app, first.occurrence) == ["JobScheduled", "JobStarted"]


def test_without_a_key_the_next_wish_is_another_job(app: Application) -> None:
    """But the same wish of the same person at the same instant is one."""
    first, twice = ask(app), ask(app)
    later(app, A_MINUTE)

    assert twice.job_id == first.job_id
    assert ask(app).job_id != first.job_id
    assert ask(app, parameters={"max_reject_pct": 0.1}).job_id not in {first.job_id, ask(app).job_id}


def test_a_key_is_not_used_for_something_else(app: Application) -> None:
    """Thursday under the key of Friday."""
    ask(app, idempotency_key="factor")

    with pytest.raises(UsageError, match="'factor' stands already for daily_factor of 2026-11-20"):
        ask(app, as_of=FRIDAY - timedelta(days=1), idempotency_key="factor")


def test_a_person_may_give_it_another_place(app: Application) -> None:
    """The page says LOW."""
    answer = ask(app, priority=Priority.CRITICAL)

    assert answer.occurrence.priority == 30
    [event] = events_of(app, answer.occurrence)
    assert isinstance(event, JobScheduled)
    assert event.priority is JobPriority.CRITICAL


def test_what_a_crash_left_out_is_added_by_the_next_call(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the occurrence and the event: the key finds the first, and completes the second."""
    with monkeypatch.context() as crash:
        crash.setattr(type(app.events), "append", _crash)
        with pytest.raises(RuntimeError, match="killed"):
            ask(app, idempotency_key="factor")
    [left] = app.occurrences.due(SATURDAY_MORNING, 20)
    assert names_of(app, left) == []

    assert ask(app, idempotency_key="factor").occurrence == left
    assert names_of(app, left) == ["JobScheduled"]


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"job_type": "daily_faktor"}, UnknownNameError, "account_balance, daily_factor"),
        ({"tenant": ACACIA}, UsageError, "once for all"),
        ({"job_type": "account_balance", "tenant": None}, UsageError, "say whose job"),
        ({"job_type": "account_balance", "tenant": "beta"}, UnknownNameError, "unknown tenant 'beta'"),
        ({"parameters": {"skw": 1}}, UsageError, "skw"),
        ({"actor": " "}, UsageError, "who you are"),
        ({"actor": "ui:unattributed"}, UsageError, "who you are"),
        ({"as_of": date(2026, 11, 22)}, UsageError, "lies ahead"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_recorded(
    app: Application, changed: dict[str, object], error: type[Exception], says: str
) -> None:
    """With the remedy; it is Saturday the 21st in Sydney."""
    with pytest.raises(error, match=says):
        ask(app, **changed)  # type: ignore[arg-type]
    assert app.occurrences.due(SATURDAY_MORNING, 20) == ()
    assert app.events.position() == 0


def test_any_day_of_a_period_is_its_first_day(app: Application) -> None:
    """A job of days takes the day as it is; today is not ahead."""
    assert ask(app, as_of=date(2026, 11, 21)).occurrence.logical_date == date(2026, 11, 21)
    assert ask(app).occurrence.state is OccurrenceState.DUE
    assert app.events.read(job_stream("shared", ask(app).job_id))


def _crash(*_given: object) -> None:
    message = "killed"
    raise RuntimeError(message)
