"""Promises and decisions by the strategic objective that they serve. Pure: what was read in, rows of words out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from msgspec import Struct

from kept.catalogue import Catalogue, Service
from kept.decisions import Decision
from kept.indicators.point import Point
from summaries import wording
from summaries.money_known import ServiceMoney
from summaries.money_words import FINDINGS, budget_words, changes_within, own_figure, trade_off_words
from summaries.service_card import VERDICT_WORDS, LatestPoints, judge

EFFECTS = {"helped": "helped", "did_not_help": "did not help", "cannot_tell": "cannot tell whether it helped"}


class Read(Struct, frozen=True):
    """What was read of one service: its newest points, and its money (None: nothing was published)."""

    points: Sequence[Point]
    money: ServiceMoney | None


class Figure(Struct, frozen=True):
    """A value in words, and what belongs beside it: window, interval, n."""

    value: str
    detail: str = ""

    @property
    def words(self) -> str:
        """Both."""
        return f"{self.value} ({self.detail})" if self.detail else self.value


class ServiceRow(Struct, frozen=True, kw_only=True):
    """One service under its objective, in words. `apart` is how far from the target it is (share; None: not known)."""

    id: str
    name: str
    simulated: bool
    promise: str
    target: str
    verdict: str
    kept: Figure
    cost: Figure
    satisfaction: Figure
    finding: str
    trade_off: tuple[str, ...]
    budget: tuple[str, ...]
    as_of: str
    apart: float | None


class DecisionRow(Struct, frozen=True, kw_only=True):
    """One decision, in words."""

    id: str
    text: str
    service: str
    owner: str
    due: str
    state: str


class Group(Struct, frozen=True, kw_only=True):
    """One objective (None: no objective is named), the services and the decisions that serve it.

    `worst` says which service is furthest below its target, where several serve it, or that none is below.
    """

    objective: str | None
    services: tuple[ServiceRow, ...]
    decisions: tuple[DecisionRow, ...]
    worst: str


def groups(
    catalogue: Catalogue, read: Mapping[str, Read], decisions: Sequence[Decision], today: datetime.date
) -> list[Group]:
    """Each objective in the order of its text, what has none last."""
    by_objective: dict[str | None, list[Service]] = {}
    for service in sorted(catalogue.values(), key=lambda one: (one.name, one.id)):
        by_objective.setdefault(service.objective, []).append(service)
    decided: dict[str | None, list[Decision]] = {}
    for decision in decisions:
        decided.setdefault(objective_of(decision, catalogue), []).append(decision)
    names = sorted(by_objective.keys() | decided.keys(), key=lambda name: (name is None, name or ""))
    found = []
    for name in names:
        rows = tuple(service_row(one, read[one.id]) for one in by_objective.get(name, []))
        told = tuple(decision_row(one, catalogue, today) for one in decided.get(name, []))
        found.append(Group(objective=name, services=rows, decisions=told, worst=_worst(rows)))
    return found


def objective_of(decision: Decision, catalogue: Catalogue) -> str | None:
    """The objective that a decision names, else that of its service."""
    service = catalogue.get(decision.service)
    return decision.objective or (None if service is None else service.objective)


def service_row(service: Service, read: Read) -> ServiceRow:
    """What a leader sees of one service under its objective."""
    latest = LatestPoints(read.points)
    kept = latest.of("promise_kept", "28d")
    target = None if service.promise is None else service.promise.target_share
    comparison = None if read.money is None else read.money.comparison
    return ServiceRow(
        id=service.id,
        name=service.name,
        simulated=service.simulated,
        promise="No promise was made." if service.promise is None else service.promise.words,
        target="no target" if target is None else f"target {wording.target_share(target)}",
        kept=figure(kept),
        verdict=VERDICT_WORDS[judge(kept, target)] if service.promise is not None else "No promise to judge",
        cost=figure(own_figure(latest, "cost_per_outcome")),
        satisfaction=figure(own_figure(latest, "satisfaction_score")),
        finding="Cannot tell" if comparison is None else FINDINGS[comparison.trade_off.finding],
        trade_off=(
            ("Nothing was published of this service.",)
            if comparison is None or read.money is None
            else tuple(trade_off_words(comparison, service, changes_within(comparison, read.money)))
        ),
        budget=tuple(budget_words(read.money, service)),
        as_of="No event counted yet" if latest.newest is None else wording.moment(latest.newest, service.zone),
        apart=None if kept is None or kept.value is None or target is None else kept.value - target,
    )


def figure(point: Point | None) -> Figure:
    """A value with its interval, its n and its window; why there is none."""
    if point is None or point.value is None:
        return Figure(wording.shown(point))
    parts = [wording.WINDOWS.get(point.window, point.window)]
    spread = wording.interval(point)
    if spread is not None:
        parts.append(f"95{wording.NBSP}% range {spread}")
    if point.n is not None:
        parts.append(f"n{wording.NBSP}{wording.number(point.n)}")
    if point.reason == "stale":
        parts.append("stale")
    return Figure(wording.shown(point), ", ".join(parts))


def decision_row(decision: Decision, catalogue: Catalogue, today: datetime.date) -> DecisionRow:
    """A decision with what became of it."""
    service = catalogue.get(decision.service)
    state = "open" if decision.is_open else "closed"
    if decision.is_overdue(today):
        state = "open, overdue"
    if decision.effect is not None:
        state += f"; {EFFECTS[decision.effect]}"
    return DecisionRow(
        id=decision.id,
        text=decision.text,
        service=decision.service if service is None else service.name,
        owner=decision.owner,
        due=decision.due,
        state=state,
    )


def _worst(rows: Sequence[ServiceRow]) -> str:
    if len(rows) < 2:
        return ""
    told = [row for row in rows if row.apart is not None]
    if not told:
        return "None of these services has a promise that can be judged yet."
    row = min(told, key=lambda one: (one.apart or 0.0, one.name))
    unknown = len(rows) - len(told)
    left_out = f" {unknown} cannot be judged." if unknown else ""
    apart = wording.points_apart(row.apart or 0.0)
    if (row.apart or 0.0) >= 0:
        judged = "All that can be judged" if unknown else "All"
        return f"{judged} are at or above their target; nearest to it: {row.name}, {apart} above.{left_out}"
    return f"Furthest below its target: {row.name}, by {apart}.{left_out}"
