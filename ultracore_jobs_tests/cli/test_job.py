"""`job` and `events` as a person and a script use them."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner, Result

from ultracore_jobs.adapters.blobs import open_blobs
from ultracore_jobs.adapters.database import open_database, writing
from ultracore_jobs.adapters.heads import FileHeads
from ultracore_jobs.application import Application
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.day_heads import seal_days
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.cli import events as events_commands
from ultracore_jobs.cli import job as job_commands
from ultracore_jobs.cli.output import paper
from ultracore_jobs.errors import IllegalTransitionError, UltracoreError, UnknownNameError, UsageError
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.ports.occurrences import Occurrence
from ultracore_jobs_tests.occurrence_stage import (
    A_MINUTE,
    ACACIA,
    ShelfRuns,
    ask,
    desk,
    fail,
    later,
    say,
    start,
    tick,
)
from ultracore_jobs_tests.stage import FRIDAY, SATURDAY_MORNING


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """The toys; the terminal is 160 columns wide."""
    app = desk(tmp_path)
    for module in (job_commands, events_commands):
        monkeypatch.setattr(module, "build_application", lambda: app)
    monkeypatch.setattr(job_commands, "current_user", lambda: "olga")
    monkeypatch.setattr(paper, "width", 160)
    return app


def run(*words: str) -> Result:
    """Run a command as `ultracore-jobs` would."""
    front = typer.Typer()
    front.add_typer(job_commands.job, name="job")
    front.add_typer(events_commands.events, name="events")
    return CliRunner().invoke(front, list(words))


def said(*words: str, code: int = 0) -> str:
    """What it prints."""
    result = run(*words)
    assert result.exit_code == code, result.output
    return " ".join(result.stdout.split())


def document(*words: str, code: int = 0) -> Any:
    """What it prints as JSON."""
    result = run(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def refused(*words: str) -> UltracoreError:
    """The error that a person gets."""
    error = run(*words).exception
    assert isinstance(error, UltracoreError)
    return error


def launched(app: Application, runs: ShelfRuns | None = None) -> Occurrence:
    """Friday's factor was asked for, launched, and its run noted."""
    asked = ask(app).occurrence
    runs = runs or ShelfRuns()
    tick(app, runs)
    tick(app, runs)
    return asked


def test_jobs_are_listed_the_latest_first(app: Application) -> None:
    """By what happened last, not by when they were asked for; with filters."""
    first = ask(app).occurrence
    later(app, A_MINUTE)
    second = ask(app, "account_balance").occurrence
    start(app, first)

    assert [one["job_id"] for one in document("job", "list")] == [first.job_id, second.job_id]
    assert [one["job_id"] for one in document("job", "list", "--tenant", ACACIA)] == [second.job_id]
    assert [one["job_id"] for one in document("job", "list", "--status", "running")] == [first.job_id]
    assert document("job", "list", "--type", "fee_charging") == []
    assert len(document("job", "list", "--limit", "1")) == 1
    assert document("job", "list")[1] == {
        "job_id": second.job_id,
        "tenant": ACACIA,
        "job_type": "account_balance",
        "as_of_date": "2026-11-20",
        "status": "SCHEDULED",
        "priority": "HIGH",
        "schedule_id": second.schedule_id,
        "scheduled_time": "2026-11-21T02:01:00.000000Z",
        "finished_at": None,
    }
    assert f"{first.job_id} daily_factor shared 2026-11-20 RUNNING" in said("job", "list")


def test_an_empty_list_says_so(app: Application) -> None:
    """And a tenant that there is not is named."""
    assert app.jobs
    assert said("job", "list") == "No such job is on record."
    assert isinstance(refused("job", "list", "--tenant", "beta"), UnknownNameError)


def test_a_job_is_explained_in_words(app: Application) -> None:
    """Where it stands and why, its attempts, its checks, its run."""
    asked = launched(app)
    moment = Moment("shared", FRIDAY, SATURDAY_MORNING)
    claim = {"app": app, "job_type": "daily_factor", "moment": moment, "job_id": asked.job_id}
    with claimed(**claim, run_id="run_1", attempt=1):  # type: ignore[arg-type]
        later(app, A_MINUTE)
    say(
        app,
        asked,
        ("start", "executor_7"),
        ("record_check", "factor_is_two", True, {}),
        ("complete", {"factors": 1}, 60.0),
    )

    shown = said("job", "show", asked.job_id)

    assert f"{asked.job_id}: daily_factor for shared, 2026-11-20" in shown
    assert "completed: done at 2026-11-21 02:01:00 UTC in 60.0 s" in shown
    assert "factors: 1" in shown
    assert "1 worked 2026-11-21 02:00:00 to 02:01:00 UTC: done run_1" in shown
    assert "factor_is_two passed" in shown
    assert "/runs/run_1" in shown


