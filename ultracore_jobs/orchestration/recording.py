"""Takes Dagster's runs into the record: one run, all that changed lately, and those whose worker is gone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import dagster as dg
from dagster._core.launcher import DefaultRunLauncher  # no public name; its workers are on its own machine
from dagster._core.storage.runs import SqliteRunStorage  # as above: a file is on one machine
from dagster._core.storage.tags import GRPC_INFO_TAG  # as above

from ultracore_jobs.application import Application
from ultracore_jobs.application.record import Recorded, RetryRule, never, record_run
from ultracore_jobs.application.record_facts import RunFacts, RunState
from ultracore_jobs.application.retry import by_occurrence
from ultracore_jobs.errors import UsageError
from ultracore_jobs.orchestration.run_facts import facts_of, identities_of, types_of
from ultracore_jobs.orchestration.run_log import RunLog, read_log

_LONGEST_CHAIN = 50
"""So many runs of one job may have to be recorded one before the other."""

_OVERLAP = timedelta(minutes=5)


class Looked(NamedTuple):
    """What looking at a run brought.

    Attributes:
        events: How many events were appended.
        goes_on: Whether it is at work, or could not be recorded yet: it must be looked at again.
        waits: Whether it has not begun.
        troubles: What a person should know.
    """

    events: int = 0
    goes_on: bool = False
    waits: bool = False
    troubles: tuple[str, ...] = ()


class Recorder:
    """Takes runs into the record, each as often as one likes."""

    def __init__(self, app: Application, instance: dg.DagsterInstance, retry: RetryRule = never) -> None:
        """Record the runs of *instance*; *retry* says which failures are tried again."""
        self._app, self._instance, self._retry = app, instance, retry

    def look_at(self, run_id: str) -> Looked:
        """Record what is new of one run; nothing is known of one that was deleted."""
        found = self._instance.get_run_record_by_id(run_id)
        return self.take(found) if found is not None else Looked()

    def take(self, record: dg.RunRecord, *, depth: int = 0) -> Looked:
        """Record what is new of one run.

        Raises:
            StoreError: The record cannot be reached.
        """
        events, goes_on, waits, troubles = 0, False, False, []
        for facts in facts_of(self._app, self._instance, record):
            try:
                looked = self._record(facts, depth)
            except UsageError as error:
                # One run that cannot be said must not keep all others waiting.
                troubles.append(f"run {facts.run_id} cannot be recorded: {error}")
                continue
            events += looked.events
            goes_on = goes_on or looked.goes_on or facts.state is RunState.RUNNING
            waits = waits or facts.state is RunState.WAITING
            troubles.extend(looked.troubles)
        return Looked(events, goes_on, waits, tuple(troubles))

    def _record(self, facts: RunFacts, depth: int) -> Looked:
        recorded = self._append(facts)
        events = len(recorded.events)
        if recorded.waits_for is not None and depth < _LONGEST_CHAIN:
            before = self._instance.get_run_record_by_id(recorded.waits_for)
            if before is None:
                events += len(self._append(_deleted(facts, recorded.waits_for)).events)
            else:
                events += self.take(before, depth=depth + 1).events
            # One that left no trace, or is not over, was looked at all the same.
            recorded = self._append(replace(facts, after=None))
            events += len(recorded.events)
        troubles = (_late(facts),) if recorded.late else ()
        return Looked(events, recorded.waits_for is not None, troubles=troubles)

    def _append(self, facts: RunFacts) -> Recorded:
        return record_run(self._app.events, facts, retry=self._retry, code_version=self._app.code_version)


def _late(facts: RunFacts) -> str:
    return f"run {facts.run_id} worked on job {facts.job_id} of {facts.tenant}, which had come to its end"


def _deleted(facts: RunFacts, run_id: str) -> RunFacts:
    """What remains to be said of a run that somebody deleted while it was at work."""
    return RunFacts(
        run_id=run_id,
        job_id=facts.job_id,
        job_type=facts.job_type,
        tenant=facts.tenant,
        created_at=facts.created_at,
        ended_at=facts.began_at,
        state=RunState.FAILED,
        error="its run was deleted from Dagster before it ended",
    )


def record_now(app: Application, instance: dg.DagsterInstance, run_id: str) -> Looked:
    """Record a run at once, for doors that do not wait for the daemon."""
    return Recorder(app, instance, by_occurrence(app)).look_at(run_id)


def updated_runs(instance: dg.DagsterInstance, since: datetime | None, limit: int) -> Sequence[dg.RunRecord]:
    """Runs that changed after an instant, or since ever, the longest unchanged first.

    Every status is named because Dagster's index begins with it: without it, all runs of all times are read.
    """
    filters = dg.RunsFilter(statuses=list(dg.DagsterRunStatus), updated_after=since)
    return instance.get_run_records(filters, limit=limit, order_by="update_timestamp", ascending=True)


def overlapping(watermark: datetime | None) -> datetime | None:
    """From when on to look again: a worker's clock and its commit may be minutes behind."""
    return watermark - _OVERLAP if watermark is not None else None


def sweep(app: Application, instance: dg.DagsterInstance) -> list[str]:
    """Report as failed each run of ours that is at work as far as Dagster knows, and whose worker is gone.

    Dagster notices this only while the code server that started the worker lives. A run of another machine
    is left alone: nothing here tells whether its process lives.

    Returns:
        The runs that were reported.
    """
    reported = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        run = record.dagster_run
        if not types_of(run, app.jobs) or not _worker_is_gone(app, instance, run):
            continue
        # A worker writes its end before it goes; who has gone and wrote nothing will write nothing more.
        again = instance.get_run_by_id(run.run_id)
        if again is not None and again.status is dg.DagsterRunStatus.STARTED:
            instance.report_run_failed(again, "The worker of this run is gone: its process does not exist.")
            reported.append(run.run_id)
    return reported


def _worker_is_gone(app: Application, instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    held = [
        claim
        for _, _, job_id in identities_of(run, app.jobs, instance)
        for name in (job_id, f"{job_id}:effects")
        for claim in app.claims.attempts(name)
        if claim.run_id == run.run_id and claim.released_at is None
    ]
    is_here = _is_of_this_machine(instance, run)
    for claim in held:
        if claim.boot_id == app.processes.boot_id():
            return not app.processes.lives(claim.pid)
        # This machine was started again since, or the claim is of another one.
        return is_here
    if not is_here:
        return False
    (job, *_) = types_of(run, app.jobs)
    pid = RunLog(read_log(instance, run.run_id), job, alone=True).pid
    return pid is not None and not app.processes.lives(pid)


def _is_of_this_machine(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if isinstance(instance.run_storage, SqliteRunStorage):
        return True
    launched_here = '"localhost"' in run.tags.get(GRPC_INFO_TAG, "")
    return launched_here and isinstance(instance.run_launcher, DefaultRunLauncher)
