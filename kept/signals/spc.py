"""The XmR control chart: is a point more than the usual ups and downs? Pure, on plain sequences.

As the NHS programme "Making Data Count" draws it and the R package NHSRplotthedots computes it. A chart is made of
segments, each with a baseline of its own: its first `baseline` points. Only a registered change begins a new segment.
Weeks without data are no points: "consecutive" is said of the points that there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from kept.indicators.definition import Better

Rule = Literal[1, 2, 3, 4]
Direction = Literal["up", "down"]
Meaning = Literal["improvement", "concern", "neutral"]
Assurance = Literal["consistently passes", "consistently fails", "hit or miss"]

BASELINE: Final = 12
"""Points of a baseline at least; with fewer the limits are trial limits."""
LIMIT_FACTOR: Final = 2.66
"""From the mean to a limit, in mean moving ranges: 3 standard deviations of a normal series (3 / 1.128)."""
SCREEN_FACTOR: Final = 3.267
"""A moving range of so many mean moving ranges is not of the usual ups and downs, and is left out of their mean."""
NEAR_SHARE: Final = 2 / 3
RUN: Final = 7
"""Points on one side of the mean, or rising or falling, that are a signal."""
LABEL_ORDER: Final[tuple[Rule, ...]] = (1, 3, 4, 2)
RULE_WORDS: Final[dict[Rule, str]] = {
    1: "outside a limit",
    2: f"{RUN} in a row on one side of the mean",
    3: f"{RUN} in a row rising or falling",
    4: "2 of 3 in a row close to a limit",
}
_SAME: Final = 1e-9
"""Differences smaller than this, relative to the chart's numbers, are rounding: the point lies on the line."""


class Limits(NamedTuple):
    """Mean and limits in the unit of the values. `half` is from the mean to a limit, before clipping to the range of
    possible values (`floor`, `ceiling`). Clipping is for the eye: it changes the zone of no possible value."""

    mean: float
    half: float
    floor: float = -math.inf
    ceiling: float = math.inf

    @property
    def lower(self) -> float:
        """The lower limit."""
        return max(self.floor, self.mean - self.half)

    @property
    def upper(self) -> float:
        """The upper limit."""
        return min(self.ceiling, self.mean + self.half)

    @property
    def near_lower(self) -> float:
        """Two thirds of the way to the lower limit."""
        return max(self.floor, self.mean - NEAR_SHARE * self.half)

    @property
    def near_upper(self) -> float:
        """Two thirds of the way to the upper limit."""
        return min(self.ceiling, self.mean + NEAR_SHARE * self.half)

    def side(self, value: float) -> int:
        """1 above the mean, -1 below, 0 on it."""
        distance = value - self.mean
        return 0 if abs(distance) <= self._rounding() else 1 if distance > 0 else -1

    def zone(self, value: float) -> int:
        """2 outside the limits, 1 between near limit and limit, else 0; negative below the mean. On a line: inside."""
        distance = abs(value - self.mean) - self._rounding()
        zone = 2 if distance > self.half else 1 if distance > NEAR_SHARE * self.half else 0
        return zone * self.side(value)

    def _rounding(self) -> float:
        return _SAME * max(abs(self.mean), self.half)


class Fired(NamedTuple):
    """A rule that a point completes, which way it points, and the index of the first point it rests on."""

    rule: Rule
    direction: Direction
    first: int


class Judged(NamedTuple):
    """One point of a chart.

    `rules` are those whose pattern the point belongs to, in the order of `LABEL_ORDER`: what a drawn chart marks.
    `fires` are those that it completes, each once: what a live signal says. `limits` are None for a segment's only
    point; `baseline` is how many points they rest on. `place` is the index of the point, `segment` that of the first
    point of its segment.
    """

    place: int
    value: float
    limits: Limits | None
    segment: int
    baseline: int
    trial: bool
    rules: tuple[Rule, ...] = ()
    fires: tuple[Fired, ...] = ()


def mean_moving_range(ranges: Sequence[float]) -> float:
    """The mean of moving ranges, screened once: those of `SCREEN_FACTOR` times their mean or more are left out."""
    if not ranges:
        return 0.0
    highest = SCREEN_FACTOR * math.fsum(ranges) / len(ranges)
    usual = [one for one in ranges if one < highest]
    return math.fsum(usual) / len(usual) if usual else 0.0


def xmr_limits(points: Sequence[float], *, floor: float = -math.inf, ceiling: float = math.inf) -> Limits | None:
    """Limits from the points of a baseline; None for fewer than two, which have no moving range."""
    if len(points) < 2:
        return None
    ranges = [abs(later - earlier) for earlier, later in pairwise(points)]
    return Limits(math.fsum(points) / len(points), LIMIT_FACTOR * mean_moving_range(ranges), floor, ceiling)


