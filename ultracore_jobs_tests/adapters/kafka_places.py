"""Records to relay, and what is held against them afterwards."""

from collections.abc import Sequence
from datetime import timedelta

from ultracore_jobs.adapters.kafka_client import KafkaCluster
from ultracore_jobs.adapters.kafka_record import KafkaRecord
from ultracore_jobs.application.read_model import ReadModel, differences
from ultracore_jobs.lifecycle.aggregate import Aggregate
from ultracore_jobs.lifecycle.events import JobPriority, ScheduleType
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs.lifecycle.schedule_aggregate import ScheduleAggregate
from ultracore_jobs.ports import Append, EventStore, StoredEvent
from ultracore_jobs_tests.contracts.jobs_recorded import MONDAY, job
from ultracore_jobs_tests.lifecycle.clocks import ticking
from ultracore_jobs_tests.lifecycle.test_replay import state

TENANTS = ("acme", "globex")


def jobs(first: int, count: int, *, steps: int = 2) -> list[JobAggregate]:
    """Jobs of two tenants, completed, to be tried again, or running: four events and its steps each."""
    made = [job(f"job_{number}", TENANTS[number % 2], steps=steps) for number in range(first, first + count)]
    for number, one in enumerate(made):
        if number % 3 == 0:
            one.complete({"nav": "1000.10", "notes": [None, 0.1, "Zoë"]}, 45.2)
            one.record_check("nav_reconciled", passed=True, details={})
        elif number % 3 == 1:
            one.fail("no prices", {"missing": ["XASX"]}, will_retry=True)
            one.retry(MONDAY + timedelta(minutes=5))
        else:
            one.update_progress(99.5, "nearly", {})
            one.update_progress(99.9, "very nearly", {})
    return made


def schedules(count: int) -> list[ScheduleAggregate]:
    """Schedules, every second of them disabled: three events for two of them."""
    made = [ScheduleAggregate("acme", f"daily_{number}", clock=ticking()) for number in range(count)]
    for number, one in enumerate(made):
        one.create(
            "custom",
            ScheduleType.INTERVAL,
            None,
            3600,
            None,
            enabled=True,
            priority=JobPriority.LOW,
            parameters={"n": number},
            created_by="olga",
        )
        if number % 2:
            one.disable("olga")
    return made


def record(events: EventStore, made: Sequence[Aggregate]) -> None:
    """Keep all that is new of them in one commit."""
    events.append_many([Append(_stream(one), one.committed_version, one.uncommitted) for one in made])
    for one in made:
        one.mark_committed()


def reread(cluster: KafkaCluster) -> ReadModel:
    """The record from its topics alone, with nothing in them that cannot be read."""
    model = ReadModel()
    assert KafkaRecord(cluster, group=f"{cluster.prefix}all").read(model.take).unreadable == ()
    return model


def require_equal(events: EventStore, model: ReadModel) -> None:
    """The copy is the record: every event with its places and hashes, and the state that they lead to."""
    recorded = events.read_all(limit=events.position())
    assert model.faults(upto=len(recorded)) == ()
    assert differences(events, model) == ()
    streams: dict[str, list[StoredEvent]] = {}
    for one in recorded:
        streams.setdefault(one.stream, []).append(one)
    assert {name: list(model.events(name)) for name in model.streams()} == streams
    rebuilt: dict[str, Aggregate] = {**model.jobs(), **model.schedules()}
    assert set(rebuilt) == set(streams)
    for stream, copy in rebuilt.items():
        there = type(copy).from_events((one.event for one in streams[stream]), clock=ticking())
        assert state(copy) == state(there)


def _stream(one: Aggregate) -> str:
    return one.uncommitted[0].stream
