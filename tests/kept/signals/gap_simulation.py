"""Simulated weeks of a service with several areas: how often a gap seems to change that does not, and how soon one that
does is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from kept.signals.gap_changes import ALPHA, BEFORE_WEEKS, LOOKS, RECENT_WEEKS, Series, changes
from kept.signals.gaps import Cohort

WEEKS_A_YEAR: Final = 52
WEIGHTS: Final = (0.3, 0.2, 0.2, 0.15, 0.1, 0.05)
"""Six areas, of unequal size."""
WINDOW: Final = BEFORE_WEEKS + RECENT_WEEKS


class Quiet(NamedTuple):
    """A service of which no gap changes: cases a week, share kept, standard deviation from week to week of the share of
    all areas together and of each by itself, and how much worse the smallest area has always been."""

    name: str
    a_week: int
    share: float
    together: float = 0.0
    apart: float = 0.0
    always: float = 0.0


QUIET: Final = (
    Quiet("90 % kept of 60 cases a week", 60, 0.9),
    Quiet("90 % kept of 300", 300, 0.9),
    Quiet("98 % kept of 300", 300, 0.98),
    Quiet("70 % kept of 1,000", 1000, 0.7),
    Quiet("80 % of 500, weeks of all areas together differ by 6 points", 500, 0.8, together=0.06),
    Quiet("80 % of 500, weeks of each area differ by 4 points", 500, 0.8, apart=0.04),
    Quiet("90 % of 300, one area always 20 points lower", 300, 0.9, always=0.2),
)


class Widening(NamedTuple):
    """A second area, of a fifth of the cases, that falls back by `points` over so many weeks; 90 % are kept before."""

    a_week: int
    points: int
    over_weeks: int


WIDENING: Final = tuple(
    Widening(a_week, points, over) for a_week in (100, 300, 1000) for points, over in ((10, 1), (20, 1), (20, 8))
)


def false_changes(kind: Quiet, *, years: int, seed: int) -> float:
    """False changes that begin, per year of a service."""
    dice = np.random.default_rng(seed)
    weeks = years * WEEKS_A_YEAR + WINDOW
    shift = dice.normal(0, kind.together, (weeks, 1)) + dice.normal(0, kind.apart, (weeks, len(WEIGHTS)))
    shares = kind.share + shift - kind.always * np.eye(1, len(WEIGHTS), len(WEIGHTS) - 1)
    found, was = 0, frozenset[str]()
    for now in _told(dice, kind.a_week, shares):
        found += len(now - was)
        was = now
    return found / years


def weeks_until_found(kind: Widening, *, times: int, seed: int, most: int = 12) -> list[int | None]:
    """After how many whole weeks the widening is told, of each of so many services; None: not in `most` weeks."""
    dice = np.random.default_rng(seed)
    found: list[int | None] = []
    for _ in range(times):
        shares = np.full((WINDOW - 1 + most, len(WEIGHTS)), 0.9)
        fall = np.minimum(1, np.arange(1, most + RECENT_WEEKS) / kind.over_weeks) * kind.points / 100
        shares[BEFORE_WEEKS + RECENT_WEEKS - 1 :, 1] -= fall[:most]
        told = _told(dice, kind.a_week, shares)
        found.append(next((week for week, names in enumerate(told, 1) if "1" in names), None))
    return found


def _told(dice: np.random.Generator, a_week: int, shares: np.ndarray) -> Iterator[frozenset[str]]:
    """The areas whose gap is told to have changed, after each week from the first full window on."""
    due = dice.poisson(a_week * np.array(WEIGHTS), shares.shape)
    kept = dice.binomial(due, np.clip(shares, 0.001, 0.999))
    areas = [
        [Cohort(int(n), int(k)) for n, k in zip(due[:, one], kept[:, one], strict=True)] for one in range(len(WEIGHTS))
    ]
    for start in range(len(due) - WINDOW + 1):
        series = [Series(str(one), tuple(weeks[start : start + WINDOW])) for one, weeks in enumerate(areas)]
        yield frozenset(
            found.change.name
            for found in changes(series, BEFORE_WEEKS, ALPHA / (len(WEIGHTS) * LOOKS))
            if found.is_active
        )
