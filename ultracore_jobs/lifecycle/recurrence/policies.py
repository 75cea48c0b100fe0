"""What to do when time went otherwise than planned: outages, overlaps, freezes.

Pure answers to a question each; who asks, and acts, is the application.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence.zones import as_utc


class CatchUp(StrEnum):
    """Which of the occurrences that came due during an outage still run.

    ALL: each, oldest first, with its own logical date; a missed fee month is never merged into the next.
    LATEST: the newest only; its result makes the older ones pointless.
    NONE: none that is later than the grace; a digest of yesterday helps nobody.

    Source: domain_rules 21.4.
    """

    ALL = "all"
    LATEST = "latest"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What an outage comes to.

    Attributes:
        run: Instants whose occurrences run, oldest first.
        dropped: The others, oldest first, each with the reason.
    """

    run: tuple[datetime, ...]
    dropped: tuple[tuple[datetime, str], ...]


def reckon(due: Iterable[datetime], *, policy: CatchUp, now: datetime, grace: timedelta) -> Reckoning:
    """Decide which of the occurrences that are due, and have not run, are to run.

    Args:
        due: Their instants, in any order.
        policy: The schedule's class.
        now: The present instant; what is due after it is not looked at.
        grace: Lateness up to which, inclusive, NONE still runs an occurrence. It must exceed the
            pace of whoever asks, or nothing would ever run.

    Source: domain_rules 21.4.
    """
    present = as_utc(now)
    instants = sorted({at for at in map(as_utc, due) if at <= present})
    match policy:
        case CatchUp.ALL:
            return Reckoning(tuple(instants), ())
        case CatchUp.LATEST:
            newest = instants[-1:]
            why = f"superseded by the occurrence of {_spoken(newest[0])}" if newest else ""
            return Reckoning(tuple(newest), tuple((at, why) for at in instants[:-1]))
        case CatchUp.NONE:
            run = tuple(at for at in instants if present - at <= grace)
            why = f"later than {grace}, and not caught up"
            return Reckoning(run, tuple((at, why) for at in instants if present - at > grace))


class Overlap(StrEnum):
    """What becomes of an occurrence whose schedule still has a job running.

    SKIP: it is left out.
    BUFFER_ONE: it waits, if nothing else of the schedule waits yet; then it is left out.
    ALLOW_OTHER_PERIODS: it starts beside the running one, if that is of another logical period.
    CANCEL_OTHER: the running one is cancelled, then it starts.
    """

    SKIP = "skip"
    BUFFER_ONE = "buffer_one"
    ALLOW_OTHER_PERIODS = "allow_other_periods"
    CANCEL_OTHER = "cancel_other"


class OnOverlap(StrEnum):
    """What to do with the occurrence now."""

    START = "start"
    WAIT = "wait"
    SKIP = "skip"
    CANCEL_THEN_START = "cancel_then_start"


@dataclass(frozen=True, slots=True)
class OverlapVerdict:
    """What to do with the occurrence now, and why where that is not to start it."""

    action: OnOverlap
    reason: str | None = None


def judge_overlap(policy: Overlap, *, period: str, running: Collection[str], waiting: int) -> OverlapVerdict:
    """Decide on an occurrence that is ready.

    Args:
        policy: The schedule's.
        period: Its logical period.
        running: Logical periods of the schedule's jobs that are running.
        waiting: How many other occurrences of the schedule wait for them.

    Source: DESIGN 7, domain_rules 21.5 (at most one running job for each logical period).
    """
    if not running or (policy is Overlap.ALLOW_OTHER_PERIODS and period not in running):
        return OverlapVerdict(OnOverlap.START)
    still_running = f"the job of {', '.join(sorted(running))} is still running"
    match policy:
        case Overlap.SKIP | Overlap.ALLOW_OTHER_PERIODS:
            return OverlapVerdict(OnOverlap.SKIP, still_running)
        case Overlap.BUFFER_ONE:
            if waiting:
                return OverlapVerdict(OnOverlap.SKIP, f"{still_running}, and another waits for it")
            return OverlapVerdict(OnOverlap.WAIT, still_running)
        case Overlap.CANCEL_OTHER:
            return OverlapVerdict(OnOverlap.CANCEL_THEN_START, f"{still_running}, and gives way")


@dataclass(frozen=True, slots=True)
class FreezeWindow:
    """A period in which a schedule does not fire.

    Attributes:
        starts_at: First frozen instant; naive means UTC.
        ends_at: First instant that is free again.
        why: Said wherever an occurrence is left out for it.

    Raises:
        UsageError: It ends before it starts.
    """

    starts_at: datetime
    ends_at: datetime
    why: str

    def __post_init__(self) -> None:
        """Refuse an empty window; hold the instants in UTC."""
        object.__setattr__(self, "starts_at", as_utc(self.starts_at))
        object.__setattr__(self, "ends_at", as_utc(self.ends_at))
        if self.ends_at <= self.starts_at:
            raise UsageError(
                f"freeze window: it ends at {_spoken(self.ends_at)}, no later than it starts; "
                "write an end after the start"
            )

    def reason_at(self, instant: datetime) -> str | None:
        """Why nothing fires at *instant*; None outside the window."""
        if self.starts_at <= as_utc(instant) < self.ends_at:
            return f"frozen until {_spoken(self.ends_at)}: {self.why}"
        return None


def _spoken(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
