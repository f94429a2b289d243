"""Simulated units: how many lie beyond a funnel's limits, and how often a worst member is called worse, by chance."""

from __future__ import annotations

import math

import numpy as np

from kept.comparison.dispersion import dispersion
from kept.comparison.funnel import OUTER, funnel, limits, place_of
from kept.comparison.members import Member
from kept.comparison.worst import Surety, gaps_to_rest, worst_member
from kept.signals.gaps import Cohort

SHARE = 0.9
SMALLEST, LARGEST = 40, 4000
"""Cases of a unit, spread evenly by their logarithm."""


def spread_cohorts(*, units: int, spread: float, seed: int) -> list[Cohort]:
    """Units of 40 to 4,000 cases whose true shares have a standard deviation of `spread` around 0.9."""
    return _cohorts(np.random.default_rng(seed), units, spread)


def beyond(*, units: int, spread: float, rounds: int, seed: int) -> tuple[float, float]:
    """Shares of units beyond the 95 % and the 99.8 % limits by which the funnel judges."""
    dice = np.random.default_rng(seed)
    inner = outer = 0
    for _ in range(rounds):
        found = funnel(_members(_cohorts(dice, units, spread)))
        assert found is not None
        inner += sum(unit.place != "within" for unit in found.units)
        outer += sum(unit.place.endswith("998") for unit in found.units)
    return inner / (rounds * units), outer / (rounds * units)


def small_beyond(*, units: int, spread: float, rounds: int, seed: int) -> dict[str, tuple[float, float]]:
    """By kind of limits: how often a unit of 60 cases with a true share 25 points lower is found beyond 99.8 %, and how
    often a unit of the others is."""
    dice = np.random.default_rng(seed)
    counts = {"chance alone": [0, 0], "one factor for all": [0, 0], "a spread of true shares": [0, 0]}
    for _ in range(rounds):
        odd = Cohort(60, int(dice.binomial(60, SHARE - 0.25)))
        cohorts = [*_cohorts(dice, units, spread), odd]
        centre = sum(one.kept for one in cohorts) / sum(one.due for one in cohorts)
        found = dispersion(cohorts)
        factor = math.sqrt(found.phi) if found.is_adjusted_for else 1.0
        for place, cohort in enumerate(cohorts):
            exact = limits(cohort.due, centre, OUTER)
            for name, wide in zip(counts, (1.0, factor, found.widening(cohort.due)), strict=True):
                edge = exact.widened(centre, wide)
                counts[name][place < units] += place_of(cohort.share, edge, edge) != "within"
    return {name: (odd / rounds, others / (rounds * units)) for name, (odd, others) in counts.items()}


def false_worst(*, units: int, rounds: int, seed: int, share: float = SHARE) -> dict[Surety, float]:
    """How often the worst member is said to be so by each surety, when all are served alike."""
    dice = np.random.default_rng(seed)
    counts: dict[Surety, int] = {"chance": 0, "perhaps": 0, "certain": 0}
    for _ in range(rounds):
        worst = worst_member(_members(_cohorts(dice, units, 0.0, share)))
        if worst is not None:
            counts[worst.surety] += 1
    return {surety: count / rounds for surety, count in counts.items()}


def covered(*, units: int, rounds: int, seed: int, share: float = SHARE) -> float:
    """How often all intervals of a dimension hold the true gap, which is 0."""
    dice = np.random.default_rng(seed)
    held = 0
    for _ in range(rounds):
        held += all(one.low <= 0 <= one.high for one in gaps_to_rest(_members(_cohorts(dice, units, 0.0, share))))
    return held / rounds


def _members(cohorts: list[Cohort]) -> list[Member]:
    return [Member(f"unit {number:03}", cohort) for number, cohort in enumerate(cohorts)]


def _cohorts(dice: np.random.Generator, units: int, spread: float, share: float = SHARE) -> list[Cohort]:
    due = np.exp(dice.uniform(math.log(SMALLEST), math.log(LARGEST), units)).astype(int)
    true = np.clip(dice.normal(share, spread, units), 0.01, 0.99) if spread else np.full(units, share)
    kept = dice.binomial(due, true)
    return [Cohort(int(n), int(k)) for n, k in zip(due, kept, strict=True)]
