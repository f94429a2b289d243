"""`/`: every service, the one furthest below its promise first; the page of an operations room, and of its screen."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.errors import KeptError
from kept.indicators.point import Point
from kept.signals.raised import Raised
from summaries import wording
from summaries.known import Known
from summaries.service_card import VERDICT_ORDER, VERDICT_WORDS, Card, make_card
from summaries.site import Asked, Site
from summaries.watch import state_of

NAV = ("/", "Live board")
MOST_ON_SCREEN = 8
"""Services that are read from across a room; the rest is counted."""


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    newest = Newest(site)

    def live(asked: Asked, known: Known) -> Response:
        cards, notice = newest.cards() if known.as_of is None else read_cards(site, known)
        on_screen = asked.query.get("screen") == "1"
        shown = cards[:MOST_ON_SCREEN] if on_screen else cards
        return site.render(
            asked,
            "screen.html" if on_screen else "live.html",
            cards=shown,
            notice=notice,
            tally=tally(cards),
            data_as_of=data_as_of(cards, site.zone),
            moment=min((card.newest for card in cards if card.newest is not None), default=None),
            not_shown=not_shown(cards[len(shown) :]),
        )

    return [site.route("/", live)]


class Newest:
    """The newest cards, made once for all viewers who ask between two changes; how old they are is true to a minute."""

    def __init__(self, site: Site) -> None:
        """Nothing is read yet."""
        self._site = site
        self._lock = threading.Lock()
        self._made: tuple[tuple[str, int], list[Card]] | None = None

    def cards(self) -> tuple[list[Card], str]:
        """As `read_cards`; what cannot be read is asked for again each time."""
        with self._lock:
            key = (state_of(self._site.history), int(self._site.clock()) // 60)
            if self._made is not None and self._made[0] == key:
                return self._made[1], ""
            cards, notice = read_cards(self._site, Known(self._site.history, self._site.catalogue))
            self._made = None if notice else (key, cards)
            return cards, notice


def read_cards(site: Site, known: Known) -> tuple[list[Card], str]:
    """(the cards of all services, worst first; what keeps figures from being read, or nothing)."""
    now = int(site.clock()) if known.as_of is None else known.as_of
    points: dict[str, list[Point]] = {}
    signals: dict[str, list[Raised]] = {}
    notice = ""
    try:
        for one in known.open_signals():
            signals.setdefault(one.verdict.service, []).append(one)
        for service in site.catalogue:
            points[service] = known.latest(service)
    except KeptError as error:
        # The others would wait for the same store.
        notice = f"{error}."
    cards = [
        make_card(service, points.get(service.id, []), now, signals.get(service.id, []))
        for service in site.catalogue.values()
    ]
    return sorted(cards, key=lambda card: card.order), notice


def tally(cards: Sequence[Card]) -> str:
    """How many services stand where, in words: never one score for all."""
    counts = Counter(card.verdict for card in cards)
    services = "1 service" if len(cards) == 1 else f"{len(cards)} services"
    parts = [
        f"{VERDICT_WORDS[verdict].lower()} by {counts[verdict]}" for verdict in ("below", "kept") if counts[verdict]
    ]
    parts += [
        f"{VERDICT_WORDS[verdict].lower()}: {counts[verdict]}" for verdict in ("close", "unknown") if counts[verdict]
    ]
    return f"{services}. {'; '.join(parts).capitalize()}."


def data_as_of(cards: Sequence[Card], zone: ZoneInfo | None) -> str:
    """The moment of which all figures are; of several moments the oldest, and that it is."""
    moments = [card.newest for card in cards if card.newest is not None]
    if not moments:
        return "No event counted yet"
    said = wording.moment(min(moments), zone or ZoneInfo("UTC"))
    return f"Data as of {said}" if len(set(moments)) == 1 else f"Data as of {said}, some newer"


def not_shown(cards: Sequence[Card]) -> str:
    """How many services a screen leaves out, and how they stand; empty when it shows all."""
    if not cards:
        return ""
    counts = Counter(card.verdict for card in cards)
    parts = [f"{VERDICT_WORDS[verdict].lower()}: {counts[verdict]}" for verdict in VERDICT_ORDER if counts[verdict]]
    signals = sum(len(card.signals) for card in cards)
    return f"{len(cards)} more not shown ({'; '.join(parts)}; active signals: {signals})"
