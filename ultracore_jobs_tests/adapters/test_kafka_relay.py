"""The relay, against a broker: nothing lost, nothing out of order, and a copy that equals the record."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.adapters.kafka_client import KafkaCluster
from ultracore_jobs.adapters.kafka_record import KafkaRecord
from ultracore_jobs.adapters.kafka_relay import KafkaRelay
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.read_model import ReadModel
from ultracore_jobs.errors import StoreError
from ultracore_jobs.ports import StoredEvent
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.kafka_crashing import AT_ONCE
from ultracore_jobs_tests.adapters.kafka_places import jobs, record, require_equal, reread, schedules
from ultracore_jobs_tests.broker import Broker, kafka_broker, nowhere
from ultracore_jobs_tests.contracts.jobs_recorded import fill, job, keep


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One for the module."""
    with kafka_broker() as running:
        yield running


@pytest.fixture
def cluster(broker: Broker) -> KafkaCluster:
    """Topics of this test only, not made yet."""
    return broker.cluster()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A migrated, empty database."""
    migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
    return f"sqlite:///{tmp_path / 'ultracore.db'}"


@pytest.fixture
def events(url: str) -> SqlEventStore:
    """The record, empty."""
    return open_events(url)


def test_the_copy_equals_the_record(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """Jobs and schedules of two tenants, grown between two passes; each kind in its own topic."""
    planned = schedules(8)
    record(events, [*planned, *jobs(0, 40)])
    relay = KafkaRelay(events, cluster, at_once=50)
    # Eight schedules of which four were disabled, and forty jobs of six events.
    assert relay.behind() == events.position() == 12 + 40 * 6
    assert relay.relay() == (252, 0)
    planned[1].enable("olga")
    record(events, [planned[1], *jobs(100, 5)])
    assert relay.behind() == 31
    assert relay.relay() == (31, 0)
    assert relay.relay() == (0, 0)
    relay.close()

    model = reread(cluster)
    assert model.duplicates == 0
    require_equal(events, model)


def test_events_of_a_stream_arrive_in_its_order(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """Also over batches; the topic is that of the stream."""
    record(events, [*schedules(2), *jobs(0, 20, steps=20)])
    KafkaRelay(events, cluster, at_once=7).relay()
    came: list[StoredEvent] = []

    KafkaRecord(cluster, group=f"{cluster.prefix}order").read(came.extend)
    for stream in events.streams():
        assert tuple(one for one in came if one.stream == stream) == events.read(stream)
    with pytest.raises(StoreError, match=r"no topic .*jobs.schedules and no topic .*jobs.executions"):
        KafkaRecord(replace(cluster, prefix="none."), group="none").read(came.extend)


def test_a_pass_ends_at_its_limit(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """And the lag says what is left."""
    fill(events, *(f"job_{number}" for number in range(10)))
    relay = KafkaRelay(events, cluster, at_once=4)

    assert relay.relay(limit=10) == (10, 20)
    assert relay.relay(limit=10) == (10, 10)
    assert [one.position for one in events.pending_outbox(2)] == [21, 22]
    relay.close()


@pytest.mark.slow
def test_while_no_broker_answers_ten_thousand_events_wait(
    events: SqlEventStore, broker: Broker, cluster: KafkaCluster
) -> None:
    """It hangs after 600 events and before 10,000 more, some of them of the same jobs; then it goes on."""
    made = jobs(0, 100)
    record(events, made)
    relay = KafkaRelay(events, replace(cluster, patience_seconds=1.5), at_once=500)
    assert relay.relay() == (600, 0)
    with broker.halted():
        for one in made:
            one.record_check("all_screened", passed=True, details={"while": "down"})
        record(events, [*made, *jobs(1000, 1650)])
        for _ in range(2):
            with pytest.raises(StoreError, match=r"did not arrive|cannot be reached|cannot say"):
                relay.relay()
            assert relay.behind() == 10_000

    patient = KafkaRelay(events, cluster)
    assert patient.relay(limit=20_000) == (10_000, 0)
    patient.close()
    model = reread(cluster)
    require_equal(events, model)


def test_a_broker_that_was_never_there_takes_nothing(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """The connection is refused: said at once, nothing noted."""
    fill(events, "job_1")
    with pytest.raises(StoreError, match="Connection refused"):
        KafkaRelay(events, nowhere(cluster)).relay()
    assert len(events.pending_outbox(10)) == 3


@pytest.mark.slow
def test_a_relay_killed_anywhere_loses_nothing(
    events: SqlEventStore, url: str, cluster: KafkaCluster
) -> None:
    """By kill -9 at ever other steps of a batch: what arrived and was not noted comes twice, counts once."""
    record(events, jobs(0, 16))
    command = [sys.executable, "-m", "ultracore_jobs_tests.adapters.kafka_crashing", url]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, cluster.bootstrap, cluster.prefix],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    behind = [int(line) for line in done.stdout.split()]

    assert behind[0] == 96
    assert len(behind) > 8
    # Noted is only ever a whole batch, and never less than before.
    assert behind == sorted(behind, reverse=True)
    assert all(left % AT_ONCE == 0 for left in behind)
    model = reread(cluster)
    assert model.duplicates > 0
    assert events.pending_outbox(1) == ()
    require_equal(events, model)


def test_two_relays_at_once_only_double(events: SqlEventStore, url: str, cluster: KafkaCluster) -> None:
    """Nobody is told to run just one."""
    record(events, jobs(0, 100))
    relays = [KafkaRelay(open_events(url), cluster, at_once=50) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert all(done.behind == 0 for done in pool.map(KafkaRelay.relay, relays))
    for relay in relays:
        relay.close()

    require_equal(events, reread(cluster))


def test_another_relay_sends_it_all_again(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """Under another name, as after a cluster was lost: every event comes twice, and counts once."""
    record(events, jobs(0, 10))
    for name in ("kafka", "again"):
        KafkaRelay(events, cluster, name=name).relay()

    model = reread(cluster)
    assert model.duplicates == 60
    require_equal(events, model)


def test_an_event_that_is_too_large_is_named(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """What comes before it is sent and noted; with a larger limit the rest follows."""
    fill(events, "job_1")
    large = job("large", steps=0)
    large.update_progress(1, "x" * 20_000, {})
    keep(events, large)
    fill(events, "job_2")
    small = replace(cluster, properties={"message.max.bytes": 10_000})

    for _ in range(2):
        with pytest.raises(
            StoreError, match=r"event 3 of jobs.executions/t1/large \(position 6, .* max.message"
        ):
            KafkaRelay(events, small).relay()
        assert [one.position for one in events.pending_outbox(10)] == [6, 7, 8, 9]
    assert KafkaRelay(events, cluster).relay() == (4, 0)
    require_equal(events, reread(cluster))


def test_a_full_queue_is_emptied_and_filled_again(events: SqlEventStore, cluster: KafkaCluster) -> None:
    """Ten messages fit into it, a batch has fifty."""
    record(events, jobs(0, 20))
    narrow = replace(cluster, properties={"queue.buffering.max.messages": 10})

    assert KafkaRelay(events, narrow, at_once=50).relay() == (120, 0)
    model: ReadModel = reread(cluster)
    assert model.duplicates == 0
    require_equal(events, model)
