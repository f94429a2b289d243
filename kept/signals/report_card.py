"""The alert report card: which rules told people something true, in time, and not too often. Pure: time is an argument.

A signal belongs to the ISO week (Monday 00:00) in which it was raised, in event time and in its service's time zone;
UTC for a service that the catalogue no longer has. Open signals count like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from kept.signals.answers import answers
from kept.signals.card_lines import Line, line_of, severity
from kept.signals.kinds import KINDS, Severity
from kept.signals.lead_time import Lead, PromiseCourse, announced, lead_of
from kept.signals.on_call_load import UTC, Load, OnCall, iso_week, loads, period_start
from kept.signals.raised import Raised, Response
from kept.signals.retirement import Bars, Proposal, proposals

Scope = tuple[str | None, str | None, Severity]
"""Signal, service (None: every one) and severity of a line."""


class Watched(OnCall, frozen=True, kw_only=True):
    """What the card needs to know of a service besides its signals."""

    course: PromiseCourse | None
    """Of its promise; None when it has none."""


class Falls(Struct, frozen=True, kw_only=True):
    """How often the promise of a service fell below its target in the period, and how often that was announced."""

    service: str
    falls: int
    announced: int


class ReportCard(Struct, frozen=True, kw_only=True):
    """Everything of `weeks` whole ISO weeks and the running one, as of `as_of` (event time, s)."""

    weeks: int
    first_week: str
    as_of: int
    bars: Bars
    by_rule: tuple[Line, ...]
    by_service: tuple[Line, ...]
    by_rule_and_service: tuple[Line, ...]
    informing: tuple[Line, ...]
    """By rule, of information severity: they wake nobody and nobody is asked to answer them."""
    loads: tuple[Load, ...]
    falls: tuple[Falls, ...]
    proposals: tuple[Proposal, ...]


def report_card(
    signals: Iterable[Raised],
    responses: Iterable[Response],
    *,
    services: Mapping[str, Watched],
    people: Mapping[str, int | None],
    as_of: int,
    now: int,
    weeks: int,
    bars: Bars = Bars(),  # noqa: B008 - frozen
) -> ReportCard:
    """The card of what was raised in the last `weeks` whole ISO weeks before `as_of` (event time, s), and since.

    `people` on call by owner; `now` is the wall clock (s) up to which an unacknowledged signal has waited. The order of
    signals and responses does not matter.
    """
    every = sorted(signals, key=Raised.key)
    starts = {service: period_start(as_of, weeks, watched.zone) for service, watched in services.items()}
    start_utc = period_start(as_of, weeks, UTC)
    chosen = [raised for raised in every if starts.get(raised.verdict.service, start_utc) <= raised.raised_at <= as_of]
    for_people = [raised for raised in chosen if severity(raised) != "info"]
    informing = [raised for raised in chosen if severity(raised) == "info"]
    answered = answers(responses)

    def lines(of: Sequence[Raised], scope: Callable[[Raised], Scope]) -> tuple[Line, ...]:
        groups: dict[Scope, list[Raised]] = {}
        for raised in of:
            groups.setdefault(scope(raised), []).append(raised)
        return tuple(
            line_of(*key, groups[key], answered, [_lead(raised, services) for raised in groups[key]], now)
            for key in sorted(groups, key=_order)
        )

    by_rule = lines(for_people, lambda raised: (raised.verdict.signal, None, severity(raised)))
    both = lines(for_people, lambda raised: (raised.verdict.signal, raised.verdict.service, severity(raised)))
    return ReportCard(
        weeks=weeks,
        first_week=iso_week(start_utc, UTC),
        as_of=as_of,
        bars=bars,
        by_rule=by_rule,
        by_service=lines(for_people, lambda raised: (None, raised.verdict.service, severity(raised))),
        by_rule_and_service=both,
        informing=lines(informing, lambda raised: (raised.verdict.signal, None, "info")),
        loads=loads(for_people, services, people, as_of, weeks),
        falls=_falls(every, services, starts, as_of),
        proposals=proposals(by_rule, both, for_people, answered, now, bars),
    )


def _lead(raised: Raised, services: Mapping[str, Watched]) -> Lead | None:
    watched = services.get(raised.verdict.service)
    return lead_of(raised, None if watched is None else watched.course)


def _order(key: Scope) -> tuple[int, str, str, str]:
    names = [kind.name for kind in KINDS]
    signal, service, urgency = key
    return (names.index(signal) if signal in names else len(names), signal or "", service or "", urgency)


def _falls(
    signals: Sequence[Raised], services: Mapping[str, Watched], starts: Mapping[str, int], as_of: int
) -> tuple[Falls, ...]:
    found = []
    for service, watched in sorted(services.items()):
        if watched.course is not None:
            falls = watched.course.falls(starts[service], as_of)
            warnings = [raised for raised in signals if raised.verdict.service == service]
            found.append(Falls(service=service, falls=len(falls), announced=announced(falls, warnings)))
    return tuple(found)
