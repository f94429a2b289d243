"""The live page in Chromium: widths, light and dark, refreshing in place, nothing foreign, nothing in the console."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from history.sqlite import SQLiteHistory
from tests.summaries.figures import HOSTILE, NOW, point

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


class Visit:
    """A page with everything it said and asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: self.asked.add(request.url))


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield Visit(context.new_page())
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_it_fits_every_width_in_light_and_dark_without_a_word_in_the_console(
    chromium: Browser, address: str, scheme: str, width: int
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    visit = Visit(context.new_page())
    grounds = set()
    for path in ("/", "/service/street-lights", "/service/hostile"):
        visit.page.goto(address + path)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        grounds.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == {"rgb(17, 23, 28)" if scheme == "dark" else "rgb(246, 247, 248)"}
    assert visit.complaints == []
    assert all(url.startswith(f"{address}/") for url in visit.asked)
    context.close()


def test_a_hostile_name_is_read_as_it_was_written(visit: Visit, address: str) -> None:
    visit.page.goto(address)
    assert visit.page.locator("#hostile h2 a").inner_text() == HOSTILE
    assert visit.complaints == []


def test_figures_move_in_place_and_the_scroll_place_and_notes_stay(
    visit: Visit, address: str, history_file: Path
) -> None:
    visit.page.goto(address)
    visit.page.locator("#legend summary").click()
    visit.page.evaluate("window.scrollTo(0, 700)")
    store = SQLiteHistory(history_file)
    store.write([point("parking", "backlog", 123_456, "24h", window_end=NOW + 300)])
    store.publish(["parking"], NOW + 300)
    store.close()
    visit.page.get_by_text("123,456").wait_for(timeout=10_000)
    assert visit.page.evaluate("window.scrollY") == 700
    assert visit.page.locator("#legend").get_attribute("open") is not None
    assert visit.complaints == []


def test_standing_still_is_said_when_the_page_cannot_be_fetched(visit: Visit, address: str) -> None:
    visit.page.goto(address)
    visit.page.route("**/*", lambda route: route.abort())
    visit.page.locator("#connection").get_by_text("standing still since").wait_for(timeout=10_000)
    visit.page.unroute("**/*")
    visit.page.locator("#connection").wait_for(state="hidden", timeout=10_000)


def test_updates_can_be_paused(visit: Visit, address: str) -> None:
    visit.page.goto(address)
    visit.page.get_by_role("button", name="Pause updates").click()
    assert "paused since" in visit.page.locator("#connection").inner_text()
    asked = len(visit.asked)
    visit.page.wait_for_timeout(2500)
    assert len(visit.asked) == asked
    visit.page.get_by_role("button", name="Resume updates").click()
    assert visit.page.locator("#connection").is_hidden()


def test_every_verdict_is_a_colour_a_shape_and_words(visit: Visit, address: str) -> None:
    visit.page.goto(address)
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


def test_without_script_the_page_refreshes_itself(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count() == 1
    assert page.locator(".card").count() == 6
    context.close()
