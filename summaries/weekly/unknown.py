"""What of a week is not known, is stale, or rests on too little: said, service by service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from kept.indicators.point import STALE
from summaries import wording
from summaries.gap_words import GAP_WORDS
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.names import plain
from summaries.weekly.noise import LABELS

HEADLINES: Final = ("promise_kept", "satisfaction_score", "first_time_right")
"""What is told of when it has no value, besides what the service charts."""


class Unknown(Struct, frozen=True):
    """A service and what is not known of it, each a few words."""

    service: str
    name: str
    words: tuple[str, ...]


def unknown_of(services: Iterable[ServiceWeek], as_of: int) -> tuple[Unknown, ...]:
    """Services of which something is not known, by name."""
    found = (Unknown(one.service.id, plain(one.service.name), tuple(_words(one, as_of))) for one in services)
    return tuple(one for one in found if one.words)


def _words(facts: ServiceWeek, as_of: int) -> Iterator[str]:
    zone = facts.service.zone
    if facts.published is None:
        yield "nothing is published of it"
        return
    if not facts.is_published:
        yield f"its figures end at {wording.moment(facts.published, zone)}, before the week does"
        return
    if facts.published < as_of:
        yield f"known only up to {wording.moment(facts.published, zone)}; what came later is not in it"
    yield from _stale(facts)
    yield from _gaps(facts)
    yield from _unjudged(facts)
    yield from _missing(facts)


def _stale(facts: ServiceWeek) -> Iterator[str]:
    if any(point.reason == STALE and not point.slice for point in facts.points):
        yield "stale: at the week's end nothing had been heard of it for longer than its source may be silent"
    if not facts.points:
        yield "its areas, channels and waste were not published at the week's end"
        return
    newest = max(point.window_end for point in facts.points)
    if newest < facts.end:
        yield f"areas, channels and waste are as of {wording.moment(newest, facts.service.zone)}"


def _gaps(facts: ServiceWeek) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for name in facts.charts:
        week = facts.chart_week(name)
        if week is None or week.value is None:
            gap = None if week is None else week.gap
            reason = "not on its chart" if week is None else "no value" if gap is None else GAP_WORDS[gap]
            by_reason.setdefault(reason, []).append(LABELS.get(name, wording.label(name)).lower())
    for reason, names in by_reason.items():
        every = len(names) == len(facts.charts) and len(names) > 1
        yield f"{'every weekly figure' if every else ', '.join(names)}: {reason}"
    if not facts.charts:
        yield "no weekly figure of it is charted yet"


def _unjudged(facts: ServiceWeek) -> Iterator[str]:
    weeks = [(name, week) for name in facts.charts if (week := facts.chart_week(name)) is not None]
    valued = [(name, week) for name, week in weeks if week.value is not None]
    mixed = [LABELS.get(name, name).lower() for name, week in valued if week.mixed]
    if mixed:
        yield f"{', '.join(mixed)}: the week of a registered change, not judged"
    early = [name for name, week in valued if not week.mixed and week.mean is None]
    if early:
        yield f"{_figures(len(early))} without a usual range yet"
    trial = [week.baseline for _, week in valued if week.trial and not week.mixed]
    if trial:
        yield f"{_figures(len(trial))} with trial limits: they rest on {min(trial)} weeks, 12 make a baseline"


def _missing(facts: ServiceWeek) -> Iterator[str]:
    for name in HEADLINES:
        point = facts.point(name)
        if name not in facts.charts and point is not None and point.value is None:
            yield f"{LABELS.get(name, name).lower()} {wording.why_unknown(point)}"


def _figures(count: int) -> str:
    return "1 figure" if count == 1 else f"{count} figures"
