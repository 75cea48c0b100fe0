"""Our topics on Kafka: made so that nothing in them is ever removed, and checked to be so.

``cleanup.policy=delete`` with ``retention.ms=-1`` and ``retention.bytes=-1`` keeps everything. Compaction
would keep only the last event of a stream, a finite retention (seven days where nothing is said) only the
newest: either breaks the chain for who reads the topics.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not in its __all__
    AdminClient,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from ultracore_jobs.adapters.kafka_client import MAX_MESSAGE_BYTES, KafkaCluster, LastWords
from ultracore_jobs.errors import StoreError

KEEPS_ALL: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_NOT_THERE: Final = "is not there"
_LOOK_SECONDS: Final = 0.05
_MADE_WITH: Final = {**KEEPS_ALL, "max.message.bytes": str(MAX_MESSAGE_BYTES)}


class TopicFault(NamedTuple):
    """What is wrong with a topic.

    Attributes:
        topic: Which.
        what: What is wrong.
        remedy: What to do about it.
    """

    topic: str
    what: str
    remedy: str


def topic_faults(cluster: KafkaCluster) -> tuple[TopicFault, ...]:
    """What is wrong with our topics, as far as anything is; nothing is changed.

    Raises:
        StoreError: The cluster does not answer.
    """
    last_words = LastWords()
    return _faults(cluster, _admin(cluster, last_words), last_words)


def ensure_topics(cluster: KafkaCluster, *, partitions: int = 6, replicas: int = -1) -> tuple[str, ...]:
    """Make those of our topics that are not there; those that are must keep everything.

    Args:
        cluster: Where.
        partitions: Of a new topic; the events of one stream are in one of them.
        replicas: Of a new topic; as the cluster has it by default, if -1.

    Returns:
        The topics that were made.

    Raises:
        StoreError: The cluster does not answer or refuses, or a topic does not keep everything; says what
            to change. Nothing is changed here: who shortened a retention may have meant it.
    """
    last_words = LastWords()
    admin = _admin(cluster, last_words)
    present = _present(cluster, admin, last_words)
    missing = [topic for topic in cluster.topics if topic not in present]
    made = tuple(topic for topic in missing if _make(cluster, admin, topic, partitions, replicas))
    until = monotonic() + cluster.patience_seconds
    # What was made a moment ago, not every broker knows yet.
    while (faults := _faults(cluster, admin, last_words)) and missing and monotonic() < until:
        if all(one.what != _NOT_THERE for one in faults):
            break
        admin.poll(_LOOK_SECONDS)
    if faults:
        lines = "; ".join(f"topic {one.topic} {one.what}. Remedy: {one.remedy}" for one in faults)
        raise StoreError(f"Kafka at {cluster.bootstrap} would lose events: {lines}")
    return made


def require_topics(cluster: KafkaCluster) -> None:
    """Go on only if our topics are there; how they are set up is not asked.

    Raises:
        StoreError: One is not there, or the cluster does not answer.
    """
    last_words = LastWords()
    present = _present(cluster, _admin(cluster, last_words), last_words)
    missing = [topic for topic in cluster.topics if topic not in present]
    if missing:
        settings = ",".join(f"{name}={value}" for name, value in _MADE_WITH.items())
        raise cluster.failed(
            f"there is no topic {' and no topic '.join(missing)}",
            "it is not ours to make",
            f"make it with {settings}",
        )


def _admin(cluster: KafkaCluster, last_words: LastWords) -> AdminClient:
    return AdminClient(cluster.client(last_words))


def _present(cluster: KafkaCluster, admin: AdminClient, last_words: LastWords) -> frozenset[str]:
    # All topics: asking for one by name may make it, with the retention of the cluster.
    try:
        return frozenset(admin.list_topics(timeout=cluster.patience_seconds).topics)
    except KafkaException as error:
        # Only now does it say what it met.
        admin.poll(0)
        raise cluster.failed("cannot be reached", last_words.beside(_said(error))) from error


def _make(cluster: KafkaCluster, admin: AdminClient, topic: str, partitions: int, replicas: int) -> bool:
    """Whether it was us who made it: several processes may begin at once."""
    new = NewTopic(topic, partitions, replicas, config=_MADE_WITH)
    [made] = admin.create_topics([new], request_timeout=cluster.patience_seconds).values()
    try:
        made.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise cluster.failed(f"cannot make topic {topic}", _said(error)) from error
    return True


def _faults(cluster: KafkaCluster, admin: AdminClient, last_words: LastWords) -> tuple[TopicFault, ...]:
    present = _present(cluster, admin, last_words)
    found: dict[str, Mapping[str, str]] = {}
    resources = [
        ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in cluster.topics if topic in present
    ]
    if resources:
        answers = admin.describe_configs(resources, request_timeout=cluster.patience_seconds)
        found = {one.name: _settings(cluster, one.name, answer) for one, answer in answers.items()}
    faults = (_fault(cluster, topic, found.get(topic, {})) for topic in cluster.topics)
    return tuple(one for one in faults if one)


def _fault(cluster: KafkaCluster, topic: str, settings: Mapping[str, str]) -> TopicFault | None:
    if not settings:
        return TopicFault(topic, _NOT_THERE, "run `ultracore-jobs events relay`, which makes it")
    wrong = _losing(settings)
    if not wrong:
        return None
    found = ", ".join(f"{name}={value}" for name, value in wrong.items())
    right = ",".join(f"{name}={KEEPS_ALL[name]}" for name in wrong)
    remedy = (
        f"kafka-configs.sh --bootstrap-server {cluster.bootstrap} --alter --entity-type topics "
        f"--entity-name {topic} --add-config {right}"
    )
    return TopicFault(topic, f"does not keep everything: {found}", remedy)


def _settings(cluster: KafkaCluster, topic: str, answer: Future[Mapping[str, ConfigEntry]]) -> dict[str, str]:
    """How a topic is set up; nothing, if the broker that was asked does not know it."""
    try:
        return {name: str(entry.value) for name, entry in answer.result().items()}
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}
        raise cluster.failed(f"cannot say how topic {topic} is set up", _said(error)) from error


def _losing(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings by which events would be removed."""
    return {
        name: settings.get(name, "unknown")
        for name, wanted in KEEPS_ALL.items()
        if settings.get(name) != wanted
    }


def _said(error: KafkaException) -> str:
    return str(error.args[0].str())
