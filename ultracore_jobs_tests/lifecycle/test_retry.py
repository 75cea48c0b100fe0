"""Causes of failure, and when a job is tried again: domain_rules 21.7 and its table."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.failure_causes import CAUSES, UNKNOWN, WORKER_DIED, cause_of, causes_of
from ultracore_jobs.lifecycle.retry import Jitter, RetryPolicy, decide_retry, retry_after, unit_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
UNSPREAD = RetryPolicy(jitter=Jitter.NONE)
RESET = "Connection reset by peer"

MESSAGES = {
    "SQL statement timed out": "database_timeout",
    "connection pool exhausted: timeout after 30 s": "database_timeout",
    "ERROR: could not serialize access: serialization failure": "deadlock",
    "Connection refused": "network_latency",
    "HTTP 429": "rate_limited",
    "Service Unavailable": "upstream_unavailable",
    "got 503 from the provider": "upstream_unavailable",
    "child process ended with exit code 137": "out_of_memory",
    "Out-of-memory": "out_of_memory",
    "OSError: [Errno 28] No space left on device": "disk_full",
    "null in portfolio_id": "data_quality",
    "column nav not found": "schema_change",
    "no price of BHP on 2026-11-20": "missing_input",
    "upstream valuations is missing": "missing_input",
    "401 Unauthorized": "auth_failure",
    "no-consent for PF-1": "compliance_block",
    "KeyError: 'ccy'": "code_error",
}
"""One or two messages for each line of the table, by the cause it must name."""


@pytest.mark.parametrize(("message", "cause"), list(MESSAGES.items()))
def test_a_message_names_its_cause(message: str, cause: str) -> None:
    """Whatever the case of its letters."""
    assert [cause_of(text).name for text in (message, message.upper(), message.lower())] == [cause] * 3


def test_each_cause_of_the_table_has_a_message_here() -> None:
    """So that none is left untested."""
    assert {cause.name for cause in CAUSES} == set(MESSAGES.values())


@pytest.mark.parametrize(
    "message", ["order 15031 failed", "room 429b", "a boom in prices", "port 4013", "the room is full"]
)
def test_part_of_a_word_is_no_cause(message: str) -> None:
    """503 in an order's number is no answer of a server, and a boom no lack of memory."""
    assert causes_of(message) == ()
    assert cause_of(message) is UNKNOWN


def test_the_first_line_of_the_table_counts_and_all_are_told() -> None:
    """A time-out of the database that shows as a network error is one of the database."""
    found = causes_of("network: database call timed out, 503 after retry attempt 3")

    assert [cause.name for cause in found] == ["database_timeout", "network_latency", "upstream_unavailable"]
    assert cause_of("network: database call timed out, 503 after retry attempt 3") is found[0]


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 300), (2, 600), (3, 1200), (4, 2400), (5, 3600), (6, 3600), (5000, 3600)]
)
def test_the_wait_doubles_up_to_the_cap(attempt: int, seconds: int) -> None:
    """300 s, twice as long each time, never more than an hour."""
    patient = UNSPREAD._replace(most_retries=10_000)

    assert decide_retry(RESET, attempt, NOON, 0.5, policy=patient).next_retry_at == NOON + timedelta(
        seconds=seconds
    )


@pytest.mark.parametrize(
    ("jitter", "lowest", "highest"),
    [(Jitter.FULL, 0, 600), (Jitter.EQUAL, 300, 600), (Jitter.NONE, 600, 600)],
)
def test_jitter_spreads_the_wait(jitter: Jitter, lowest: int, highest: int) -> None:
    """The second wait is 600 s: full U[0, d], equal d/2 + U[0, d/2], none d."""
    policy = RetryPolicy(jitter=jitter)
    first, last = (decide_retry(RESET, 2, NOON, chance, policy=policy).next_retry_at for chance in (0.0, 1.0))

    assert (first, last) == (NOON + timedelta(seconds=lowest), NOON + timedelta(seconds=highest))


def test_the_usual_jitter_is_equal() -> None:
    """300 s with chance 0.4: 150 + 60."""
    assert decide_retry(RESET, 1, NOON, 0.4).next_retry_at == NOON + timedelta(seconds=210)


@given(
    attempt=st.integers(1, 3),
    chance=st.floats(0, 1),
    error=st.sampled_from([RESET, "HTTP 503", "db timeout"]),
)
def test_a_wait_is_never_longer_than_its_step_nor_shorter_than_half(
    attempt: int, chance: float, error: str
) -> None:
    """Of the usual policy; and nobody waits into the past."""
    at = decide_retry(error, attempt, NOON, chance).next_retry_at
    step = timedelta(seconds=min(3600, 300 * 2 ** (attempt - 1)))

    assert at is not None
    assert step / 2 <= at - NOON <= step