@pytest.mark.parametrize(
    ("state", "word", "reason"),
    [
        ("asked", "queued", "sensor outstanding_work launches it"),
        ("launched", "queued", "run run_1 was launched for attempt 1"),
        ("running", "running", "executor_7 works on it at 40 % since 2026-11-21 02:00:00 UTC: Computing"),
        ("failed", "failed", "KeyError: 'ccy'"),
        ("cancelled", "cancelled", "wrong month"),
        ("missed", "missed", "no partition"),
    ],
)
def test_whatever_its_state_there_is_a_reason(app: Application, state: str, word: str, reason: str) -> None:
    """A word for scripts, a sentence for people."""
    runs = ShelfRuns()
    asked = ask(app).occurrence
    if state == "missed":
        runs.faulty[asked.job_id] = "daily_factor has no partition of that day"
    if state not in {"asked", "cancelled"}:
        tick(app, runs)
        tick(app, runs)
    if state == "running":
        say(app, asked, ("start", "executor_7"), ("update_progress", 40, "Computing", {}))
    if state == "failed":
        fail(app, asked)
    if state == "cancelled":
        said("job", "cancel", asked.job_id, "--reason", "wrong month")

    found = document("job", "show", asked.job_id)

    assert (found["standing"], reason in found["reason"]) == (word, True), found["reason"]
    assert f"{word}: " in said("job", "show", asked.job_id)


def test_a_job_is_cancelled_in_the_users_name(app: Application) -> None:
    """Or in that of another, where the machine is shared; the first word stands."""
    asked = ask(app).occurrence

    answer = document("job", "cancel", asked.job_id, "--reason", "wrong month")
    again = run("job", "cancel", asked.job_id, "--reason", "me too", "--name", "paul")

    assert (answer["status"], answer["requested_by"]) == ("cancelled", "cli:olga")
    assert "cli:olga had asked for it before; that word stands" in again.stderr
    assert isinstance(refused("job", "cancel", "job_9", "--reason", "x"), UnknownNameError)
    shown = said("job", "show", asked.job_id)
    assert "cli:olga wants it stopped since 2026-11-21 02:00:00 UTC: wrong month" in shown


def test_a_reason_must_be_given(app: Application) -> None:
    """The command line asks for it; a blank one is none."""
    asked = ask(app).occurrence

    assert run("job", "cancel", asked.job_id).exit_code == 2
    assert isinstance(refused("job", "cancel", asked.job_id, "--reason", " "), UsageError)


def test_a_failed_job_is_retried(app: Application) -> None:
    """And one that has not failed is not; the message says where it stands."""
    asked = launched(app)
    error = refused("job", "retry", asked.job_id)
    fail(app, asked)

    answer = document("job", "retry", asked.job_id)

    assert isinstance(error, IllegalTransitionError)
    assert "it must be failed" in str(error)
    assert (answer["job_id"], answer["status"], answer["attempt"]) == (asked.job_id, "queued", 2)
    shown = said("job", "show", asked.job_id)
    assert "failed before: KeyError: 'ccy'" in shown
    assert "2 due from 2026-11-21 02:00:00 UTC on, asked for by cli:olga" in shown
    assert "attempt 2: sensor outstanding_work launches it" in said("job", "retry", asked.job_id)


def test_an_audit_prints_the_whole_stream_with_hashes(app: Application) -> None:
    """Each hash follows from the one before it, from 64 zeros on."""
    asked = launched(app)
    fail(app, asked)

    found = document("job", "audit", asked.job_id)

    assert found["is_whole"]
    assert found["stream"] == job_stream("shared", asked.job_id)
    kinds = [one["event_type"] for one in found["events"]]
    assert kinds == ["JobScheduled", "JobStarted", "JobFailed"]
    assert [one["seq"] for one in found["events"]] == [1, 2, 3]
    assert found["events"][0]["prev_hash"] == "0" * 64
    assert found["events"][1]["prev_hash"] == found["events"][0]["hash"]
    assert found["events"][0]["actor"] == "cli:olga"
    assert found["events"][0]["payload"]["logical_date"] == "2026-11-20"
    assert found["events"][2]["payload"]["error_message"] == "KeyError: 'ccy'"
    shown = said("job", "audit", asked.job_id)
    assert f"hash {found['events'][2]['hash']} 3 event(s); each hash follows" in shown


