"""A broker for the tests that speaks Kafka's protocol over TCP: from a wheel, or the one that is named.

``ULTRACORE_TEST_KAFKA_BOOTSTRAP`` names another, such as Apache Kafka (`ultracore_jobs_tests.apache_kafka`
starts one); ``ULTRACORE_TEST_KAFKA_PID`` its process on this machine, so that it can be halted.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ultracore_jobs.adapters.kafka_client import KafkaCluster

BOOTSTRAP, PID = "ULTRACORE_TEST_KAFKA_BOOTSTRAP", "ULTRACORE_TEST_KAFKA_PID"

_START_SECONDS = 30


@dataclass(frozen=True)
class Broker:
    """A running broker.

    Attributes:
        bootstrap: Where.
        pid: Its process, where it may be halted.
    """

    bootstrap: str
    pid: int | None = None

    def cluster(self, *, patience_seconds: float = 20) -> KafkaCluster:
        """Topics that no other test has, and that are not made yet."""
        return KafkaCluster(self.bootstrap, f"test-{uuid4().hex}.", patience_seconds)

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Meanwhile the broker does nothing, as if its machine hung: connections stand, nobody answers."""
        if self.pid is None:
            pytest.skip(f"the process of the broker is not known; set {PID}")
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextmanager
def kafka_broker() -> Iterator[Broker]:
    """A broker that lives as long as the context; skips where there is none."""
    named = os.environ.get(BOOTSTRAP)  # noqa: TID251 - whoever starts the suite says which broker
    if named:
        pid = os.environ.get(PID)  # noqa: TID251 - as above
        yield Broker(named, int(pid) if pid else None)
        return
    package = find_spec("noida_db")
    if package is None or package.origin is None:
        pytest.skip("no wheel of noida-db here")
    # The program itself: whoever ends the script that comes with it leaves the broker running.
    program = Path(package.origin).with_name("noida-db")
    folder = Path(tempfile.mkdtemp(prefix="uc-broker-"))
    port = free_port()
    command = [str(program), "start", "--only", "kafka", "--kafka-port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - ours
            [*command, "--data-dir", folder / "data"], cwd=folder, stdout=log, stderr=log
        )
    try:
        broker = Broker(f"127.0.0.1:{port}", process.pid)
        await_broker(broker.bootstrap, process, folder / "log")
        yield broker
    finally:
        process.kill()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def await_broker(bootstrap: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until it answers.

    Raises:
        RuntimeError: It ended, or does not answer; with what it wrote.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 200})
    until = monotonic() + _START_SECONDS
    while process.poll() is None and monotonic() < until:
        try:
            admin.list_topics(timeout=1)
        except KafkaException:
            continue
        return
    message = f"no broker at {bootstrap}: {log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def nowhere(cluster: KafkaCluster, patience_seconds: float = 0.4) -> KafkaCluster:
    """The same topics where nobody listens."""
    return replace(cluster, bootstrap=f"127.0.0.1:{free_port()}", patience_seconds=patience_seconds)
