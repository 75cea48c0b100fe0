"""What is known of one run, whoever ran it: the only thing that the writer of the record looks at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from ultracore_jobs.application.people import UNATTRIBUTED
from ultracore_jobs.application.results import Status
from ultracore_jobs.lifecycle.kinds import JobPriority


class RunState(StrEnum):
    """Where a run stands, in words that no tool changes under us."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self not in {RunState.WAITING, RunState.RUNNING}


@dataclass(frozen=True, kw_only=True)
class CheckFact:
    """What one gate said.

    Attributes:
        name: Of the check, such as ``fee_consent``.
        passed: Whether the law holds.
        at: When it was evaluated.
        details: Where it is shown, the law, how many rows break it; never the rows.
    """

    name: str
    passed: bool
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProgressFact:
    """How far a run was.

    Attributes:
        key: Names this one among those of its run.
        at: When.
        percent: From 0 to 100.
        step: What it did just then.
    """

    key: str
    at: datetime
    percent: float
    step: str


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is known of one run at one moment. Later looks know more, never otherwise.

    Attributes:
        run_id: The run; all its events carry it as correlation.
        job_id: The business execution that it is an attempt of.
        job_type: What it does.
        tenant: Whose.
        created_at: When somebody asked for it.
        state: Where it stands.
        logical_date: Day, or first day of the period, that it is about.
        after: The run of the same job before it, which must be recorded first; None where there is none.
        schedule_id: What made it due; None where a person asked.
        due_at: When it was due; None where it was wanted at once.
        actor: Who wanted it.
        priority: How urgent it is.
        parameters: What it runs with.
        queued_at: Since when it waits or waited for a slot.
        started_at: Since when it works on the job. Unknown as long as it may still turn out that another run
            has the job, or that its inputs are missing.
        ended_at: Until when.
        outcome: What became of the job, where the run says so; only once it has ended.
        waiting_for: What was missing, of a run that was skipped.
        why: Why it did not do all it was to do: who must approve, who froze effects.
        result: What came of it.
        with_errors: Whether rows had to be left out, whatever became of its decisions.
        error: Why it failed.
        error_details: More about that.
        worker_died: Its process went away.
        checks: What its gates said.
        progress: How far it was, oldest first.
        cancel_reason: Why it was cancelled.
        cancelled_by: Who did that.
        executor: The process that works on it.
        lost_to_sibling: Of a run that was IGNORED: it was another run of this very job that had it.
    """

    run_id: str
    job_id: str
    job_type: str
    tenant: str
    created_at: datetime
    state: RunState
    logical_date: date | None = None
    after: str | None = None
    schedule_id: str | None = None
    due_at: datetime | None = None
    actor: str = f"ui:{UNATTRIBUTED}"
    priority: JobPriority = JobPriority.NORMAL
    parameters: Mapping[str, Any] = field(default_factory=dict)
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Status | None = None
    waiting_for: str = ""
    why: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    with_errors: bool = False
    error: str = ""
    error_details: Mapping[str, Any] = field(default_factory=dict)
    worker_died: bool = False
    checks: tuple[CheckFact, ...] = ()
    progress: tuple[ProgressFact, ...] = ()
    cancel_reason: str = ""
    cancelled_by: str = ""
    executor: str = "dagster"
    lost_to_sibling: bool = False

    @property
    def over_at(self) -> datetime:
        """When it ended, as far as known; never before it began."""
        began = self.started_at or self.queued_at or self.created_at
        return max(self.ended_at or began, began)

    @property
    def was_skipped(self) -> bool:
        """Whether it found its inputs missing, and did nothing."""
        return self.state is RunState.SUCCEEDED and self.outcome is Status.SKIPPED_UPSTREAM

    @property
    def was_ignored(self) -> bool:
        """Whether it found another run at work, and did nothing."""
        return self.state is RunState.SUCCEEDED and self.outcome is Status.IGNORED

    @property
    def began_at(self) -> datetime | None:
        """When it began to work; what succeeded has begun, even if nobody saw it."""
        if self.was_skipped or self.was_ignored:
            return None
        return self.started_at or (self.over_at if self.state is RunState.SUCCEEDED else None)
