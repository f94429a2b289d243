"""`/later`: what became known after the moment as of which pages are shown. Every page of the past leads here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.buckets import WEEK_SECONDS
from kept.catalogue import Service
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from summaries import wording
from summaries.known import Known
from summaries.service.later import HEAD, became_known, later_rows
from summaries.site import Asked, BadRequest, Site

NAV = None
WINDOWS: Final = ("7d", "28d", "week", "all")
WEEKS: Final = 5
"""So many local Mondays before the moment are looked at, beside its newest figures."""
CHART_HEAD: Final = ("Chart", "Week to", "Then", "Known now", "Since")
CHANGE_HEAD: Final = ("Change", "In force since", "Known since")
MOST_ROWS: Final = 100


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's address."""

    def later(asked: Asked, known: Known) -> Response:
        if known.as_of is None:
            raise BadRequest("as_of: not given; what became known later is told of a moment, such as ?as_of=2026-11-16")
        parts = [part for service in _by_name(site) if (part := _part(known, service))["tables"]]
        return site.render(asked, "later.html", parts=parts, services=len(site.catalogue))

    return [site.route("/later", later)]


def _by_name(site: Site) -> list[Service]:
    return sorted(site.catalogue.values(), key=lambda service: (service.name, service.id))


def _part(known: Known, service: Service) -> dict[str, Any]:
    """One service: its tables, each with a caption, and how many rows of each are left out."""
    charts = [_chart_row(one, service) for one in _charts(known, service)]
    tables = [
        ("figures", "Figures that were published up to then, and amended since", HEAD, list(_figures(known, service))),
        ("charts", "Weeks of control charts", CHART_HEAD, charts),
        ("changes", "Changes that were in force, and nobody had registered yet", CHANGE_HEAD,
         [_change_row(one, service) for one in known.changes_known_later(service.id)]),
    ]  # fmt: skip
    return {
        "id": service.id,
        "name": service.name,
        "tables": [
            (name, caption, head, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))
            for name, caption, head, rows in tables
            if rows
        ],
    }


def _figures(known: Known, service: Service) -> Iterator[tuple[str, ...]]:
    shown = [point for point in known.latest(service.id, slice=None) if point.window in WINDOWS]
    at = known.published(service.id)
    if at is not None:
        mondays = [week.week_end for week in known.charts(service.id) if at - WEEKS * WEEK_SECONDS <= week.week_end]
        shown += known.at_moments(service.id, "week", mondays)
    _, since = known.amendments_at(service.id, {point.window_end for point in shown})
    yield from later_rows(became_known(since, shown), service.zone)


def _charts(known: Known, service: Service) -> list[ChartAmendment]:
    """Of each week what is known now, the newest week first."""
    newest: dict[tuple[str, str, int], ChartAmendment] = {}
    first: dict[tuple[str, str, int], ChartAmendment] = {}
    for one in sorted(known.chart_amendments(service.id), key=ChartAmendment.key):
        newest[one.new.key()] = one
        first.setdefault(one.new.key(), one)
    found = [ChartAmendment(one.known_at, first[key].old, one.new) for key, one in newest.items()]
    return sorted(found, key=lambda one: (-one.new.week_end, one.new.indicator))


def _chart_row(one: ChartAmendment, service: Service) -> tuple[str, ...]:
    unit = one.new.unit

    def said(value: float | None) -> str:
        return "not known" if value is None else wording.quantity(value, unit)

    then = "not told yet" if one.old is None else said(one.old.value)
    now = said(one.new.value)
    if one.old is not None and then == now:
        now = f"{now}; its range or mark is another one"
    return (
        wording.label(one.new.indicator),
        wording.day(one.new.week_end - 1, service.zone),
        then,
        now,
        wording.moment_briefly(one.known_at, service.zone),
    )


def _change_row(change: RegisteredChange, service: Service) -> tuple[str, ...]:
    known_at = change.known_at
    return (
        change.title,
        wording.moment_briefly(change.at, service.zone),
        "" if known_at is None else wording.moment_briefly(known_at, service.zone),
    )
