"""`/waste`: what waste costs a week, booked apart from modelled, and how long people wait beyond the promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.buckets import DAY_SECONDS
from kept.indicators.point import Point
from kept.money.waste import INDICATORS, Basis, Sum, Waste, person_days_a_week, ranked, sums, waste_of
from summaries import vega, wording
from summaries.known import Known
from summaries.pages.service_pictures import is_narrow
from summaries.pictures.waste_bars import waste_bars
from summaries.site import Asked, NotFound, Site, csv_answer

NAV = ("/waste", "Waste")
WINDOWS: Final = {"28d": 28, "7d": 7, "90d": 90}
"""Windows one may ask for, in days."""
WAITING: Final = "waiting beyond the promise"
HEAD: Final = ("Service", "Kind of waste", "Basis", "Currency", "Money a week", "Counted from", "Person-days a week",
               "Why not known")  # fmt: skip
COUNTED_FROM: Final = {"rework": "repeated step", "failure demand": "contact", "wrong channel": "completion"}
BASES: Final[tuple[Basis, ...]] = ("booked", "modelled")


class Found(Struct, frozen=True):
    """All waste that was read: known, not known, and person-days a week by service (None: not known)."""

    known: list[Waste]
    unknown: list[Point]
    waiting: dict[str, float | None]


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""
    names = {service.id: service.name for service in site.catalogue.values()}
    by_name = sorted(site.catalogue.values(), key=lambda one: (one.name, one.id))

    def read(known: Known, window: str) -> Found:
        found = Found([], [], {})
        for service in by_name:
            told, unknown = waste_of(known.latest(service.id), window)
            found.known.extend(told)
            found.unknown.extend(unknown)
            found.waiting[service.id] = _waiting(known, service.id, window)
        return found

    def page(asked: Asked, known: Known) -> Response:
        window = asked.choice("window", list(WINDOWS), "28d")
        found = read(known, window)
        totals = sums(found.known)
        as_of = [at for one in by_name if (at := known.published(one.id)) is not None]
        return site.render(
            asked,
            "waste.html",
            window=window,
            windows=[(name, wording.WINDOWS[name]) for name in WINDOWS],
            currencies=sorted({one.currency for one in found.known}),
            totals=[_total_row(one, len(by_name)) for one in totals],
            ranked={
                currency: {basis: _rows(_told(found.known, currency, basis), names) for basis in BASES}
                for currency in sorted({one.currency for one in found.known})
            },
            silent=_silent(found.known),
            alt={currency: _alt(found.known, names, currency) for currency in {one.currency for one in found.known}},
            waiting=[
                (names[service], "not known" if days is None else wording.number(days, 1), "no rate in the catalogue")
                for service, days in found.waiting.items()
            ],
            unknown=[
                (names[one.service], *INDICATORS[one.indicator], wording.why_unknown(one)) for one in found.unknown
            ],
            as_of=_as_of_words(as_of, by_name[0].zone) if as_of else None,
        )

    def table(asked: Asked, known: Known) -> Response:
        found = read(known, asked.choice("window", list(WINDOWS), "28d"))
        rows: list[tuple[object, ...]] = [
            (names[one.service], one.kind, one.basis, currency, round(one.a_week, 2), one.n, "", "")
            for (currency, _), several in ranked(found.known).items()
            for one in several
        ]
        rows += [
            (names[service], WAITING, "counted", "", "", "", "" if days is None else round(days, 1),
             "no rate in the catalogue" if days is not None else "too few moments are known")
            for service, days in found.waiting.items()
        ]  # fmt: skip
        rows += [
            (names[one.service], *INDICATORS[one.indicator], "", "", "", "", wording.why_unknown(one))
            for one in found.unknown
        ]
        return csv_answer("waste.csv", HEAD, rows)

    def picture(asked: Asked, known: Known) -> Response:
        currency = asked.parts["currency"]
        found = read(known, asked.choice("window", list(WINDOWS), "28d"))
        by_basis = {basis: ranked(found.known).get((currency, basis), []) for basis in BASES}
        if not any(by_basis.values()):
            raise NotFound(f"No waste is known in {currency[:20]}.", [(asked.link("/waste"), "Waste")])
        return vega.svg_answer(
            waste_bars(by_basis, names, currency, asked.theme or "light", is_narrow=is_narrow(asked)), asked.theme
        )

    return [
        site.route("/waste", page),
        site.route("/waste/figures.csv", table),
        site.route("/waste/{currency}.svg", picture),
    ]


def _as_of_words(moments: Sequence[int], zone: ZoneInfo) -> str:
    first = wording.moment(min(moments), zone)
    return first if min(moments) == max(moments) else f"{first}; of some services later"


def _waiting(known: Known, service: str, window: str) -> float | None:
    at = known.published(service)
    if at is None:
        return None
    start = at - WINDOWS[window] * DAY_SECONDS
    # Printed under every window; the one of 28 days is published by the hour.
    return person_days_a_week(known.series(service, "overdue", "28d", since=start, until=at), start, at)


def _told(waste: Sequence[Waste], currency: str, basis: Basis) -> list[Waste]:
    """What is ranked: what was never booked is said once, not in a row for each service."""
    return [one for one in ranked(waste).get((currency, basis), []) if one.a_week or basis != "booked"]


def _silent(waste: Sequence[Waste]) -> list[tuple[str, int]]:
    """Kinds under which nothing was booked, each with the number of services."""
    counts = Counter(one.kind for one in waste if one.basis == "booked" and not one.a_week)
    return [(str(kind), count) for kind, count in sorted(counts.items())]


def _rows(waste: Sequence[Waste], names: dict[str, str]) -> list[tuple[str, str, str, str]]:
    return [(names[one.service], one.kind, _money(one), _counted(one)) for one in waste]


def _counted(one: Waste) -> str:
    if one.n is None:
        return ""
    what = "booking" if one.basis == "booked" else COUNTED_FROM[one.kind]
    return f"{wording.number(one.n)} {what}{'' if one.n == 1 else 's'}{' of any kind' if one.basis == 'booked' else ''}"


def _money(one: Waste | Sum) -> str:
    """An amount a week. That nothing was booked under a kind may only mean that nobody books it."""
    if one.a_week == 0 and one.basis == "booked":
        return "nothing booked"
    return wording.quantity(one.a_week, one.currency)


def _total_row(one: Sum, services: int) -> tuple[str, str, str, str]:
    return one.kind, one.basis, _money(one), f"{one.services} of {services}"


def _alt(waste: Sequence[Waste], names: dict[str, str], currency: str) -> str:
    said = []
    for basis in BASES:
        first = next(iter(ranked(waste).get((currency, basis), [])), None)
        if first is not None:
            amount = wording.quantity(first.a_week, currency)
            said.append(f"Most money {basis}: {first.kind} in {names[first.service]}, {amount} a week.")
    return f"Bars of waste in {currency} a week. {' '.join(said)} The table below has every bar."
