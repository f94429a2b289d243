"""`/week` and `/week/2026-W47`: the weekly summary; the same as Markdown and as data."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from kept.iso_week import IsoWeek, week_named
from summaries import vega
from summaries.known import Known
from summaries.site import Asked, NotFound, Site
from summaries.weekly.chart import picture, summary_chart
from summaries.weekly.facts import read_week, told_at, weeks_there
from summaries.weekly.html_file import body_values, svg_of
from summaries.weekly.markdown import as_markdown
from summaries.weekly.summary import WeekSummary
from summaries.weekly.told import Told, told

NAV = ("/week", "Weekly summary")
MOST_CHOICES = 26


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def week_of(asked: Asked, known: Known) -> Told:
        """The week that is asked for, or the newest; raises `NotFound` that says which there are."""
        return told(site.history, site.catalogue, asked_week(asked, weeks_there(known)), known.as_of)

    def page(asked: Asked, known: Known) -> Response:
        there = weeks_there(known)
        _, summary, charts = told(site.history, site.catalogue, asked_week(asked, there), known.as_of)
        drawn = [svg_of(chart, site.catalogue[chart.service].zone) for chart in charts]
        others = _others(asked, summary, there)
        return site.render(asked, "week.html", others=others, **body_values(summary, charts, drawn))

    def markdown(asked: Asked, known: Known) -> Response:
        return PlainTextResponse(as_markdown(week_of(asked, known).summary), media_type="text/markdown; charset=utf-8")

    def data(asked: Asked, known: Known) -> Response:
        summary = week_of(asked, known).summary
        return JSONResponse(msgspec.to_builtins(summary) | {"week": summary.week.name})

    def chart(asked: Asked, known: Known) -> Response:
        week, service = asked_week(asked, weeks_there(known)), site.service(asked)
        at = told_at(known, week) if known.as_of is None else known.as_of
        facts = read_week(Known(site.history, site.catalogue, at), week)
        weeks = next(one for one in facts.services if one.service.id == service.id).charts
        indicator = asked.parts["indicator"]
        if indicator not in weeks:
            raise NotFound(f"{service.name} has no chart of “{indicator[:60]}” for this week.")
        drawn = summary_chart(service, weeks[indicator][-26:], "")
        return vega.svg_answer(picture(drawn, service.zone, asked.theme or "light"), asked.theme)

    return [
        site.route("/week", page, costly=True),
        site.route("/week/{week}", page, costly=True),
        site.route("/week/{week}/summary.md", markdown, costly=True),
        site.route("/week/{week}/chart/{service}/{indicator}.svg", chart, costly=True),
        site.route("/api/week/{week}.json", data, as_data=True, costly=True),
    ]


def asked_week(asked: Asked, there: Sequence[IsoWeek]) -> IsoWeek:
    """The week of the address, or the newest; raises `NotFound`."""
    choices = [(asked.link(f"/week/{week.name}"), f"{week.name}: {week.days_in_words}") for week in there]
    if not there:
        raise NotFound("No week is over and published yet; a week can be told of once it is.")
    name = asked.parts.get("week")
    if name is None:
        return there[0]
    shown = choices[:MOST_CHOICES]
    try:
        week = week_named(name)
    except ValueError as error:
        raise NotFound(f"{error}.", shown) from None
    if week in there:
        return week
    raise NotFound(why_not_there(week, there), shown)


def why_not_there(week: IsoWeek, there: Sequence[IsoWeek]) -> str:
    """Why a week cannot be told of, and which can; `there` is not empty."""
    newest, oldest = there[0], there[-1]
    if week > newest:
        return f"{week.name} is not over and published yet; the newest week that is, is {newest.name}."
    return f"Of {week.name} nothing is known: the first whole week is {oldest.name}."


def _others(asked: Asked, summary: WeekSummary, there: Sequence[IsoWeek]) -> list[tuple[str, str]]:
    """Links to the week before and after, where there are such."""
    nearby = ((summary.week.plus(-1), "The week before"), (summary.week.plus(1), "The week after"))
    return [(asked.link(f"/week/{week.name}"), label) for week, label in nearby if week in there]
