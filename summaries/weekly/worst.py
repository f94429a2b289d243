"""The worst member beside every total: the area and the channel in which the promise was kept least."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from kept.indicators.point import Point
from kept.signals.gaps import Cohort, fisher
from summaries import wording
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.names import plain
from summaries.wording import NBSP

DIMENSIONS: Final = ("area", "channel")
INDICATOR: Final = "promise_kept"
LEVEL: Final = 0.05
"""A member is told to be worse than chance explains below this probability, shared by all members (Bonferroni)."""


class Worst(NamedTuple):
    """The worst member against all other cases of the service. `chance`: of so low a share in any of the members."""

    name: str
    cohort: Cohort
    chance: float

    @property
    def is_real(self) -> bool:
        """Whether it is more than chance explains."""
        return self.chance < LEVEL


Compare = Callable[[Mapping[str, Cohort], Cohort], Worst | None]
"""(members by name, the whole) -> the worst of them; None where there is none to name."""


class RealGap(Struct, frozen=True):
    """A member in which the promise is kept less than chance explains, and its share in words."""

    dimension: str
    name: str
    share: str


class WorstMember(Struct, frozen=True, kw_only=True):
    """Of one service: its total, and beside it the worst of each dimension.

    `worst` has for each of `DIMENSIONS` what to show; `real` are those that are more than chance.
    """

    service: str
    name: str
    total: str
    worst: tuple[str, ...]
    real: tuple[RealGap, ...]


def worst_member(members: Mapping[str, Cohort], whole: Cohort) -> Worst | None:
    """Of the members that are worse than chance explains the one kept least; where there is none, of all.

    So a place with a handful of cases does not hide one where hundreds are let down. Fisher's exact test, the smaller
    tail doubled, against all other cases of the service. None for fewer than two members, or when all are alike.
    """
    if len(members) < 2:
        return None
    judged = [Worst(name, cohort, _chance(cohort, whole - cohort, len(members))) for name, cohort in members.items()]
    lower = [one for one in judged if one.cohort.share < whole.share]
    real = [one for one in lower if one.is_real]
    return min(real or lower, key=lambda one: (one.cohort.share, -one.cohort.due, one.name), default=None)


def worst_of(services: Iterable[ServiceWeek], compare: Compare = worst_member) -> tuple[WorstMember, ...]:
    """A line for each service with cases due in the week; the others are told of as unknown."""
    found = (_worst(facts, compare) for facts in services)
    return tuple(one for one in found if one is not None)


def _worst(facts: ServiceWeek, compare: Compare) -> WorstMember | None:
    whole = cohort_of(facts.point(INDICATOR))
    if whole is None or not whole.due:
        return None
    cells, real = [], []
    for dimension in DIMENSIONS:
        text, gap = _cell(facts, dimension, whole, compare)
        cells.append(text)
        if gap is not None:
            real.append(gap)
    return WorstMember(
        service=facts.service.id,
        name=plain(facts.service.name),
        total=f"{wording.share(whole.share)} of{NBSP}{wording.number(whole.due)}",
        worst=tuple(cells),
        real=tuple(real),
    )


def _cell(facts: ServiceWeek, dimension: str, whole: Cohort, compare: Compare) -> tuple[str, RealGap | None]:
    slices = [
        point
        for point in facts.points
        if point.indicator == INDICATOR and len(point.slice) == 1 and point.slice[0][0] == dimension
    ]
    few = sum(point.reason == "few_people" for point in slices)
    cohorts = {point.slice[0][1]: cohort for point in slices if (cohort := cohort_of(point)) is not None and cohort.due}
    least = facts.service.suppress_below
    if few:
        # Who knows the whole and all but a few people knows the few.
        cohorts = {name: one for name, one in cohorts.items() if whole.due - one.due >= least}
    if len(cohorts) < 2:
        why = "too few people to show" if few else "one only" if len(cohorts) == 1 else "not known"
        return why, None
    worst = compare(cohorts, whole)
    if worst is None:
        return "all alike", None
    sure = "more than chance" if worst.is_real else "within chance"
    name = plain(worst.name, 40)
    share = wording.share(worst.cohort.share)
    text = f"{name}: {share} of{NBSP}{wording.number(worst.cohort.due)}, {sure}"
    return text, RealGap(dimension, name, share) if worst.is_real else None


def cohort_of(point: Point | None) -> Cohort | None:
    """The cases of a share; None where it is not known."""
    if point is None or point.value is None or point.numerator is None or point.denominator is None:
        return None
    return Cohort(round(point.denominator), round(point.numerator))


def _chance(cohort: Cohort, rest: Cohort, looks: int) -> float:
    if rest.due <= 0 or not 0 <= rest.kept <= rest.due:
        return 1.0  # figures of slices may be of another hour than those of the whole
    return min(1.0, 2 * looks * min(fisher(cohort, rest), fisher(rest, cohort)))
