"""`/compare`: funnels in the place of league tables. Slices of one service, or services that the catalogue calls alike.

Nothing here is ordered by how well it does, and unlike services are not put beside each other: the page says why not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.comparison.funnel import Funnel, funnel
from kept.comparison.members import Member, Members
from kept.comparison.mix import Standardised, by_mix, mix_of
from kept.peer_groups import peers_of, why_unlike
from kept.signals.gaps import Cohort
from summaries import vega, wording
from summaries.compared import DEFAULT_WINDOW, DIMENSIONS, WINDOWS, Compared, compared
from summaries.comparison_words import (
    FUNNEL_HEAD,
    MIX_HEAD,
    data_moments,
    funnel_alt,
    funnel_cells,
    funnel_rows,
    hidden_words,
    mix_cells,
    mix_rows,
    spread_words,
)
from summaries.known import Known
from summaries.pages.service_pictures import is_narrow
from summaries.pictures.funnel_plot import HEIGHT, NARROW, WIDTH, funnel_plot
from summaries.site import Asked, BadRequest, NotFound, Site, csv_answer

NAV = ("/compare", "Compare")
CENTRES: Final = ("overall", "target")


class _Slices(NamedTuple):
    """What one page of slices shows."""

    service: Service
    window: str
    by: str
    centre: str
    read: Compared
    members: Members
    funnel: Funnel | None


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def index(asked: Asked, known: Known) -> Response:
        services = sorted(site.catalogue.values(), key=lambda service: (service.name, service.id))
        one, other = (_named(site, asked, part) for part in ("one", "other"))
        reasons = None
        if one is not None and other is not None:
            if one.id == other.id:
                raise BadRequest(f"one and other: {one.id!r} twice; valid: two different services")
            reasons = why_unlike(one, other)
        groups = {service.peer_group: peers_of(service, site.catalogue) for service in services if service.peer_group}
        return site.render(
            asked, "compare.html", services=services,
            moments=data_moments((known.published(one.id), one) for one in services),
            one=one, other=other, reasons=reasons,
            groups={name: peers for name, peers in sorted(groups.items()) if peers},
        )  # fmt: skip

    def slices(asked: Asked, known: Known) -> Response:
        found = _slices(site, asked, known)
        service = found.service
        return site.render(
            asked, "compare_service.html", found=found, dimensions=DIMENSIONS, windows=WINDOWS, centres=CENTRES,
            head=FUNNEL_HEAD, rows=funnel_rows(found.funnel),
            hidden=hidden_words(found.members, service.suppress_below),
            spread=spread_words(found.funnel), alt=funnel_alt(found.funnel, DIMENSIONS[found.by]),
            as_of_data=_moment(found.read.at, service), width=WIDTH, height=HEIGHT,
            query={"by": found.by, "window": found.window, "centre": found.centre},
        )  # fmt: skip

    def slices_chart(asked: Asked, known: Known) -> Response:
        return _picture(_slices(site, asked, known).funnel, asked)

    def slices_csv(asked: Asked, known: Known) -> Response:
        found = _slices(site, asked, known)
        return csv_answer(f"compare-{found.service.id}-{found.by}.csv", *funnel_cells(found.funnel))

    def slices_json(asked: Asked, known: Known) -> Response:
        found = _slices(site, asked, known)
        head, rows = funnel_cells(found.funnel)
        return JSONResponse(
            {"service": found.service.id, "by": found.by, "window": found.window, "window_end": found.read.at,
             "rows": [dict(zip(head, row, strict=True)) for row in rows]}
        )  # fmt: skip

    def peers(asked: Asked, known: Known) -> Response:
        group, services = _group(site, asked)
        window, centre = _choices(asked)
        read = {service.id: compared(known, service, window) for service in services}
        drawn = _funnel_of_services(services, read, centre)
        mixed = _mixed(services, read)
        return site.render(
            asked, "compare_peers.html", group=group, services=services, window=window, windows=WINDOWS,
            head=FUNNEL_HEAD, rows=funnel_rows(drawn), spread=spread_words(drawn), alt=funnel_alt(drawn, "Services"),
            mix_head=MIX_HEAD, mix_rows=mix_rows(mixed), drawn=drawn, width=WIDTH, height=HEIGHT, centre=centre,
            centres=CENTRES if _one_target(services) is not None else ("overall",),
            without=[one.name for one in services if _whole(read[one.id]) is None],
            ends=[(one.name, _moment(read[one.id].at, one)) for one in services],
            stale=[one.name for one in services if read[one.id].stale],
            query={"window": window, "centre": centre},
        )  # fmt: skip

    def peers_chart(asked: Asked, known: Known) -> Response:
        _, services = _group(site, asked)
        window, centre = _choices(asked)
        read = {service.id: compared(known, service, window) for service in services}
        return _picture(_funnel_of_services(services, read, centre), asked)

    def peers_csv(asked: Asked, known: Known) -> Response:
        _, services = _group(site, asked)
        window, _ = _choices(asked)
        read = {service.id: compared(known, service, window) for service in services}
        return csv_answer("compare-services.csv", *mix_cells(_mixed(services, read)))

    return [
        site.route("/compare", index),
        site.route("/compare-services/{group}", peers),
        site.route("/compare-services/{group}/funnel.svg", peers_chart),
        site.route("/compare-services/{group}/services.csv", peers_csv),
        site.route("/compare/{service}", slices),
        site.route("/compare/{service}/funnel.svg", slices_chart),
        site.route("/compare/{service}/slices.csv", slices_csv),
        site.route("/api/compare/{service}.json", slices_json, as_data=True),
    ]


def _slices(site: Site, asked: Asked, known: Known) -> _Slices:
    service = site.service(asked)
    window, centre = _choices(asked)
    if centre == "target" and service.promise is None:
        raise BadRequest(f"centre: {service.id} promises nothing; valid: overall")
    read = compared(known, service, window)
    by = asked.choice("by", tuple(DIMENSIONS), next(iter(read.by), next(iter(DIMENSIONS))))
    members = read.by.get(by, Members(()))
    target = service.promise.target_share if centre == "target" and service.promise is not None else None
    return _Slices(service, window, by, centre, read, members, funnel(members.shown, target))


def _choices(asked: Asked) -> tuple[str, str]:
    return asked.choice("window", WINDOWS, DEFAULT_WINDOW), asked.choice("centre", CENTRES, CENTRES[0])


def _named(site: Site, asked: Asked, part: str) -> Service | None:
    name = asked.query.get(part)
    if not name:
        return None
    found = site.catalogue.get(name)
    if found is None:
        raise NotFound(f"No service is known as “{name[:80]}”.", site.services(asked))
    return found


def _group(site: Site, asked: Asked) -> tuple[str, list[Service]]:
    """A peer group and its services, by name."""
    name = asked.parts["group"]
    found = [service for service in site.catalogue.values() if service.peer_group == name]
    if len(found) < 2:
        raise NotFound(
            f"The catalogue has no two services in a peer group “{name[:80]}”.",
            [(asked.link("/compare"), "What can be compared")],
        )
    return name, sorted(found, key=lambda service: (service.name, service.id))


def _one_target(services: Sequence[Service]) -> float | None:
    """The target of all services when it is one."""
    targets = {service.promise.target_share for service in services if service.promise is not None}
    return targets.pop() if len(targets) == 1 else None


def _funnel_of_services(services: Sequence[Service], read: dict[str, Compared], centre: str) -> Funnel | None:
    target = _one_target(services) if centre == "target" else None
    if centre == "target" and target is None:
        raise BadRequest("centre: these services promise different shares; valid: overall")
    whole = {service.id: _whole(read[service.id]) for service in services}
    return funnel([Member(one.name, found) for one in services if (found := whole[one.id]) is not None], target)


def _mixed(services: Sequence[Service], read: dict[str, Compared]) -> tuple[Standardised, ...]:
    """The services in their order, each against what it would keep with the channels' shares of all of them."""
    mixes = {}
    for service in services:
        whole = _whole(read[service.id])
        if whole is not None:
            channels = read[service.id].by.get("channel", Members(()))
            shown = {member.name: member.cohort for member in channels.shown}
            mixes[service.id] = mix_of(shown, channels.total if shown else whole)
    mixed = {one.name: one for one in by_mix(mixes)}
    return tuple(mixed[one.id]._replace(name=one.name) for one in services if one.id in mixed)


def _whole(read: Compared) -> Cohort | None:
    """All cases of a service that fell due; None where there are none, or nothing is known."""
    return read.whole if read.whole is not None and read.whole.due else None


def _picture(drawn: Funnel | None, asked: Asked) -> Response:
    if drawn is None:
        raise NotFound("There is nothing to draw: no case of a slice that may be shown fell due.")
    width = NARROW if is_narrow(asked) else WIDTH
    return vega.svg_answer(funnel_plot(drawn, asked.theme or "light", width), asked.theme)


def _moment(at: int | None, service: Service) -> str:
    return "nothing is published yet" if at is None else wording.moment(at, service.zone)
