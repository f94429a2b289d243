"""`/`: every service, the one furthest below its promise first; the page of an operations room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.errors import KeptError
from summaries.known import Known
from summaries.service_card import VERDICT_WORDS, Card, make_card
from summaries.site import Asked, Site

NAV = ("/", "Live board")


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def live(asked: Asked, known: Known) -> Response:
        cards, notices = [], []
        for service in site.catalogue.values():
            try:
                points, notice = known.latest(service.id), ""
            except KeptError as error:
                points, notice = [], f"{error}."
            cards.append(make_card(service, points, int(site.clock())))
            notices.append(notice)
        cards.sort(key=lambda card: card.order)
        notice = next(filter(None, notices), "")
        return site.render(asked, "live.html", cards=cards, notice=notice, tally=tally(cards))

    return [site.route("/", live)]


def tally(cards: list[Card]) -> str:
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
