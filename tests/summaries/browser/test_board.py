"""The live board in Chromium: updates, the screen on the wall, hostile names, what its marks look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from history.sqlite import SQLiteHistory
from tests.summaries.browser.visits import Visit
from tests.summaries.conftest import filled, served
from tests.summaries.figures import HOSTILE, NOW, RIGHT_TO_LEFT, point
from tests.summaries.quarter import fill_quarter

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(filled(tmp_path_factory.mktemp("history"))) as address:
        yield address


def test_the_keyboard_skips_to_the_figures(visit: Visit, board: str) -> None:
    visit.go(board)
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "main"
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_hostile_names_are_read_as_they_were_written_and_turn_nothing_around(visit: Visit, board: str) -> None:
    visit.go(board)
    assert visit.page.locator("#hostile h2 a").inner_text() == HOSTILE
    line = visit.page.locator("#hostile .signals li")
    assert RIGHT_TO_LEFT in line.inner_text()
    assert len(line.inner_text()) < 400
    # What follows the name stays where it would be without it: to its right, or on the next line, and not mirrored.
    # Asked for in one go: the page may put new figures, and so new elements, in the place of those found before.
    direction, left = visit.page.evaluate(
        """() => {
            const since = document.querySelector("#hostile .signals li small");
            const range = document.createRange(), letter = (place) => {
                range.setStart(since.firstChild, place);
                range.setEnd(since.firstChild, place + 1);
                return range.getBoundingClientRect().left;
            };
            return [getComputedStyle(since).direction, letter(4) - letter(0)];
        }"""
    )
    assert direction == "ltr"
    assert left > 0
    assert visit.complaints == []


def test_a_screen_on_the_wall_shows_all_services_without_scrolling_and_large_enough(
    chromium: Browser, board: str
) -> None:
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    visit = Visit(context)
    # It is changed by hand below, and must not be fetched anew meanwhile.
    visit.page.route("**/live/changes", lambda route: route.abort())
    visit.go(f"{board}/?screen=1")
    # Two more, so that there are eight.
    visit.page.evaluate(
        "() => { const cards = document.querySelector('.screen-cards'); const one = cards.firstElementChild;"
        "while (cards.children.length < 8) cards.append(one.cloneNode(true)); }"
    )
    assert visit.page.evaluate("document.documentElement.scrollHeight") <= 1080
    assert visit.page.locator("nav").count() == 0
    for card in visit.page.locator(".card").all():
        box = card.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 1080
        for part in card.locator("h2, .headline, .verdict, .against, .stocks, .news").all():
            inner = part.bounding_box()
            assert inner is not None
            assert inner["y"] >= box["y"]
            assert inner["y"] + inner["height"] <= box["y"] + box["height"] + 1
    # On a screen of 1.2 m a pixel has 0.63 mm: letters of 26 pixels are read from 4 m (12 minutes of arc for capitals).
    sizes = visit.page.evaluate(
        "[...document.querySelectorAll('.card *')].filter((one) => one.innerText)"
        ".map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 26
    context.close()


def test_figures_move_at_once_and_the_scroll_place_focus_and_notes_stay(
    visit: Visit, address: str, history_file: Path
) -> None:
    with visit.page.expect_response("**/live/changes"):
        visit.go(address)
    visit.page.locator("#legend summary").click()
    visit.page.locator("#parking h2 a").focus()
    visit.page.evaluate("window.scrollTo(0, 700)")
    store = SQLiteHistory(history_file)
    store.write([point("parking", "backlog", 123_456, "24h", window_end=NOW + 300)])
    store.publish(["parking"], NOW + 300)
    store.close()
    # A page that asks by itself does so every ten seconds at the soonest.
    visit.page.get_by_text("123,456").wait_for(timeout=8_000)
    assert visit.page.evaluate("window.scrollY") == 700
    assert visit.page.evaluate("document.activeElement.getAttribute('href')") == "/service/parking"
    assert visit.page.locator("#legend").get_attribute("open") is not None
    assert visit.complaints == []


def test_without_the_stream_the_page_asks_by_itself_and_says_when_it_stands_still(visit: Visit, board: str) -> None:
    visit.page.clock.install()
    visit.page.route("**/live/changes", lambda route: route.abort())
    visit.go(board)
    with visit.page.expect_request(re.compile(rf"{board}/$")):
        visit.page.clock.run_for(12_100)
    assert visit.page.locator("#connection").is_hidden()
    visit.page.route("**/*", lambda route: route.abort())
    visit.page.clock.run_for(12_100)
    visit.page.locator("#connection").get_by_text("standing still since").wait_for(timeout=10_000)
    visit.page.unroute("**/*")
    visit.page.evaluate("window.dispatchEvent(new Event('online'))")
    visit.page.locator("#connection").wait_for(state="hidden", timeout=10_000)


def test_updates_can_be_paused(visit: Visit, board: str) -> None:
    visit.page.clock.install()
    visit.go(board)
    visit.page.get_by_role("button", name="Pause updates").click()
    assert "paused since" in visit.page.locator("#connection").inner_text()
    visit.page.wait_for_load_state("load")
    visit.page.wait_for_timeout(600)
    visit.asked.clear()
    visit.page.clock.run_for(120_000)
    assert visit.asked == set()
    with visit.page.expect_request(f"{board}/live/changes"):
        visit.page.get_by_role("button", name="Resume updates").click()
    assert visit.page.locator("#connection").is_hidden()


def test_the_past_does_not_move(visit: Visit, board: str) -> None:
    visit.go(f"{board}/?as_of=2026-11-24T16:00Z")
    assert visit.page.locator("script").count() == 0
    assert visit.page.get_by_text("No live updates").is_visible()
    assert not any("changes" in url for url in visit.asked)


def test_every_verdict_is_a_colour_a_shape_and_words(visit: Visit, board: str) -> None:
    visit.go(board)
    marks = visit.page.evaluate(
        """() => [...document.querySelectorAll(".card")].map((card) => {
            const style = getComputedStyle(card.querySelector(".mark"));
            const words = card.querySelector(".verdict").innerText;
            return [words, style.backgroundColor, style.borderRadius, style.transform !== "none"].join("|");
        })"""
    )
    assert list(dict.fromkeys(marks)) == [
        "Promise not kept|rgb(213, 94, 0)|0px|false",
        "Too close to call|rgb(240, 228, 66)|0px|true",
        "Promise kept|rgb(0, 114, 178)|50%|false",
        "No promise to judge|rgba(0, 0, 0, 0)|50%|false",
        "Not known|rgba(0, 0, 0, 0)|50%|false",
    ]


def test_without_script_the_page_refreshes_itself(chromium: Browser, board: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(board)
    assert page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count() == 1
    assert page.locator(".card").count() == 6
    context.close()


def test_figures_and_pictures_of_a_service_follow_the_data(visit: Visit, address: str, history_file: Path) -> None:
    store = SQLiteHistory(history_file)
    fill_quarter(store)
    visit.go(f"{address}/service/street-lights")
    visit.page.locator("#weeks-promise_kept summary").click()
    before = visit.page.locator("figure.chart img").first.get_attribute("src")
    store.write([point("street-lights", "overdue", 123_456, "24h", window_end=NOW + 300)])
    store.publish(["street-lights"], NOW + 300)
    store.close()
    visit.page.get_by_text("123,456").first.wait_for(timeout=15_000)
    assert visit.page.locator("figure.chart img").first.get_attribute("src") != before
    assert visit.page.locator("#weeks-promise_kept").get_attribute("open") is not None
    assert visit.complaints == []
