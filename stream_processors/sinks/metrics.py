"""Prometheus: what the worker knows, read at scrape time. Names come from `kept.metric_names`, no sample has a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from history.store import REFUSALS, Refusal
from kept import metric_names as names
from kept.catalogue import Catalogue
from kept.indicators.point import Point
from kept.metric_names import Metric, Stage
from kept.partition import PartitionState
from stream_processors.sinks.signal_gauges import SeriesBudget, SignalGauges

Family = CounterMetricFamily | GaugeMetricFamily


class Metrics(Collector):
    """Holds the latest points of the services this worker publishes; asks for the rest when scraped."""

    def __init__(self, catalogue: Catalogue | None = None, fingerprint: str = "") -> None:
        """`catalogue` says what the services are called and have promised; `fingerprint` is its own."""
        self._catalogue = catalogue or {}
        self._fingerprint = fingerprint
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        # What every program tells of itself under the same names: memory, processor time, start.
        ProcessCollector(registry=self.registry)
        self.signals = SignalGauges()
        """What the same services were last judged to be."""
        self._points: dict[str, dict[tuple[str, str], Point]] = {}
        self._written = 0
        self._amended = 0
        self.partitions: Callable[[], Iterable[PartitionState]] = list
        """The source partitions this worker owns."""
        self.lags: Callable[[], Iterable[tuple[str, int, int]]] = list
        """(topic, partition, records not yet applied)."""
        self.refused: Callable[[], Mapping[Refusal, int]] = dict
        """How many points the history store will never take, by reason."""
        self.history_waiting: Callable[[], float] = float
        """For how long (s) a call to the history store has been refused by now."""
        self.stages: Callable[[], Mapping[Stage, tuple[float, int]]] = dict
        """(seconds, rounds) of each stage."""

    def show(self, service: str, points: Iterable[Point]) -> None:
        """The newest points of a service replace its former ones; slices are left to the history store."""
        latest = self._points.setdefault(service, {})
        for point in points:
            if point.slice == ():
                latest[(point.indicator, point.window)] = point

    def forget(self, services: Iterable[str]) -> None:
        """Another worker has these services now: their gauges disappear at once."""
        for service in services:
            self._points.pop(service, None)
            self.signals.forget(service)

    def points_written(self, count: int) -> None:
        """So many points were handed to the history store and dealt with."""
        self._written += count

    def points_amended(self, count: int) -> None:
        """So many published points were written anew, because events came late."""
        self._amended += count

    def collect(self) -> Iterator[Family]:
        """Every family, at this moment."""
        budget = SeriesBudget(names.SERIES_BUDGET)
        yield from self.signals.families(budget)
        yield from self._indicators(budget)
        yield from self._pipeline()

    def describe(self) -> list[Family]:
        """Nothing is registered by name ahead of time."""
        return []

    def _indicators(self, budget: SeriesBudget) -> Iterator[Family]:
        families = {name: _family(metric) for name, metric in names.INDICATOR_METRICS.items()}
        states, times = _family(names.INDICATOR_STATE), _family(names.INDICATOR_TIME)
        for service, points in sorted(self._points.items()):
            if points:
                times.add_metric([service], max(point.window_end for point in points.values()))
            for (indicator, window), point in points.items():
                if not budget.takes(1 if point.value is None else 2):
                    continue
                states.add_metric([service, indicator, window, point.state], 1)
                if point.value is not None:
                    value = point.value * names.UNIT_SCALE.get(point.unit, 1)
                    families[indicator].add_metric([service, window, *_currency(point)], value)
        cases = self._cases(budget)
        yield from families.values()
        over = _family(names.SERIES_DROPPED)
        over.add_metric([], budget.dropped)
        yield from (states, cases, times, over)
        yield from self._services()

    def _cases(self, budget: SeriesBudget) -> Family:
        """What values rest on; room is made for every value before."""
        cases = _family(names.INDICATOR_CASES)
        for service, points in sorted(self._points.items()):
            for (indicator, window), point in points.items():
                if indicator in names.INDICATORS_WITH_CASES and point.n is not None and budget.takes(1):
                    cases.add_metric([service, indicator, window], point.n)
        return cases

    def _services(self) -> Iterator[Family]:
        """What the catalogue says of the services that are shown."""
        info, promises, targets = _family(names.SERVICE), _family(names.PROMISE), _family(names.PROMISE_TARGET)
        for service in sorted(self._points):
            entry = self._catalogue.get(service)
            simulated = entry is not None and entry.simulated
            info.add_metric([service, service if entry is None else entry.name, "true" if simulated else "false"], 1)
            promise = None if entry is None else entry.promise
            if promise is not None:
                promises.add_metric([service, promise.words, promise.counted_in], 1)
                targets.add_metric([service], promise.target_share)
        yield from (info, promises, targets)

    def _pipeline(self) -> Iterator[Family]:
        last, register, buckets = _family(names.LAST_EVENT), _family(names.REGISTER), _family(names.TALLY_BUCKETS)
        events, dead, late = _family(names.EVENTS), _family(names.DEAD_LETTERS), _family(names.LATE_EVENTS)
        folded: dict[tuple[str, str], int] = {}
        for state in self.partitions():
            for service, dimension, counted in state.tallies.folded():
                folded[service, dimension] = folded.get((service, dimension), 0) + counted
            partition = str(state.partition)
            accounts = state.accounts
            if state.watermark is not None:
                last.add_metric([partition], state.watermark / 1000)
            register.add_metric([partition], state.cases)
            buckets.add_metric([partition], len(state.tallies))
            late.add_metric([partition], accounts.late)
            for account, count in (
                ("received", accounts.received),
                ("applied", accounts.applied),
                ("duplicate", accounts.duplicate),
                ("beyond_retention", accounts.beyond_retention),
                ("dead_lettered", sum(accounts.dead_lettered.values())),
            ):
                events.add_metric([partition, account], count)
            for reason, count in sorted(accounts.dead_lettered.items()):
                dead.add_metric([partition, reason], count)
        other = _family(names.FOLDED_SLICES)
        for of, counted in sorted(folded.items()):
            other.add_metric(list(of), counted)
        lag, points = _family(names.LAG), _family(names.POINTS)
        for topic, number, behind in self.lags():
            lag.add_metric([topic, str(number)], behind)
        amended, catalogue = _family(names.AMENDMENTS), _family(names.CATALOGUE)
        catalogue.add_metric([self._fingerprint], 1)
        points.add_metric([], self._written)
        amended.add_metric([], self._amended)
        refused = _family(names.POINTS_REFUSED)
        # From 0 on: the first of a reason would be no increase of a series that was not there.
        for reason, count in (dict.fromkeys(REFUSALS, 0) | dict(self.refused())).items():
            refused.add_metric([reason], count)
        waiting = _family(names.HISTORY_WAITING)
        waiting.add_metric([], self.history_waiting())
        yield from (last, register, buckets, other, lag, events, dead, late)
        yield from (points, refused, waiting, amended, catalogue)
        seconds, rounds = _family(names.STAGE_SECONDS), _family(names.STAGE_BATCHES)
        for stage, (spent, times) in self.stages().items():
            seconds.add_metric([stage], spent)
            rounds.add_metric([stage], times)
        yield from (seconds, rounds)


def _currency(point: Point) -> list[str]:
    """The label that only money carries; the unit begins with it ("EUR a week")."""
    money = names.INDICATOR_METRICS[point.indicator].labels[-1] == "currency"
    return [point.unit.split(" ")[0]] if money else []


def _family(metric: Metric) -> Family:
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
