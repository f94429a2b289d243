"""`/promises`: what everybody is told, without logging in. All that it needs lies under this path.

Its pages have a header of their own, lead to no page that needs a login, and may be kept by a cache for a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from summaries.known import Known
from summaries.promise_words import PublicPromise, public_promise
from summaries.site import PUBLIC, Asked, NotFound, Site, csv_answer

NAV = (PUBLIC, "Public promises")
CACHED: Final = "public, max-age=60"
STATIC: Final = Path(__file__).parent.parent / "static"
ASSETS: Final = {"site.css": "text/css", "promises.css": "text/css", "icon.svg": "image/svg+xml"}
HEAD: Final = ("Service", "What", "Figure", "Likely range", "People counted")


def routes(site: Site) -> Sequence[BaseRoute]:
    """The pages' addresses."""

    def told(asked: Asked, known: Known, service: Service) -> PublicPromise:
        now = int(site.clock()) if asked.as_of is None else asked.as_of
        return public_promise(service, known.latest(service.id), now)

    def all_services(asked: Asked, known: Known) -> Response:
        services = [told(asked, known, one) for one in sorted(site.catalogue.values(), key=lambda one: one.name)]
        return _kept_by_caches(site.render(asked, "promises.html", services=services))

    def one_service(asked: Asked, known: Known) -> Response:
        service = told(asked, known, site.service(asked))
        return _kept_by_caches(site.render(asked, "promises_service.html", service=service))

    def figures(asked: Asked, known: Known) -> Response:
        services = [told(asked, known, one) for one in sorted(site.catalogue.values(), key=lambda one: one.name)]
        rows = [(service.name, *row) for service in services for row in service.figures]
        return _kept_by_caches(csv_answer("promises.csv", HEAD, rows))

    def asset(asked: Asked, known: Known) -> Response:
        name = asked.parts["name"]
        if name not in ASSETS:
            raise NotFound("There is no such file.", site.services(asked))
        return _kept_by_caches(Response((STATIC / name).read_bytes(), media_type=ASSETS[name]))

    return [
        site.route(PUBLIC, all_services),
        site.route(f"{PUBLIC}/figures.csv", figures),
        site.route(f"{PUBLIC}/assets/{{name}}", asset),
        site.route(f"{PUBLIC}/{{service}}", one_service),
    ]


def _kept_by_caches(answer: Response) -> Response:
    answer.headers["cache-control"] = CACHED
    return answer
