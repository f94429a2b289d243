"""What Alertmanager has of the signals that are raised: read once, on demand, over its API v2."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec
import urllib3
from msgspec import Struct

from kept.errors import ConfigurationError, Retry, Stop
from kept.settings import URL_PATTERN
from kept.signals.raised import Raised

SECONDS: Final = 5.0
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of an answer; Alertmanager has no paging."""
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


def read_alerts(url: str) -> Alerts:
    """The alerts of the Alertmanager at `url`. Raises `Retry` when it does not answer, `Stop` when it is none."""
    if not re.match(URL_PATTERN, url):
        seen = "an address with a password" if "@" in url else repr(url)
        raise ConfigurationError(f"--alertmanager: {seen} is not valid; valid: such as http://127.0.0.1:9093")
    address = f"{url.rstrip('/')}/api/v2/alerts"
    pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=SECONDS))
    try:
        with pool.request("GET", address, preload_content=False, redirect=False) as answer:
            body = answer.read(MOST_BYTES + 1)
            status = answer.status
    except urllib3.exceptions.HTTPError as error:
        raise Retry(f"Alertmanager {url}: does not answer; start it, or leave --alertmanager out") from error
    finally:
        pool.clear()
    if status != 200 or len(body) > MOST_BYTES:
        why = f"answered {status}" if status != 200 else f"answered more than {MOST_BYTES:,} bytes"
        raise Stop(
            f"Alertmanager {url}: /api/v2/alerts {why}; name Alertmanager's own address, such as http://127.0.0.1:9093"
        )
    try:
        alerts = msgspec.json.decode(body, type=list[_Alert])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Stop(
            f"Alertmanager {url}: its answer is not a list of alerts ({error}); is it Alertmanager 0.16 or later?"
        ) from error
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
