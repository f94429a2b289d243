"""/metrics and /healthz of the intake: what came, what was refused and why, and how the spool and the broker stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from kept import metric_names as names
from kept.errors import REJECT_REASONS, Reject
from kept.metric_names import Metric
from producers.durable_publisher import DurablePublisher
from producers.intake.problems import PROBLEM_NAMES, ProblemName

FULL_SHARE = 0.95
"""A spool that is fuller says so in /healthz: it refuses, or soon will."""


class Figures(Collector):
    """Counts since the start of this process, read at scrape time."""

    def __init__(self, publisher: DurablePublisher) -> None:
        self._publisher = publisher
        self.under_way = 0
        self.accepted = 0
        self.refused = 0
        self.problems: Counter[ProblemName] = Counter()
        self.reasons: Counter[str] = Counter()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        # What every program tells of itself under the same names: memory, processor time, start.
        ProcessCollector(registry=self.registry)

    def bad_events(self, bad: Sequence[tuple[int, Reject]]) -> None:
        """Count why events were bad."""
        self.reasons.update(rejection.reason for _, rejection in bad)

    def health(self, stopping: bool) -> tuple[bool, dict[str, Any]]:
        """(whether events are accepted, what to say). A broker that is away is told of; events are still accepted."""
        spool, delivery = self._publisher.spool, self._publisher.delivery
        full = spool.bytes_used > FULL_SHARE * spool.limit_bytes
        connected = delivery.connected()
        if stopping:
            status = "stopping"
        elif delivery.halted:
            status = "spool_damaged"
        elif full:
            status = "spool_full"
        else:
            status = "ok" if connected else "broker_away"
        return status in ("ok", "broker_away"), {
            "status": status,
            "broker_connected": connected,
            "spool": {"events": spool.waiting, "bytes": spool.bytes_used, "limit_bytes": spool.limit_bytes},
        }

    def describe(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        """Nothing is registered by name ahead of time."""
        return []

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Every family, at this moment."""
        spool, delivery = self._publisher.spool, self._publisher.delivery
        accounts = {"received": self.accepted + self.refused, "accepted": self.accepted, "refused": self.refused}
        yield _counter(names.INTAKE_EVENTS, accounts)
        yield _counter(names.INTAKE_BAD_EVENTS, {reason: self.reasons[reason] for reason in REJECT_REASONS})
        yield _counter(names.INTAKE_REFUSALS, {name: self.problems[name] for name in PROBLEM_NAMES})
        yield _gauge(names.INTAKE_REQUESTS, self.under_way)
        yield _gauge(names.SPOOL_EVENTS, spool.waiting)
        yield _gauge(names.SPOOL_BYTES, spool.bytes_used)
        yield _gauge(names.SPOOL_LIMIT, spool.limit_bytes)
        delivered = CounterMetricFamily(names.DELIVERED.name, names.DELIVERED.help)
        delivered.add_metric([], delivery.acknowledged)
        yield delivered
        yield _gauge(names.BROKER_CONNECTED, int(delivery.connected()))


def _counter(metric: Metric, values: dict[Any, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for label, value in values.items():
        family.add_metric([label], value)
    return family


def _gauge(metric: Metric, value: int) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help)
    family.add_metric([], value)
    return family
