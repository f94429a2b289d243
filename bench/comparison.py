"""Are the tallies of two contenders the same? Every counter of every bucket of every series, or the run fails.

Kept joins old buckets into hours and days; so, before they are compared, those of all contenders are joined by the same
rule, at the greatest event time of the stream: nothing else is rounded away.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from bench.job import Place
from bench.workload import TIME_ZONE
from kept.buckets import DAY, FINE_SECONDS, FIVE_MINUTES, HOUR, HOURLY_SECONDS, SKEW_SECONDS, LocalTime
from kept.errors import KeptError
from kept.tallies import add_into

Tallies = dict[Place, dict[int, int]]
Rows = Iterable[tuple[Place, dict[int, int]]]
SHOWN = 10


class Disagreement(KeptError):
    """Two contenders computed different tallies: the measurement means nothing."""


def joined(rows: Rows, watermark_ms: int) -> Tallies:
    """The counters of `rows`, summed over source partitions, in the buckets Kept has at `watermark_ms`."""
    local = LocalTime(ZoneInfo(TIME_ZONE))
    until = watermark_ms // 1000 - SKEW_SECONDS
    fine_until, hourly_until = until - FINE_SECONDS, until - HOURLY_SECONDS
    tallies: Tallies = {}
    for (service, dimension, value, size, end), tally in rows:
        hour, day = local.ends(end)
        if size == FIVE_MINUTES and hour <= fine_until:
            size, end = HOUR, hour
        if size == HOUR and day <= (fine_until if dimension else hourly_until):
            size, end = DAY, day
        total = tallies.setdefault((service, dimension, value, size, end), {})
        add_into(total, tally)
    return {place: tally for place, tally in tallies.items() if tally}


def differences(left: Tallies, right: Tallies) -> list[str]:
    """Where two contenders disagree, in words; nothing when they agree."""
    found = []
    for place in sorted({*left, *right}):
        one, other = left.get(place, {}), right.get(place, {})
        if one != other:
            for counter in sorted({*one, *other}):
                seen = one.get(counter, 0), other.get(counter, 0)
                if seen[0] != seen[1]:
                    found.append(f"{' '.join(map(str, place))} counter {counter}: {seen[0]} and {seen[1]}")
    return found


def check(names: str, left: Tallies, right: Tallies) -> int:
    """Raises `Disagreement` unless both are the same and not empty; returns how many counters were compared."""
    found = differences(left, right)
    if found or not left:
        shown = "\n  ".join(found[:SHOWN]) or "neither counted anything"
        raise Disagreement(f"{names} disagree ({len(found)} counters):\n  {shown}")
    return sum(len(tally) for tally in left.values())
