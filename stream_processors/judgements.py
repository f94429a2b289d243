"""What is raised for the services of one partition of topic `tallies`: judged by the hour, from what the history holds.

Judging changes nothing here before `settle`, so that what a store has not taken yet is judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from kept.intake import Rules
from kept.signals.raised import Raised, SignalKey, advance, known_at
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import MergedTallies

JudgeService = Callable[[Situation], list[Verdict]]
"""Every verdict on a service at a full local hour, as `kept.signals.judge.judge`."""


class Judgement(NamedTuple):
    """A service as of a full local hour: all verdicts, what is open after them, and what they changed."""

    situation: Situation
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

    def take_over(self, still_open: Iterable[Raised], recent: Iterable[Raised], published: Mapping[str, int]) -> None:
        """Go on where a former owner was: with the signals `still_open`, and no hour that it had judged judged again.

        How far it was is told by `published` (service -> event time in s), and further by what it had recorded just
        before it could announce it: `recent` signals, ended ones too. Judging such an hour again, without what ended
        in it, would raise it a second time.
        """
        for raised in still_open:
            self._open.setdefault(raised.verdict.service, {})[raised.verdict.key()] = raised
        for service, moment in published.items():
            self._has_judged(service, moment)
        for raised in (*still_open, *recent):
            self._has_judged(raised.verdict.service, known_at(raised))

    def _has_judged(self, service: str, moment: int) -> None:
        hour = self._rules[service].local_time.hour_start(moment)
        self._judged[service] = max(hour, self._judged.get(service, hour))

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
        situation = Situation(tallies, rules, rules.local_time.hour_start(at))
        verdicts = self._judge(situation)
        after, changed = advance(self._open.get(service, {}), verdicts, situation.at, told_at)
        return Judgement(situation, verdicts, after, changed)

    def settle(self, judgement: Judgement) -> None:
        """What it changed is recorded: go on from there."""
        service = judgement.situation.service.id
        self._open[service] = dict(judgement.open)
        self._judged[service] = judgement.situation.at
