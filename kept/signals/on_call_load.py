"""How much people on call are told: by owner, by ISO week of their services' local time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.buckets import WEEK_SECONDS
from kept.iso_week import week_of
from kept.signals.card_lines import severity
from kept.signals.kinds import Severity
from kept.signals.raised import Raised

UTC: Final = ZoneInfo("UTC")


class OnCall(Struct, frozen=True, kw_only=True):
    """Who is told of a service, by whose clock, and since when it is watched."""

    owner: str
    zone: ZoneInfo
    first_watched: int | None
    """The first moment (s) at which the history knows it within the period; None means throughout."""


class Load(Struct, frozen=True, kw_only=True):
    """What the people of an owner were told: pages and tickets, per person on call and week.

    per_person_week = (pages + tickets) / (people x weeks); None when `people` is None (not known) or 0. `weeks` are
    those in which at least one of the owner's services was watched, with the part of the running one that is over.
    """

    owner: str | None
    """None: of services that the catalogue no longer has."""
    people: int | None
    weeks: float
    pages: int
    tickets: int
    per_person_week: float | None
    busiest_week: str | None
    """Of weeks with equally many the last; None when nothing was raised."""
    busiest: int


def iso_week(at: int, zone: ZoneInfo) -> str:
    """The ISO week of a moment (s) in a time zone, such as `2026-W09`."""
    return week_of(at, zone).name


def period_start(as_of: int, weeks: int, zone: ZoneInfo) -> int:
    """Monday 00:00 (s) in `zone`, `weeks` whole weeks before the week of `as_of` (s)."""
    return week_of(as_of, zone).plus(-weeks).start(zone)


def loads(
    signals: Iterable[Raised], services: Mapping[str, OnCall], people: Mapping[str, int | None], as_of: int, weeks: int
) -> tuple[Load, ...]:
    """The load of each owner by name, and last (owner None) that of services nobody is known to own.

    `signals` are those of pages and tickets raised within the period that ends at `as_of` (s); its start is
    `period_start` of each service's time zone. `people` on call by owner, None where that is not known.
    """
    told: dict[str | None, list[tuple[str, Severity]]] = {}
    for raised in signals:
        of = services.get(raised.verdict.service)
        week = iso_week(raised.raised_at, UTC if of is None else of.zone)
        told.setdefault(None if of is None else of.owner, []).append((week, severity(raised)))
    spans: dict[str | None, int] = {None: as_of - period_start(as_of, weeks, UTC)} if None in told else {}
    for of in services.values():
        start = period_start(as_of, weeks, of.zone)
        first = start if of.first_watched is None else max(start, of.first_watched)
        spans[of.owner] = max(spans.get(of.owner, 0), as_of - first)
    owners = sorted(spans, key=lambda owner: (owner is None, owner or ""))
    return tuple(
        _load(owner, None if owner is None else people.get(owner), spans[owner] / WEEK_SECONDS, told.get(owner, []))
        for owner in owners
    )


def _load(owner: str | None, people: int | None, weeks: float, told: list[tuple[str, Severity]]) -> Load:
    urgencies = Counter(urgency for _, urgency in told)
    by_week = Counter(week for week, _ in told)
    busiest_week, busiest = max(by_week.items(), key=lambda item: (item[1], item[0]), default=(None, 0))
    return Load(
        owner=owner,
        people=people,
        weeks=weeks,
        pages=urgencies["page"],
        tickets=urgencies["ticket"],
        per_person_week=len(told) / (people * weeks) if people and weeks > 0 else None,
        busiest_week=busiest_week,
        busiest=busiest,
    )
