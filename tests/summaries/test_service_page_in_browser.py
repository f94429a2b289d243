"""The service page with a whole quarter on it, in Chromium: its pictures, all of it unfolded, and live updates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from history.sqlite import SQLiteHistory
from tests.summaries.conftest import filled, served
from tests.summaries.figures import NOW, point
from tests.summaries.quarter import fill_quarter
from tests.summaries.visits import ARGUMENTS, CHROMIUM, Visit, context_with_axe

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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_all_of_it_unfolded_fits_and_has_its_pictures_for_the_theme_and_the_width(
    chromium: Browser, site: str, scheme: Any, width: int
) -> None:
    context = context_with_axe(chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme))
    visit = Visit(context)
    visit.go(f"{site}/service/street-lights?as_of=2026-11-24T16:05Z")
    visit.page.wait_for_function(UNFOLDED)
    assert visit.width() <= width
    assert visit.page.evaluate("[...document.images].filter((one) => one.naturalWidth === 0).length") == 0
    sources = visit.page.evaluate("[...document.images].map((one) => one.currentSrc)")
    assert len(sources) == 8
    for source in sources:
        assert f"theme={scheme}" in source
        assert ("narrow=1" in source) == (width == 360)
    assert width != 360 or visit.violations() == []
    assert visit.complaints == []
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
