"""Runs the tests of the relay against Apache Kafka: ``python -m ultracore_jobs_tests.apache_kafka``.

The server comes from Maven Central, as jars: Java 17 and Maven must be on the path. One broker in KRaft mode
is started on this machine's own address, its settings left as they come but for what one broker alone needs;
then the same tests run as in the suite, and the broker is ended. Arguments go to pytest.

Where there is no Java, no Maven, or Maven reaches no repository, it says so and fails; with ``--if-present``
it says so and succeeds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ultracore_jobs_tests.broker import BOOTSTRAP, PID, await_broker, free_port

VERSION: Final = "4.4.0"
_ARTIFACT: Final = "kafka_2.13"
_SUITE: Final = ("test_kafka_topics.py", "test_kafka_relay.py", "test_kafka_record.py")
_ROOT: Final = Path(__file__).parents[1]
_FETCH_SECONDS: Final = 900

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ultracore</groupId><artifactId>apache-kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>{_ARTIFACT}</artifactId><version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

_SETTINGS: Final = """process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


def main(arguments: Sequence[str]) -> int:
    """Start the broker, run the tests; what they return."""
    not_run = 0 if "--if-present" in arguments else 1
    rest = [one for one in arguments if one != "--if-present"]
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing:
        say(f"NOT RUN on Apache Kafka: no {' and no '.join(missing)} on the path; it needs Java 17 and Maven")
        return not_run
    try:
        jars = fetched(_ROOT / "build" / f"apache-kafka-{VERSION}")
        with apache_kafka(jars) as (bootstrap, pid):
            say(f"Apache Kafka {VERSION} in KRaft mode answers at {bootstrap}")
            return tested(bootstrap, pid, rest)
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or "").strip().splitlines()
        say(f"NOT RUN on Apache Kafka: {said[0] if said else error}")
        return not_run


def tested(bootstrap: str, pid: int, arguments: Sequence[str]) -> int:
    """What the tests return on that broker."""
    tests = [str(_ROOT / "ultracore_jobs_tests" / "adapters" / name) for name in _SUITE]
    command = [sys.executable, "-m", "pytest", "-q", *tests, *arguments]
    given = os.environ | {BOOTSTRAP: bootstrap, PID: str(pid)}  # noqa: TID251 - the caller's, and which broker
    return subprocess.run(command, cwd=_ROOT, env=given, check=False).returncode  # noqa: S603 - ours


def fetched(folder: Path) -> Path:
    """The folder with the server's jars; fetched the first time."""
    jars = folder / "jars"
    if not jars.is_dir():
        say(f"fetching Apache Kafka {VERSION} by Maven")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pom.xml").write_text(_POM)
        # Beside its place first: a fetch that breaks off must not look like one that is done.
        partly = folder / "partly"
        shutil.rmtree(partly, ignore_errors=True)
        command = ["mvn", "-B", "-q", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run(  # noqa: S603 - ours
            [*command, f"-DoutputDirectory={partly}"], check=True, timeout=_FETCH_SECONDS
        )
        partly.rename(jars)
    return jars


@contextmanager
def apache_kafka(jars: Path) -> Iterator[tuple[str, int]]:
    """One broker, empty, as long as the context lives: where it listens, and its process."""
    folder = Path(tempfile.mkdtemp(prefix="uc-kafka-"))
    port, controller = free_port(), free_port()
    settings = folder / "server.properties"
    settings.write_text(_SETTINGS.format(port=port, controller=controller, data=folder / "data"))
    java = ["java", "-Xmx512m", "-cp", f"{jars}/*"]
    named = subprocess.run(  # noqa: S603 - ours
        [*java, "kafka.tools.StorageTool", "random-uuid"], check=True, capture_output=True, text=True
    )
    fresh = [*java, "kafka.tools.StorageTool", "format", "--standalone", "-t", named.stdout.split()[-1]]
    subprocess.run(  # noqa: S603 - ours
        [*fresh, "-c", settings], check=True, capture_output=True, text=True
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*java, "kafka.Kafka", settings], stdout=log, stderr=log)  # noqa: S603 - ours
    try:
        await_broker(f"127.0.0.1:{port}", process, folder / "log")
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def say(what: str) -> None:
    """To whoever waits."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
