"""The service page and the pages behind its numbers in Chromium: widths, themes, axe-core, keyboard, live updates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from history.sqlite import SQLiteHistory
from tests.summaries.conftest import filled, served
from tests.summaries.figures import NOW, point
from tests.summaries.quarter import fill_quarter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATHS = (
    "/service/street-lights?as_of=2026-11-24T16:05Z",
    "/number/street-lights/promise_kept?as_of=2026-11-24T16:05Z",
    "/definitions",
)
MOST_STEPS = 500
UNFOLDED = """() => {
    // Again at each look: an update in between brings pictures that are loaded only where they are seen.
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    document.querySelectorAll("img").forEach((one) => { one.loading = "eager"; });
    return [...document.images].every((one) => one.complete && one.currentSrc !== "");
}"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = filled(tmp_path_factory.mktemp("service"))
    store = SQLiteHistory(path)
    fill_quarter(store)
    store.close()
    return path


@pytest.fixture(scope="module")
def site(history: Path) -> Iterator[str]:
    with served(history) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """A page with everything on it unfolded and loaded, and what it said in the console or asked for elsewhere."""
    page = context.new_page()
    complaints: list[str] = []
    host = address.partition("/service")[0].partition("/number")[0].partition("/definitions")[0]
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url.startswith(f"{host}/") or complaints.append(request.url))
    page.goto(address)
    page.wait_for_function(UNFOLDED)
    return page, complaints


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_it_fits_has_its_pictures_and_nothing_for_axe_to_find(
    chromium: Browser, site: str, scheme: Any, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in PATHS:
        page, complaints = opened(context, site + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].filter((one) => one.naturalWidth === 0).map((one) => one.src)") == []
        assert all(
            f"theme={scheme}" in source and ("narrow=1" in source) == (width == 360)
            for source in page.evaluate("[...document.images].map((one) => one.currentSrc)")
        )
        page.evaluate(AXE)
        found = page.evaluate("(tags) => axe.run({runOnly: tags, resultTypes: ['violations'], preload: false})", TAGS)
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []
        assert complaints == []
        page.close()
    context.close()


def test_a_keyboard_reaches_the_end_and_every_table_that_scrolls(chromium: Browser, site: str) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800})
    page, _ = opened(context, f"{site}/number/street-lights/promise_kept")
    page.evaluate("document.activeElement.blur()")
    stops = []
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        stop = page.evaluate("() => document.activeElement === document.body ? null : document.activeElement.id")
        if stop is None:
            break
        stops.append(stop)
    assert len(stops) < MOST_STEPS
    assert "scroll-history" in stops
    context.close()


def test_figures_and_pictures_follow_the_data(chromium: Browser, site: str, history: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site}/service/street-lights")
    page.locator("#weeks-promise_kept summary").click()
    before = page.locator("figure.chart img").first.get_attribute("src")
    store = SQLiteHistory(history)
    store.write([point("street-lights", "overdue", 123_456, "24h", window_end=NOW + 300)])
    store.publish(["street-lights"], NOW + 300)
    store.close()
    page.get_by_text("123,456").first.wait_for(timeout=15_000)
    assert page.locator("figure.chart img").first.get_attribute("src") != before
    assert page.locator("#weeks-promise_kept").get_attribute("open") is not None
    context.close()
