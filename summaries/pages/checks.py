"""`/checks`: how each service meets its target: what was looked at near the due, with the counts, and what to ask."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from kept import target_margins as m
from kept.catalogue import Service
from kept.signals import integrity
from kept.signals.integrity import ABOUT, WINDOWS_DAYS, Check
from kept.signals.raised import Raised
from kept.signals.target_integrity import SIGNAL
from summaries import vega
from summaries.check_sections import bands, section_of
from summaries.check_words import WORDS, check_sentences
from summaries.known import Known
from summaries.near_due_known import NearDueKnown, near_due_known
from summaries.pages.service_pictures import is_narrow
from summaries.pictures.closings_by_margin import NARROW, WIDTH, closings_by_margin
from summaries.site import Asked, NotFound, Site, csv_answer

NAV = ("/checks", "Checks")
DEFAULT_WINDOW = "90d"
BAND_HEAD = ("Distance from the due, in % of the promised time", "Closings", "Share")
CHECK_HEAD = ("What was looked at", "28 days", "90 days")


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def page(asked: Asked, known: Known) -> Response:
        window = _window(asked)
        services = sorted(site.catalogue.values(), key=lambda service: (service.name, service.id))
        signals = {service.id: _signals(known, service) for service in services}
        found = check_sentences((one for each in signals.values() for one in each), site.catalogue)
        sections = [section_of(service, known, window, signals[service.id]) for service in services if service.promise]
        unpromised = [service.name for service in services if service.promise is None]
        return site.render(
            asked,
            "checks.html",
            found=found,
            sections=sections,
            unpromised=unpromised,
            words=[WORDS[about] for about in ABOUT],
            window=window,
            wide=WIDTH,
            narrow=NARROW,
            windows=[(name, f"{days} days") for name, days in WINDOWS_DAYS.items()],
            check_head=CHECK_HEAD,
            band_head=BAND_HEAD,
        )

    def picture(asked: Asked, known: Known) -> Response:
        service, counted = _asked(site, asked, known)
        if counted is None:
            raise NotFound(f"Nothing with a promise was closed at “{service.name[:80]}” in this window.")
        width = NARROW if is_narrow(asked) else WIDTH
        return vega.svg_answer(closings_by_margin(counted.near, asked.theme or "light", width), asked.theme)

    def table(asked: Asked, known: Known) -> Response:
        service, counted = _asked(site, asked, known)
        return csv_answer(f"closings-{service.id}.csv", BAND_HEAD, () if counted is None else bands(counted))

    def data(asked: Asked, known: Known) -> Response:
        service, counted = _asked(site, asked, known)
        days = WINDOWS_DAYS[_window(asked)]
        by_band = [] if counted is None else zip(m.BANDS, counted.near.closings, strict=True)
        return JSONResponse(
            {
                "service": service.id,
                "window_start": None if counted is None else counted.start,
                "window_end": None if counted is None else counted.end,
                "closings": {band.name: closings for band, closings in by_band},
                "checks": [] if counted is None else [_as_data(one) for one in integrity.checks(counted.near, days)],
            }
        )

    return [
        site.route("/checks", page, costly=True),
        site.route("/checks/{service}/closings.svg", picture, costly=True),
        site.route("/checks/{service}/closings.csv", table, costly=True),
        site.route("/api/checks/{service}.json", data, as_data=True, costly=True),
    ]


def _window(asked: Asked) -> str:
    return asked.choice("window", tuple(WINDOWS_DAYS), DEFAULT_WINDOW)


def _asked(site: Site, asked: Asked, known: Known) -> tuple[Service, NearDueKnown | None]:
    service, window = site.service(asked), _window(asked)
    return service, near_due_known(known.latest(service.id, None), window, known.published(service.id))


def _signals(known: Known, service: Service) -> list[Raised]:
    return [one for one in known.open_signals(service.id) if one.verdict.signal == SIGNAL]


def _as_data(check: Check) -> dict[str, object]:
    return {
        "check": check.about,
        "days": check.days,
        "seen": check.seen,
        "of": check.of,
        "beside": check.beside,
        "beside_of": check.beside_of,
        "chance": check.chance,
        "found": check.is_found,
    }
