"""Why a job failed, told from what it said: a table of patterns, and what each cause asks for.

The first pattern that is found names the cause; all that are found are told, because a message often
carries the symptom and the disease. How sure one may be of a cause is learned from the record, elsewhere.

Source: domain_rules 21, the table of failure causes.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple


class Again(StrEnum):
    """What a cause says about trying again.

    YES: after the usual wait. AT_ONCE: without one. AFTER_UPSTREAM: when what it reads has landed, which no
    clock knows. NO: a person must act first.
    """

    YES = "yes"
    AT_ONCE = "at once"
    AFTER_UPSTREAM = "after upstream"
    NO = "no"


class FailureCause(NamedTuple):
    """One line of the table.

    Attributes:
        name: Such as ``database_timeout``.
        pattern: Case-blind regular expression over the message; empty where no message tells.
        again: Whether trying again may help.
        fix: What a person should do about it.
        most_retries: Fewer than the policy allows; None where the policy decides.
    """

    name: str
    pattern: str
    again: Again
    fix: str
    most_retries: int | None = None


CAUSES: Final = (
    FailureCause(
        "database_timeout",
        r"(database|db|sql|connection pool).*time(d )?out",
        Again.YES,
        "tune the pool and the query, add an index, move it off the peak",
    ),
    FailureCause(
        "deadlock", r"deadlock|serialization failure", Again.AT_ONCE, "shorter transactions, fixed lock order"
    ),
    FailureCause(
        "network_latency",
        r"network|socket|connection (reset|refused)|retry attempt",
        Again.YES,
        "longer timeout, circuit breaker",
    ),
    FailureCause(
        "rate_limited", r"\b429\b|rate limit|too many requests", Again.YES, "spread the calls, cache"
    ),
    FailureCause(
        "upstream_unavailable",
        r"\b50[234]\b|service unavailable",
        Again.YES,
        "fallback source, carry forward",
    ),
    FailureCause(
        "out_of_memory",
        r"out.of.memory|\boom\b|memoryerror|exit code 137",
        Again.YES,
        "more memory, smaller chunks, low-load hours 02:00-04:00",
        most_retries=2,
    ),
    FailureCause("disk_full", r"no space left|disk full", Again.NO, "free space, archive"),
    FailureCause(
        "data_quality", r"null in|invariant|reconcil", Again.NO, "quarantine the rows and fix the source"
    ),
    FailureCause(
        "schema_change", r"column .* (missing|not found)|schema", Again.NO, "update the contract of the table"
    ),
    FailureCause(
        "missing_input",
        r"no (price|nav|rate)|upstream.*missing",
        Again.AFTER_UPSTREAM,
        "run upstream, then resume",
    ),
    FailureCause("auth_failure", r"\b40[13]\b|expired (token|credential)", Again.NO, "rotate the credential"),
    FailureCause(
        "compliance_block",
        r"no.?consent|legal hold|sanction",
        Again.NO,
        "a person must act; it is never overridden",
    ),
    FailureCause("code_error", r"typeerror|keyerror|assert", Again.NO, "fix it, add a test, replay"),
)
"""In the order in which they are tried."""

WORKER_DIED: Final = FailureCause(
    "worker_died", "", Again.YES, "look at the machine: memory, restarts, kill signals"
)
"""The process went away without a word, so no message tells; DESIGN 4 lets such a job be tried again."""

UNKNOWN: Final = FailureCause("unknown", "", Again.NO, "read the log of the run, and add its pattern")
"""What no pattern matches is not tried again: nothing says that it would help."""

_PATTERNS: Final = tuple((cause, re.compile(cause.pattern, re.IGNORECASE)) for cause in CAUSES)


def causes_of(message: str) -> tuple[FailureCause, ...]:
    """Every cause whose pattern is found in *message*, in the order of the table; none where none is."""
    return tuple(_matching(message))


def cause_of(message: str, *, worker_died: bool = False) -> FailureCause:
    """The cause that counts: the first of `causes_of`, else `WORKER_DIED` or `UNKNOWN`."""
    return next(_matching(message), WORKER_DIED if worker_died else UNKNOWN)


def _matching(message: str) -> Iterator[FailureCause]:
    return (cause for cause, pattern in _PATTERNS if pattern.search(message))
