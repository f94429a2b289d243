"""A real single-node Kafka broker on loopback, from its published jars: for the demo and for tests of faults.

It keeps its data, settings and log in one work folder. It can be stopped, killed and started again on the same data
and port. It dies with the process that started it.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from msgspec import Struct

from kept.errors import Stop
from kept.topics import MAX_MESSAGE_BYTES
from local_stack.child import Child
from local_stack.java import INSTALL_COMMAND, MINIMUM_JAVA, java_command, java_version, maven_command, require_java
from local_stack.kafka_jars import cache_folder, kafka_jars
from local_stack.ports import LOOPBACK, free_port, is_free, wait_until_answers

START_SECONDS = 60.0
QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""Java's better just-in-time compiler costs more than it gives in a short life."""
LOG_SETTINGS = Path(__file__).with_name("kafka-log.xml")

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
    # One node: nothing can be replicated, and each internal partition costs start-up time.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "8",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # Groups form at once, and a test may choose a short session.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # After kill -9 the controller waits for the old session before it lets the broker back in.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # The cleaner's buffer is allocated whole (128 MiB by default), out of a small heap.
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
    "log.cleaner.threads": "1",
}


class Listener(Struct, frozen=True, kw_only=True):
    """One more way into a broker: how clients must speak on `port`, and what Kafka must know for it.

    `settings` are those of the listener alone; they are written with its prefix.
    """

    name: str
    protocol: str
    port: int
    settings: Mapping[str, str]


def missing() -> str | None:
    """What keeps a broker from being started here, with the command that helps; None when nothing does."""
    java = java_command()
    if java is None or (java_version(java) or 0) < MINIMUM_JAVA:
        return f"Java {MINIMUM_JAVA} or newer is missing; install it with: {INSTALL_COMMAND}"
    if maven_command() is None and not cache_folder().is_dir():
        return f"Maven is missing (it fetches Kafka's jars once); install it with: {INSTALL_COMMAND}"
    return None


