"""All signals of a service as of one moment.

What falls due after a source's last word is unknown, not late: promises, backlog and areas are judged as of the hour of
that word, so that trouble that was known stays raised and none is made up by a silence (`source_silent` tells of a
long one). A promise without an error budget is judged to the hour until its service is stale: there each breach counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from kept.indicators.freshness import is_stale, last_event
from kept.intake import Rules
from kept.signals import charts, drift, forecast, freshness, gaps, leading, promises
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import MergedTallies

Judge = Callable[[Situation], Iterable[Verdict]]
JUDGES: tuple[Judge, ...] = (freshness.judge, charts.judge, drift.judge)
"""Each gives the verdicts, active or not, of one family of signals; these know of silences themselves."""
JUDGES_OF_WHAT_WAS_HEARD: tuple[Judge, ...] = (promises.judge, leading.judge, forecast.judge, gaps.judge)
"""They are asked about the hour in which the service was last heard."""


def judge(tallies: MergedTallies, rules: Rules, at: int) -> list[Verdict]:
    """Every verdict on a service at the last full local hour before or at `at` (s), ordered by `Verdict.key()`."""
    now = Situation(tallies, rules, rules.local_time.hour_start(at))
    heard = _as_last_heard(now)
    verdicts = [verdict for one in JUDGES for verdict in one(now)]
    verdicts += [replace(verdict, at=now.at) for one in JUDGES_OF_WHAT_WAS_HEARD for verdict in one(heard)]
    return sorted(verdicts, key=Verdict.key)


def _as_last_heard(now: Situation) -> Situation:
    local, promise = now.rules.local_time, now.service.promise
    last = last_event(now.tallies, now.service.id, local, now.at)
    if last is None or local.ends(last)[0] >= now.at:
        return now
    if promise is not None and promise.target_share == 1 and not is_stale(now.tallies, now.rules, now.at):
        return now
    return Situation(now.tallies, now.rules, local.ends(last)[0])
