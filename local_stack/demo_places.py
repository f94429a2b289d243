"""Where the parts of the demo are to be found, for people and for the commands that they run beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from local_stack.alertmanager import alertmanager_command, alertmanager_url
from local_stack.demo_alerts import AlertPorts
from local_stack.ports import LOOPBACK
from local_stack.prometheus import prometheus_command

ENVIRONMENT = "demo.env"


class Place(Struct, frozen=True):
    """Where a part of the demo is to be found; `what` to look at there."""

    where: str
    url: str
    what: str

    def __str__(self) -> str:
        """One line of a table."""
        return f"  {self.where:<14}{self.url}   {self.what}"


def places(
    page_port: int, kafka_port: int, metrics_ports: Sequence[int], alerts: AlertPorts, with_broker: bool
) -> Iterator[Place]:
    """The parts that run."""
    board = f"http://{LOOPBACK}:{page_port}/"
    yield Place("Live board", board, "every service, the worst promise first; /?screen=1 for a wall")
    yield Place("Summary", f"{board}week", "the week for leaders, once a whole one is published; `kept summary`")
    yield Place("Promises", f"{board}promises", "what the public is told")
    if not with_broker:
        return
    for number, port in enumerate(metrics_ports, start=1):
        yield Place(f"Worker {number}", f"http://{LOOPBACK}:{port}/metrics", "and /healthz")
    if prometheus_command() is not None:
        url = f"http://{LOOPBACK}:{alerts.prometheus}/"
        yield Place("Prometheus", f"{url}alerts", "every rule and what fires; try the query kept_promise_kept_ratio")
        if alertmanager_command() is not None:
            yield Place(
                "Alertmanager", f"{alertmanager_url(alerts.alertmanager)}/", "what is told to whom, and silences"
            )
            yield Place("On-call inbox", f"http://{LOOPBACK}:{alerts.inbox}/", "what pages and tickets say")
    yield Place("Kafka", f"{LOOPBACK}:{kafka_port}", "topics demo-*")


def write_environment(
    folder: Path, settings: Mapping[str, str], alerts: AlertPorts, metrics_ports: Sequence[int]
) -> Path:
    """A file for other shells to source, so that `kept` and the commands of the runbooks work on the demo."""
    variables = {
        **settings,
        "PROMETHEUS_URL": f"http://{LOOPBACK}:{alerts.prometheus}",
        "ALERTMANAGER_URL": alertmanager_url(alerts.alertmanager),
        "WORKER_URLS": " ".join(f"http://{LOOPBACK}:{port}" for port in metrics_ports),
    }
    path = folder / ENVIRONMENT
    lines = (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