class Broker:
    """A broker in `work_folder` on loopback `port` (0: a free one). `settings` win over `SETTINGS`.

    `listeners` come beside the plain one; `format_arguments` are added to Kafka's format command, to make users.
    """

    def __init__(
        self,
        work_folder: Path,
        *,
        port: int = 0,
        heap_mib: int = 768,
        brief: bool = False,
        settings: Mapping[str, str] | None = None,
        listeners: Sequence[Listener] = (),
        format_arguments: Sequence[str] = (),
    ) -> None:
        """Choose the ports; raises `Stop` when `port` is taken. Nothing is started yet.

        `brief`: little goes through it, or it does not live long. Java then compiles quickly and not well, so that a
        start takes 40 % less CPU; not for measurements.
        """
        if port and not is_free(port):
            raise Stop(f"port {port} (Kafka) is taken by another program; choose another, or 0 for a free one")
        self.port = port or free_port()
        self._controller_port = free_port()
        self._folder = work_folder
        self._heap_mib = heap_mib
        self._brief = brief
        self._settings = dict(settings or {})
        self._listeners = listeners
        self._format_arguments = format_arguments
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self._folder / "kafka.log"

    @property
    def pid(self) -> int | None:
        """Process id of the broker, or None before its first start."""
        return None if self._child is None else self._child.pid

    def running(self) -> bool:
        """Whether the broker's process lives."""
        return self._child is not None and self._child.running()

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start the broker, on the data it has if any, and return when it answers.

        Raises `Stop` when Java or Maven is missing, the port is taken, it dies, or it does not answer in `seconds`.
        """
        if self.running():
            return
        java = require_java()
        jars = kafka_jars()
        deadline = time.monotonic() + seconds
        self._folder.mkdir(parents=True, exist_ok=True)
        if not is_free(self.port):
            raise Stop(f"port {self.port} (Kafka) is taken by another program; choose another, or 0 for a free one")
        settings = self._write_settings()
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(java, jars, settings)
        compiler = [QUICK_COMPILER] if self._brief else []
        command = [*self._java(java, jars), *compiler, f"-Xms{min(256, self._heap_mib)}m", f"-Xmx{self._heap_mib}m"]
        self._child = Child("Kafka", [*command, "kafka.Kafka", str(settings)], self.log)
        self._child.start()
        try:
            self._wait(self._child, deadline, seconds)
        except BaseException:
            self._child.kill()
            raise

    def stop(self, patience_seconds: float = 20.0) -> None:
        """Stop the broker in order; after `patience_seconds` by force. Its data stay for the next start."""
        if self._child is not None:
            self._child.stop(patience_seconds)

    def kill(self) -> None:
        """`kill -9`: the broker gets no chance to write or say anything. Its data stay for the next start."""
        if self._child is not None:
            self._child.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the broker's process, such as STOP and CONT; nothing when it does not run."""
        if self._child is not None:
            self._child.signal(number)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the broker's log."""
        return "(no log)" if self._child is None else self._child.log_tail(lines)

    def exit_code(self) -> int | None:
        """Exit code of the ended broker; None while it runs."""
        return None if self._child is None else self._child.exit_code()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _write_settings(self) -> Path:
        own = [f"PLAINTEXT://{self.bootstrap}", *(f"{more.name}://{LOOPBACK}:{more.port}" for more in self._listeners)]
        protocols = [f"{more.name}:{more.protocol}" for more in self._listeners]
        all_settings = {
            **SETTINGS,
            "listeners": ",".join([*own, f"CONTROLLER://{LOOPBACK}:{self._controller_port}"]),
            "advertised.listeners": ",".join(own),
            "listener.security.protocol.map": ",".join(["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", *protocols]),
            "controller.quorum.voters": f"1@{LOOPBACK}:{self._controller_port}",
            "log.dirs": str(self._folder / "data"),
            **{
                f"listener.name.{more.name.lower()}.{key}": value
                for more in self._listeners
                for key, value in more.settings.items()
            },
            **self._settings,
        }
        file = self._folder / "server.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in all_settings.items()), encoding="utf-8")
        return file

    def _java(self, java: str, jars: Path) -> list[str]:
        return [
            java, "-cp", f"{jars}/*", "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
            "-XX:+ExitOnOutOfMemoryError",
            # Nothing outside the work folder, even after kill -9.
            "-XX:-UsePerfData", f"-Djava.io.tmpdir={self._folder}",
        ]  # fmt: skip

    def _format(self, java: str, jars: Path, settings: Path) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        command = [
            *self._java(java, jars), QUICK_COMPILER, "kafka.tools.StorageTool",
            "format", "--cluster-id", cluster, "--config", str(settings),
            *self._format_arguments,
        ]  # fmt: skip
        done = subprocess.run(  # noqa: S603 - no shell, and the command is ours
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        if done.returncode:
            said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("\tat ")]
            raise Stop(f"Kafka could not format {self._folder}: {' '.join(said)[-600:]}")

    def _wait(self, child: Child, deadline: float, seconds: float) -> None:
        while time.monotonic() < deadline:
            if not child.running():
                raise Stop(f"Kafka ended with code {child.exit_code()} at its start; its log ends:\n{child.log_tail()}")
            if wait_until_answers(self.port, min(deadline, time.monotonic() + 0.5)) and self._is_ready():
                return
            time.sleep(0.05)
        raise Stop(f"Kafka did not answer on {self.bootstrap} within {seconds:g} s; its log ends:\n{child.log_tail()}")

    def _is_ready(self) -> bool:
        with _silent_client():
            admin = None
            try:
                admin = KafkaAdminClient(
                    bootstrap_servers=self.bootstrap, request_timeout_ms=4000, bootstrap_timeout_ms=2000
                )
                return bool(admin.describe_cluster().get("brokers"))
            except KafkaError:
                return False
            finally:
                if admin is not None:
                    admin.close()


@contextmanager
def _silent_client() -> Iterator[None]:
    """The client reports every refused connection; while a broker starts that is expected, not news."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
