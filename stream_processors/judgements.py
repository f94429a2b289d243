"""What is raised for the services of one partition of topic `tallies`: judged by the hour, from what the history holds.

Judging changes nothing here before `settle`, so that what a store has not taken yet is judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from kept.intake import Rules
from kept.signals.raised import Raised, SignalKey, advance
from kept.signals.verdict import Verdict
from kept.tallies import MergedTallies

JudgeService = Callable[[MergedTallies, Rules, int], list[Verdict]]
"""Every verdict on a service at a moment, as `kept.signals.judge.judge`."""


class Judgement(NamedTuple):
    """A service as of the full local hour `hour` (s): all verdicts, what is open after them, and what they changed."""

    service: str
    hour: int
    verdicts: list[Verdict]
    open: Mapping[SignalKey, Raised]
    changed: list[Raised]


class Judgements:
    """The open signals of some services, and up to which hour each was judged."""

    def __init__(self, rules: Mapping[str, Rules], judge: JudgeService) -> None:
        self._rules = rules
        self._judge = judge
        self._open: dict[str, dict[SignalKey, Raised]] = {}
        self._judged: dict[str, int] = {}

    def take_over(self, found: Iterable[Raised]) -> None:
        """Go on with the open signals that a former owner has recorded."""
        for raised in found:
            self._open.setdefault(raised.verdict.service, {})[raised.verdict.key()] = raised

    @property
    def open_by_service(self) -> Mapping[str, Mapping[SignalKey, Raised]]:
        """What is open; not to be changed by readers."""
        return self._open

    def is_due(self, service: str, at: int) -> bool:
        """Whether a new full local hour has begun by `at` (s) since the service was last judged."""
        last = self._judged.get(service)
        return last is None or self._rules[service].local_time.hour_start(at) > last

    def judge(self, service: str, tallies: MergedTallies, at: int, told_at: int) -> Judgement:
        """The service at the last full local hour before or at `at` (s); `told_at` is the wall clock (s)."""
        rules = self._rules[service]
        hour = rules.local_time.hour_start(at)
        verdicts = self._judge(tallies, rules, at)
        after, changed = advance(self._open.get(service, {}), verdicts, hour, told_at)
        return Judgement(service, hour, verdicts, after, changed)

    def settle(self, judgement: Judgement) -> None:
        """What it changed is recorded: go on from there."""
        self._open[judgement.service] = dict(judgement.open)
        self._judged[judgement.service] = judgement.hour
