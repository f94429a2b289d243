"""Is a week so far from the weeks before it that someone should be told? Rarer than a signal of a chart, by a long way.

Every few weeks some chart of a quiet service shows one of the four rules: good for a question on a page, much too
often for a ticket. A ticket needs a week that is `FAR` half-widths from the mean of the weeks before it, or two weeks
in a row that are `FAR_TWICE` half-widths from it on one side. A half-width (3 sigma) is what the weeks went up and down
by, but never less than what chance alone does to a week of so many cases. The numbers were chosen by simulation: see
docs/control-charts.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from kept.indicators.intervals import Z
from kept.signals.spc import BASELINE, LIMIT_FACTOR, Direction, mean_moving_range

FAR: Final = 2.0
FAR_TWICE: Final = 1.25
LEAST_RANGES: Final = 7
"""Moving ranges that must be known: those of eight weeks in a row."""
LEAST_CASES: Final = 20
"""Cases that a judged week rests on at least."""
LEAST_CHANGE: Final = 0.075
"""Where nothing tells what chance does (money), a half-width is at least this share of the mean."""
UNSURE: Final = 1.0
"""Half-widths from r moving ranges are made wider by the share 1 / r: they may have been too small by chance."""
OWN_WEEKS: Final = 1
"""Whole weeks since a re-basing that make a mean of their own; before, a week is compared with the stretch before."""


class GravePoint(NamedTuple):
    """A week's value, the cases it rests on, and half its 95 % interval (None where there is none).

    `segment` numbers the stretches between re-basings. The week in which a change was registered belongs to the new
    stretch but is `mixed`: partly before it.
    """

    value: float
    cases: int
    margin: float | None
    segment: int = 0
    mixed: bool = False


class Grave(NamedTuple):
    """How far the newest week is from `mean`: `times` the half-width `half`.

    `weeks` is how many the mean is of, `both` that the week before is as far, `settled` that the mean is of weeks since
    the last re-basing only.
    """

    direction: Direction
    mean: float
    half: float
    times: float
    weeks: int
    both: bool
    settled: bool


def grave(points: Sequence[GravePoint]) -> Grave | None:
    """Whether the last of `points` (weeks by time, without gaps) is grave; None when not, or when little is known."""
    if not points or points[-1].cases < LEAST_CASES:
        return None
    single = _distance(points[:-1], points[-1])
    if single is not None and single.times > FAR:
        return single
    if len(points) < 2 or points[-2].cases < LEAST_CASES:
        return None
    first, second = _distance(points[:-2], points[-2]), _distance(points[:-2], points[-1])
    if first is None or second is None or first.direction != second.direction:
        return None
    if single is not None and single.settled and not second.settled:
        return None
    return second._replace(both=True) if min(first.times, second.times) > FAR_TWICE else None


def _distance(before: Sequence[GravePoint], point: GravePoint) -> Grave | None:
    """How far a week is from the weeks before it."""
    whole = [one for one in before if not one.mixed]
    own = [one for one in whole if one.segment == point.segment]
    settled = len(own) >= OWN_WEEKS and not point.mixed
    compared = own[:BASELINE] if settled else _stretch_before(whole, point.segment)[-BASELINE:]
    ranges = _ranges(own[:BASELINE] if len(own) >= BASELINE else before)
    if len(ranges) < LEAST_RANGES or not compared:
        return None
    mean = math.fsum(one.value for one in compared) / len(compared)
    # The mean of a few weeks is itself uncertain, and so is what they went up and down by.
    usual = LIMIT_FACTOR * mean_moving_range(ranges) * math.sqrt(1 + 1 / len(compared)) * (1 + UNSURE / len(ranges))
    chance = abs(mean) * LEAST_CHANGE if point.margin is None else 3 / Z * point.margin
    half = max(usual, chance)
    distance = point.value - mean
    if half == 0:
        return None
    return Grave("up" if distance > 0 else "down", mean, half, abs(distance) / half, len(compared), False, settled)


def _stretch_before(points: Sequence[GravePoint], segment: int) -> list[GravePoint]:
    """The points of the last stretch before `segment` that has any."""
    last = max((one.segment for one in points if one.segment < segment), default=None)
    return [one for one in points if one.segment == last]


def _ranges(points: Sequence[GravePoint]) -> list[float]:
    """The newest moving ranges: within stretches; across re-basings too, which widens them, where those are too few."""
    steps = [(earlier, abs(later.value - earlier.value), later) for earlier, later in pairwise(points)]
    within = [step for earlier, step, later in steps if earlier.segment == later.segment and not earlier.mixed]
    return (within if len(within) >= LEAST_RANGES else [step for _, step, _ in steps])[-(BASELINE - 1) :]
