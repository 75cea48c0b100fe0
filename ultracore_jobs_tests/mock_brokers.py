"""Three brokers inside librdkafka, over TCP, that fail when they are told to.

The library that confluent-kafka brings has them, and so has no Python name for them; they are reached by C.
They know no administration (making and describing topics), so a relay to them does not `ensure`.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from ultracore_jobs.adapters.kafka_client import TOPICS, KafkaCluster

PRODUCE: Final = 0
"""Number of the request that sends events."""

_BROKERS: Final = (1, 2, 3)
_PRODUCER: Final = 0


class MockBrokers:
    """A running cluster of three, with our topics in four partitions each."""

    def __init__(self, library: ctypes.CDLL, handle: int) -> None:
        """Use the cluster at *handle*."""
        self._library, self._handle = library, ctypes.c_void_p(handle)
        for topic in TOPICS:
            assert library.rd_kafka_mock_topic_create(self._handle, topic.encode(), 4, 3) == 0

    def cluster(self, *, patience_seconds: float = 20) -> KafkaCluster:
        """Where they are; their clients try again sooner than in earnest."""
        self._library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        bootstrap = self._library.rd_kafka_mock_cluster_bootstraps(self._handle).decode()
        sooner = {"retry.backoff.ms": 10, "retry.backoff.max.ms": 50, "reconnect.backoff.max.ms": 100}
        return KafkaCluster(bootstrap, "", patience_seconds, sooner)

    def fail(self, request: int, *codes: int) -> None:
        """Answer the next requests of a kind with these errors."""
        errors = (ctypes.c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._handle, ctypes.c_int16(request), ctypes.c_size_t(len(codes)), errors
        )

    @contextmanager
    def down(self) -> Iterator[None]:
        """Meanwhile all brokers refuse connections."""
        for number in _BROKERS:
            self._library.rd_kafka_mock_broker_set_down(self._handle, ctypes.c_int32(number))
        try:
            yield
        finally:
            for number in _BROKERS:
                self._library.rd_kafka_mock_broker_set_up(self._handle, ctypes.c_int32(number))


@contextmanager
def mock_brokers() -> Iterator[MockBrokers]:
    """A cluster that lives as long as the context; skips where the library is not beside the package."""
    package = find_spec("confluent_kafka")
    folder = Path(package.origin or "").parents[1] / "confluent_kafka.libs" if package else Path()
    path = next(folder.glob("librdkafka*"), None)
    if path is None:
        pytest.skip("confluent-kafka comes without its library here")
    library = ctypes.CDLL(str(path))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    why, settings = ctypes.create_string_buffer(512), ctypes.c_void_p(library.rd_kafka_conf_new())
    # Brokers live in a client; this one has nothing else to do, and nothing to say.
    library.rd_kafka_conf_set(settings, b"log_level", b"0", why, ctypes.c_size_t(512))
    client = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, settings, why, ctypes.c_size_t(512)))
    handle = library.rd_kafka_mock_cluster_new(client, len(_BROKERS))
    try:
        yield MockBrokers(library, handle)
    finally:
        library.rd_kafka_mock_cluster_destroy(ctypes.c_void_p(handle))
        library.rd_kafka_destroy(client)
