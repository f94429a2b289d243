"""The worst member beside every total: the area and the channel in which the promise was kept least."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from kept.comparison.members import INDICATOR, Member, slices_of
from kept.comparison.worst import GapToRest, Surety, worst_member
from kept.indicators.point import Point
from kept.signals.gaps import Cohort
from summaries import wording
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.names import plain
from summaries.wording import NBSP

DIMENSIONS: Final = ("area", "channel")
SURE: Final[dict[Surety, str]] = {
    "chance": "within chance",
    "perhaps": "perhaps chance",
    "certain": "more than chance",
}
Compare = Callable[[Sequence[Member]], GapToRest | None]
"""Members -> the worst of them, against the others; None where there is none to name."""


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


def worst_of(services: Iterable[ServiceWeek], compare: Compare = worst_member) -> tuple[WorstMember, ...]:
    """A line for each service with cases due in the week; the others are told of as unknown."""
    found = (_worst(facts, compare) for facts in services)
    return tuple(one for one in found if one is not None)


def why_none(services: Sequence[ServiceWeek]) -> str:
    """What to say where no service has a line: that no promise fell due is known, or it is not."""
    wholes = [facts.point(INDICATOR) for facts in services]
    if all(point is None for point in wholes):
        return "Not known: areas and channels were not published at the week's end."
    if all(cohort is not None and not cohort.due for cohort in map(cohort_of, wholes)):
        return "No promise fell due this week."
    return "Of no service is it known in which areas and channels promises fell due this week."


def _worst(facts: ServiceWeek, compare: Compare) -> WorstMember | None:
    whole = cohort_of(facts.point(INDICATOR))
    if whole is None or not whole.due:
        return None
    cells, real = [], []
    for dimension in DIMENSIONS:
        text, gap = _cell(facts, dimension, compare)
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


def _cell(facts: ServiceWeek, dimension: str, compare: Compare) -> tuple[str, RealGap | None]:
    members = slices_of(facts.points, dimension, facts.service.suppress_below)
    if len(members.shown) < 2:
        hidden = members.few or members.guards
        return "too few people to show" if hidden else "one only" if members.shown else "not known", None
    worst = compare(members.shown)
    if worst is None:
        return "all alike", None
    name, share = plain(worst.name, 40), wording.share(worst.cohort.share)
    text = f"{name}: {share} of{NBSP}{wording.number(worst.cohort.due)}, {SURE[worst.surety]}"
    return text, RealGap(dimension, name, share) if worst.surety == "certain" else None


def cohort_of(point: Point | None) -> Cohort | None:
    """The cases of a share; None where it is not known."""
    if point is None or point.value is None or point.numerator is None or point.denominator is None:
        return None
    return Cohort(round(point.denominator), round(point.numerator))
