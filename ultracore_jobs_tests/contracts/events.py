"""What every `EventStore` must keep to, whatever database holds it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier, Event

import pytest

from ultracore_jobs.errors import UsageError, VersionConflictError
from ultracore_jobs.lifecycle.bodies import event_bodies
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.events import JobProgressUpdated, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.ports import Append, EventStore, StoredEvent
from ultracore_jobs_tests.contracts.jobs_recorded import (
    A_DAY,
    MONDAY,
    HandClock,
    OpenEvents,
    fill,
    insist,
    job,
    keep,
)

ONE = job_stream("t1", "job_1")
WRITERS, TIMES = 16, 8


class EventStoreContract:
    """Inherit it in a ``Test...`` class that has the fixture `open_events`."""

    @pytest.fixture
    def open_events(self) -> OpenEvents:
        """Opens the store under test, with a clock if one is given."""
        raise NotImplementedError

    @pytest.fixture
    def events(self, open_events: OpenEvents) -> EventStore:
        """The store under test, empty."""
        return open_events()

    def test_what_is_appended_is_read_as_it_was(self, events: EventStore) -> None:
        """With places from 1, and each hash made of the one before it and the body."""
        made = job(steps=2)
        recorded = made.uncommitted
        stored = keep(events, made)

        assert events.read(ONE) == stored
        assert tuple(one.event for one in stored) == recorded
        assert [(one.position, one.stream, one.seq) for one in stored] == [(n, ONE, n) for n in (1, 2, 3, 4)]
        assert [one.body for one in stored] == event_bodies(ONE, recorded)
        previous = GENESIS
        for one in stored:
            assert (one.prev_hash, one.hash) == (previous, link(previous, one.body))
            previous = one.hash
        assert {one.recorded_at for one in stored} == {MONDAY}

    def test_a_job_goes_on_where_it_was_left(self, events: EventStore) -> None:
        """Rebuilt from what is kept, by another process."""
        keep(events, job())
        found = JobAggregate.from_events((one.event for one in events.read(ONE)), clock=lambda: MONDAY)
        found.mark_committed()
        found.complete({"portfolios_updated": 150}, 45.2)

        [last] = keep(events, found)
        assert (last.seq, last.position) == (4, 4)
        assert last.prev_hash == events.read(ONE, from_version=3)[0].hash

    @pytest.mark.parametrize("expected", [0, 1, 2, 4])
    def test_another_version_than_expected_is_refused(self, events: EventStore, expected: int) -> None:
        """Three are there: who expects fewer would fork the stream, who expects more skip a place."""
        fill(events, "job_1")
        more = job(steps=2).uncommitted[3:]

        with pytest.raises(VersionConflictError, match=f"job_1 is at version 3, not {expected}.*read again"):
            events.append(ONE, expected, more)
        with pytest.raises(VersionConflictError, match="job_2 is at version 0, not 5"):
            events.append(job_stream("t1", "job_2"), 5, job("job_2").uncommitted)
        assert (events.position(), len(events.read(ONE))) == (3, 3)

    def test_a_commit_over_many_streams_is_all_or_nothing(self, events: EventStore) -> None:
        """One of three is at another version: none is appended, and it is named."""
        fill(events, "job_2")
        batch = [
            Append(job_stream("t1", name), 0, job(name).uncommitted) for name in ("job_1", "job_2", "job_3")
        ]

        with pytest.raises(
            VersionConflictError, match=r"^jobs.executions/t1/job_2 is at version 3, not 0\. "
        ):
            events.append_many(batch)
        assert events.position() == 3
        stored = events.append_many([batch[0], batch[2]])
        assert [(one.position, one.stream, one.seq) for one in stored] == [
            (4, ONE, 1),
            (5, ONE, 2),
            (6, ONE, 3),
            (7, batch[2].stream, 1),
            (8, batch[2].stream, 2),
            (9, batch[2].stream, 3),
        ]
        assert events.read_all(3) == stored

    def test_a_commit_takes_many_streams_and_many_events(self, events: EventStore) -> None:
        """1,200 new jobs, then one more event for each, then a stream of 2,503."""
        names = [f"job_{number}" for number in range(1200)]
        made = [job(name) for name in names]
        first = events.append_many([Append(job_stream("t1", one.job_id), 0, one.uncommitted) for one in made])
        for one in made:
            one.mark_committed()
            one.complete({}, 1)
        second = events.append_many(
            [Append(job_stream("t1", one.job_id), 3, one.uncommitted) for one in made]
        )
        fill(events, "long", steps=2501)

        assert [one.position for one in (*first, *second)] == list(range(1, 4801))
        assert [one.seq for one in second] == [4] * 1200
        assert len(events.read(job_stream("t1", "long"))) == 2503
        assert events.verify() == (7303, 1201, ())

    def test_a_stream_comes_once_in_a_commit(self, events: EventStore) -> None:
        """Twice would need the second to expect what the first makes."""
        made = job().uncommitted
        with pytest.raises(UsageError, match="once in a commit"):
            events.append_many([Append(ONE, 0, made[:1]), Append(ONE, 1, made[1:])])

    def test_nothing_to_append_is_nothing_done(self, events: EventStore) -> None:
        """And an empty record is whole."""
        assert events.append(ONE, 7, []) == ()
        assert events.append_many([]) == ()
        assert (events.position(), events.read(ONE), events.read_all(), events.streams()) == (0, (), (), ())
        assert events.verify() == (0, 0, ())

    def test_an_event_of_another_stream_is_refused(self, events: EventStore) -> None:
        """Both are named."""
        with pytest.raises(UsageError, match=r"t1/job_1 cannot be recorded in .*job_2"):
            events.append(job_stream("t1", "job_2"), 0, job().uncommitted)

    @pytest.mark.parametrize(
        "text",
        [
            "tab\tand line\nand \\n and \\",
            "quote \" '",
            "Zoë 數 \U0001f600",
            "\x00\x1f\x7f\u2028",
            "%s ? $1 \\.",
        ],
    )
    def test_every_text_comes_back_as_it_was(self, events: EventStore, text: str) -> None:
        """What a database, its driver or JSON might take for something else."""
        made = job(steps=0)
        made.update_progress(1, text, {text: [text]})
        keep(events, made)

        last = events.read(ONE)[-1].event
        assert isinstance(last, JobProgressUpdated)
        assert (last.current_step, last.details) == (text, {text: [text]})
        assert events.verify().faults == ()

    def test_readers_page_through_all_streams_in_the_order_of_recording(self, events: EventStore) -> None:
        """Each with the hash before it in its own stream, also where that is on another page."""
        one, two = job("job_1"), job("job_2")
        stored = [*keep(events, one), *keep(events, two)]
        one.complete({}, 1)
        stored += keep(events, one)

        pages: list[StoredEvent] = []
        while page := events.read_all(pages[-1].position if pages else 0, limit=2):
            pages += page
        assert pages == stored
        assert pages[-1].prev_hash == pages[2].hash
        assert events.read(ONE, from_version=3) == (stored[2], stored[6])
        assert events.read(ONE, from_version=5) == ()

    def test_streams_and_their_heads_are_listed(self, events: EventStore) -> None:
        """By the beginning of the name, character by character: a percent sign is one."""
        stored = fill(events, "job_1", "job%2")
        keep(events, job("job_1", "t2"))

        assert events.streams() == ("jobs.executions/t1/job%2", ONE, "jobs.executions/t2/job_1")
        assert events.streams("jobs.executions/t1/") == ("jobs.executions/t1/job%2", ONE)
        assert events.streams("jobs.executions/t1/job%") == ("jobs.executions/t1/job%2",)
        assert events.streams("JOBS") == ()
        assert events.heads([ONE, "jobs.executions/t1/none"]) == {ONE: (3, stored[2].hash)}
        assert events.heads([]) == {}
        assert set(events.heads(events.streams())) == set(events.streams())

    def test_days_go_up_with_places_whatever_a_clock_says(self, open_events: OpenEvents) -> None:
        """Monday, Tuesday, then a machine whose clock is a day behind: that is Tuesday still."""
        clock = HandClock()
        events = open_events(clock)
        monday = fill(events, "job_1")
        clock.instant = MONDAY + A_DAY
        tuesday = fill(events, "job_2")
        clock.instant = MONDAY
        tuesday += fill(events, "job_3")
        clock.instant = (MONDAY + 3 * A_DAY).astimezone(timezone(timedelta(hours=-11)))
        thursday = fill(events, "job_4")

        assert {one.recorded_at for one in tuesday} == {MONDAY + A_DAY}
        assert thursday[0].recorded_at == MONDAY + 3 * A_DAY
        days = [events.day_hashes((MONDAY + n * A_DAY).date()) for n in range(-1, 5)]
        assert days == [
            (),
            tuple(one.hash for one in monday),
            tuple(one.hash for one in tuesday),
            (),
            tuple(one.hash for one in thursday),
            (),
        ]

    def test_a_day_ends_at_midnight_utc(self, open_events: OpenEvents) -> None:
        """To the microsecond."""
        clock = HandClock(datetime(2024, 1, 15, 23, 59, 59, 999_999, tzinfo=UTC))
        events = open_events(clock)
        fill(events, "job_1")
        clock.instant += timedelta(microseconds=1)
        fill(events, "job_2", steps=3)

        assert [len(events.day_hashes((MONDAY + n * A_DAY).date())) for n in (0, 1)] == [3, 5]
        assert events.read_all(3)[0].recorded_at == datetime(2024, 1, 16, tzinfo=UTC)

    def test_a_relay_sends_each_event_once_and_in_order(self, events: EventStore) -> None:
        """It notes how far it came; noting less changes nothing; another relay has its own place."""
        stored = fill(events, "job_1", "job_2")
        assert events.pending_outbox(4) == stored[:4]
        events.mark_relayed(4)
        assert events.pending_outbox(100) == stored[4:]
        events.mark_relayed(2)
        events.mark_relayed(4)
        assert events.pending_outbox(1) == stored[4:5]
        assert events.pending_outbox(100, relay="lake") == stored
        events.mark_relayed(6)
        assert events.pending_outbox(100) == ()
        with pytest.raises(UsageError, match="position 7: the record ends at 6"):
            events.mark_relayed(7)

    def test_a_record_is_whole_and_so_is_a_stream(self, events: EventStore) -> None:
        """As many events and streams as there are."""
        fill(events, "job_1", "job_2", steps=4)

        assert events.verify() == (12, 2, ())
        assert events.verify(stream=ONE) == (6, 1, ())
        assert events.verify(stream="jobs.executions/t1/none") == (0, 0, ())
        events.verify().require_whole()

    def test_sixteen_writers_of_one_stream_lose_nothing(
        self, events: EventStore, open_events: OpenEvents
    ) -> None:
        """Who is second reads again: every event is there once, and each writer's are in its order."""
        fill(events, "job_1")
        together = Barrier(WRITERS)
        with ThreadPoolExecutor(WRITERS) as writers:
            tries = [writers.submit(insist, open_events, together, n, "job_1", TIMES) for n in range(WRITERS)]
            lost = sum(one.result() for one in tries)

        stored = events.read(ONE)
        assert [one.seq for one in stored] == list(range(1, 3 + WRITERS * TIMES + 1))
        said = [one.event.current_step for one in stored[3:] if isinstance(one.event, JobProgressUpdated)]
        for writer in range(WRITERS):
            mine = [step for step in said if step.startswith(f"{writer}.")]
            assert mine == [f"{writer}.{number}" for number in range(TIMES)]
        assert events.verify().faults == ()
        assert lost >= 0

    def test_sixteen_writers_of_many_streams_are_followed_without_a_gap(
        self, events: EventStore, open_events: OpenEvents
    ) -> None:
        """A reader that pages on while they write has seen every place in order when they are done."""
        together, done = Barrier(WRITERS), Event()

        def follow() -> list[int]:
            reader, seen = open_events(), [0]
            while True:
                last_look = done.is_set()
                page = reader.read_all(seen[-1], limit=7)
                seen += [one.position for one in page]
                if last_look and not page:
                    return seen[1:]

        for number in range(WRITERS):
            fill(events, f"job_{number}")
        with ThreadPoolExecutor(WRITERS + 1) as threads:
            follower = threads.submit(follow)
            tries = [
                threads.submit(insist, open_events, together, n, f"job_{n}", TIMES) for n in range(WRITERS)
            ]
            assert [one.result() for one in tries] == [0] * WRITERS
            done.set()
            seen = follower.result()

        assert seen == list(range(1, WRITERS * (3 + TIMES) + 1))
        assert events.verify() == (len(seen), WRITERS, ())
