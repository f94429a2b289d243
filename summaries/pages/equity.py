"""`/equity`: is somebody served worse than the rest? Gaps by area and channel with intervals, and gaps that change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.comparison.members import Members
from kept.comparison.worst import GapToRest, gaps_to_rest, worst_member
from kept.signals.raised import Raised
from summaries import vega, wording
from summaries.compared import DEFAULT_WINDOW, DIMENSIONS, WINDOWS, Compared, compared, short_name
from summaries.comparison_words import GAP_HEAD, data_moments, gap_cells, gap_rows, hidden_words, worst_in_words
from summaries.known import Known
from summaries.pages.service_pictures import is_narrow
from summaries.pictures.gap_plot import MOST_ROWS, NARROW, WIDTH, gap_plot, height
from summaries.site import Asked, NotFound, Site, csv_answer

NAV = ("/equity", "Equity")
LENSES: Final = ("area", "channel")
GAP_SIGNALS: Final = ("area_gap", "gap_changed")


class Lens(NamedTuple):
    """One dimension of a service: its gaps by name, the worst in words, and who is hidden."""

    by: str
    label: str
    members: Members
    gaps: tuple[GapToRest, ...]
    worst_name: str
    worst: str


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def index(asked: Asked, known: Known) -> Response:
        window = asked.choice("window", WINDOWS, DEFAULT_WINDOW)
        services = sorted(site.catalogue.values(), key=lambda service: (service.name, service.id))
        read = {service.id: compared(known, service, window) for service in services}
        rows = [(service, _lenses(read[service.id]), _told(known, service)) for service in services]
        moments = data_moments((read[service.id].at, service) for service in services)
        return site.render(asked, "equity.html", rows=rows, window=window, windows=WINDOWS, moments=moments)

    def of_service(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        window = asked.choice("window", WINDOWS, DEFAULT_WINDOW)
        read = compared(known, service, window)
        lenses = [
            (
                lens,
                gap_rows(lens.gaps),
                hidden_words(lens.members, service.suppress_below),
                height(lens.gaps),
                _alt(lens),
            )
            for lens in _lenses(read)
        ]
        at = "nothing is published yet" if read.at is None else wording.moment(read.at, service.zone)
        return site.render(
            asked, "equity_service.html", service=service, window=window, windows=WINDOWS, lenses=lenses, head=GAP_HEAD,
            told=_told(known, service), as_of_data=at, stale=read.stale, width=WIDTH, most=MOST_ROWS,
        )  # fmt: skip

    def chart(asked: Asked, known: Known) -> Response:
        _, lens = _lens(site, asked, known)
        if not lens.gaps:
            raise NotFound("There is nothing to draw: it takes two slices that may be shown.")
        width = NARROW if is_narrow(asked) else WIDTH
        return vega.svg_answer(gap_plot(lens.gaps, asked.theme or "light", width), asked.theme)

    def as_csv(asked: Asked, known: Known) -> Response:
        service, lens = _lens(site, asked, known)
        return csv_answer(f"equity-{service.id}-{lens.by}.csv", *gap_cells(lens.gaps))

    return [
        site.route("/equity", index),
        site.route("/equity/{service}", of_service),
        site.route("/equity/{service}/gaps.svg", chart),
        site.route("/equity/{service}/gaps.csv", as_csv),
    ]


def _lens(site: Site, asked: Asked, known: Known) -> tuple[Service, Lens]:
    service = site.service(asked)
    window, by = asked.choice("window", WINDOWS, DEFAULT_WINDOW), asked.choice("by", LENSES, LENSES[0])
    return service, next(lens for lens in _lenses(compared(known, service, window)) if lens.by == by)


def _lenses(read: Compared) -> list[Lens]:
    lenses = []
    for by in LENSES:
        members = read.by.get(by, Members(()))
        worst = worst_member(members.shown)
        lenses.append(
            Lens(
                by=by,
                label=DIMENSIONS[by],
                members=members,
                gaps=gaps_to_rest(members.shown),
                worst_name="" if worst is None else short_name(worst.name),
                worst=_nobody(members) if worst is None else worst_in_words(worst),
            )
        )
    return lenses


def _nobody(members: Members) -> str:
    if len(members.shown) < 2:
        return "Not known: it takes two slices that may be shown"
    return "All have the same share"


def _told(known: Known, service: Service) -> list[tuple[Raised, str]]:
    """Open signals about gaps, with the slice they are about."""
    found = [one for one in known.open_signals(service.id) if one.verdict.signal in GAP_SIGNALS]
    return [(one, short_name(one.verdict.about.partition("=")[2])) for one in found]


def _alt(lens: Lens) -> str:
    if not lens.gaps:
        return ""
    return (
        f"Dot plot of {len(lens.gaps)} {lens.label.lower()}: percentage points less kept than in the rest, with "
        f"intervals. "
        f"{lens.worst_name}: {lens.worst}. The table below has every number."
    )
