"""Reads the record from Kafka, up to where it ends just now.

All partitions of our topics are read by one process, because a record is checked as a whole; so nothing is
subscribed to and nothing rebalances. How far one has read is committed under the group, but only after the
events were taken: who dies in between takes some of them twice. A taker that lost what it took begins
again with ``from_beginning``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from time import monotonic

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from ultracore_jobs.adapters.cloud_events import from_message
from ultracore_jobs.adapters.kafka_client import MAX_MESSAGE_BYTES, KafkaCluster, LastWords
from ultracore_jobs.errors import DataError
from ultracore_jobs.ports import StoredEvent
from ultracore_jobs.ports.relay import Reading, Take

_MESSAGES_AT_ONCE = 2_000
_LOOK_SECONDS = 0.1

_SETTLING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}

Place = tuple[str, int]
"""Topic and partition."""


class KafkaRecord:
    """A `RecordCopy` in the topics of a cluster."""

    def __init__(self, cluster: KafkaCluster, *, group: str, at_once: int = _MESSAGES_AT_ONCE) -> None:
        """Nothing is connected yet.

        Args:
            cluster: Where.
            group: Under which the cluster keeps how far one has read; one for each taker.
            at_once: Messages between two commits.
        """
        self._cluster = cluster
        self._group = group
        self._at_once = at_once

    def read(self, take: Take, *, from_beginning: bool = False) -> Reading:
        """Hand over what stands in the topics up to their present end."""
        last_words = LastWords()
        own = {
            "group.id": self._group,
            "enable.auto.commit": False,
            # What was removed before it was read is a gap, and no reason to begin elsewhere.
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "allow.auto.create.topics": False,
            "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
        }
        with closing(Consumer(self._cluster.client(last_words, **own))) as consumer:
            with self._in_our_words("cannot be read", last_words):
                ends = self._assign(consumer, from_beginning=from_beginning)
            events, unreadable = 0, []
            for messages in self._batches(consumer, ends, last_words):
                found, bad = _events_of(messages)
                if found:
                    take(found)
                events += len(found)
                unreadable += bad
                with self._in_our_words("cannot note how far it was read", last_words):
                    consumer.commit(offsets=_after(messages), asynchronous=False)
            return Reading(events, tuple(unreadable))

    def _assign(self, consumer: Consumer, *, from_beginning: bool) -> dict[Place, int]:
        """Take up each partition where it is to be read from; where those end that have something to read."""
        patience = self._cluster.patience_seconds
        # All topics: asking for one by name may make it, with the retention of the cluster.
        try:
            known = consumer.list_topics(timeout=patience).topics
        except KafkaException:
            # Only now does it say what it met.
            consumer.poll(0)
            raise
        missing = [topic for topic in self._cluster.topics if topic not in known]
        if missing:
            raise self._cluster.failed(
                f"there is no topic {' and no topic '.join(missing)}",
                "nothing was relayed here",
                "let the relay run first; it makes them",
            )
        partitions = [
            TopicPartition(topic, number)
            for topic in self._cluster.topics
            for number in sorted(known[topic].partitions)
        ]
        start = {} if from_beginning else self._noted(consumer, partitions)
        begin, ends = [], {}
        for one in partitions:
            place = (one.topic, one.partition)
            first, end = consumer.get_watermark_offsets(one, timeout=patience)
            after = start.get(place, OFFSET_BEGINNING)
            if after >= 0 and not first <= after <= end:
                raise self._cluster.failed(
                    f"partition {one.partition} of {one.topic} was read up to {after}",
                    f"it now holds {first} to {end}: it was cut, or made anew",
                    "read from the beginning, and see what is missing",
                )
            if first < end and after < end:
                ends[place] = end
                begin.append(TopicPartition(*place, after if after >= 0 else OFFSET_BEGINNING))
        consumer.assign(begin)
        return ends

    def _noted(self, consumer: Consumer, partitions: list[TopicPartition]) -> dict[Place, int]:
        """How far the group has read, as the cluster keeps it."""
        until = monotonic() + self._cluster.patience_seconds
        while True:
            try:
                noted = consumer.committed(partitions, timeout=self._cluster.patience_seconds)
            except KafkaException as error:
                # A cluster that was never asked before only now chooses who keeps it.
                if error.args[0].code() not in _SETTLING or monotonic() > until:
                    raise
                consumer.poll(_LOOK_SECONDS)
            else:
                return {(one.topic, one.partition): one.offset for one in noted}

    def _batches(
        self, consumer: Consumer, ends: dict[Place, int], last_words: LastWords
    ) -> Iterator[list[Message]]:
        """Messages as they come, until each partition was read to its end."""
        heard = monotonic()
        while ends:
            with self._in_our_words("cannot be read", last_words):
                came = consumer.consume(self._at_once, timeout=_LOOK_SECONDS)
                messages = [message for message in came if self._is_event(message, ends)]
            if came:
                heard = monotonic()
            elif monotonic() - heard > self._cluster.patience_seconds:
                raise self._cluster.failed("stopped answering", last_words.beside("no answer"))
            if messages:
                yield messages

    @staticmethod
    def _is_event(message: Message, ends: dict[Place, int]) -> bool:
        """Whether it is one, and not the word that a partition ends; strikes off those that are read."""
        place, offset, error = _place(message), message.offset() or 0, message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            raise KafkaException(error)
        if place in ends and (error is not None or offset + 1 >= ends[place]):
            del ends[place]
        return error is None

    @contextmanager
    def _in_our_words(self, what: str, last_words: LastWords) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise self._cluster.failed(what, last_words.beside(error.args[0].str())) from error


def _events_of(messages: Sequence[Message]) -> tuple[list[StoredEvent], list[str]]:
    """The events that messages say, and what is no event."""
    events, unreadable = [], []
    for message in messages:
        try:
            events.append(from_message(_headers(message), message.value() or b""))
        except DataError as error:
            topic, partition = _place(message)
            unreadable.append(f"message {message.offset()} in partition {partition} of {topic}: {error}")
    return events, unreadable


def _headers(message: Message) -> Mapping[str, bytes]:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return {name: value for name, value in pairs if isinstance(value, bytes)}


def _after(messages: Sequence[Message]) -> list[TopicPartition]:
    """The places that follow the last of these messages in each partition."""
    last = {_place(message): (message.offset() or 0) + 1 for message in messages}
    return [TopicPartition(topic, partition, offset) for (topic, partition), offset in last.items()]


def _place(message: Message) -> Place:
    return message.topic() or "", message.partition() or 0
