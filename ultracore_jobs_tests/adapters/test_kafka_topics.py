"""Topics that keep everything: made, and found out where they do not."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not in its __all__
    AdminClient,
    ConfigResource,
    NewTopic,
)

from ultracore_jobs.adapters.database import migrate
from ultracore_jobs.adapters.kafka_client import KafkaCluster
from ultracore_jobs.adapters.kafka_relay import KafkaRelay
from ultracore_jobs.adapters.kafka_topics import ensure_topics, require_topics, topic_faults
from ultracore_jobs.errors import StoreError
from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.broker import Broker, kafka_broker, nowhere
from ultracore_jobs_tests.contracts.jobs_recorded import fill


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One for the module."""
    with kafka_broker() as running:
        yield running


@pytest.fixture
def cluster(broker: Broker) -> KafkaCluster:
    """Topics of this test only, not made yet."""
    return broker.cluster()


def settings_of(cluster: KafkaCluster, topic: str) -> dict[str, str]:
    """What the broker says of a topic."""
    admin = AdminClient(dict(cluster.client(lambda _: None)))  # type: ignore[arg-type]  # nobody listens
    [answer] = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in answer.result(20).items()}


def make(cluster: KafkaCluster, topic: str, settings: Mapping[str, str]) -> None:
    """A topic as somebody else would make it."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    [answer] = admin.create_topics([NewTopic(topic, 2, 1, config=dict(settings))]).values()
    answer.result(20)
    while (topic, "is not there") in [one[:2] for one in topic_faults(cluster)]:
        admin.poll(0.05)


def test_topics_are_made_so_that_nothing_is_removed(cluster: KafkaCluster) -> None:
    """Neither by age, nor by size, nor by compaction; the second time there is nothing to make."""
    made = ensure_topics(cluster, partitions=3)

    assert made == cluster.topics == (f"{cluster.prefix}jobs.schedules", f"{cluster.prefix}jobs.executions")
    for topic in made:
        settings = settings_of(cluster, topic)
        assert (settings["cleanup.policy"], settings["retention.ms"], settings["retention.bytes"]) == (
            "delete",
            "-1",
            "-1",
        )
        assert settings["max.message.bytes"] == str(8 * 1024 * 1024)
    assert ensure_topics(cluster) == ()
    assert topic_faults(cluster) == ()
    require_topics(cluster)


def test_several_processes_make_them_at_once(cluster: KafkaCluster) -> None:
    """Each topic is made by one of them, and none fails."""
    with ThreadPoolExecutor(4) as pool:
        made = [topic for topics in pool.map(ensure_topics, [cluster] * 4) for topic in topics]

    assert sorted(made) == sorted(cluster.topics)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"cleanup.policy": "compact"}, "cleanup.policy=compact"),
        ({"cleanup.policy": "compact,delete"}, "cleanup.policy=compact,delete"),
        ({"retention.ms": "604800000"}, "retention.ms=604800000"),
        ({"retention.bytes": "1073741824"}, "retention.bytes=1073741824"),
    ],
)
def test_a_topic_that_would_lose_events_is_refused(
    cluster: KafkaCluster, tmp_path: Path, settings: dict[str, str], found: str
) -> None:
    """The command that puts it right is said, it is left as it is, and nothing is sent to it."""
    topic = cluster.topics[1]
    make(
        cluster, topic, {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"} | settings
    )
    name = found.partition("=")[0]
    wanted = {"cleanup.policy": "delete"}.get(name, "-1")
    command = f"--alter --entity-type topics --entity-name {topic} --add-config {name}={wanted}"

    schedules, executions = topic_faults(cluster)
    assert (schedules.topic, schedules.what) == (cluster.topics[0], "is not there")
    assert (executions.topic, executions.what) == (topic, f"does not keep everything: {found}")
    assert command in executions.remedy
    migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
    events = open_events(f"sqlite:///{tmp_path / 'ultracore.db'}")
    fill(events, "job_1")
    with pytest.raises(StoreError, match=f"would lose events: topic {topic} .*{found}.*{command}$"):
        KafkaRelay(events, cluster).relay()
    assert len(events.pending_outbox(10)) == 3
    assert settings_of(cluster, topic)[name] == settings[name]


def test_a_topic_with_the_retention_of_the_broker_is_found_out(cluster: KafkaCluster) -> None:
    """As a broker makes it by itself: seven days."""
    make(cluster, cluster.topics[0], {})

    assert "retention.ms=604800000" in topic_faults(cluster)[0].what


def test_without_the_right_to_make_topics_they_must_be_there(cluster: KafkaCluster, tmp_path: Path) -> None:
    """A relay that may not ask how they are set up still does not let the broker make them."""
    migrate(f"sqlite:///{tmp_path / 'ultracore.db'}")
    events = open_events(f"sqlite:///{tmp_path / 'ultracore.db'}")
    fill(events, "job_1")
    relay = KafkaRelay(events, cluster, ensure=False)

    with pytest.raises(
        StoreError, match=r"there is no topic .*schedules.*make it with cleanup.policy=delete,"
    ):
        relay.relay()
    ensure_topics(cluster)
    assert relay.relay() == (3, 0)
    relay.close()


def test_a_cluster_that_is_not_there_is_named(cluster: KafkaCluster) -> None:
    """With what its client met."""
    away = nowhere(cluster)
    for ask in (topic_faults, ensure_topics, require_topics):
        with pytest.raises(
            StoreError, match=rf"^Kafka at {away.bootstrap}: cannot be reached: .*Connection refused"
        ):
            ask(away)
