"""The same core in one process, without a broker: for analysts, back-tests and machines without Java."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from kept import events as e
from kept.brake import Brake
from kept.catalogue import Catalogue
from kept.errors import Reject
from kept.indicators.evaluate import evaluate
from kept.indicators.point import Point
from kept.indicators.windows import WINDOWS
from kept.intake import rules_by_service
from kept.marks import Accounts
from kept.partition import PartitionState
from kept.registered_changes import RegisteredChange, unpack_change
from kept.signals.chart_history import chart_weeks
from kept.signals.chart_weeks import ChartWeek
from kept.signals.judge import judge as judge_all
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import MergedTallies
from stream_processors.judgements import JudgeService

BATCH = 20_000
"""Events applied at once: bounds memory, changes no indicator."""


class EmbeddedPipeline:
    """Case processor and indicator processor as two objects, with one partition."""

    def __init__(self, catalogue: Catalogue, *, live: bool = False, brake: Brake | None = None) -> None:
        """Without a `brake` any number of events may be refused."""
        self._rules = rules_by_service(catalogue)
        self._state = PartitionState(0, self._rules, live=live, brake=brake)
        self._tallies = MergedTallies({service: rules.local_time for service, rules in self._rules.items()})
        self._registered: list[RegisteredChange] = []

    @property
    def accounts(self) -> Accounts:
        """What became of every event."""
        return self._state.accounts

    @property
    def watermark(self) -> int | None:
        """Greatest event time so far (ms)."""
        return self._state.watermark

    def apply(self, events: Iterable[e.Event | Reject], clock_ms: int | None = None) -> None:
        """Apply events in log order; raises `Stop` when the brake trips, after which the pipeline is of no more use."""
        iterator = iter(events)
        while batch := list(islice(iterator, BATCH)):
            self._apply_batch(batch, clock_ms)

    def tick(self, at_ms: int) -> None:
        """Event time has reached `at_ms`."""
        self._apply_batch([e.tick(at_ms, 0)], None)

    def indicators(self, at: int, windows: Sequence[str] = WINDOWS) -> list[Point]:
        """Every indicator of every service seen so far, as of `at` (s, a whole 5 minutes), in windows of any length."""
        return [
            point
            for service in self._tallies.services()
            for point in evaluate(self._tallies, self._rules[service], at, windows=windows)
        ]

    def verdicts(self, at: int, judge: JudgeService = judge_all) -> list[Verdict]:
        """Every verdict, active or not, on every service seen so far, at its last full local hour before or at `at`."""
        return [verdict for situation in self._situations(at) for verdict in judge(situation)]

    def charts(self, at: int) -> list[ChartWeek]:
        """Every whole week of every service's control charts, as of its last full local hour before or at `at` (s)."""
        return [week for situation in self._situations(at) for week in chart_weeks(situation)]

    def changes(self) -> list[RegisteredChange]:
        """Every registered change so far, ordered by `RegisteredChange.key()`."""
        return sorted(self._registered, key=RegisteredChange.key)

    def _situations(self, at: int) -> Iterator[Situation]:
        for service in self._tallies.services():
            rules = self._rules[service]
            yield Situation(self._tallies, rules, rules.local_time.hour_start(at))

    def _apply_batch(self, batch: Sequence[e.Event | Reject], clock_ms: int | None) -> None:
        changes = self._state.apply(self._state.offset + len(batch), batch, clock_ms)
        for _, key, value in changes.tallies:
            self._tallies.apply(key, value)
        found = (unpack_change(key, value) for _, key, value in changes.registered)
        self._registered += [change for change in found if change is not None]
