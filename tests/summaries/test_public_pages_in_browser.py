"""The promise page and the pages of money in Chromium: axe, both themes, narrow, enlarged, keyboard."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from history.sqlite import SQLiteHistory
from local_stack.ports import free_port, wait_until_answers
from summaries.application import application
from tests.summaries.example_city import CATALOGUE, example_history
from tests.summaries.figures import NOW

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]
PUBLIC = ("/promises", "/promises/street-lights", "/promises/nothing")
INSIDE = ("/objectives", "/objectives/parking-permits", "/waste", "/counted")
MOST_TABS = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path: Path = example_history(tmp_path_factory.mktemp("browser") / "history.sqlite")
    app = application(CATALOGUE, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_no_word_in_the_console_and_nothing_foreign(chromium: Browser, site: str, scheme: str) -> None:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(request.url))
    for path in (*PUBLIC, *INSIDE):
        page.goto(site + path)
        violations = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
        if path in PUBLIC:
            assert all(url.startswith(f"{site}/promises") for url in asked), asked
    assert [words for words in complaints if "404" not in words] == []
    assert all(url.startswith(f"{site}/") for url in asked)
    context.close()


@pytest.mark.parametrize(("width", "letters"), [(320, 100), (768, 100), (1280, 200)])
def test_nothing_scrolls_sideways_when_narrow_or_enlarged(
    chromium: Browser, site: str, width: int, letters: int
) -> None:
    # A browser at 200 % shows half the pixels; letters alone at 200 % are the harder test of the two.
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for path in (*PUBLIC, *INSIDE):
        page.goto(site + path)
        page.evaluate(f"document.documentElement.style.fontSize = '{letters}%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_the_keyboard_reaches_every_link_and_comes_out_again(chromium: Browser, site: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{site}/promises/street-lights")
    seen: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => [document.activeElement.getAttribute('href') || document.activeElement.id || '',"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        if not name:
            break
        assert outline != "none", name
        seen.append(name)
    links = page.evaluate("[...document.querySelectorAll('a')].map((link) => link.getAttribute('href'))")
    assert set(links) <= set(seen)
    assert "scroll-promise" in seen
    assert len(seen) < MOST_TABS
    context.close()
