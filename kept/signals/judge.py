"""All signals of a service as of one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kept.intake import Rules
from kept.signals import charts, drift, forecast, freshness, gaps, leading, promises
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import MergedTallies

Judge = Callable[[Situation], Iterable[Verdict]]
JUDGES: tuple[Judge, ...] = (
    freshness.judge,
    promises.judge,
    leading.judge,
    charts.judge,
    drift.judge,
    forecast.judge,
    gaps.judge,
)
"""Each gives the verdicts, active or not, of one family of signals."""


def judge(tallies: MergedTallies, rules: Rules, at: int) -> list[Verdict]:
    """Every verdict on a service at the last full local hour before or at `at` (s), ordered by `Verdict.key()`."""
    situation = Situation(tallies, rules, rules.local_time.hour_start(at))
    return sorted((verdict for one in JUDGES for verdict in one(situation)), key=Verdict.key)
