"""The pages of changes in Chromium: both themes, two widths, axe-core, keyboard alone; a silent console."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from history.sqlite import SQLiteHistory
from local_stack.ports import free_port, wait_until_answers
from summaries.application import application
from tests.summaries.changed_city import CITY, NOW, fill

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
PATHS = ("/changes", "/changes/lights/aa", "/changes/hostile/dd")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("changes") / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    app = application(CITY, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", server_header=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert wait_until_answers(port, time.monotonic() + 20)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate(
        f"axe.run({RULES}).then(found => found.violations.map(one => one.id + ' ' + one.nodes[0].html))"
    )
    return [str(one) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_every_width_and_breaks_no_rule_of_accessibility(
    chromium: Browser, address: str, scheme: str
) -> None:
    context = chromium.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(request.url))
    for path in PATHS:
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert violations(page) == [], path
    assert complaints == []
    assert all(url.startswith(f"{address}/") for url in asked)
    assert any(f"theme={scheme}" in url for url in asked) and any("width=narrow" in url for url in asked)
    context.close()


def test_with_the_keyboard_alone_one_gets_from_the_list_to_a_change_and_through_its_tables(
    chromium: Browser, address: str
) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/changes")
    names: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        names.append(str(page.evaluate("document.activeElement.textContent")).strip())
        if names[-1] == "Repairs by street":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/changes/lights/aa")
    reached = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"scroll-weeks-table", "scroll-placebo-table", "as_of"} <= reached
    context.close()
