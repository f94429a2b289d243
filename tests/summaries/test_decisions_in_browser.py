"""The page of decisions in Chromium: both themes, each width, recorded by keyboard under the page's own policy."""

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
from kept.decisions import decisions
from local_stack.ports import free_port, wait_until_answers
from summaries.application import application
from summaries.site import Recording
from tests.history.decisions import decided, said
from tests.history.signals import raised
from tests.summaries.figures import CITY, HOSTILE, NOW, fill

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]
SIGNAL = raised(service="street-lights", raised_at=NOW - 86_400)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.record([SIGNAL])
    for entry in (
        decided(service="street-lights", due="2020-01-01"),
        decided(decision="0badcaff", service="hostile", text=HOSTILE, owner="W" * 100, signal=SIGNAL.id),
        decided(decision="0badcaf0", service="births"),
        said("closed", NOW, decision="0badcaf0"),
    ):
        store.decide(entry)
    store.close()
    return path


@pytest.fixture
def address(file: Path) -> Iterator[str]:
    app = application(
        CITY,
        lambda: SQLiteHistory(file, read_only=True),
        clock=lambda: NOW + 60,
        recording=Recording(lambda: SQLiteHistory(file), by_anyone=True),
    )
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", server_header=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert wait_until_answers(port, time.monotonic() + 20)
    yield f"http://127.0.0.1:{port}/decisions"
    server.should_exit = True
    thread.join()


def test_it_fits_every_width_in_both_themes_and_axe_finds_nothing(chromium: Browser, address: str) -> None:
    for theme in ("light", "dark"):
        for width in (360, 768, 1280):
            # Axe is put into the page, which the page's policy would not let happen.
            context = chromium.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
            page = context.new_page()
            page.goto(f"{address}?theme={theme}")
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width == 360:
                found = Axe().run(page).response["violations"]
                assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
            context.close()


def test_a_decision_is_recorded_by_keyboard_alone(chromium: Browser, address: str, file: Path) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.add(request.url))
    page.goto(f"{address}?signal={SIGNAL.id}")
    page.locator("#new-text").focus()
    for text in ("A third van", "Depot West", "02012099", "", "Head of streets"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.id") == "new-due" and text == "02012099":
            page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**recorded=**")
    assert page.locator("[role=status]:not([hidden])").inner_text() == "Recorded: A third van"
    store = SQLiteHistory(file)
    one = next(one for one in decisions(store.decision_entries()) if one.text == "A third van")
    store.close()
    assert (one.signal, one.service, one.owner, one.due) == (SIGNAL.id, "street-lights", "Depot West", "2099-02-01")
    card = page.locator(f"#decision-{one.id}")
    card.locator("details.record summary").press("Enter")
    card.get_by_label("Effect").select_option("helped")
    card.get_by_label("Who says so").first.fill("Depot West")
    card.get_by_role("button", name="Say so").press("Enter")
    page.locator(f"#decision-{one.id} .verdict", has_text="Due 2099-02-01 · it helped").wait_for()
    assert complaints == []
    assert {url.split("/")[2] for url in asked} == {address.split("/")[2]}
    context.close()
