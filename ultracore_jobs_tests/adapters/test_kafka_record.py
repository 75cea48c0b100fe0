"""Reading the record from its topics: nothing believed, nothing missed without a word."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not in its __all__
    AdminClient,
    NewPartitions,
)

from ultracore_jobs.adapters.cloud_events import to_message
from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.adapters.kafka_client import KafkaCluster
from ultracore_jobs.adapters.kafka_record import KafkaRecord
from ultracore_jobs.adapters.kafka_relay import KafkaRelay
from ultracore_jobs.adapters.kafka_topics import ensure_topics
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.application.read_model import ReadModel, differences
from ultracore_jobs.errors import StoreError
from ultracore_jobs.lifecycle.chain import link
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.lifecycle.verification import Fault
from ultracore_jobs.ports import StoredEvent
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.kafka_places import jobs, record, require_equal, reread
from ultracore_jobs_tests.broker import Broker, kafka_broker, nowhere
from ultracore_jobs_tests.contracts.jobs_recorded import fill

ONE = job_stream("t1", "job_1")


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
def events(tmp_path: Path) -> SqlEventStore:
    """The record, empty."""
    migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
    return open_events(f"sqlite:///{tmp_path / 'ultracore.db'}")


@pytest.fixture
def relay(events: SqlEventStore, cluster: KafkaCluster) -> Iterator[KafkaRelay]:
    """Sends the record to the topics."""
    sending = KafkaRelay(events, cluster)
    yield sending
    sending.close()


def behind_its_back(
    cluster: KafkaCluster, change: Callable[[AdminClient], Mapping[Any, Future[Any]]]
) -> None:
    """Change topics while the relay does not look."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    for answer in change(admin).values():
        answer.result(20)


def send(cluster: KafkaCluster, *messages: tuple[bytes | None, dict[str, bytes], str]) -> None:
    """Put messages (value, headers, key) into the topic of jobs, as somebody else would."""
    settings = {"bootstrap.servers": cluster.bootstrap, "partitioner": "murmur2_random", "log_level": 0}
    producer = Producer(settings)
    for value, headers, key in messages:
        producer.produce(cluster.topics[1], value=value, headers=dict(headers), key=key)
    assert producer.flush(20) == 0
    producer.close()


