"""`/number/<service>/<indicator>`: one number, how it is made, what it rests on, and how it stood before."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import WHOLE, Point, Slice
from kept.indicators.windows import WINDOWS
from summaries import wording
from summaries.known import Known
from summaries.numbers import (
    asked_indicator,
    asked_slice,
    asked_time,
    asked_window,
    number_path,
    series_link,
    slice_choices,
)
from summaries.pages.definitions import shown as shown_definition
from summaries.pages.service_pictures import width_of
from summaries.pictures.lines import line_of, lines
from summaries.service.figures import is_course, mondays
from summaries.service.later import HEAD as LATER_HEAD
from summaries.service.later import became_known, later_rows
from summaries.service.one_number import HISTORY_HEAD, before_rows, counts, history_rows
from summaries.site import Asked, NotFound, Site
from summaries.slices import slice_text, slice_words
from summaries.vega import svg_answer

NAV = None
QUERY = ("window", "slice", "to")


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's address, and that of its picture."""

    def page(asked: Asked, known: Known) -> Response:
        asked.only(QUERY)
        service = site.service(asked)
        indicator = asked_indicator(asked, service.id)
        window, part = asked_window(asked, indicator), asked_slice(asked)
        of_slice = [one for one in known.latest(service.id, part) if one.indicator == indicator]
        point = _point(asked, known, service, indicator, window, part, of_slice)
        history = _history(known, service, point)
        amendments, since = known.amendments_at(service.id, [one.window_end for one in history])
        later = became_known(since, history)
        zone = service.zone
        return site.render(
            asked,
            "number.html",
            service=service,
            indicator=indicator,
            name=wording.label(indicator).capitalize(),
            part_words=slice_words(part),
            window_words=wording.WINDOWS[window],
            point=point,
            value=wording.shown(point),
            start=wording.moment(point.window_start, zone),
            end=wording.moment(point.window_end, zone),
            counts=counts(point),
            definition=shown_definition(BY_NAME[indicator]),
            before=before_rows(amendments, point, zone),
            history_head=HISTORY_HEAD,
            history=history_rows(history, amendments, zone),
            history_known=is_course(history),
            picture=number_path(service.id, indicator) + ".svg",
            slice_query=slice_text(part),
            to_query=wording.utc(point.window_end) if asked.query.get("to") else None,
            csv=series_link(asked, service.id, indicator, window, part, "csv"),
            json=series_link(asked, service.id, indicator, window, part, "json"),
            others=[
                (asked.link(asked.path, window=one.window, slice=slice_text(part)), wording.WINDOWS[one.window], one)
                for one in sorted(of_slice, key=lambda each: WINDOWS.index(each.window))
                if one.window != window
            ],
            later={"head": LATER_HEAD, "rows": later_rows(later, zone)},
        )

    def picture(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        indicator = asked_indicator(asked, service.id)
        window, part = asked_window(asked, indicator), asked_slice(asked)
        newest = [one for one in known.latest(service.id, part) if one.indicator == indicator]
        point = _point(asked, known, service, indicator, window, part, newest)
        history = _history(known, service, point)
        if not is_course(history):
            raise NotFound(f"There is nothing to draw of {wording.label(indicator)} yet.")
        spec = lines(
            [line_of(wording.label(indicator), history)],
            asked.theme or "light",
            unit=point.unit,
            zone=service.zone,
            width=width_of(asked),
        )
        return svg_answer(spec, asked.theme)

    return [
        site.route("/number/{service}/{indicator}.svg", picture),
        site.route("/number/{service}/{indicator}", page),
    ]


def _point(
    asked: Asked, known: Known, service: Service, indicator: str, window: str, part: Slice, newest: Sequence[Point]
) -> Point:
    """The number of the moment that the query names, else the newest; raises `NotFound` when there is none."""
    to = asked_time(asked, "to", service.zone)
    found = [one for one in newest if one.window == window]
    if to is not None:
        found = [one for one in known.at_moments(service.id, window, [to], part) if one.indicator == indicator]
        if not found and newest:
            when = wording.moment(to, service.zone)
            raise NotFound(
                f"No value of {wording.label(indicator)} was published for {wording.WINDOWS[window]} to {when}.",
                [(asked.link(asked.path, window=window, slice=slice_text(part)), "the newest value")],
            )
    if not found:
        raise _nothing(asked, known, service, indicator, window, part, newest)
    return found[0]


def _history(known: Known, service: Service, point: Point) -> list[Point]:
    """The number at the Mondays of the quarter before it, and itself."""
    ends = [end for end in mondays(point.window_end, service.zone) if end < point.window_end]
    found = known.at_moments(service.id, point.window, ends, point.slice)
    earlier = [one for one in found if one.indicator == point.indicator]
    return [*sorted(earlier, key=lambda one: one.window_end), point]


def _nothing(
    asked: Asked, known: Known, service: Service, indicator: str, window: str, part: Slice, of_slice: Sequence[Point]
) -> NotFound:
    """What there is instead: other windows of the same, else other slices."""
    said = wording.label(indicator)
    if of_slice:
        choices = [
            (asked.link(asked.path, window=one.window, slice=slice_text(part)), wording.WINDOWS[one.window])
            for one in of_slice
        ]
        return NotFound(f"No value of {said} was published for {wording.WINDOWS[window]}.", choices)
    whose = f" of {slice_words(part)[:80]}" if part != WHOLE else ""
    choices = slice_choices(asked, known.latest(service.id, None), indicator)
    return NotFound(
        f"No value of {said}{whose} was published.", choices or [(asked.link(f"/service/{service.id}"), service.name)]
    )
