"""Sends the record to Kafka: in its order, at least once, and noted only when it has arrived.

A batch is noted up to the last event all of whose predecessors are confirmed by every in-sync replica. Who
is killed between sending and noting sends the same again: consumers go by stream and seq. The producer is
idempotent, so that what it repeats by itself is neither doubled nor out of order; where anything failed it
is thrown away with all it still holds, because the record has it.

While no broker answers, a pass ends after the cluster's patience, and the outbox is the record itself:
nothing fills up.
"""

from collections.abc import Sequence
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ultracore_jobs.adapters.cloud_events import SOURCE, to_message
from ultracore_jobs.adapters.kafka_client import MAX_MESSAGE_BYTES, KafkaCluster, LastWords
from ultracore_jobs.adapters.kafka_topics import ensure_topics, require_topics
from ultracore_jobs.ports import EventStore, StoredEvent
from ultracore_jobs.ports.relay import Relayed

_EVENTS_AT_ONCE = 1_000

Answers = dict[int, KafkaError | None]
"""What the broker said of the event at a position; None: it has it."""


class KafkaRelay:
    """A `Relay` to the topics of a cluster; of one process, and not for several threads."""

    def __init__(
        self,
        events: EventStore,
        cluster: KafkaCluster,
        *,
        name: str = "kafka",
        source: str = SOURCE,
        at_once: int = _EVENTS_AT_ONCE,
        ensure: bool = True,
    ) -> None:
        """Nothing is connected yet.

        Args:
            events: The record.
            cluster: Where to.
            name: Under which the record notes how far it was sent; another cluster needs another name.
            source: What the record is called in each message.
            at_once: Events between two notes of how far it is.
            ensure: Make and check the topics on connecting; off where we have no right to, and then
                somebody else must see to it that they keep everything (`topic_faults` says).
        """
        self._events = events
        self._cluster = cluster
        self._name = name
        self._source = source
        self._at_once = at_once
        self._ensure = ensure
        self._producer: Producer | None = None
        self._last_words = LastWords()

    def relay(self, limit: int = 10_000) -> Relayed:
        """Send what has not been sent, at most *limit* events, and note how far that came."""
        sent = 0
        while sent < limit:
            pending = self._events.pending_outbox(min(self._at_once, limit - sent), relay=self._name)
            if not pending:
                break
            sent += self._send(pending)
        return Relayed(sent, self.behind())

    def behind(self) -> int:
        """How many events are recorded and not sent yet."""
        pending = self._events.pending_outbox(1, relay=self._name)
        # Places have no gap, so what is not sent is all from the first such place on.
        return self._events.position() - pending[0].position + 1 if pending else 0

    def close(self) -> None:
        """Let go of the connection, and of what was not confirmed."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.close()

    def _send(self, pending: Sequence[StoredEvent]) -> int:
        producer = self._connected()
        answers: Answers = {}
        produced = self._produce(producer, pending, answers)
        # The producer itself gives up after our patience, and then says so of each event.
        producer.flush(self._cluster.patience_seconds + 1)
        arrived = 0
        while arrived < produced and answers.get(pending[arrived].position, False) is None:
            arrived += 1
        if arrived:
            self._events.mark_relayed(pending[arrived - 1].position, relay=self._name)
        if arrived < produced:
            self.close()
            first = pending[arrived]
            error = answers.get(first.position)
            raise self._cluster.failed(
                f"event {first.seq} of {first.stream} (position {first.position}, {len(first.body)} "
                f"characters) did not arrive; it and what follows are sent again by the next pass",
                self._last_words.beside(error.str() if error else "no answer"),
                _remedy(error),
            )
        return arrived

    def _produce(self, producer: Producer, pending: Sequence[StoredEvent], answers: Answers) -> int:
        """Hand events to the producer; how many, up to and with the first that it refuses."""
        for count, event in enumerate(pending):
            message = to_message(event, self._source)
            try:
                producer.produce(
                    self._cluster.topic_of(event.stream),
                    value=message.value,
                    key=message.key,
                    headers=dict(message.headers),
                    on_delivery=partial(_answered, answers, event.position),
                )
            except BufferError:
                # It holds as much as it may; the rest is for the next batch.
                if count:
                    return count
                answers[event.position] = KafkaError(KafkaError._QUEUE_FULL)  # noqa: SLF001 - its public name
                return 1
            except KafkaException as error:
                answers[event.position] = error.args[0]
                return count + 1
            producer.poll(0)
        return len(pending)

    def _connected(self) -> Producer:
        if self._producer is not None:
            return self._producer
        # Before anything is sent: a broker may make a topic it is sent to, with a retention of days.
        if self._ensure:
            ensure_topics(self._cluster)
        else:
            require_topics(self._cluster)
        self._last_words = LastWords()
        own = {
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "zstd",
            "linger.ms": 20,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "message.timeout.ms": int(self._cluster.patience_seconds * 1000),
            # As Java's clients choose it, so that a stream is in the partition where they look for it.
            "partitioner": "murmur2_random",
        }
        self._producer = Producer(self._cluster.client(self._last_words, **own))
        return self._producer


def _answered(answers: Answers, position: int, error: KafkaError | None, _message: Message) -> None:
    answers[position] = error


def _remedy(error: KafkaError | None) -> str:
    if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return f"set max.message.bytes of the topic to {MAX_MESSAGE_BYTES}"
    return ""
