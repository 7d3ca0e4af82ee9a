"""A real, single-node Apache Kafka on loopback for tests: `python -m dev.kafka start|stop|status|run`.

From a Docker engine where one answers, else from Java and Maven: Maven fetches the jars into the user's cache once.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dev.process import (
    LOOPBACK,
    EngineError,
    end_process,
    free_ports,
    is_listening,
    is_running,
    launch,
    tail,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = "4.1.1"
IMAGE = f"apache/kafka:{VERSION}"
LOG_BINDING = "2.24.3"
OLDEST_JAVA = 17
START_WITHIN = 90.0
# The same in every folder, so that a folder can be formatted by copying two small files.
CLUSTER_ID = "cmVkcmVzcy10ZXN0czAwMQ"


class Broker(Protocol):
    """A broker that a test may end and start again on the same port with the same data."""

    @property
    def bootstrap(self) -> str:
        """Where clients connect: host:port."""

    def start(self) -> None:
        """Start and wait until it serves. Raises EngineError."""

    def stop(self) -> None:
        """End in an orderly way; nothing happens if it does not run."""

    def kill9(self) -> None:
        """End at once, as a power cut would."""

    def remove(self) -> None:
        """Stop and delete the data."""


class JavaBroker:
    """Apache Kafka as a Java process with its data in `folder`."""

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self._folder = folder.resolve()
        self._settings = dict(settings or {})
        self._child: subprocess.Popen[bytes] | None = None
        recorded = _read_ports(self._folder)
        if recorded is None:
            client, controller = free_ports(2)
            recorded = (port or client, controller)
        self._port, self._controller_port = recorded

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    @property
    def log(self) -> Path:
        return self._folder / "broker.log"

    def pid(self) -> int | None:
        """Return the pid of the running broker of this folder, else None."""
        try:
            pid = int((self._folder / "pid").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return pid if is_running(pid, word=str(self._configuration)) else None

    def identity(self) -> tuple[int, str] | None:
        """Return pid and a word of its command line, by which another process may end it."""
        pid = self.pid()
        return None if pid is None else (pid, str(self._configuration))

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"

    def start(self) -> None:
        if self.pid() is not None:
            return
        jars = fetch_jars()
        self._write_configuration()
        _format(self._folder / "data", self._configuration, jars)
        self.log.unlink(missing_ok=True)
        self._child = launch(
            [*_java(jars, "-Xms128m", "-Xmx512m"), "kafka.Kafka", str(self._configuration)],
            log=self.log,
            folder=self._folder,
        )
        (self._folder / "pid").write_text(str(self._child.pid), encoding="utf-8")
        child = self._child
        try:
            wait_until(
                self._is_ready,
                within=START_WITHIN,
                what=f"Apache Kafka {VERSION}",
                while_alive=lambda: child.poll() is None,
            )
        except EngineError as error:
            self.kill9()
            raise EngineError(f"{error}; the end of its log:\n{tail(self.log)}") from None

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        self.kill9()
        if self._configuration.exists():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            end_process(pid, word=str(self._configuration), how=how, child=self._child)
        if self._child is not None:
            self._child.wait(timeout=10)
            self._child = None
        (self._folder / "pid").unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        started = "Kafka Server started" in tail(self.log, lines=200)
        return started and is_listening(self._port)

    def _write_configuration(self) -> None:
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        client = f"PLAINTEXT://{LOOPBACK}:{self._port}"
        controller = f"{LOOPBACK}:{self._controller_port}"
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"{client},CONTROLLER://{controller}",
            "advertised.listeners": client,
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._folder / "data"),
            **COMMON_SETTINGS,
            **self._settings,
        }
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        self._configuration.write_text(text, encoding="utf-8")
        (self._folder / "ports.json").write_text(
            json.dumps([self._port, self._controller_port]), encoding="utf-8"
        )
        (self._folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")


class DockerBroker:
    """The published image in a container of its own."""

    def __init__(
        self, name: str, *, settings: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self.name = name
        self._settings = dict(settings or {})
        self._port = port or free_ports(1)[0]
        self._exists = False

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    def start(self) -> None:
        if self._exists:
            _docker("start", self.name)
        else:
            _docker(*self._run_arguments())
            self._exists = True
        try:
            since = _docker("inspect", "--format", "{{.State.StartedAt}}", self.name).strip()
            wait_until(
                lambda: "Kafka Server started" in _docker("logs", "--since", since, self.name),
                within=START_WITHIN,
                what=f"the container of {IMAGE}",
                while_alive=lambda: True,
            )
        except EngineError as error:
            log = _docker("logs", "--tail", "20", self.name)
            raise EngineError(f"{error}; the end of its log:\n{log}") from None

    def stop(self) -> None:
        if self._exists:
            _docker("stop", "--time", "20", self.name)

    def kill9(self) -> None:
        if self._exists:
            _docker("kill", self.name)

    def remove(self) -> None:
        if self._exists:
            remove_container(self.name)
            self._exists = False

    def _run_arguments(self) -> list[str]:
        # The same port inside and outside, so that the advertised address holds in both places.
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": "1@localhost:1093",
            "listeners": f"PLAINTEXT://:{self._port},CONTROLLER://:1093",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{self._port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            **COMMON_SETTINGS,
            **self._settings,
        }
        variables = [
            part
            for key, value in settings.items()
            for part in ("--env", f"KAFKA_{key.replace('.', '_').upper()}={value}")
        ]
        publish = f"{LOOPBACK}:{self._port}:{self._port}"
        return ["run", "--detach", "--name", self.name, "--publish", publish, *variables, IMAGE]


COMMON_SETTINGS = {
    "auto.create.topics.enable": "false",
    "num.partitions": "3",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After kill -9 the broker's old registration must run out before it may come back.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.ready.name = kafka.server.KafkaRaftServer
logger.ready.level = info
"""

POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>redress</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>{LOG_BINDING}</version>
    </dependency>
  </dependencies>
</project>
"""


def new_broker(
    folder: Path, *, settings: Mapping[str, str] | None = None, port: int | None = None
) -> JavaBroker | DockerBroker:
    """Choose the engine this machine has. Raises EngineError when there is none.

    `settings` are broker settings laid over COMMON_SETTINGS.
    """
    missing = why_unavailable()
    if missing is not None:
        raise EngineError(missing)
    if has_docker():
        name = f"redress-kafka-{os.getpid()}-{folder.name}"
        return DockerBroker(name, settings=settings, port=port)
    return JavaBroker(folder, settings=settings, port=port)


@cache
def why_unavailable() -> str | None:
    """Tell why no broker can be started here, or None when one can."""
    if has_docker():
        return None
    advice = "set REDRESS_TEST_KAFKA=host:port, or start a Docker engine, or install Java and Maven"
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or (maven is None and not _jars_folder().exists()):
        lacking = "java" if java is None else "mvn"
        packages = "Debian packages: default-jre-headless maven"
        return f"no Apache Kafka for tests: {lacking} is missing; {advice} ({packages})"
    version = _java_version(java)
    if version < OLDEST_JAVA:
        return (
            f"no Apache Kafka for tests: Java {OLDEST_JAVA} is needed, this is {version}; {advice}"
        )
    return None


@cache
def has_docker() -> bool:
    """Tell whether a Docker engine answers and can give the image."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        for arguments in (["info"], ["image", "inspect", IMAGE], ["pull", "--quiet", IMAGE]):
            worked = _try([docker, *arguments], within=180 if arguments[0] == "pull" else 10)
            if arguments[0] == "info" and not worked:
                return False
            if arguments[0] != "info" and worked:
                return True
    return False


def remove_container(name: str) -> None:
    """Remove a container of ours with its data, whether it runs or not."""
    _docker("rm", "--force", "--volumes", name)