def test_three_retries_and_no_more() -> None:
    """Attempts 1, 2 and 3 are followed by another, the fourth is not."""
    decisions = [decide_retry(RESET, attempt, NOON, 0.5) for attempt in (1, 2, 3, 4)]

    assert [one.will_retry for one in decisions] == [True, True, True, False]
    assert decisions[3].next_retry_at is None
    assert "3 times" in decisions[3].reason


def test_a_lack_of_memory_is_tried_twice_more() -> None:
    """The third time it would be killed again."""
    decisions = [decide_retry("killed: out of memory", attempt, NOON, 0.5) for attempt in (1, 2, 3)]

    assert [one.will_retry for one in decisions] == [True, True, False]


def test_a_stricter_policy_holds_for_memory_too() -> None:
    """The table allows two retries, the policy one."""
    policy = RetryPolicy(most_retries=1)

    assert not decide_retry("out of memory", 2, NOON, 0.5, policy=policy).will_retry


def test_a_deadlock_is_tried_at_once() -> None:
    """Its rival is done by now."""
    decision = decide_retry("deadlock detected", 3, NOON, 1.0)

    assert (decision.will_retry, decision.next_retry_at) == (True, NOON)


@pytest.mark.parametrize(
    "cause", ["disk_full", "data_quality", "schema_change", "auth_failure", "compliance_block", "code_error"]
)
def test_what_a_person_must_mend_is_not_tried_again(cause: str) -> None:
    """And the reason says what to mend."""
    message = next(text for text, name in MESSAGES.items() if name == cause)
    decision = decide_retry(message, 1, NOON, 0.5)

    assert not decision.will_retry
    assert decision.cause.fix in decision.reason


def test_missing_inputs_wait_for_upstream_not_for_a_clock() -> None:
    """Trying again in five minutes would find nothing."""
    decision = decide_retry("no nav of PF-1", 1, NOON, 0.5)

    assert not decision.will_retry
    assert "landed" in decision.reason


def test_what_nobody_knows_is_not_tried_again() -> None:
    """Only retryable causes retry."""
    assert not decide_retry("it just broke", 1, NOON, 0.5).will_retry


def test_a_worker_that_died_is_tried_again() -> None:
    """It said nothing, or nothing that is known; what it did say counts first."""
    silent = decide_retry("run worker exited unexpectedly", 1, NOON, 0.5, worker_died=True)
    starved = decide_retry("worker: exit code 137", 3, NOON, 0.5, worker_died=True)

    assert (silent.will_retry, silent.cause) == (True, WORKER_DIED)
    assert (starved.will_retry, starved.cause.name) == (False, "out_of_memory")


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ("429 Too Many Requests; Retry-After: 900", 900),
        ("rate limit {'retry-after': '900'}", 900),
        ("503; Retry-After: Fri, 20 Nov 2026 12:15:00 GMT", 900),
        ("429; Retry-After: 5", 150),
        ("429; Retry-After: Fri, 20 Nov 2026 11:00:00 GMT", 150),
        ("429; Retry-After: Fri, 31 Feb 2026 11:00:00 GMT", 150),
        ("429; Retry-After: soon", 150),
    ],
)
def test_a_server_is_not_asked_before_it_wants_to_be(error: str, seconds: int) -> None:
    """The first wait is 150 s at the least; what the server asks for counts where it is longer."""
    assert decide_retry(error, 1, NOON, 0.0).next_retry_at == NOON + timedelta(seconds=seconds)


def test_a_server_that_asks_for_days_is_not_waited_for() -> None:
    """Two days: a person should know."""
    decision = decide_retry("429; Retry-After: 172800", 1, NOON, 0.5)

    assert not decision.will_retry
    assert "2 days" in decision.reason


def test_a_message_without_the_header_asks_for_nothing() -> None:
    """Numbers elsewhere are not meant."""
    assert retry_after("429 after 3 tries", NOON) is None


def test_chance_follows_from_the_job_and_the_attempt() -> None:
    """The same after a crash, another for another attempt; spread over 0 to 1."""
    drawn = [unit_of(f"job_{number}", 1) for number in range(1000)]

    assert unit_of("job_1", 1) == drawn[1] != unit_of("job_1", 2)
    assert all(0 <= chance < 1 for chance in drawn)
    assert 0.45 < sum(drawn) / len(drawn) < 0.55


@pytest.mark.parametrize(("attempt", "chance"), [(0, 0.5), (1, -0.1), (1, 1.1)])
def test_nonsense_is_refused(attempt: int, chance: float) -> None:
    """Attempts count from 1, chance is from 0 to 1."""
    with pytest.raises(UsageError, match=re.escape(f"attempt {attempt}")):
        decide_retry(RESET, attempt, NOON, chance)
