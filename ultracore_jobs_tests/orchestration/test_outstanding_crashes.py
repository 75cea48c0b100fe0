"""Killed anywhere in a tick of the real daemon, the sensor brings each occurrence exactly one run."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.ports.occurrences import OccurrenceState
from ultracore_jobs_tests.occurrence_stage import ask, desk
from ultracore_jobs_tests.orchestration.crashing_ticks import POINTS, Daemon, daemon
from ultracore_jobs_tests.stage import FRIDAY

A_TICK = 3
"""Occurrences in each: some are launched before the kill and some after."""


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Daemon, dg.DagsterInstance, Application]]:
    """A daemon over the toys; its code server takes seconds to start, so all tests share it."""
    home = tmp_path_factory.mktemp("crashes")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ULTRACORE_HOME", str(home))
        app = desk(home)
        with daemon(home / "dagster") as (ticking, instance):
            yield ticking, instance, app


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_brings_neither_a_second_run_nor_none(
    stage: tuple[Daemon, dg.DagsterInstance, Application], point: str
) -> None:
    """Three occurrences, a kill, two more ticks: three runs, each noted, and nothing is due any more."""
    ticking, instance, app = stage
    first = POINTS.index(point) * A_TICK
    asked = [ask(app, as_of=FRIDAY - timedelta(days=first + number)).occurrence for number in range(A_TICK)]

    assert ticking.killed_at(point), f"the tick did not come by {point}"
    assert all(app.occurrences.of_job(one.job_id)[0].state is OccurrenceState.DUE for one in asked)
    ticking.tick()
    ticking.tick()
    ticking.tick()

    for one in asked:
        runs = instance.get_runs(dg.RunsFilter(tags={"ultracore/job_id": one.job_id}))
        assert [run.status for run in runs] == [dg.DagsterRunStatus.QUEUED]
        [noted] = app.occurrences.of_job(one.job_id)
        assert (noted.state, noted.run_id) == (OccurrenceState.FIRED, runs[0].run_id)
    assert instance.get_runs_count() == first + A_TICK
