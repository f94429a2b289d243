"""The pictures of a service's page: each under its own address, for both themes and for telephones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.indicators.point import Point
from kept.signals.weekly import CHARTABLE
from summaries import wording
from summaries.known import Known
from summaries.pictures.bars import bars
from summaries.pictures.control_chart import control_chart
from summaries.pictures.frame import NARROW, WIDE
from summaries.pictures.lines import lines
from summaries.service import clocks, money, waiting
from summaries.service.charts import SHOWN_WEEKS, newest_weeks
from summaries.service.figures import Figures, mondays
from summaries.site import Asked, NotFound, Site
from summaries.vega import Spec, Theme, svg_answer

NAV = None
Draw = Callable[[Figures, Service, Theme, int], Spec]
"""Draws a picture of so many pixels across; raises `ValueError` when nothing is known."""


def _clocks(figures: Figures, service: Service, theme: Theme, width: int) -> Spec:
    target = None if service.promise is None else service.promise.target_share
    drawn = clocks.promise_lines(figures)
    return lines(drawn, theme, unit="share", zone=service.zone, target=target, width=width)


def _flow(figures: Figures, service: Service, theme: Theme, width: int) -> Spec:
    return lines(waiting.flow_lines(figures), theme, unit="cases", zone=service.zone, width=width)


def _backlog(figures: Figures, service: Service, theme: Theme, width: int) -> Spec:
    return lines(waiting.backlog_lines(figures), theme, unit="cases", zone=service.zone, width=width)


def _ageing(figures: Figures, service: Service, theme: Theme, width: int) -> Spec:
    return bars(waiting.age_bars(figures), theme, width=width)


def _waste(figures: Figures, service: Service, theme: Theme, width: int) -> Spec:
    return bars(money.waste_bars(figures), theme, width=width)


PICTURES: Final[dict[str, tuple[str | None, Draw]]] = {
    "clocks": ("28d", _clocks),
    "flow": ("7d", _flow),
    "backlog": ("28d", _backlog),
    "ageing": (None, _ageing),
    "waste": (None, _waste),
}
"""Name -> (window of its weekly figures; None: the newest figures are enough, how it is drawn)."""


def routes(site: Site) -> Sequence[BaseRoute]:
    """The addresses of the pictures."""

    def of_weeks(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        indicator = asked.parts["indicator"]
        weeks = known.charts(service.id, indicator) if indicator in CHARTABLE else []
        if not weeks:
            charted = sorted({week.indicator for week in known.charts(service.id)})
            choices = [(asked.link(f"/service/{service.id}/chart/{name}.svg"), wording.label(name)) for name in charted]
            raise NotFound(f"No control chart is known of “{indicator[:80]}”.", choices)
        most = SHOWN_WEEKS[asked.choice("weeks", tuple(SHOWN_WEEKS), "26")]
        spec = control_chart(
            newest_weeks(weeks, most),
            asked.theme or "light",
            zone=service.zone,
            changes=known.changes(service.id),
            width=width_of(asked),
        )
        return svg_answer(spec, asked.theme)

    def of_figures(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        name = asked.parts["picture"]
        if name not in PICTURES:
            choices = [(asked.link(f"/service/{service.id}/{each}.svg"), each) for each in PICTURES]
            raise NotFound(f"No picture is known as “{name[:80]}”.", choices)
        window, draw = PICTURES[name]
        latest = known.latest(service.id)
        weekly: list[Point] = []
        if latest and window is not None:
            newest = max(point.window_end for point in latest)
            weekly = known.at_moments(service.id, window, mondays(newest, service.zone))
        try:
            spec = draw(Figures(latest, weekly), service, asked.theme or "light", width_of(asked))
        except ValueError as error:
            raise NotFound(f"There is nothing to draw yet: {error}.") from error
        return svg_answer(spec, asked.theme)

    return [
        site.route("/service/{service}/chart/{indicator}.svg", of_weeks),
        site.route("/service/{service}/{picture}.svg", of_figures),
    ]


def is_narrow(asked: Asked) -> bool:
    """Whether the picture is for a telephone; raises `BadRequest` for a `narrow` other than 0 and 1."""
    return asked.choice("narrow", ("0", "1"), "0") == "1"


def width_of(asked: Asked) -> int:
    """How wide the picture is to be, in pixels; raises `BadRequest` for a `narrow` other than 0 and 1."""
    return NARROW if is_narrow(asked) else WIDE
