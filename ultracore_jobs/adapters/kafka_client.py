"""Where Kafka is, and what every client of it is told."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError

from ultracore_jobs.errors import StoreError
from ultracore_jobs.lifecycle.events import EXECUTIONS, SCHEDULES

TOPICS: Final = (SCHEDULES, EXECUTIONS)

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Kafka's own limit is 1 MiB; the result of a job over a large tenant may be longer."""

_LOG = logging.getLogger("ultracore_jobs.kafka")


@dataclass(frozen=True)
class KafkaCluster:
    """A cluster, and our topics in it.

    Attributes:
        bootstrap: ``HOST:PORT``, several with commas between.
        prefix: Stands before the names of our topics, where several platforms share a cluster.
        patience_seconds: How long the cluster may take to answer before one gives up until the next time.
        properties: More properties of librdkafka, such as those of TLS and SASL; they win over ours.
    """

    bootstrap: str
    prefix: str = ""
    patience_seconds: float = 20.0
    properties: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        """The names of our topics there."""
        return tuple(self.prefix + topic for topic in TOPICS)

    def topic_of(self, stream: str) -> str:
        """The topic that events of a stream belong in."""
        return self.prefix + stream.partition("/")[0]

    def client(self, last_words: "LastWords", **own: Any) -> dict[str, Any]:
        """The properties of a client: ours, then what is set for this cluster."""
        common = {
            "bootstrap.servers": self.bootstrap,
            "client.id": "ultracore-jobs",
            "error_cb": last_words,
            "logger": _LOG,
            # An outage is said once, by who wanted something; each connection tried meanwhile is no news.
            "log_level": 2,
        }
        return {**common, **own, **self.properties}

    def failed(self, what: str, why: object, remedy: str = "") -> StoreError:
        """The error that says what did not work there, and why."""
        return StoreError(
            f"Kafka at {self.bootstrap}: {what}: {why}.{f' Remedy: {remedy}.' if remedy else ''}"
        )


class LastWords:
    """Remembers what a client said last of its connection: a time-out alone tells nobody why."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said = ""

    def __call__(self, error: KafkaError) -> None:
        """Remember it; called by the client."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._said:  # noqa: SLF001 - its public name
            self._said = error.str()

    def beside(self, why: object) -> str:
        """*why*, and what was said last."""
        return f"{why} ({self._said})" if self._said else str(why)
