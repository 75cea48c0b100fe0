"""A copy of the record, whatever comes in whatever order."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.read_model import ReadModel, differences
from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.events import JobStatus, job_stream
from ultracore_jobs.lifecycle.verification import Fault
from ultracore_jobs.ports import StoredEvent
from ultracore_jobs_tests.adapters.kafka_places import jobs, record, require_equal, schedules
from ultracore_jobs_tests.contracts.jobs_recorded import HandClock, fill

ONE, TWO, THREE = (job_stream("t1", f"job_{number}") for number in (1, 2, 3))


@pytest.fixture(scope="module")
def events() -> Iterator[SqlEventStore]:
    """A record of twelve jobs and four schedules: 78 events, which no test adds to."""
    engine = open_database("sqlite://")
    migrate(engine)
    kept = SqlEventStore(engine, HandClock())
    record(kept, [*jobs(0, 6), *schedules(4), *jobs(6, 6)])
    yield kept
    engine.dispose()


@pytest.fixture
def three() -> Iterator[SqlEventStore]:
    """A record of three jobs of three events each; its own for each test."""
    engine = open_database("sqlite://")
    migrate(engine)
    kept = SqlEventStore(engine, HandClock())
    fill(kept, "job_1", "job_2", "job_3")
    yield kept
    engine.dispose()


def told(*events: StoredEvent) -> ReadModel:
    """What is known after these."""
    model = ReadModel()
    model.take(events)
    return model


def rehashed(event: StoredEvent, prev_hash: str | None = None, **changes: str) -> StoredEvent:
    """*event* saying something else, with a hash that fits."""
    body = event.body
    for old, new in changes.items():
        assert f'"{old}"' in body
        body = body.replace(f'"{old}"', f'"{new}"')
    prev_hash = prev_hash or event.prev_hash
    return event._replace(body=body, prev_hash=prev_hash, hash=link(prev_hash, body))


@settings(max_examples=40)
@given(data=st.data())
def test_any_order_and_any_repetition_give_the_record(events: SqlEventStore, data: st.DataObject) -> None:
    """All events at least once, shuffled: nothing is missing, and each repetition is counted."""
    recorded = events.read_all()
    again = data.draw(st.lists(st.sampled_from(recorded), max_size=20))
    came = data.draw(st.permutations([*recorded, *again]))
    model = told(*came)

    assert model.duplicates == len(again)
    require_equal(events, model)


@settings(max_examples=40)
@given(data=st.data())
def test_whatever_does_not_come_is_named(events: SqlEventStore, data: st.DataObject) -> None:
    """Every place of the record, and of a stream that goes on the first; what comes late heals it."""
    recorded = events.read_all()
    lost = data.draw(st.sets(st.sampled_from(recorded), min_size=1))
    model = told(*data.draw(st.permutations([one for one in recorded if one not in lost])))
    faults = model.faults(upto=len(recorded))

    places = {one.position for one in lost}
    first = {one.stream: one.seq for one in sorted(lost, reverse=True)}
    last = {one.stream: one.seq for one in recorded}
    cut = {
        stream for stream, end in last.items() if recorded_of(lost, stream) != tail(first.get(stream), end)
    }
    named: set[int] = set()
    for fault in faults:
        if not fault.stream:
            numbers = [int(word) for word in fault.what.split() if word.isdigit()]
            named |= set(range(numbers[0], numbers[-1] + 1))
    assert named == places
    assert {(one.stream, one.seq) for one in faults if one.stream} == {
        (stream, first[stream]) for stream in cut
    }
    missing = {one[:3] for one in differences(events, model)}
    assert missing == {
        (one.position, one.stream, one.seq)
        for one in recorded
        if one.stream in first and one.seq >= first[one.stream]
    }
    model.take(lost)
    require_equal(events, model)


def recorded_of(lost: set[StoredEvent], stream: str) -> set[int]:
    """Places in a stream that are lost."""
    return {one.seq for one in lost if one.stream == stream}


def tail(first: int | None, end: int) -> set[int]:
    """All places from the first that is lost: then nothing in the stream shows that there was more."""
    return set() if first is None else set(range(first, end + 1))


def test_what_became_of_jobs_and_schedules_is_only_read(events: SqlEventStore) -> None:
    """Nobody commands a copy."""
    model = told(*events.read_all())
    done = model.jobs()[job_stream("acme", "job_0")]

    assert done.status is JobStatus.COMPLETED
    assert done.result == {"nav": "1000.10", "notes": [None, 0.1, "Zoë"]}
    assert [one.enabled for one in model.schedules().values()] == [True, False, True, False]
    with pytest.raises(UsageError, match="a copy to read"):
        done.record_check("nav_reconciled", passed=True, details={})


def test_a_changed_event_is_left_out(three: SqlEventStore) -> None:
    """It is named, and all else is there; the true one is taken even after it."""
    first, second, third, *others = three.read_all()
    flipped = second._replace(body=second.body.replace("executor_1", "executor_2"))
    model = told(first, flipped, third, *others)

    assert model.faults(upto=9) == (
        Fault(2, "", 0, "position 2 is missing"),
        Fault(2, ONE, 2, "its hash is not that of what it says"),
        Fault(3, ONE, 2, "is missing; event 3 comes next"),
    )
    assert model.events(ONE) == (first,)
    assert model.events(TWO) == three.read(TWO)
    model.take([second])
    assert model.faults(upto=9) == (Fault(2, ONE, 2, "its hash is not that of what it says"),)
    assert differences(three, model) == ()


def test_of_a_rewritten_stream_both_readings_are_named(three: SqlEventStore) -> None:
    """With hashes of its own it cannot be told from the true one, so whichever comes second is a fault."""
    first, second, third, *others = three.read_all()
    forged = rehashed(second, executor_1="executor_2")
    after = told(first, second, forged, third, *others)
    before = told(first, forged, second, third, *others)

    assert after.faults() == (Fault(2, ONE, 2, "another one is known in its place"),)
    assert differences(three, after) == ()
    assert before.faults() == (
        Fault(2, ONE, 2, "another one is known in its place"),
        Fault(3, "", 0, "position 3 is missing"),
        Fault(3, ONE, 3, "it does not follow the one before it"),
    )
    assert differences(three, before) == (
        Fault(2, ONE, 2, "differs between the record and the copy"),
        Fault(3, ONE, 3, "is in the record, but not in the copy"),
    )


def test_a_forged_event_does_not_hide_the_true_one_that_waits(three: SqlEventStore) -> None:
    """Both came before the event they should follow: the one that does is taken."""
    first, second, third, *_ = three.read_all()
    forged = rehashed(third, prev_hash=GENESIS)
    model = told(forged, third, forged, third, second, first)

    assert model.events(ONE) == (first, second, third)
    assert model.duplicates == 2
    assert model.faults(upto=3) == (Fault(3, ONE, 3, "it does not follow the one before it"),)


def test_a_fork_is_named(three: SqlEventStore) -> None:
    """Two that follow the same event, both come before it."""
    first, second, *_ = three.read_all()
    model = told(rehashed(second, executor_1="executor_2"), second, first)

    assert [one.what for one in model.faults()] == ["another one is known in its place"]


def test_an_event_in_anothers_place_is_left_out(three: SqlEventStore) -> None:
    """Its body says where it belongs: in no other stream, at no other place of it, not before the first."""
    first, *_ = three.read_all()
    for strange in (
        first._replace(stream=TWO),
        first._replace(seq=2),
        rehashed(first._replace(body=first.body.replace('"seq":1', '"seq":0'), seq=0)),
        first._replace(body="[]", hash=link(GENESIS, "[]")),
    ):
        model = told(strange)
        assert model.faults() == (Fault(1, strange.stream, strange.seq, "it says that it belongs elsewhere"),)
        assert model.streams() == ()


def test_a_place_of_the_record_is_held_by_one(three: SqlEventStore) -> None:
    """Two databases that relay into the same topics both count from 1."""
    first, _, _, other, *_ = three.read_all()
    model = told(first, other._replace(position=1))

    assert model.faults() == (Fault(1, TWO, 1, "its place in the record is that of another"),)


def test_the_same_event_at_another_place_is_another(three: SqlEventStore) -> None:
    """As after a database was filled anew: the record has it once."""
    first, *_ = three.read_all()
    model = told(first, first._replace(position=7))

    assert model.faults() == (Fault(7, ONE, 1, "another one is known in its place"),)
    assert model.duplicates == 0


def test_what_is_on_its_way_is_not_missing(three: SqlEventStore) -> None:
    """Only places up to the one that was relayed when the reading began must have come."""
    recorded = three.read_all()
    model = told(*recorded[:4], *recorded[5:])

    assert model.faults(upto=4) == (Fault(6, TWO, 2, "is missing; event 3 comes next"),)
    assert differences(three, model, upto=4) == ()
    assert told(*recorded[:4]).faults() == ()
    assert told(*recorded[:4]).position == 4
    assert told(*recorded[:4]).faults(upto=9) == (Fault(5, "", 0, "positions 5 to 9 are missing"),)


def test_a_record_that_was_cut_shows_in_its_copy(three: SqlEventStore) -> None:
    """A backup of yesterday was restored: the copy knows more, of a stream and of one that is gone."""
    recorded = three.read_all()
    engine = open_database("sqlite://")
    migrate(engine)
    cut = SqlEventStore(engine, HandClock())
    cut.append(ONE, 0, [one.event for one in recorded[:2]])
    cut_short = differences(cut, told(*recorded[:6]))
    engine.dispose()

    assert cut_short == tuple(
        Fault(one.position, one.stream, one.seq, "is in the copy, but not in the record")
        for one in recorded[2:6]
    )


def test_nothing_is_known_of_nothing() -> None:
    """And nothing is wrong with it."""
    model = ReadModel()

    assert (model.position, model.streams(), model.events(THREE), model.faults()) == (0, (), (), ())
    assert (model.jobs(), model.schedules()) == ({}, {})
