"""The running parts of one story, by whom a fault can hit, and who starts again what has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from alert_rules.alertmanager import as_yaml, configuration
from alert_rules.rules import rule_files
from catalogue import CITY
from command_line.alertmanager_config import write_config
from command_line.topics import create_topics, delete_topics
from kept.owners import read_owners
from kept.settings import Settings
from local_stack import alertmanager as routing
from local_stack import prometheus as metrics
from local_stack.alert_proof.chain import DELIVERY, OPTIONS
from local_stack.broker import Broker
from local_stack.chaos.faults import PRODUCERS, SESSION_SECONDS, Story, Target
from local_stack.chaos.influxd import InfluxServer
from local_stack.chaos.process import BrokerProcess, Process
from local_stack.chaos.town import catalogue_texts, town
from local_stack.chaos.wall_clock import WallClock
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.inbox import Inbox, received_here, serving
from local_stack.ports import LOOPBACK, free_port
from local_stack.producer import producer_environment

PARTITIONS = 4
SPOOL_BYTES = 65_536
BODY_BYTES = SPOOL_BYTES // 8
EVERY_SECONDS = 0.5
"""Scrapes, and evaluations of the rules."""
AGAIN_SECONDS = 0.3
"""A supervisor's pause before it starts what has ended by itself."""


class Modules(Struct, frozen=True):
    """What is run as a producer and as a worker; tests put broken ones here."""

    producer: tuple[str, ...] = ("command_line.main", "intake")
    worker: tuple[str, ...] = ("command_line.main", "worker")


class Alerting(Struct, frozen=True):
    """Where alerts go."""

    inbox: Inbox
    prometheus_port: int
    alertmanager_port: int


class Parts(Struct, frozen=True, kw_only=True):
    """The processes by target, and how the feed reaches them."""

    settings: Settings
    processes: dict[Target, list[Process]]
    intake_ports: list[int]
    alerting: Alerting | None

    def all(self) -> Iterator[Process]:
        """Every process of this story."""
        for of_target in self.processes.values():
            yield from of_target

    def supervise(self) -> None:
        """Start again what has ended by itself, a moment later; called often, by the thread that started them."""
        for process in self.all():
            process.supervise(time.monotonic(), AGAIN_SECONDS)


@contextmanager
def running_parts(
    story: Story, folder: Path, broker: Broker, influx: InfluxServer | None, *, alerts: bool, modules: Modules
) -> Iterator[Parts]:
    """All parts with topics of their own, gone at the end; the broker and InfluxDB stay. Raises `Stop`."""
    with ExitStack() as stack:
        settings = _settings(story, folder, broker, influx)
        create_topics(settings)
        stack.callback(delete_topics, settings)
        worker_ports = [free_port() for _ in range(story.workers)]
        intake_ports = [free_port() for _ in range(PRODUCERS)]
        workers = [_worker(settings, folder, number, port, modules) for number, port in enumerate(worker_ports)]
        producers = [_producer(settings, folder, number, port, modules) for number, port in enumerate(intake_ports)]
        processes: dict[Target, list[Process]] = {
            "producer": producers,
            "worker": workers,
            "broker": [BrokerProcess(broker)],
        }
        if story.history == "InfluxDB" and influx is not None:
            processes["InfluxDB"] = [Process(influx.child)]
        for process in (*workers, *producers):
            process.begin()
            stack.callback(process.end)
        alerting = _alerting(processes, folder, worker_ports, intake_ports[0], stack) if alerts else None
        yield Parts(settings=settings, processes=processes, intake_ports=intake_ports, alerting=alerting)


def _settings(story: Story, folder: Path, broker: Broker, influx: InfluxServer | None) -> Settings:
    (folder / "catalogue").mkdir()
    for number, text in enumerate(catalogue_texts()):
        (folder / "catalogue" / f"service-{number}.toml").write_text(text, encoding="utf-8")
    prefix = f"{folder.name}-"
    settings = Settings(
        brokers=broker.bootstrap,
        topic_prefix=prefix,
        partitions=PARTITIONS,
        catalogue=str(folder / "catalogue"),
        history_path=str(folder / "history.sqlite"),
        session_seconds=SESSION_SECONDS,
        # Event time waits for what is judged: there never is a backlog to make way for.
        publishing_pause=0.0,
        # A few bad messages among few are no broken feed.
        brake_share=1.0,
        spool_bytes=SPOOL_BYTES,
        intake_body_bytes=BODY_BYTES,
    )
    if story.history == "SQLite" or influx is None:
        return settings
    return msgspec.convert(msgspec.structs.asdict(settings) | influx.settings_of(folder.name), Settings)


def _worker(settings: Settings, folder: Path, number: int, port: int, modules: Modules) -> Process:
    name = f"worker-{number + 1}"
    scratch = folder / name
    scratch.mkdir()
    own = {"KEPT_WORKER_ID": name, "KEPT_METRICS_PORT": str(port), "KEPT_WORK_FOLDER": str(scratch)}
    return _kept(folder, name, modules.worker, {**environment_of(settings), **own})


def _producer(settings: Settings, folder: Path, number: int, port: int, modules: Modules) -> Process:
    name = f"producer-{number + 1}"
    return _kept(folder, name, modules.producer, producer_environment(settings, folder, name, port))


def _kept(folder: Path, name: str, module: tuple[str, ...], environment: dict[str, str]) -> Process:
    clock = WallClock(folder / f"{name}.clock")
    child = Child(name, clock.command(module), folder / f"{name}.log", environment=environment)
    return Process(child, clock)


def _alerting(
    processes: dict[Target, list[Process]], folder: Path, worker_ports: list[int], intake_port: int, stack: ExitStack
) -> Alerting:
    """Alertmanager and Prometheus, started, with the generated rules and configuration, and who receives."""
    inbox, inbox_port, port, own_port = Inbox(), free_port(), free_port(), free_port()
    stack.enter_context(serving(inbox, inbox_port))
    owners = received_here(read_owners([CITY]), inbox_port, at_any_hour=True)
    config = write_config(folder / "alertmanager-config", as_yaml(configuration(owners, DELIVERY)))
    watching = metrics.Watching(
        metrics_ports=worker_ports,
        rules=rule_files(town(), OPTIONS),
        alertmanager_port=port,
        intake_port=intake_port,
        every_seconds=EVERY_SECONDS,
        resend_seconds=2,
    )
    children: dict[Target, Child] = {
        "Alertmanager": routing.alertmanager(str(routing.alertmanager_command()), folder, port, config),
        "Prometheus": metrics.prometheus(str(metrics.prometheus_command()), folder, own_port, watching),
    }
    for target, child in children.items():
        processes[target] = [Process(child)]
        processes[target][0].begin()
        stack.callback(processes[target][0].end)
    return Alerting(inbox, own_port, port)


def address_of(port: int) -> str:
    """Where a server on loopback `port` is."""
    return f"http://{LOOPBACK}:{port}"
