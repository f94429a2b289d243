"""The alerts of a pipeline on one machine: rules in Prometheus, routes in Alertmanager, and an inbox that hears them.

Prometheus and Alertmanager are not part of Kept: each is left out, with a word about it, where the machine has none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from alert_rules.alertmanager import Delivery, as_yaml, configuration
from alert_rules.options import Jobs, RuleOptions
from alert_rules.rules import rule_files
from catalogue import CITY
from command_line.alertmanager_config import write_config
from kept.catalogue import Catalogue, read_catalogue
from kept.owners import read_owners
from local_stack import alertmanager as routing
from local_stack import prometheus as metrics
from local_stack.child import Child
from local_stack.environment import plain_environment
from local_stack.inbox import received_here
from local_stack.ports import LOOPBACK, require_free

WAIT_SECONDS, HOLD_SECONDS = 15, 60
"""A signal of the demo is told after so long, and so much longer: event time runs faster than the clock at first."""
DELIVERY = Delivery(page_wait="2s", page_interval="5s", ticket_wait="5s", ticket_interval="15s")


class AlertPorts(Struct, frozen=True, kw_only=True):
    """Loopback ports of what alerts need."""

    prometheus: int
    alertmanager: int
    inbox: int

    def require_free(self) -> None:
        """Raise `Stop` when one that will be used is taken."""
        if metrics.prometheus_command() is None:
            return
        require_free(self.prometheus, "Prometheus", "--prometheus-port")
        if routing.alertmanager_command() is not None:
            require_free(self.alertmanager, "Alertmanager", "--alertmanager-port")
            require_free(self.inbox, "on-call inbox", "--inbox-port")


def left_out() -> Iterator[str]:
    """What this machine does not have, what is missing because of it, and how to install it."""
    if metrics.prometheus_command() is None:
        yield f"Prometheus and alerts are left out: it is not on this machine ({metrics.INSTALL_COMMAND})."
    elif routing.alertmanager_command() is None:
        install = routing.INSTALL_COMMAND
        yield f"Alertmanager is left out: it is not on this machine ({install}); Prometheus still shows the alerts."


def alert_parts(
    folder: Path, ports: AlertPorts, metrics_ports: Sequence[int], page_port: int, intake_port: int | None = None
) -> Iterator[Child]:
    """The child processes, not started, that turn what the workers show into messages; none without Prometheus.

    Where an intake runs it is watched too.
    """
    prometheus, alertmanager = metrics.prometheus_command(), routing.alertmanager_command()
    if prometheus is None:
        return
    if alertmanager is not None:
        yield _inbox(folder, ports.inbox)
        owners = received_here(read_owners([CITY]), ports.inbox)
        config = write_config(folder / "alertmanager-config", as_yaml(configuration(owners, DELIVERY)))
        yield routing.alertmanager(alertmanager, folder, ports.alertmanager, config)
    watching = metrics.Watching(
        metrics_ports=metrics_ports,
        rules=_rules(read_catalogue([CITY]), page_port, with_intake=intake_port is not None),
        alertmanager_port=None if alertmanager is None else ports.alertmanager,
        intake_port=intake_port,
    )
    yield metrics.prometheus(prometheus, folder, ports.prometheus, watching)


def _rules(city: Catalogue, page_port: int, *, with_intake: bool) -> Mapping[str, str]:
    page = f"http://{LOOPBACK}:{page_port}/"
    options = RuleOptions(
        wait_seconds=WAIT_SECONDS,
        hold_seconds=HOLD_SECONDS,
        dashboards=f"{page}service/",
        pipeline_dashboard=page,
        jobs=metrics.JOBS if with_intake else Jobs(),
    )
    return rule_files(city, options)


def _inbox(folder: Path, port: int) -> Child:
    environment = {**plain_environment(), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "local_stack.inbox", str(port)]
    return Child("on-call inbox", command, folder / "inbox.log", environment=environment)
