"""`/checks` in Chromium: widths, themes, keyboard, nothing foreign, nothing in the console, axe without violations."""

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
from tests.summaries.figures import HOSTILE, NOW
from tests.summaries.near_due_history import SERVICES, fill

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


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path: Path = tmp_path_factory.mktemp("history") / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    app = application(SERVICES, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", server_header=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert wait_until_answers(port, time.monotonic() + 20)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (768, "light"), (1280, "dark")])
def test_it_fits_and_says_nothing_in_the_console_and_axe_finds_nothing(
    chromium: Browser, address: str, width: int, scheme: str
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(request.url))
    page.goto(f"{address}/checks")
    for summary in page.locator("summary").all():
        summary.click()
    for picture in page.locator("figure img").all():
        picture.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    narrow = [url for url in asked if "closings.svg" in url]
    assert len(narrow) == 3
    assert all(("width=narrow" in url) is (width == 360) and f"theme={scheme}" in url for url in narrow)
    assert page.locator("#hostile a").inner_text() == HOSTILE
    assert Axe().run(page).response["violations"] == []
    assert complaints == []
    assert all(url.startswith(f"{address}/") for url in asked)
    context.close()


def test_by_keyboard_one_gets_from_a_finding_to_its_service_and_its_table(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{address}/checks")
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
    assert reached.index("#hostile") < reached.index("/checks?window=28d") < reached.index("/service/hostile")
    assert "SUMMARY" in reached
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#scroll-bands-hostile").is_visible()
    context.close()
