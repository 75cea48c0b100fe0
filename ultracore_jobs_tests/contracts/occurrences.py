"""What every `Occurrences` must keep to, whatever database holds it."""

import multiprocessing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ultracore_jobs.errors import UsageError
from ultracore_jobs.ports.occurrences import Occurrences, OccurrenceState
from ultracore_jobs_tests.contracts.occurrences_recorded import (
    MINUTE,
    MONDAY_TEN,
    OLGA,
    PAUL,
    OpenOccurrences,
    fire_together,
    occurrence,
    put_together,
    wish,
)

DUE, FIRED = OccurrenceState.DUE, OccurrenceState.FIRED
CANCELLED, MISSED = OccurrenceState.CANCELLED, OccurrenceState.MISSED


class OccurrencesContract:
    """Inherit it in a ``Test...`` class that has the fixture `open_occurrences`."""

    @pytest.fixture
    def open_occurrences(self) -> OpenOccurrences:
        """Opens what is under test, in this process or in another, so it must be picklable."""
        raise NotImplementedError

    @pytest.fixture
    def kept(self, open_occurrences: OpenOccurrences) -> Occurrences:
        """What is under test, empty."""
        return open_occurrences()

    def test_what_is_put_is_found_as_it_was(self, kept: Occurrences) -> None:
        """Parameters, instants to the microsecond, and all else."""
        at = MONDAY_TEN + timedelta(microseconds=1)
        wanted = occurrence(due_at=at, ready_at=at, idempotency_key="month-end")

        assert kept.put(wanted) == wanted
        assert kept.of_job("job_1") == (wanted,)
        assert kept.due(at, 20) == (wanted,)
        assert kept.of_job("job_2") == ()

    def test_an_instant_of_another_zone_is_the_same_instant(self, kept: Occurrences) -> None:
        """Nine in the evening in Sydney is ten in the morning in UTC."""
        sydney = datetime(2026, 11, 23, 21, tzinfo=timezone(timedelta(hours=11)))
        kept.put(occurrence(due_at=sydney))

        [found] = kept.due(MONDAY_TEN, 20)
        assert (found.due_at, found.due_at.tzinfo) == (MONDAY_TEN, UTC)

    def test_a_schedule_is_due_once_at_an_instant(self, kept: Occurrences) -> None:
        """Whoever comes second is given what stands; another tenant may call its schedule the same."""
        first = kept.put(occurrence(schedule_id="nightly"))

        assert kept.put(occurrence(schedule_id="nightly", requested_by=PAUL)) == first
        other = occurrence("job_2", schedule_id="nightly", tenant="beta")
        assert kept.put(other) == other
        assert len(kept.due(MONDAY_TEN, 20)) == 2

    @pytest.mark.parametrize(
        "other",
        [
            {"job_type": "risk_assessment"},
            {"logical_date": date(2026, 10, 1)},
            {"parameters": {}},
            {"job_id": "job_2"},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_a_place_that_is_taken_by_something_else_is_refused(
        self, kept: Occurrences, other: dict[str, Any]
    ) -> None:
        """Not given back as if it were what was asked for, and not overwritten."""
        first = kept.put(occurrence(schedule_id="nightly"))

        with pytest.raises(UsageError, match=next(iter(other))):
            kept.put(occurrence(**{"schedule_id": "nightly", **other}))
        assert kept.due(MONDAY_TEN, 20) == (first,)

    def test_asking_again_under_a_key_is_asking_once(self, kept: Occurrences) -> None:
        """A minute later, and so as another job: the first one stands. Without a key it is two."""
        first = kept.put(occurrence(idempotency_key="month-end"))
        later = occurrence("job_2", due_at=MONDAY_TEN + MINUTE, idempotency_key="month-end")

        assert kept.put(later) == first
        assert kept.of_job("job_2") == ()
        assert kept.put(later.model_copy(update={"idempotency_key": None})).job_id == "job_2"

    def test_a_key_is_that_of_one_request_and_one_tenant(self, kept: Occurrences) -> None:
        """Another month under the same key is refused; another tenant has keys of its own."""
        kept.put(occurrence(idempotency_key="month-end"))

        with pytest.raises(UsageError, match=r"'month-end'.*differing in logical_date"):
            kept.put(occurrence("job_2", logical_date=date(2026, 10, 1), idempotency_key="month-end"))
        assert kept.put(occurrence("job_3", tenant="beta", idempotency_key="month-end")).job_id == "job_3"

    def test_what_is_due_comes_by_priority_then_instant_then_job(self, kept: Occurrences) -> None:
        """Domain_rules 21.5; a retry is ordered by when its job was due first."""
        retry = {"attempt": 2, "due_at": MONDAY_TEN - 9 * MINUTE, "ready_at": MONDAY_TEN}
        for wanted in (
            occurrence("job_d", priority=0, due_at=MONDAY_TEN - 10 * MINUTE),
            occurrence("job_c", due_at=MONDAY_TEN),
            occurrence("job_b", due_at=MONDAY_TEN),
            occurrence("job_e", **retry),
            occurrence("job_a", priority=30, due_at=MONDAY_TEN),
        ):
            kept.put(wanted)

        assert [one.job_id for one in kept.due(MONDAY_TEN, 20)] == [
            "job_a",
            "job_e",
            "job_b",
            "job_c",
            "job_d",
        ]
        assert [one.job_id for one in kept.due(MONDAY_TEN, 2)] == ["job_a", "job_e"]

    def test_nothing_is_due_before_it_is_ready(self, kept: Occurrences) -> None:
        """A retry waits, however long its job has been due."""
        kept.put(occurrence(attempt=2, ready_at=MONDAY_TEN + 5 * MINUTE))

        assert kept.due(MONDAY_TEN + 4 * MINUTE, 20) == ()
        assert len(kept.due(MONDAY_TEN + 5 * MINUTE, 20)) == 1

    def test_attempts_of_a_job_are_occurrences_of_their_own(self, kept: Occurrences) -> None:
        """The first fired, the second due; both are kept."""
        kept.put(occurrence())
        kept.fire("job_1", 1, "run_1", at=MONDAY_TEN)
        retry = kept.put(occurrence(attempt=2, ready_at=MONDAY_TEN + 5 * MINUTE))

        assert [(one.attempt, one.state) for one in kept.of_job("job_1")] == [(1, FIRED), (2, DUE)]
        assert kept.due(MONDAY_TEN + 5 * MINUTE, 20) == (retry,)
        assert retry.run_key == "job_1:2"

    @pytest.mark.parametrize("first", [FIRED, MISSED, CANCELLED])
    def test_an_occurrence_is_settled_once(self, kept: Occurrences, first: OccurrenceState) -> None:
        """The first word stands, and the same word again changes nothing."""
        kept.put(occurrence())
        later = MONDAY_TEN + MINUTE
        settle: dict[OccurrenceState, Callable[[datetime], object]] = {
            FIRED: lambda at: kept.fire("job_1", 1, "run_1", at=at),
            MISSED: lambda at: kept.miss("job_1", 1, "24 hours late", at=at),
            CANCELLED: lambda at: kept.cancel(wish(at=at)),
        }
        assert settle[first](MONDAY_TEN)
        settled = kept.of_job("job_1")

        for again in (FIRED, MISSED, CANCELLED):
            settle[again](later)
        assert kept.of_job("job_1") == settled
        [one] = settled
        expected = {FIRED: "", MISSED: "24 hours late", CANCELLED: "wrong month"}
        assert (one.state, one.settled_at, one.note) == (first, MONDAY_TEN, expected[first])
        assert one.run_id == ("run_1" if first is FIRED else None)
        assert kept.due(later, 20) == ()

    def test_settling_what_is_not_there_says_so(self, kept: Occurrences) -> None:
        """The run of a job that nobody asked for here."""
        assert not kept.fire("job_9", 1, "run_1", at=MONDAY_TEN)
        assert not kept.miss("job_9", 1, "late", at=MONDAY_TEN)
        assert not kept.acknowledge("job_9", "stopped", at=MONDAY_TEN)

    def test_a_wish_to_stop_is_recorded_once(self, kept: Occurrences) -> None:
        """Paul's stands, also after it was seen to; of one job, not of another."""
        first = kept.cancel(wish())

        assert first == wish()
        assert kept.cancel(wish(by=OLGA, at=MONDAY_TEN + MINUTE)) == first
        assert kept.cancellation("job_1") == first
        assert kept.cancellation("job_2") is None

    def test_a_wish_to_stop_is_acknowledged_once(self, kept: Occurrences) -> None:
        """Then it is open no more; the first word stands."""
        kept.cancel(wish("job_2", at=MONDAY_TEN + MINUTE))
        kept.cancel(wish("job_1"))
        assert [one.job_id for one in kept.open_cancellations(20)] == ["job_1", "job_2"]
        assert [one.job_id for one in kept.open_cancellations(1)] == ["job_1"]

        assert kept.acknowledge("job_1", "stopped", at=MONDAY_TEN + MINUTE)
        assert not kept.acknowledge("job_1", "too late", at=MONDAY_TEN + 2 * MINUTE)

        assert [one.job_id for one in kept.open_cancellations(20)] == ["job_2"]
        done = kept.cancellation("job_1")
        assert done is not None
        assert (done.outcome, done.acknowledged_at) == ("stopped", MONDAY_TEN + MINUTE)

    def test_a_cancelled_job_is_not_retried(self, kept: Occurrences) -> None:
        """Its retry is recorded, and is not due."""
        kept.put(occurrence())
        kept.fire("job_1", 1, "run_1", at=MONDAY_TEN)
        kept.cancel(wish())

        retry = kept.put(occurrence(attempt=2))
        assert (retry.state, retry.note, retry.settled_at) == (CANCELLED, "wrong month", MONDAY_TEN)
        assert kept.of_job("job_1")[1] == retry
        assert kept.due(MONDAY_TEN + MINUTE, 20) == ()

    def test_of_two_that_ask_under_one_key_at_once_one_is_first(
        self, kept: Occurrences, open_occurrences: OpenOccurrences
    ) -> None:
        """Both are told the same job."""
        answers = _race(put_together, open_occurrences, ("job_left", "job_right"))

        assert len(set(answers)) == 1
        assert len(kept.due(MONDAY_TEN, 20)) == 1

    def test_a_cancellation_and_a_run_at_once_agree_on_one_state(
        self, kept: Occurrences, open_occurrences: OpenOccurrences
    ) -> None:
        """Either it was fired, and the wish is open; or it was cancelled, and the run was not noted."""
        kept.put(occurrence())
        answers = dict(_race(fire_together, open_occurrences, ("cancel", "run_1")))

        [one] = kept.of_job("job_1")
        assert one.state is (FIRED if answers["run_1"] else CANCELLED)
        assert kept.open_cancellations(20) == (wish(),)


def _race(work: Callable[..., None], open_occurrences: OpenOccurrences, names: tuple[str, ...]) -> list[Any]:
    """Let processes do one thing at once; what they answer."""
    spawn = multiprocessing.get_context("spawn")
    together, answers = spawn.Barrier(len(names)), spawn.Queue()
    racers = [spawn.Process(target=work, args=(open_occurrences, together, name, answers)) for name in names]
    for racer in racers:
        racer.start()
    got = [answers.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(60)
    return got