def judge_all(
    values: Sequence[float],
    *,
    starts: Sequence[int] = (),
    baseline: int = BASELINE,
    floor: float = -math.inf,
    ceiling: float = math.inf,
) -> list[Judged]:
    """A whole series, as a drawn chart shows it: every point of a segment against the limits of its baseline.

    `starts` are the indices at which a new segment begins (0 always does). Raises `ValueError` for a baseline of fewer
    than 12 points or a start outside the series.
    """
    _check_baseline(baseline)
    outside = [start for start in starts if not 0 <= start < max(1, len(values))]
    if outside:
        raise ValueError(f"segments start at {outside}; valid: indices of the {len(values)} points")
    edges = sorted({0, *starts})
    judged: list[Judged] = []
    for start, end in zip(edges, [*edges[1:], len(values)], strict=True):
        segment = values[start:end]
        limits = xmr_limits(segment[:baseline], floor=floor, ceiling=ceiling)
        used = min(len(segment), baseline)
        for point in judge_against(segment, [limits] * len(segment)):
            fires = tuple(fired._replace(first=fired.first + start) for fired in point.fires)
            judged.append(
                point._replace(
                    place=point.place + start, segment=start, baseline=used, trial=used < baseline, fires=fires
                )
            )
    return judged


def judge_next(
    values: Sequence[float], *, baseline: int = BASELINE, floor: float = -math.inf, ceiling: float = math.inf
) -> Judged:
    """The newest point of a segment by what was known then: `values` are the segment up to it, and it is the last.

    Until the baseline is complete the limits are trial limits from all points so far, the newest included. Raises
    `ValueError` for no values or a baseline of fewer than 12.
    """
    _check_baseline(baseline)
    if not values:
        raise ValueError("no values; valid: the points of a segment up to the one to be judged")
    used = min(len(values), baseline)
    limits = xmr_limits(values[:baseline], floor=floor, ceiling=ceiling)
    skipped = max(0, len(values) - RUN - 1)
    recent = values[skipped:]
    point = judge_against(recent, [limits] * len(recent))[-1]
    fires = tuple(fired._replace(first=fired.first + skipped) for fired in point.fires)
    return point._replace(place=len(values) - 1, baseline=used, trial=used < baseline, fires=fires)


def judge_against(values: Sequence[float], limits: Sequence[Limits | None]) -> list[Judged]:
    """One segment against limits given for each point, such as those of a p-prime chart."""
    sides = [0 if one is None else one.side(value) for value, one in zip(values, limits, strict=True)]
    zones = [0 if one is None else one.zone(value) for value, one in zip(values, limits, strict=True)]
    patterns = [list(_patterns(values, sides, zones, at)) for at in range(len(values))]
    rules: list[set[Rule]] = [set() for _ in values]
    for found in patterns:
        for rule, _, members in found:
            for member in members:
                rules[member].add(rule)
    judged: list[Judged] = []
    for at, value in enumerate(values):
        before = {(rule, direction) for rule, direction, _ in patterns[at - 1]} if at else set()
        fires = [
            Fired(rule, direction, members[0])
            for rule, direction, members in patterns[at]
            if rule == 1 or (rule, direction) not in before
        ]
        judged.append(
            Judged(
                place=at,
                value=value,
                limits=limits[at],
                segment=0,
                baseline=len(values),
                trial=False,
                rules=tuple(rule for rule in LABEL_ORDER if rule in rules[at]),
                fires=tuple(sorted(fires, key=lambda fired: LABEL_ORDER.index(fired.rule))),
            )
        )
    return judged


def meaning(direction: Direction, better: Better) -> Meaning:
    """What a signal in that direction is for an indicator that is to go `better`."""
    if better == "neutral":
        return "neutral"
    return "improvement" if direction == better else "concern"


def assurance(limits: Limits, target: float, better: Better) -> Assurance | None:
    """Whether a process like this meets the target by itself; None without an improvement direction.

    On a limit is hit or miss: only a target beyond the limits is passed or failed whatever the week brings.
    """
    if better == "neutral":
        return None
    below, above = target < limits.lower, target > limits.upper
    if not below and not above:
        return "hit or miss"
    return "consistently passes" if below == (better == "up") else "consistently fails"


def _patterns(
    values: Sequence[float], sides: Sequence[int], zones: Sequence[int], at: int
) -> Iterator[tuple[Rule, Direction, Sequence[int]]]:
    """(rule, direction, indices it rests on) of each pattern whose last point is `at`."""
    if abs(zones[at]) == 2:
        yield 1, _direction(zones[at]), (at,)
    run = range(at - RUN + 1, at + 1)
    if run.start >= 0:
        if sides[at] and all(sides[i] == sides[at] for i in run):
            yield 2, _direction(sides[at]), run
        steps = {_sign(values[i + 1] - values[i]) for i in run[:-1]}
        if steps in ({1}, {-1}):
            yield 3, _direction(steps.pop()), run
    if at >= 2 and sides[at] and all(sides[i] == sides[at] for i in (at - 2, at - 1)):
        near = [i for i in (at - 2, at - 1, at) if abs(zones[i]) == 1]
        if len(near) >= 2:
            yield 4, _direction(sides[at]), near


def _direction(sign: int) -> Direction:
    return "up" if sign > 0 else "down"


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def _check_baseline(baseline: int) -> None:
    if baseline < BASELINE:
        raise ValueError(f"a baseline of {baseline} points; valid: {BASELINE} or more")
