"""All signals of a service as of one moment.

What falls due after a source's last word is unknown, not late: promises, backlog and areas are judged as of the hour of
that word, so that trouble that was known stays raised and none is made up by a silence (`source_silent` tells of a
long one). A promise without an error budget is judged to the hour until its service is stale: there each breach counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from kept.buckets import DAY_SECONDS
from kept.indicators.freshness import is_stale, last_event, resolution
from kept.signals import (
    charts,
    drift,
    forecast,
    freshness,
    gap_changes,
    gaps,
    leading,
    promises,
    target_integrity,
)
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict

Judge = Callable[[Situation], Iterable[Verdict]]
JUDGES: tuple[Judge, ...] = (freshness.judge, charts.judge, drift.judge)
"""Each gives the verdicts, active or not, of one family of signals; these know of silences themselves."""
JUDGES_OF_WHAT_WAS_HEARD: tuple[Judge, ...] = (
    leading.judge,
    forecast.judge,
    gaps.judge,
    gap_changes.judge,
    target_integrity.judge,
)
"""They, and most promises, are asked about the hour in which the service was last heard."""


def judge(now: Situation) -> list[Verdict]:
    """Every verdict on a service at the full local hour of `now`, ordered by `Verdict.key()`."""
    heard = _as_last_heard(now)
    verdicts = [verdict for one in JUDGES for verdict in one(now)]
    verdicts += promises.judge(now if _each_breach_counts(now) else heard)
    verdicts += [verdict for one in JUDGES_OF_WHAT_WAS_HEARD for verdict in one(heard)]
    return sorted((replace(verdict, at=now.at) for verdict in verdicts), key=Verdict.key)


def _as_last_heard(now: Situation) -> Situation:
    """As of the end of the hour of its last word; once that is told by the day only, as of the day's beginning."""
    local = now.rules.local_time
    last = last_event(now.tallies, now.service.id, local, now.at)
    if last is None or local.ends(last)[0] >= now.at:
        return now
    if resolution(local, last, now.at) == DAY_SECONDS:
        return Situation(now.tallies, now.rules, local.day_start(last - 1))
    return Situation(now.tallies, now.rules, local.ends(last)[0])


def _each_breach_counts(now: Situation) -> bool:
    promise = now.service.promise
    return promise is not None and promise.target_share == 1 and not is_stale(now.tallies, now.rules, now.at)