def test_verify_says_that_the_record_is_what_it_was(app: Application) -> None:
    """And that it could not see everything without heads."""
    asked = launched(app)
    result = run("events", "verify")

    assert result.exit_code == 0
    assert "looked at 1 event(s) of 1 stream(s)" in result.stdout
    assert "without --heads" in result.stderr
    stream = job_stream("shared", asked.job_id)
    assert document("events", "verify", "--stream", stream)["events"] == 1
    assert isinstance(refused("events", "verify", "--stream", f"{stream}x"), UnknownNameError)
    assert isinstance(refused("events", "verify", "--stream", stream, "--heads", "."), UsageError)


def test_what_was_changed_is_named(app: Application, tmp_path: Path) -> None:
    """A superuser put another actor into the first event: verify and audit end with 1, and name it."""
    asked = launched(app)
    fail(app, asked)
    tamper(tmp_path, "UPDATE uc_events SET body = replace(body, 'cli:olga', 'cli:zoe_') WHERE seq = 1")

    found = document("events", "verify", code=1)
    shown = run("job", "audit", asked.job_id)

    assert [fault["seq"] for fault in found["faults"]] == [1]
    assert shown.exit_code == 1
    assert "not what it was: event 1 of" in shown.stderr
    assert "its hash is not that of what it says" in said("events", "verify", code=1)


def test_heads_show_what_was_cut_off(app: Application, tmp_path: Path) -> None:
    """The last event of a sealed day is gone, and the rest is whole."""
    asked = launched(app)
    fail(app, asked)
    heads = tmp_path / "heads"
    seal_days(app.events, FileHeads(open_blobs(str(heads))), now=later(app, 2000 * A_MINUTE))
    assert document("events", "verify", "--heads", str(heads))["is_whole"]

    tamper(tmp_path, "DELETE FROM uc_events WHERE seq = 3")

    assert document("events", "verify")["is_whole"]
    found = document("events", "verify", "--heads", str(heads), code=1)
    assert "cut off" in found["faults"][0]["what"]


def test_tail_prints_the_last_events(app: Application) -> None:
    """Oldest first, a line each in JSON; of one tenant, or after a position."""
    asked = launched(app)
    balance = ask(app, "account_balance").occurrence
    fail(app, asked)

    lines = [json.loads(line) for line in run("events", "tail", "--json").stdout.splitlines()]
    kinds = ["JobScheduled", "JobScheduled", "JobStarted", "JobFailed"]
    assert [one["event_type"] for one in lines] == kinds
    assert [one["position"] for one in lines] == [1, 2, 3, 4]
    assert said("events", "tail", "-n", "1").startswith("3 JobFailed 2026-11-21T02:00:00Z")
    assert said("events", "tail", "--after", "3").startswith("3 JobFailed")
    [line] = run("events", "tail", "--json", "--tenant", ACACIA).stdout.splitlines()
    assert json.loads(line)["stream"] == job_stream(ACACIA, balance.job_id)


def test_following_goes_on_where_it_was(app: Application) -> None:
    """Where there is no more it waits, and then gives what came meanwhile, once."""
    launched(app)
    waited = []

    def pause() -> None:
        waited.append(app.events.position())
        later(app, A_MINUTE)
        ask(app)

    seen = [one.position for one in islice(events_commands.following(app, 0, pause), 3)]

    assert (seen, waited) == ([1, 2, 3], [1, 2])
    assert [one.position for one in events_commands.following(app, 1, None)] == [2, 3]


def test_each_command_says_what_it_is_for(app: Application) -> None:
    """With how it ends, where a script depends on it."""
    assert app.jobs
    assert "Exits 0 if the chain of hashes holds, 1" in said("job", "audit", "--help")
    assert "Exits 0 if it is, 1" in said("events", "verify", "--help")
    assert "nothing is half done" in said("job", "cancel", "--help")
    for command in ("list", "show", "cancel", "retry", "audit"):
        assert command in said("job", "--help")


def tamper(folder: Path, change: str) -> None:
    """Change the record past its guards, as whoever owns the file can."""
    engine = open_database(f"sqlite:///{folder / 'ultracore.db'}")
    with writing(engine) as connection:
        for name in ("uc_events_no_update", "uc_events_no_delete"):
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        connection.execute(sa.text(change.replace(":", r"\:")))
    engine.dispose()
