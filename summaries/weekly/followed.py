"""Decisions of the week and what became of them, and the changes that were registered in it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.catalogue import Service
from kept.decisions import Decision
from kept.iso_week import IsoWeek
from kept.registered_changes import RegisteredChange
from summaries import decision_words, wording
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.names import plain

Standing = Literal["overdue", "open", "closed"]
STANDINGS: Final[tuple[Standing, ...]] = ("overdue", "open", "closed")
MOST_TEXT: Final = 200
VerdictOfChange = Callable[[RegisteredChange], str]
"""A sentence on whether a change worked; empty where nothing can be said yet."""


class Followed(Struct, frozen=True, kw_only=True):
    """A decision in words: of which service, what, who is to do it by when (an ISO date), and what became of it."""

    id: str
    service: str
    name: str
    text: str
    owner: str
    due: str
    standing: Standing
    became: str
    objective: str = ""


class Changed(Struct, frozen=True, kw_only=True):
    """A registered change: when, what, what it is to move, and whether it worked (empty: not judged here)."""

    service: str
    name: str
    day: str
    title: str
    expects: str
    verdict: str = ""

    @property
    def in_words(self) -> str:
        """The change in one line."""
        verdict = f" {self.verdict}" if self.verdict else ""
        return f"{self.name}, {self.day}: “{self.title}”, {self.expects}.{verdict}"


def followed(
    decisions: Iterable[Decision], services: Mapping[str, Service], week: IsoWeek, as_of: int, zone: ZoneInfo
) -> tuple[Followed, ...]:
    """Decisions that are open at `as_of` (s), or of which something was said in the week or since; overdue first."""
    start = week.start(zone)
    kept = [one for one in decisions if one.is_open or any(entry.at >= start for entry in one.history)]
    told = [_followed(one, services, as_of, zone) for one in kept]
    return tuple(sorted(told, key=lambda one: (STANDINGS.index(one.standing), one.due, one.id)))


def changed(
    services: Iterable[ServiceWeek],
    verdict: VerdictOfChange | None = None,
    judged: Sequence[RegisteredChange] = (),
) -> tuple[Changed, ...]:
    """Changes registered in the week, and earlier ones that were `judged` in it, by service and time."""
    return tuple(
        _changed(facts, change, verdict)
        for facts in services
        for change in (*(one for one in judged if one.service == facts.service.id), *facts.changes)
    )


def _followed(decision: Decision, services: Mapping[str, Service], as_of: int, zone: ZoneInfo) -> Followed:
    service = services.get(decision.service)
    today = datetime.datetime.fromtimestamp(as_of, zone).date()
    overdue = decision.is_overdue(today)
    return Followed(
        id=decision.id,
        service=decision.service,
        name=plain(decision.service if service is None else service.name),
        text=plain(decision.text, MOST_TEXT),
        owner=plain(decision.owner),
        due=decision.due,
        standing="overdue" if overdue else "open" if decision.is_open else "closed",
        became=_became(decision, today, zone, overdue=overdue),
        objective=plain(decision.objective) if decision.objective else "",
    )


def _became(decision: Decision, today: datetime.date, zone: ZoneInfo, *, overdue: bool) -> str:
    effect = "" if decision.effect is None else decision_words.EFFECTS[decision.effect]
    if decision.closed_at is not None:
        closed = f"closed on {datetime.datetime.fromtimestamp(decision.closed_at, zone).date().isoformat()}"
        return f"{closed}: {effect}" if effect else f"{closed}, without a word on its effect"
    late = (today - datetime.date.fromisoformat(decision.due)).days
    standing = f"overdue by {late} {'day' if late == 1 else 'days'}" if overdue else "open"
    moved = _moved(decision.history)
    return "; ".join(part for part in (standing, moved, effect) if part)


def _moved(history: Sequence[object]) -> str:
    times = sum(getattr(entry, "says", "") == "moved" for entry in history)
    return "" if not times else "moved once" if times == 1 else f"moved {times} times"


def _changed(facts: ServiceWeek, change: RegisteredChange, verdict: VerdictOfChange | None) -> Changed:
    local = datetime.datetime.fromtimestamp(change.at, facts.service.zone)
    expects = "nothing named that it should move"
    if change.indicator is not None and change.direction is not None:
        expects = f"should move {wording.label(change.indicator)} {change.direction}"
    return Changed(
        service=facts.service.id,
        name=plain(facts.service.name),
        day=_day(local, facts.start, change.at),
        title=plain(change.title, MOST_TEXT),
        expects=expects,
        verdict="" if verdict is None else verdict(change),
    )


def _day(local: datetime.datetime, week_start: int, at: int) -> str:
    """A weekday within the week, a date before it."""
    day = f"{local.day}{wording.NBSP}{local:%b}"
    return f"{local:%a} {day}" if at > week_start else f"{day} {local:%Y}"
