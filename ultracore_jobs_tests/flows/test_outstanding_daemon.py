"""Run now, cancel and retry, through a real daemon: doors only write down what they want."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.cancel import cancel_job
from ultracore_jobs.bootstrap import child_environment
from ultracore_jobs.lifecycle.events import JobCancelled
from ultracore_jobs.ports.occurrences import Occurrence, OccurrenceState
from ultracore_jobs_tests.flows.outstanding_definitions import FAILS, GOOD, HANGS, platform
from ultracore_jobs_tests.flows.test_daemon import stop, until
from ultracore_jobs_tests.occurrence_stage import PAUL, ask, events_of, names_of

DAGSTER = """
telemetry: {enabled: false}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The platform, with a daemon that runs until the end."""
    home = tmp_path_factory.mktemp("outstanding")
    own = home / "dagster"
    own.mkdir()
    (own / "dagster.yaml").write_text(DAGSTER)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ULTRACORE_HOME", str(home))
        environment.setenv("DAGSTER_HOME", str(own))
        app = platform()
        # A first start of several processes on an empty home races for the schema; made once here.
        dg.DagsterInstance.get().dispose()
        with (home / "daemon.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  fixed words, a path of ours
                [
                    *(sys.executable, "-m", "dagster._daemon", "run"),
                    *("-f", str(Path(__file__).with_name("outstanding_location.py"))),
                ],
                env=child_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield app
            finally:
                stop(process)


def runs_of(occurrence: Occurrence) -> list[dg.DagsterRun]:
    """The runs of a job, the latest first."""
    with dg.DagsterInstance.get() as instance:
        return list(instance.get_runs(dg.RunsFilter(tags={"ultracore/job_id": occurrence.job_id})))


def story(app: Application, occurrence: Occurrence) -> list[str]:
    """What the record says of a job, but for how far it was: that is said as often as time allows."""
    return [name for name in names_of(app, occurrence) if name != "JobProgressUpdated"]


@pytest.mark.slow
def test_what_people_want_is_done_by_the_daemon(app: Application) -> None:
    """One job runs, one is stopped while it hangs, one meets a deadlock and is tried again; no run twice."""
    good, hangs, fails = (ask(app, as_of=day).occurrence for day in (GOOD, HANGS, FAILS))

    until(lambda: "JobCompleted" in names_of(app, good) or None, "the first is done")
    assert story(app, good) == ["JobScheduled", "JobQueued", "JobStarted", "JobCompleted"]
    [run] = runs_of(good)
    assert run.tags["ultracore/actor"] == good.requested_by

    until(lambda: app.claims.attempts(hangs.job_id) or None, "the second works")
    cancel_job(app, hangs.job_id, reason="wrong day", actor=PAUL)
    until(lambda: "JobCancelled" in names_of(app, hangs) or None, "it is stopped, and the record says so")
    last = events_of(app, hangs)[-1]
    assert isinstance(last, JobCancelled)
    assert (last.reason, last.cancelled_by) == ("wrong day", PAUL)
    [stopped] = runs_of(hangs)
    assert stopped.status is dg.DagsterRunStatus.CANCELED

    def fired() -> tuple[Occurrence, ...] | None:
        attempts = app.occurrences.of_job(fails.job_id)
        return attempts if len(attempts) > 1 and attempts[1].state is OccurrenceState.FIRED else None

    first, second, *_ = until(fired, "the third is tried again")
    assert (first.state, second.attempt) == (OccurrenceState.FIRED, 2)
    assert story(app, fails)[:5] == ["JobScheduled", "JobQueued", "JobStarted", "JobFailed", "JobRetried"]
    attempts = [run.tags["ultracore/attempt"] for run in runs_of(fails)]
    assert len(set(attempts)) == len(attempts) >= 2

    until(lambda: not app.occurrences.open_cancellations(20) or None, "the wish is acknowledged")
    assert len(runs_of(good)) == len(runs_of(hangs)) == 1
