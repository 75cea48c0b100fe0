"""Brokers that refuse, break off and go down, as librdkafka's own three do on demand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.adapters.kafka_client import KafkaCluster
from ultracore_jobs.adapters.kafka_relay import KafkaRelay
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.errors import StoreError
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.kafka_places import jobs, record, require_equal, reread, schedules
from ultracore_jobs_tests.mock_brokers import PRODUCE, MockBrokers, mock_brokers

PASSING = [
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.INVALID_MSG,
    KafkaError._TRANSPORT,
]
"""What passes by itself; the last breaks the connection off."""

FOR_GOOD = [
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
]
"""What trying again does not help against."""


@pytest.fixture
def brokers() -> Iterator[MockBrokers]:
    """Three, with empty topics."""
    with mock_brokers() as running:
        yield running


@pytest.fixture
def cluster(brokers: MockBrokers) -> KafkaCluster:
    """Where they are."""
    return brokers.cluster()


@pytest.fixture
def events(tmp_path: Path) -> SqlEventStore:
    """The record, empty."""
    migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
    return open_events(f"sqlite:///{tmp_path / 'ultracore.db'}")


def test_what_passes_is_not_even_noticed(
    events: SqlEventStore, brokers: MockBrokers, cluster: KafkaCluster
) -> None:
    """Each is met with many requests under way, and the producer repeats them.

    Some may come twice here: these brokers do not look at the numbers by which others know a repetition.
    """
    record(events, [*schedules(4), *jobs(0, 50)])
    brokers.fail(PRODUCE, *PASSING, *PASSING)
    relay = KafkaRelay(events, cluster, at_once=100, ensure=False)

    assert relay.relay() == (306, 0)
    relay.close()
    require_equal(events, reread(cluster))


@pytest.mark.parametrize("code", FOR_GOOD)
def test_only_what_arrived_before_a_refusal_is_noted(
    events: SqlEventStore, brokers: MockBrokers, cluster: KafkaCluster, code: int
) -> None:
    """The second of three batches is refused somewhere; the next pass sends it again, and the third."""
    record(events, jobs(0, 50))
    relay = KafkaRelay(events, cluster, at_once=100, ensure=False)
    assert relay.relay(limit=100) == (100, 200)
    brokers.fail(PRODUCE, code)

    with pytest.raises(
        StoreError, match=r"event \d of .* did not arrive; it and what follows are sent again"
    ):
        relay.relay()
    assert 100 <= relay.behind() <= 200
    left = relay.behind()
    assert relay.relay() == (left, 0)
    relay.close()
    require_equal(events, reread(cluster))


def test_what_is_recorded_outlives_an_outage(
    events: SqlEventStore, brokers: MockBrokers, cluster: KafkaCluster
) -> None:
    """All brokers go down before most are recorded, and come up after; a pass meanwhile notes nothing."""
    made = jobs(0, 100)
    record(events, made)
    relay = KafkaRelay(events, replace(cluster, patience_seconds=2), ensure=False)
    assert relay.relay(limit=300) == (300, 300)
    with brokers.down():
        for one in made:
            one.record_check("all_screened", passed=True, details={"while": "down"})
        record(events, [*made, *jobs(1000, 267)])
        with pytest.raises(StoreError, match=r"Connection refused|connection closed|timed out"):
            relay.relay()
        assert relay.behind() == 2_002

    patient = KafkaRelay(events, cluster, ensure=False)
    assert patient.relay() == (2_002, 0)
    patient.close()
    require_equal(events, reread(cluster))
