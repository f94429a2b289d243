"""Compare and Equity in Chromium: every width and theme, nothing foreign, axe finds nothing, by keyboard alone."""

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
from tests.summaries.compared_city import COMPARED, fill_compared
from tests.summaries.figures import NOW

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]
PAGES = (
    "/compare?one=births&other=permits-north",
    "/compare/street-lights?by=area",
    "/compare/hostile?by=area",
    "/compare-services/permit-desks",
    "/equity",
    "/equity/street-lights",
)
AXE_AT = ((360, "dark"), (1280, "light"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path: Path = tmp_path_factory.mktemp("compared") / "history.sqlite"
    store = SQLiteHistory(path)
    fill_compared(store)
    store.close()
    app = application(COMPARED, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
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
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_they_fit_with_their_pictures_and_without_a_complaint(
    chromium: Browser, address: str, scheme: str, width: int
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: asked.add(request.url))
    for path in PAGES:
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        for picture in page.locator("figure img").all():
            picture.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
        if (width, scheme) in AXE_AT:
            found = Axe().run(page)
            assert found.response["violations"] == [], f"{path}\n{found.generate_report()}"
    assert complaints == []
    assert all(url.startswith(f"{address}/") for url in asked)
    drawn = {url for url in asked if ".svg?" in url and "/static/" not in url}
    assert len(drawn) == 5
    assert all(f"theme={scheme}" in url and ("narrow=1" in url) == (width == 360) for url in drawn)
    context.close()


def test_two_services_are_asked_about_by_keyboard_alone_and_the_moment_stays(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{address}/compare?as_of=2026-11-24T17:05&theme=dark")
    page.locator("#one").focus()
    page.keyboard.type("Birth")
    page.keyboard.press("Tab")
    page.keyboard.type("Parking")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Birth certificates and Parking permits are not compared").wait_for()
    assert "as_of=2026-11-24T17%3A05" in page.url and "theme=dark" in page.url
    context.close()
