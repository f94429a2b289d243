"""`/service/<id>`: all indicators of one service, and the same as data."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from kept.errors import KeptError
from kept.indicators.point import as_json_object
from summaries.indicator_table import COLUMNS, make_table
from summaries.known import Known
from summaries.service_card import make_card
from summaries.site import Asked, Site

NAV = None


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def page(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        try:
            points, notice = known.latest(service.id), ""
        except KeptError as error:
            points, notice = [], f"{error}."
        card = make_card(service, points, int(site.clock()))
        return site.render(
            asked, "service.html", card=card, notice=notice, families=make_table(points), columns=COLUMNS
        )

    def latest(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        points = known.latest(service.id)
        return JSONResponse(
            {
                "service": service.id,
                "name": service.name,
                "simulated": service.simulated,
                "points": [{**as_json_object(point), "reason": point.reason} for point in points],
            }
        )

    return [
        site.route("/service/{service}", page),
        site.route("/api/latest/{service}.json", latest, as_data=True),
    ]
