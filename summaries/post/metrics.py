"""What Prometheus is told of the weekly summary."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from kept import metric_names as names


class PostMetrics:
    """Gauges in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._missed = Gauge(names.SUMMARY_MISSED.name, names.SUMMARY_MISSED.help, registry=self.registry)
        self._delivered: Gauge | None = None

    def show(self, missed: int, delivered_at: int | None) -> None:
        """`missed` weeks have no summary; the last was delivered at `delivered_at` (wall clock, s; None: never)."""
        self._missed.set(missed)
        if delivered_at is None:
            return
        if self._delivered is None:
            self._delivered = Gauge(names.SUMMARY_DELIVERED.name, names.SUMMARY_DELIVERED.help, registry=self.registry)
        self._delivered.set(delivered_at)
