"""Gauges of signals: what is raised, what is watched, and how fresh a service is. What alerts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily

from kept import metric_names as names
from kept.metric_names import Metric
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised, SignalKey
from kept.signals.verdict import Verdict

_NUMBERS: tuple[tuple[Metric, str], ...] = (
    (names.SIGNAL_VALUE, "value"),
    (names.SIGNAL_EXPECTED, "expected"),
    (names.SIGNAL_CASES, "cases"),
    (names.SIGNAL_CHANCE, "chance"),
)
"""Gauges of a raised signal, and the number of its verdict that each shows."""


class SeriesBudget:
    """How many series may still be exposed in this scrape; what is over it is counted."""

    def __init__(self, series: int) -> None:
        self.left = series
        self.dropped = 0

    def takes(self, series: int) -> bool:
        """Whether there is room for so many more, all of them or none."""
        if series > self.left:
            self.dropped += series
            return False
        self.left -= series
        return True


class _Shown(NamedTuple):
    """What the last judgement of a service said, and what is open of it."""

    verdicts: Mapping[SignalKey, Verdict]
    open: Mapping[SignalKey, Raised]


class SignalGauges:
    """Holds what the services this worker publishes were last judged to be."""

    def __init__(self) -> None:
        self._shown: dict[str, _Shown] = {}
        self._freshness: dict[str, tuple[int | None, bool | None]] = {}

    def show(self, service: str, verdicts: Iterable[Verdict], open: Mapping[SignalKey, Raised]) -> None:
        """All verdicts of the newest judgement, and what is open after it, replace the service's former ones."""
        self._shown[service] = _Shown({verdict.key(): verdict for verdict in verdicts}, dict(open))

    def show_freshness(self, service: str, last_event: int | None, stale: bool | None) -> None:
        """When the service's newest event was (event time, s), and whether that is too long ago; None: not known."""
        self._freshness[service] = (last_event, stale)

    def forget(self, service: str) -> None:
        """Another worker has the service now."""
        self._shown.pop(service, None)
        self._freshness.pop(service, None)

    def families(self, budget: SeriesBudget) -> Iterator[GaugeMetricFamily]:
        """Every family. Raised signals come first when the budget is short: an alert hangs on each."""
        families = {
            metric.name: GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for metric in names.SIGNAL_METRICS
        }
        for service, (last_event, stale) in sorted(self._freshness.items()):
            known = [(names.SERVICE_LAST_EVENT, last_event), (names.SERVICE_STALE, stale)]
            told = [(metric, number) for metric, number in known if number is not None]
            if budget.takes(len(told)):
                for metric, number in told:
                    families[metric.name].add_metric([service], number)
        for shown in list(self._shown.values()):
            for key, raised in sorted(shown.open.items()):
                _add_raised(families, key, raised, shown.verdicts.get(key), budget)
        for shown in list(self._shown.values()):
            for key in sorted(shown.verdicts.keys() - shown.open.keys()):
                if budget.takes(1):
                    families[names.SIGNAL_ACTIVE.name].add_metric([*key, BY_NAME[key[1]].severity], 0)
        yield from families.values()


def _add_raised(
    families: Mapping[str, GaugeMetricFamily],
    key: SignalKey,
    raised: Raised,
    now: Verdict | None,
    budget: SeriesBudget,
) -> None:
    """The series of one raised signal. Its numbers are those of `now` while it is active, then those of its raising."""
    kind = BY_NAME.get(key[1])
    if kind is None:
        return  # of a newer or older release; it ends at the next judgement
    numbers = now if now is not None and now.active else raised.verdict
    samples = [(metric, getattr(numbers, field)) for metric, field in _NUMBERS]
    samples.append((names.SIGNAL_SINCE, raised.verdict.since))
    told = [(metric, number) for metric, number in samples if number is not None]
    if budget.takes(1 + len(told)):
        families[names.SIGNAL_ACTIVE.name].add_metric([*key, kind.severity], 1)
        for metric, number in told:
            families[metric.name].add_metric(list(key), number)