def fetch_jars() -> Path:
    """Return the folder of the broker's jars, fetched by Maven the first time."""
    jars = _jars_folder()
    if jars.exists():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    with _locked(jars.parent / "kafka.lock"):
        if jars.exists():
            return jars
        maven = shutil.which("mvn")
        if maven is None:
            raise EngineError("mvn is missing (Debian package: maven)")
        with tempfile.TemporaryDirectory(dir=jars.parent, prefix="kafka-fetch-") as work:
            _copy_dependencies(maven, Path(work))
            (Path(work) / "jars").rename(jars)
    return jars


def _copy_dependencies(maven: str, work: Path) -> None:
    (work / "pom.xml").write_text(POM, encoding="utf-8")
    command = [maven, "-B", "-q", "-f", str(work / "pom.xml"), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={work / 'jars'}"]
    with (work / "log").open("wb") as log:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    if ended.returncode or not (work / "jars" / f"kafka_2.13-{VERSION}.jar").exists():
        lines = re.sub(r"\b\w+://\S+", "(address)", tail(work / "log", lines=8))
        raise EngineError(f"Maven could not fetch Apache Kafka {VERSION}:\n{lines}")


def _format(data: Path, configuration: Path, jars: Path) -> None:
    """Format an empty data folder; the result is kept, as formatting takes a Java start."""
    if (data / "meta.properties").exists():
        return
    made = jars.parent / f"kafka-{VERSION}-formatted"
    with _locked(jars.parent / "kafka.lock"):
        if not made.exists():
            storage = [*_java(jars, "-Xmx128m"), "kafka.tools.StorageTool"]
            command = [*storage, "format", "-t", CLUSTER_ID, "-c", str(configuration)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                raise EngineError(f"formatting {data} failed:\n{ended.stdout}{ended.stderr}")
            partial = Path(tempfile.mkdtemp(dir=made.parent))
            shutil.copytree(data, partial, dirs_exist_ok=True)
            partial.rename(made)
            return
    shutil.copytree(made, data, dirs_exist_ok=True)


def _java(jars: Path, *memory: str) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise EngineError("java is missing (Debian package: default-jre-headless)")
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
    logging = "-Dlog4j2.configurationFile=log4j2.properties"
    return [java, *memory, *quick, "-Djava.awt.headless=true", logging, "-cp", f"{jars}/*"]


def _java_version(java: str) -> int:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def _jars_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "redress" / f"kafka-jars-{VERSION}"


def _read_ports(folder: Path) -> tuple[int, int] | None:
    try:
        client, controller = json.loads((folder / "ports.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return int(client), int(controller)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _docker(*arguments: str) -> str:
    docker = shutil.which("docker") or "docker"
    ended = subprocess.run(
        [docker, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise EngineError(f"docker {arguments[0]} failed:\n{ended.stdout.strip()}")
    return ended.stdout


def _try(command: list[str], *, within: float) -> bool:
    ended = subprocess.run(command, capture_output=True, timeout=within, check=False)
    return ended.returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """Start, stop or show a broker of one's own. Returns 0, 1 for a problem, 3 if not running."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m dev.kafka", description=__doc__)
    parser.add_argument("verb", choices=["start", "stop", "status", "run"])
    default = Path(tempfile.gettempdir()) / f"redress-kafka-{os.getuid()}"
    parser.add_argument("--dir", type=Path, default=default, help="where its data lies")
    parser.add_argument("--port", type=int, help="a loopback port (a free one)")
    parser.add_argument("--purge", action="store_true", help="stop: delete the data too")
    options = parser.parse_args(arguments)
    broker = JavaBroker(options.dir, port=options.port)
    try:
        return _obey(broker, verb=options.verb, purge=options.purge)
    except EngineError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1


def _obey(broker: JavaBroker, *, verb: str, purge: bool) -> int:
    if verb == "stop":
        broker.remove() if purge else broker.stop()
        return 0
    if verb == "status":
        running = broker.pid() is not None
        print(broker.bootstrap if running else "stopped")
        return 0 if running else 3
    missing = why_unavailable()
    if missing is not None and not has_docker():
        raise EngineError(missing)
    broker.start()
    print(broker.bootstrap, flush=True)
    if verb == "run":
        try:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        finally:
            broker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
