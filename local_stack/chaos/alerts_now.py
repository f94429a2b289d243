"""What Alertmanager has at this moment, and whether Prometheus and Alertmanager are ready."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from kept.signals.raised import SignalKey
from local_stack.alert_proof.chain import key_of
from local_stack.chaos.parts import Alerting, address_of
from local_stack.inbox import Message


class _Alert(Struct):
    labels: dict[str, str]


_decode = msgspec.json.Decoder(list[_Alert]).decode


def standing_alerts(alerting: Alerting) -> set[SignalKey] | None:
    """The alerts of services that Alertmanager has now, muted ones too; None while it does not answer."""
    answer = _get(f"{address_of(alerting.alertmanager_port)}/api/v2/alerts")
    return None if answer is None else {key_of(alert.labels) for alert in _decode(answer) if "signal" in alert.labels}


def are_ready(alerting: Alerting) -> bool:
    """Whether both answer."""
    ports = (alerting.prometheus_port, alerting.alertmanager_port)
    return all(_get(f"{address_of(port)}/-/ready") is not None for port in ports)


def told(messages: Iterable[Message]) -> set[SignalKey]:
    """The alerts of services that reached people."""
    alerts = (alert for message in messages if message.to != "heartbeat" for alert in message.alerts)
    return {key_of(alert.labels) for alert in alerts if "signal" in alert.labels}


def _get(address: str) -> bytes | None:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - loopback
            return bytes(answer.read())
    except (OSError, urllib.error.URLError):
        return None
