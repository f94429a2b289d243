"""`/counted`: for those who do the work: what is counted of it, what is not, and how to object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from summaries.counted_words import CHECKS, COUNTED, NOT_COUNTED, event_rows, service_row
from summaries.known import Known
from summaries.site import Asked, Site, csv_answer

NAV = ("/counted", "What is counted")
EVENTS_HEAD: Final = ("Event", "What it says", "What it carries", "What it does to the figures")
SERVICES_HEAD: Final = ("Service", "Owner, to whom one objects", "Who did a step", "Small numbers in a slice",
                        "A closed case is remembered for", "Steps that may be repeated")  # fmt: skip


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""
    services = sorted(site.catalogue.values(), key=lambda one: (one.name, one.id))

    def service_cells() -> list[tuple[str, ...]]:
        rows = map(service_row, services)
        return [(r.name, r.owner, r.resource, r.small_numbers, r.kept_for, r.legal_repeats) for r in rows]

    def event_cells() -> list[tuple[str, ...]]:
        return [(row.type, row.says, row.carries, row.does) for row in event_rows()]

    def page(asked: Asked, known: Known) -> Response:
        return site.render(
            asked,
            "counted.html",
            counted=COUNTED,
            not_counted=NOT_COUNTED,
            checks=CHECKS,
            events_head=EVENTS_HEAD,
            events=event_cells(),
            services_head=SERVICES_HEAD,
            services=service_cells(),
        )

    def events(asked: Asked, known: Known) -> Response:
        return csv_answer("events.csv", EVENTS_HEAD, event_cells())

    def of_services(asked: Asked, known: Known) -> Response:
        return csv_answer("services.csv", SERVICES_HEAD, service_cells())

    return [
        site.route("/counted", page),
        site.route("/counted/events.csv", events),
        site.route("/counted/services.csv", of_services),
    ]
