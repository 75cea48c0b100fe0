"""The sensor ``job_events``: the one writer, every five seconds, of all that Dagster's runs bring about.

Each tick reads the runs whose status changed (`run_changes`), looks again at those that are at work, and
every three minutes goes through all that changed lately, in case the log kept something back. When a process
begins, and with each such round, runs whose worker is gone are reported first.

All of it is idempotent, so the cursor is no record of what is done: losing it costs time, nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import BaseModel, ConfigDict, ValidationError

from ultracore_jobs.application import Application
from ultracore_jobs.application.record import RetryRule, never
from ultracore_jobs.orchestration.recording import Looked, Recorder, overlapping, sweep, updated_runs
from ultracore_jobs.orchestration.resources import Platform
from ultracore_jobs.orchestration.run_changes import Change, Window, unseen_changes
from ultracore_jobs.orchestration.run_log import instant

_CHANGES_A_TICK = 100
_RUNS_A_ROUND = 100
"""Of a round of the reconciler in one tick; the next tick goes on."""

_FOLLOWED = 200
_ROUND_EVERY = timedelta(minutes=3)


class Lag(BaseModel):
    """How far the record is behind.

    Attributes:
        seconds: Age of the oldest change that this tick took in, or left for the next.
        left_over: Whether there are changes that it left.
        following: Runs at work.
        troubles: Runs that could not be recorded as they are, in this tick.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = 0
    left_over: bool = False
    following: int = 0
    troubles: int = 0


class Cursor(BaseModel):
    """Where the writer is; kept by Dagster as JSON.

    Attributes:
        window: How far the log was read.
        following: Runs to be looked at again.
        reconciled_to: Change of the latest run that a round of the reconciler has seen.
        going_through: From when on a round goes on; None between rounds.
        round_at: When the last round began.
        lag: For whoever watches.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    window: Window = Window()
    following: tuple[str, ...] = ()
    reconciled_to: datetime | None = None
    going_through: datetime | None = None
    round_at: datetime | None = None
    lag: Lag = Lag()

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """The cursor; one that cannot be read begins anew."""
        try:
            return cls.model_validate_json(text) if text else cls()
        except ValidationError:
            return cls()


@dataclass
class Tick:
    """What one tick did.

    Attributes:
        cursor: Where the writer is now.
        looked_at: Runs.
        events: Appended.
        swept: Runs reported because their worker is gone.
        troubles: What a person should know.
    """

    cursor: Cursor
    looked_at: int = 0
    events: int = 0
    swept: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the tick's log."""
        return {
            "looked_at": self.looked_at,
            "events": self.events,
            "swept": self.swept,
            **self.cursor.lag.model_dump(),
        }


def job_events(rule_of: Callable[[Application], RetryRule] = lambda _app: never) -> dg.SensorDefinition:
    """The writer as a sensor; *rule_of* gives the rule by which failures are tried again by themselves."""
    processes: set[int] = set()

    @dg.sensor(
        name="job_events",
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records what becomes of every job, from Dagster's runs, whoever launched them.",
    )
    def sense(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        app = platform.application
        is_first = app.processes.pid() not in processes
        processes.add(app.processes.pid())
        tick = record_changes(
            app, context.instance, Cursor.read(context.cursor), retry=rule_of(app), is_first=is_first
        )
        for trouble in tick.troubles:
            context.log.error("%s", trouble)
        context.log.info("%s", tick.as_json())
        said = f"{tick.events} event(s) of {tick.looked_at} run(s); {tick.cursor.lag.seconds:.0f} s behind"
        return dg.SensorResult(skip_reason=said, cursor=tick.cursor.model_dump_json())

    return sense


def record_changes(
    app: Application,
    instance: dg.DagsterInstance,
    cursor: Cursor,
    *,
    retry: RetryRule = never,
    is_first: bool = False,
) -> Tick:
    """One tick: take in what changed, a bounded amount of it.

    Args:
        app: The platform.
        instance: Whose runs.
        cursor: Where the tick before ended.
        retry: Says which failures are tried again.
        is_first: Whether this process did not tick before.
    """
    now = app.clock.now()
    begins = _round_begins(cursor, now)
    tick = Tick(cursor)
    if is_first or begins:
        tick.swept = sweep(app, instance)
    changes, left_over = unseen_changes(instance, cursor.window, _CHANGES_A_TICK)
    recorder = Recorder(app, instance, retry)
    # A run is looked at once, however many of its changes are new.
    wanted = dict.fromkeys((*cursor.following, *(change.run_id for change in changes)))
    left_queue = {change.run_id for change in changes if change.left_queue}
    goes_on = [
        run_id for run_id in wanted if _look(tick, recorder.look_at(run_id), left_queue=run_id in left_queue)
    ]
    reconciled = _go_through(tick, recorder, instance, cursor, begins=begins)
    tick.cursor = Cursor(
        window=cursor.window.after(changes),
        following=tuple(dict.fromkeys((*goes_on, *reconciled.following)))[:_FOLLOWED],
        reconciled_to=reconciled.reconciled_to,
        going_through=reconciled.going_through,
        round_at=now if begins else cursor.round_at,
        lag=Lag(
            seconds=_age(changes, now),
            left_over=left_over,
            following=len(goes_on),
            troubles=len(tick.troubles),
        ),
    )
    return tick


def _look(tick: Tick, looked: Looked, *, left_queue: bool = False) -> bool:
    """Note what came of a look at one run; whether it must be looked at again."""
    tick.looked_at += 1
    tick.events += looked.events
    tick.troubles.extend(looked.troubles)
    # The log may know already that it has left the queue, and its row not yet.
    return looked.goes_on or (left_queue and looked.waits)


def _round_begins(cursor: Cursor, now: datetime) -> bool:
    if cursor.going_through is not None:
        return False
    return cursor.round_at is None or now - cursor.round_at >= _ROUND_EVERY


def _go_through(
    tick: Tick, recorder: Recorder, instance: dg.DagsterInstance, cursor: Cursor, *, begins: bool
) -> Cursor:
    """Part of a round: the runs that changed since the last one, with an overlap."""
    if not begins and cursor.going_through is None:
        return Cursor(reconciled_to=cursor.reconciled_to)
    since = overlapping(cursor.reconciled_to) if begins else cursor.going_through
    records = updated_runs(instance, since, _RUNS_A_ROUND)
    following = tuple(record.dagster_run.run_id for record in records if _look(tick, recorder.take(record)))
    latest = max((record.update_timestamp for record in records), default=None)
    known = [instant for instant in (latest, cursor.reconciled_to) if instant is not None]
    if latest is None or len(records) < _RUNS_A_ROUND:
        return Cursor(following=following, reconciled_to=max(known, default=None))
    # Others may have changed in the same instant as the last of this page.
    again = latest if records[0].update_timestamp == latest else latest - timedelta(microseconds=1)
    return Cursor(following=following, reconciled_to=max(known), going_through=again)


def _age(changes: list[Change], now: datetime) -> float:
    oldest = min((change.at for change in changes), default=None)
    return round(max((now - instant(oldest)).total_seconds(), 0), 3) if oldest is not None else 0
