"""Whatever is commanded, one who was rebuilt from the events equals the one who recorded them."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ultracore_jobs.errors import IllegalTransitionError
from ultracore_jobs.lifecycle.aggregate import Aggregate
from ultracore_jobs.lifecycle.bodies import event_bodies, read_body
from ultracore_jobs.lifecycle.canonical import canonical_json
from ultracore_jobs.lifecycle.events import JobPriority, JobStatus, ScheduleType
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.schedule_aggregate import ScheduleAggregate
from ultracore_jobs_tests.lifecycle.clocks import ticking

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.dictionaries(
    text,
    st.recursive(st.none() | st.booleans() | numbers | text, lambda inner: st.lists(inner, max_size=3)),
    max_size=3,
)
instants = st.datetimes() | st.datetimes(timezones=st.timezones())
words = st.sampled_from(["olga", "executor_1", "Zoë"])


def state(aggregate: Aggregate) -> dict[str, Any]:
    """All that is known, but for the clock and for what is kept already.

    Documents are compared as canonical JSON, which has one kind of number: 6.3e16 is read again as a whole
    number, and no double tells the two apart.
    """
    known = {name: value for name, value in vars(aggregate).items() if name not in {"_clock", "_uncommitted"}}
    for name, value in known.items():
        if isinstance(value, dict):
            known[name] = canonical_json(value)
    known["checks"] = [check.unplaced for check in known.get("checks", ())]
    return known


class _Replayed(RuleBasedStateMachine):
    """Commands at random; those that are refused must leave no trace."""

    aggregate: Aggregate

    def attempt(self, command: str, *arguments: Any, **named: Any) -> None:
        """A refusal leaves everything as it was."""
        before = state(self.aggregate)
        try:
            getattr(self.aggregate, command)(*arguments, **named)
        except IllegalTransitionError:
            assert state(self.aggregate) == before

    @rule()
    def keep(self) -> None:
        """As who saves does."""
        self.kept = (*self.kept, *self.aggregate.uncommitted)
        self.aggregate.mark_committed()

    @invariant()
    def replay_equals_live(self) -> None:
        """From the events as they are, and from their bodies as they would be stored."""
        events = (*self.kept, *self.aggregate.uncommitted)
        assert self.aggregate.version == len(events)
        assert self.aggregate.committed_version == len(self.kept)
        if not events:
            return
        bodies = event_bodies(events[0].stream, events)
        for history in (events, map(read_body, bodies)):
            assert state(type(self.aggregate).from_events(history, clock=ticking())) == state(self.aggregate)

    kept: tuple[Any, ...] = ()


class JobLife(_Replayed):
    """A job."""

    def __init__(self) -> None:
        """Nothing has happened to it."""
        super().__init__()
        self.aggregate = JobAggregate("t1", "job_1", clock=ticking())

    @rule(
        due=instants, priority=st.sampled_from(JobPriority), parameters=documents, on=st.none() | st.dates()
    )
    def schedule(self, due: Any, priority: Any, parameters: Any, on: Any) -> None:
        """Due at any instant, in any zone or in none."""
        self.attempt("schedule", "daily", due, priority, parameters, logical_date=on)

    @rule()
    def queue(self) -> None:
        """Wait."""
        self.attempt("queue", run_id="run-1")

    @rule(who=words)
    def start(self, who: str) -> None:
        """Begin."""
        self.attempt("start", who)

    @rule(percent=st.floats(0, 100) | st.integers(0, 100), step=text, details=documents)
    def progress(self, percent: Any, step: str, details: Any) -> None:
        """Any percentage."""
        self.attempt("update_progress", percent, step, details)

    @rule(result=documents, seconds=st.floats(0, 1e9))
    def complete(self, result: Any, seconds: float) -> None:
        """With any result."""
        self.attempt("complete", result, seconds)

    @rule(message=text, details=documents, again=st.booleans())
    def fail(self, message: str, details: Any, again: Any) -> None:
        """For good or not."""
        self.attempt("fail", message, details, again)

    @rule(at=instants)
    def retry(self, at: Any) -> None:
        """At any instant."""
        self.attempt("retry", at)

    @rule(reason=text, who=words)
    def cancel(self, reason: str, who: str) -> None:
        """By anybody."""
        self.attempt("cancel", reason, who)

    @rule()
    def skip(self) -> None:
        """What it needs never came."""
        self.attempt("skip", JobStatus.SKIPPED_UPSTREAM, "no prices")

    @rule(passed=st.booleans(), details=documents)
    def check(self, passed: Any, details: Any) -> None:
        """Passed or not."""
        self.attempt("record_check", "nav_reconciled", passed, details)


class ScheduleLife(_Replayed):
    """A schedule."""

    def __init__(self) -> None:
        """Nothing has happened to it."""
        super().__init__()
        self.aggregate = ScheduleAggregate("t1", "daily", clock=ticking())

    @rule(seconds=st.integers(1, 10**6), enabled=st.booleans(), parameters=documents)
    def create(self, seconds: int, enabled: Any, parameters: Any) -> None:
        """With any interval."""
        self.attempt(
            "create",
            "custom",
            ScheduleType.INTERVAL,
            None,
            seconds,
            None,
            enabled,
            JobPriority.LOW,
            parameters,
            "olga",
        )

    @rule(who=words)
    def enable(self, who: str) -> None:
        """Switch on."""
        self.attempt("enable", who)

    @rule(who=words)
    def disable(self, who: str) -> None:
        """Switch off."""
        self.attempt("disable", who)


TestJobLife = JobLife.TestCase
TestJobLife.settings = settings(max_examples=60, stateful_step_count=25)
TestScheduleLife = ScheduleLife.TestCase
TestScheduleLife.settings = settings(max_examples=20, stateful_step_count=15)
