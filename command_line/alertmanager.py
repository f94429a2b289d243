"""What Alertmanager has of the signals that are raised: read once, on demand, over its API v2."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from command_line.checks.answers import asked
from kept.errors import ConfigurationError, Retry, Stop
from kept.settings import URL_PATTERN, Settings
from kept.signals.raised import Raised

Standing = Literal["firing", "silenced", "inhibited", "absent"]
Labels = tuple[str, str, str]
"""(service, signal, about), the labels by which an alert is that of a signal."""


class _Status(Struct, rename="camel"):
    state: str
    silenced_by: list[str] = []
    inhibited_by: list[str] = []
    muted_by: list[str] = []


class _Alert(Struct):
    labels: dict[str, str]
    status: _Status


class Alerts:
    """The alerts of Alertmanager that are of Kept's signals, and how each stands."""

    def __init__(self, alerts: Iterable[tuple[Labels, Standing]]) -> None:
        self._standings: dict[Labels, Standing] = {}
        order: tuple[Standing, ...] = ("firing", "silenced", "inhibited")
        for labels, standing in alerts:
            # Two with one signal differ in a label that Kept knows nothing of: what reaches people counts.
            known = self._standings.get(labels, standing)
            self._standings[labels] = min(known, standing, key=order.index)

    def standing(self, raised: Raised) -> Standing:
        """How the alert of a signal stands; `absent` when Alertmanager has none."""
        return self._standings.get(_labels(raised), "absent")

    def without_signal(self, raised: Iterable[Raised]) -> list[Labels]:
        """Alerts that are firing there although their signal is not among `raised`."""
        known = {_labels(one) for one in raised}
        return sorted(
            labels for labels, standing in self._standings.items() if standing == "firing" and labels not in known
        )


def read_alerts(settings: Settings, url: str) -> Alerts:
    """The alerts of the Alertmanager at `url`. Raises `Retry` when it does not answer, `Stop` when it is none."""
    if not re.match(URL_PATTERN, url):
        seen = "an address with a password" if "@" in url else repr(url)
        raise ConfigurationError(f"--alertmanager: {seen} is not valid; valid: such as http://127.0.0.1:9093")
    try:
        alerts = asked(settings, url, "/api/v2/alerts", list[_Alert])
    except Retry as error:
        raise Retry(f"Alertmanager {error}; start it, or leave --alertmanager out") from error
    except Stop as error:
        raise Stop(f"Alertmanager {error}; name the address of an Alertmanager 0.16 or later") from error
    return Alerts(
        ((alert.labels["service"], alert.labels["signal"], alert.labels.get("about", "")), _standing(alert.status))
        for alert in alerts
        if "service" in alert.labels and "signal" in alert.labels
    )


def _standing(status: _Status) -> Standing:
    if status.silenced_by or status.muted_by:
        return "silenced"
    return "inhibited" if status.inhibited_by else "firing"


def _labels(raised: Raised) -> Labels:
    verdict = raised.verdict
    return (verdict.service, verdict.signal, verdict.about)
