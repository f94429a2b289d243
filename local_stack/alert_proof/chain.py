"""The real chain on one machine: broker, workers, Prometheus with the generated rules, Alertmanager, a receiver."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from alert_rules.alertmanager import Delivery, as_yaml, configuration
from alert_rules.options import RuleOptions
from alert_rules.pipeline import pipeline_alerts
from alert_rules.rules import rule_files
from catalogue import CITY
from command_line.alertmanager_config import write_config
from command_line.topics import create_topics, delete_topics
from kept.catalogue import Catalogue
from kept.errors import Stop
from kept.owners import read_owners
from kept.settings import Settings
from kept.signals.raised import SignalKey
from local_stack import alertmanager as routing
from local_stack import prometheus as metrics
from local_stack.broker import Broker, missing
from local_stack.child import Child
from local_stack.inbox import Inbox, received_here, serving
from local_stack.ports import free_port
from local_stack.replay import WorkerGroup
from local_stack.work_folder import work_folder

WORKERS = 2
OPTIONS = RuleOptions(wait_seconds=0, hold_seconds=2, live=False)
DELIVERY = Delivery(
    page_wait="1s", page_interval="1s", ticket_wait="1s", ticket_interval="1s", heartbeat="10s", smtp_tls=False
)
EVERY_SECONDS = 1.0
"""Scrapes and evaluations."""


class Chain(Struct, frozen=True):
    """The running parts."""

    settings: Settings
    group: WorkerGroup
    others: tuple[Child, ...]
    inbox: Inbox
    alertmanager_port: int

    def watch(self) -> None:
        """Raise `Stop` with the tail of its log when a part has died."""
        self.group.watch()
        for child in self.others:
            if not child.running():
                raise Stop(f"{child.name} ended (exit {child.exit_code()}):\n{child.log_tail()}")


def absent() -> str | None:
    """What this machine lacks for it, with the command that installs it; None when all is there."""
    if missing() is not None:
        return str(missing())
    if metrics.prometheus_command() is None:
        return f"no Prometheus on PATH: {metrics.INSTALL_COMMAND}"
    if routing.alertmanager_command() is None:
        return f"no Alertmanager on PATH: {routing.INSTALL_COMMAND}"
    return None


def left_out_rules(city: Catalogue) -> list[str]:
    """Names of the alerts that compare event time with the clock, which is far ahead here: they would always fire."""
    live, here = (
        [alert.name for alert in pipeline_alerts(city, msgspec.structs.replace(OPTIONS, live=live))]
        for live in (True, False)
    )
    return sorted(set(live) - set(here))


@contextmanager
def running_chain(
    city: Catalogue, partitions: int, brokers: str | None = None, topic_prefix: str = "proof-"
) -> Iterator[Chain]:
    """All parts, in a folder of their own, gone at the end; without `brokers` a private broker too.

    Raises `Stop` when the machine lacks something.
    """
    lacks = absent()
    if lacks is not None:
        raise Stop(lacks)
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder(prefix="kept-proof-"))
        if brokers is None:
            broker = Broker(folder / "kafka", brief=True)
            broker.start()
            stack.callback(broker.stop)
            brokers = broker.bootstrap
        settings = Settings(
            brokers=brokers,
            topic_prefix=topic_prefix,
            partitions=partitions,
            history_path=str(folder / "history.sqlite"),
            live=False,
            # While the feed waits no partition is idle: its next events would be late, and all figures amended.
            idle_seconds=60,
            # Event time waits for what is judged here: there never is a backlog.
            publishing_pause=0.5,
        )
        create_topics(settings)
        stack.callback(delete_topics, settings)
        ports = [free_port() for _ in range(WORKERS)]
        group = WorkerGroup(settings, folder, WORKERS, ports)
        stack.callback(group.stop)
        group.start()
        inbox, inbox_port = Inbox(), free_port()
        stack.enter_context(serving(inbox, inbox_port))
        others = list(_others(folder, city, ports, inbox_port, stack))
        yield Chain(settings, group, tuple(child for child, _ in others), inbox, others[0][1])


def _others(
    folder: Path, city: Catalogue, metrics_ports: list[int], inbox_port: int, stack: ExitStack
) -> Iterator[tuple[Child, int]]:
    """Alertmanager, then Prometheus, started, with their ports."""
    owners = received_here(read_owners([CITY]), inbox_port, at_any_hour=True)
    config = write_config(folder / "alertmanager-config", as_yaml(configuration(owners, DELIVERY)))
    port = free_port()
    alertmanager = routing.alertmanager(str(routing.alertmanager_command()), folder, port, config)
    alertmanager.start()
    stack.callback(alertmanager.stop)
    routing.wait_until_ready(alertmanager, port)
    yield alertmanager, port
    watching = metrics.Watching(
        metrics_ports=metrics_ports,
        rules=rule_files(city, OPTIONS),
        alertmanager_port=port,
        every_seconds=EVERY_SECONDS,
        resend_seconds=2,
    )
    prometheus_port = free_port()
    prometheus = metrics.prometheus(str(metrics.prometheus_command()), folder, prometheus_port, watching)
    prometheus.start()
    stack.callback(prometheus.stop)
    yield prometheus, prometheus_port


def muted_now(port: int) -> set[SignalKey]:
    """(service, signal, about) of the alerts that Alertmanager holds back now because of another; raises `OSError`."""
    address = f"{routing.alertmanager_url(port)}/api/v2/alerts"
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - loopback
        alerts = msgspec.json.decode(answer.read(), type=list[_Alert])
    return {key_of(alert.labels) for alert in alerts if alert.status.inhibited_by}


def key_of(labels: Mapping[str, str]) -> SignalKey:
    """The signal that an alert with these labels is about."""
    return (labels.get("service", ""), labels.get("signal", ""), labels.get("about", ""))


class _Status(Struct, rename="camel"):
    inhibited_by: list[str] = []


class _Alert(Struct):
    labels: dict[str, str]
    status: _Status
