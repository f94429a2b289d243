"""What the board says of all services together, then and now, and what a screen leaves out."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from history.sqlite import SQLiteHistory
from kept.errors import Retry
from summaries.application import application
from summaries.known import HistoryReader, Known
from summaries.pages.live import MOST_ON_SCREEN, Newest, data_as_of, not_shown, read_cards
from summaries.service_card import Card, make_card
from summaries.site import Site
from summaries.wording import NBSP
from tests.summaries.asking import ask
from tests.summaries.conftest import pages
from tests.summaries.figures import CITY, NOW, SIGNALS, point, promise, raised, service


def card(name: str = "one", kept: float | None = 0.5, at: int = NOW) -> Card:
    points = [] if kept is None else [
        point(name, "promise_kept", kept, low=kept - 0.01, high=kept + 0.01, n=500, window_end=at)
    ]  # fmt: skip
    return make_card(service(name, name), points, NOW)


def test_open_signals_lead_to_their_service(history_file: Path) -> None:
    text = ask(pages(history_file), "/").text.replace(NBSP, " ")
    assert re.search(r'<a href="#street-lights"><bdi>Street light repairs</bdi></a> \(1 on-call page, 1 ticket\)', text)
    of_lights = text.split('id="street-lights"')[1].split("</article>")[0]
    assert of_lights.index("41.2 % were kept") < of_lights.index("75.4 % were kept in 28 days")
    assert "No active" not in of_lights


def test_without_signals_the_board_says_so(tmp_path: Path) -> None:
    assert "<strong>Active signals:</strong> none." in ask(pages(tmp_path / "history.sqlite"), "/").text


def test_as_it_was_known_then(history_file: Path) -> None:
    store = SQLiteHistory(history_file)
    store.write([point("parking", "backlog", 777, "24h", window_end=NOW + 3600)])
    store.record([raised("parking", "source_silent", "Silence from the future", hours_ago=-1)])
    store.publish(CITY, NOW + 3600)
    store.close()
    app = pages(history_file)
    now, then = ask(app, "/").text, ask(app, "/?as_of=2026-11-24T16:05Z").text
    assert "777" in now
    assert "Silence from the future" in now
    assert "777" not in then
    assert "Silence from the future" not in then
    assert "75.4 % were kept in 28 days" in then
    assert "refresh" not in then.split("</head>")[0]


def test_how_old_figures_were_is_told_as_of_then(history_file: Path) -> None:
    years_later = application(CITY, lambda: SQLiteHistory(history_file, read_only=True), clock=lambda: NOW + 3e7)
    assert "behind the clock" in ask(years_later, "/").text
    assert "behind the clock" not in ask(years_later, "/?as_of=2026-11-24T16:10Z").text


def test_the_newest_cards_are_made_once_for_all_until_something_changes(history_file: Path) -> None:
    now = [float(NOW)]
    site = Site(CITY, HistoryReader(lambda: SQLiteHistory(history_file, read_only=True)), lambda: now[0])
    newest = Newest(site)
    first = newest.cards()[0]
    assert newest.cards()[0] is first
    store = SQLiteHistory(history_file)
    store.record([raised("births", "source_silent", "Silence")])
    second = newest.cards()[0]
    assert sum(len(card.signals) for card in second) == len(SIGNALS) + 1
    now[0] += 3600
    assert any(card.behind for card in newest.cards()[0])
    store.close()
    site.history.close()


def test_a_history_that_is_away_is_asked_once_and_not_for_each_service() -> None:
    asked = []

    def away() -> SQLiteHistory:
        asked.append(1)
        raise Retry("the history is away")

    site = Site(CITY, HistoryReader(away), lambda: NOW)
    cards, notice = Newest(site).cards()
    assert notice == "the history is away."
    assert len(cards) == len(CITY)
    # Once to see whether something is new, once to read.
    assert len(asked) == 2


def test_figures_of_several_moments_are_told_by_the_oldest() -> None:
    utc = ZoneInfo("UTC")
    assert data_as_of([card(), card()], utc).endswith("16:05 (UTC)")
    assert data_as_of([card(), card(at=NOW - 300), card(kept=None)], utc).endswith("16:00 (UTC), some newer")
    assert data_as_of([card(kept=None)], utc) == "No event counted yet"


@pytest.mark.parametrize("more", [0, 1, 5])
def test_a_screen_shows_the_worst_and_counts_the_rest(more: int, tmp_path: Path) -> None:
    city = {f"s{n:02}": service(f"s{n:02}", f"Service {n}") for n in range(MOST_ON_SCREEN + more)}
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    store.write([each for n, name in enumerate(city) for each in promise(name, *[0.1 + n / 100] * 4, 500)])
    store.publish(city, NOW)
    store.close()
    app = application(city, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW)
    text = ask(app, "/?screen=1").text
    assert re.findall(r'<article class="card is-below" id="(s\d\d)"', text) == list(city)[:MOST_ON_SCREEN]
    assert (f"{more} more not shown (promise not kept: {more}; active signals: 0)." in text) == (more > 0)
    assert len(re.findall("<article", ask(app, "/").text)) == len(city)


def test_what_is_not_shown_is_counted_by_verdict() -> None:
    assert not_shown([]) == ""
    assert not_shown([card(kept=0.9), card(kept=None)]) == (
        "2 more not shown (promise kept: 1; not known: 1; active signals: 0)"
    )


def test_cards_of_a_moment_are_read_anew(history_file: Path) -> None:
    site = Site(CITY, HistoryReader(lambda: SQLiteHistory(history_file, read_only=True)), lambda: NOW)
    cards, notice = read_cards(site, Known(site.history, CITY, NOW - 1))
    assert notice == ""
    assert {card.newest for card in cards} == {None, NOW - 1800}
    site.history.close()
