"""Whether a failed job is tried again, and when.

Retry n comes ``min(cap, base x 2^(n-1))`` after the failure, spread by jitter, at most three times, and only
where its cause says that trying again may help. Nothing waits in a slot: the instant becomes an occurrence of
the same job, which keeps its idempotency keys.

Chance is an argument, between 0 and 1. `unit_of` gives one that follows from the job and the attempt, so that
whoever decides the same failure again, after a crash, decides the same.

Source: domain_rules 21.7, DESIGN 4.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.failure_causes import Again, FailureCause, cause_of

_LONGEST_ASKED: Final = timedelta(days=1)
"""A server that asks for more than a day is not waited for: a person should know."""

_SECONDS = re.compile(r"retry.after\W{1,4}(\d{1,9})\b", re.IGNORECASE)
_DATE = re.compile(
    r"retry.after\W{1,4}[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt", re.IGNORECASE
)
_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


class Jitter(StrEnum):
    """How the wait d is spread, so that jobs that failed together do not come back together.

    FULL: U[0, d]. EQUAL: d/2 + U[0, d/2]. NONE: d.
    """

    FULL = "full"
    EQUAL = "equal"
    NONE = "none"


class RetryPolicy(NamedTuple):
    """How often and after how long.

    Attributes:
        base: The wait before the first retry.
        cap: The longest wait.
        most_retries: After how many retries it stays failed.
        jitter: How the wait is spread.
    """

    base: timedelta = timedelta(seconds=300)
    cap: timedelta = timedelta(seconds=3600)
    most_retries: int = 3
    jitter: Jitter = Jitter.EQUAL

    def wait(self, retry: int, unit_random: float) -> timedelta:
        """How long before retry number *retry* (1, 2, ...).

        >>> RetryPolicy(jitter=Jitter.NONE).wait(3, 0.5)
        datetime.timedelta(seconds=1200)
        """
        # A million times the base is longer than any cap; what comes after must not overflow.
        whole = min(self.cap, self.base * (1 << min(retry - 1, 20)))
        match self.jitter:
            case Jitter.FULL:
                return whole * unit_random
            case Jitter.EQUAL:
                return whole / 2 + whole / 2 * unit_random
            case Jitter.NONE:
                return whole


DEFAULT_POLICY: Final = RetryPolicy()


class RetryDecision(NamedTuple):
    """What is to become of a failure.

    Attributes:
        will_retry: Whether it is tried again by itself.
        next_retry_at: From when on; None where it is not.
        cause: Why it failed, as far as its message tells.
        reason: Why it is or is not tried again, in a sentence for people.
    """

    will_retry: bool
    next_retry_at: datetime | None
    cause: FailureCause
    reason: str


def decide_retry(
    error: str,
    attempt: int,
    now: datetime,
    unit_random: float,
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
    worker_died: bool = False,
) -> RetryDecision:
    """Whether the attempt that failed is followed by another.

    Args:
        error: What the failed attempt said.
        attempt: Which attempt failed: 1 for the first, so that retry n follows attempt n.
        now: When it failed.
        unit_random: Chance, from 0 to 1.
        policy: How often and after how long.
        worker_died: Its process went away.

    Raises:
        UsageError: *attempt* is below 1, or *unit_random* is not from 0 to 1.
    """
    if attempt < 1 or not 0 <= unit_random <= 1:
        message = f"attempt {attempt} must be 1 or more, and unit_random {unit_random} from 0 to 1"
        raise UsageError(message)
    cause = cause_of(error, worker_died=worker_died)
    if cause.again is Again.AFTER_UPSTREAM:
        return _stays(cause, f"{cause.name}: it can run when what it reads has landed; {cause.fix}")
    if cause.again is Again.NO:
        return _stays(cause, f"{cause.name} does not go away by itself: {cause.fix}")
    most = policy.most_retries
    if cause.most_retries is not None:
        most = min(most, cause.most_retries)
    if attempt > most:
        return _stays(cause, f"{cause.name}: tried again {most} times, which is the most; {cause.fix}")
    asked = retry_after(error, now)
    if asked is not None and asked > _LONGEST_ASKED:
        return _stays(cause, f"{cause.name}: the server asks to wait {asked}, longer than {_LONGEST_ASKED}")
    wait = timedelta(0) if cause.again is Again.AT_ONCE else policy.wait(attempt, unit_random)
    # Never sooner than the server asks, whatever the jitter says.
    next_retry_at = now + max(wait, asked or timedelta(0))
    return RetryDecision(
        will_retry=True,
        next_retry_at=next_retry_at,
        cause=cause,
        reason=f"{cause.name}: retry {attempt} of {most} at {next_retry_at:%Y-%m-%d %H:%M:%S} UTC",
    )


def retry_after(error: str, now: datetime) -> timedelta | None:
    """How long the message asks to wait: the header ``Retry-After``, in seconds or as a date of HTTP.

    >>> retry_after("429 Too Many Requests, Retry-After: 90", datetime(2026, 11, 20, tzinfo=UTC))
    datetime.timedelta(seconds=90)
    """
    if found := _SECONDS.search(error):
        return timedelta(seconds=int(found[1]))
    if found := _DATE.search(error):
        day, month, year, hour, minute, second = found.groups()
        try:
            moment = datetime(
                int(year),
                _MONTHS.index(month.lower()) + 1,
                int(day),
                int(hour),
                int(minute),
                int(second),
                tzinfo=UTC,
            )
        except ValueError:
            # No date that there is; the usual wait then.
            return None
        return max(moment - now, timedelta(0))
    return None


def unit_of(job_id: str, attempt: int) -> float:
    """A number from 0 to 1 (excluded) that follows from the job and the attempt, and from nothing else."""
    return int.from_bytes(sha256(f"{job_id}|{attempt}".encode()).digest()[:6]) / 2**48


def _stays(cause: FailureCause, reason: str) -> RetryDecision:
    return RetryDecision(will_retry=False, next_retry_at=None, cause=cause, reason=reason)