def test_reading_goes_on_where_it_was_left(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """By another process of the same group; another group, and who says so, reads all."""
    fill(events, *(f"job_{number}" for number in range(20)))
    relay.relay()
    model = ReadModel()
    assert KafkaRecord(cluster, group="a").read(model.take) == (60, ())
    assert KafkaRecord(cluster, group="a").read(model.take) == (0, ())
    fill(events, *(f"job_{number}" for number in range(20, 25)))
    relay.relay()

    assert KafkaRecord(cluster, group="a").read(model.take) == (15, ())
    assert model.duplicates == 0
    require_equal(events, model)
    assert KafkaRecord(cluster, group="b").read(ReadModel().take) == (75, ())
    assert KafkaRecord(cluster, group="a").read(model.take, from_beginning=True) == (75, ())
    assert model.duplicates == 75


def test_what_was_not_taken_is_read_again(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """A taker that fails at its third batch, as one that dies there, has that batch again."""
    fill(events, *(f"job_{number}" for number in range(100)))
    relay.relay()
    model, taken = ReadModel(), 0

    def take(some: Sequence[StoredEvent]) -> None:
        nonlocal taken
        model.take(some)
        taken += 1
        if taken == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        KafkaRecord(cluster, group="a", at_once=50).read(take)
    rest = KafkaRecord(cluster, group="a", at_once=50).read(model.take).events
    assert model.duplicates > 0
    assert 150 <= rest < 300
    require_equal(events, model)


def test_a_stream_whose_events_are_in_several_partitions_is_put_in_order(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """As when partitions are added: two become seven, and most streams go elsewhere."""
    ensure_topics(cluster, partitions=2)
    made = jobs(0, 60)
    record(events, made)
    relay.relay()
    more = [NewPartitions(topic, 7) for topic in cluster.topics]
    behind_its_back(cluster, lambda admin: admin.create_partitions(more))
    relay.close()
    for one in made:
        one.record_check("all_screened", passed=True, details={})
    record(events, made)
    relay.relay()

    came: list[StoredEvent] = []
    KafkaRecord(cluster, group="order").read(came.extend)
    first = {one.stream: one.seq for one in reversed(came)}
    assert set(first.values()) == {1, 7}
    require_equal(events, reread(cluster))


def test_what_is_no_event_is_told_and_the_rest_is_read(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """Somebody else's message, one without a value, and one that says it is another."""
    [one, two, _] = fill(events, "job_1")
    relay.relay()
    headers = to_message(one).headers
    send(
        cluster,
        (b"hello", {}, ONE),
        (None, headers, ONE),
        (two.body.encode(), {**headers, "ce_seq": b"2"}, ONE),
    )
    fill(events, "job_2")
    relay.relay()
    model = ReadModel()
    reading = KafkaRecord(cluster, group="a").read(model.take)

    # One without a value has an empty body, whose hash is not the one it carries.
    assert reading.events == 7
    assert [why.partition(": ")[2].split(":")[0] for why in reading.unreadable] == ["no event of ours"] * 2
    assert all(f"of {cluster.topics[1]}" in why for why in reading.unreadable)
    assert model.faults() == (Fault(1, ONE, 1, "another one is known in its place"),)
    assert differences(events, model) == ()


def test_a_forged_event_is_left_out_and_named(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """Changed without its hash, with a hash of its own, and a fourth event that was never recorded."""
    *_, two, three = fill(events, "job_1")
    relay.relay()
    changed = three._replace(body=three.body.replace('"done":0', '"done":9'))
    rehashed = changed._replace(hash=link(changed.prev_hash, changed.body))
    fourth = changed._replace(
        seq=4, position=4, prev_hash=two.hash, body=changed.body.replace('"seq":3', '"seq":4')
    )
    fourth = fourth._replace(hash=link(fourth.prev_hash, fourth.body))
    for one in (changed, rehashed, fourth):
        message = to_message(one)
        send(cluster, (message.value, message.headers, ONE))
    model = reread(cluster)

    assert model.faults() == (
        Fault(3, ONE, 3, "another one is known in its place"),
        Fault(4, ONE, 4, "it does not follow the one before it"),
    )
    assert model.events(ONE) == events.read(ONE)
    assert differences(events, model) == ()


def test_what_was_removed_from_a_topic_is_missed(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """Who goes on is stopped; who begins anew is told what is missing."""
    ensure_topics(cluster, partitions=1)
    fill(events, "job_1", "job_2")
    relay.relay()
    model = ReadModel()
    KafkaRecord(cluster, group="a", at_once=1).read(lambda _: None)
    fill(events, "job_3")
    relay.relay()
    upto = TopicPartition(cluster.topics[1], 0, 8)
    behind_its_back(cluster, lambda admin: admin.delete_records([upto]))

    with pytest.raises(StoreError, match=r"was read up to 6: it now holds 8 to 9.*from the beginning"):
        KafkaRecord(cluster, group="a").read(model.take)
    assert KafkaRecord(cluster, group="a").read(model.take, from_beginning=True) == (1, ())
    assert model.faults(upto=9) == (
        Fault(1, "", 0, "positions 1 to 8 are missing"),
        Fault(9, job_stream("t1", "job_3"), 1, "is missing; event 3 comes next"),
    )
    assert [one.what for one in differences(events, model)] == ["is in the record, but not in the copy"] * 9


def test_a_topic_that_was_made_anew_is_noticed(
    events: SqlEventStore, relay: KafkaRelay, cluster: KafkaCluster
) -> None:
    """It holds less than was read of it before: three, where seven were noted."""
    ensure_topics(cluster, partitions=1)
    fill(events, "job_1")
    relay.relay()
    with closing(
        Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "a", "log_level": 0})
    ) as consumer:
        consumer.commit(offsets=[TopicPartition(cluster.topics[1], 0, 7)], asynchronous=False)

    with pytest.raises(StoreError, match=r"was read up to 7: it now holds 0 to 3.*made anew"):
        KafkaRecord(cluster, group="a").read(ReadModel().take)


def test_a_broker_that_hangs_is_given_up(
    events: SqlEventStore, relay: KafkaRelay, broker: Broker, cluster: KafkaCluster
) -> None:
    """After one's patience; and one that is not there, at once."""
    fill(events, "job_1")
    relay.relay()
    away = nowhere(cluster)
    with pytest.raises(
        StoreError, match=rf"^Kafka at {away.bootstrap}: cannot be read: .*Connection refused"
    ):
        KafkaRecord(away, group="a").read(ReadModel().take)
    impatient = KafkaCluster(cluster.bootstrap, cluster.prefix, patience_seconds=0.5)
    with broker.halted(), pytest.raises(StoreError, match=r"cannot be read|stopped answering"):
        KafkaRecord(impatient, group="a").read(ReadModel().take)
    assert KafkaRecord(cluster, group="a").read(ReadModel().take) == (3, ())
