"""The weekly summary in Chromium: widths, themes, accessibility, keyboard, and one page of paper."""

from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from catalogue import CITY, services_in
from history.sqlite import SQLiteHistory
from local_stack.ports import free_port, wait_until_answers
from summaries.application import application
from summaries.weekly.chart import charts_of
from summaries.weekly.html_file import as_html
from summaries.weekly.summary import summarise
from tests.summaries.weekly.figures import SMALL, full_week, ordinary_week, small_week
from tests.summaries.weekly.telling import facts_of, history_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing; install it with: apt-get install -y chromium"),
]
EIGHT = services_in([CITY])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """http://… of the week of the small city with hostile names, and of an ordinary week of the city of eight."""
    folder = tmp_path_factory.mktemp("week")
    small = history_of(folder / "small.sqlite", small_week)
    eight = history_of(folder / "eight.sqlite", lambda store: ordinary_week(store, EIGHT))
    apps = {
        "small": application(SMALL, lambda: SQLiteHistory(small, read_only=True)),
        "eight": application(EIGHT, lambda: SQLiteHistory(eight, read_only=True)),
    }
    found, servers = {}, []
    for name, app in apps.items():
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        assert wait_until_answers(port, time.monotonic() + 20)
        found[name] = f"http://127.0.0.1:{port}/week"
    yield found
    for server, thread in servers:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_width_is_accessible_and_asks_for_nothing_foreign(
    chromium: Browser, addresses: dict[str, str], scheme: str
) -> None:
    context = chromium.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: asked.add(request.url))
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(addresses["small"], wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    assert complaints == []
    assert all(url.startswith(addresses["small"].removesuffix("week")) for url in asked)
    assert any(f"theme={scheme}" in url for url in asked), "the picture of this theme"
    context.close()


def test_the_keyboard_reaches_the_tables_and_opens_the_weeks_of_a_chart(
    chromium: Browser, addresses: dict[str, str]
) -> None:
    page = chromium.new_page()
    page.goto(addresses["small"])
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if reached[-1] == "SUMMARY" and reached.count("SUMMARY") == 1:  # the keys may come round to it again
            page.keyboard.press("Enter")
    assert {"scroll-decided", "scroll-figures", "scroll-members", "scroll-money", "SUMMARY"} <= set(reached)
    assert page.locator("details[open] table").count() == 1
    page.close()


def test_an_ordinary_week_of_eight_services_is_one_page_of_paper(chromium: Browser, addresses: dict[str, str]) -> None:
    page = chromium.new_page()
    page.goto(addresses["eight"], wait_until="networkidle")
    assert page.locator(".news li").count() == 2
    assert page.locator(".week-charts img").count() == 2
    paper = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True)))
    text = "\n".join(one.extract_text() for one in paper.pages)
    assert len(paper.pages) == 1
    for service in EIGHT.values():
        assert service.name.split(" (")[0].split()[0] in text
    assert "What to ask" in text and "why was the promise kept less often" in text
    page.close()


def test_what_does_not_fit_goes_on_on_the_next_page(chromium: Browser, tmp_path: Path) -> None:
    page = chromium.new_page()
    page.set_content(_full_week(tmp_path).read_text(encoding="utf-8"))
    paper = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    text = "\n".join(one.extract_text() for one in paper.pages)
    assert len(paper.pages) > 1
    asked = " ".join(text[text.index("What to ask") :].split())
    assert asked.count("why was the promise kept less often") == 1, "one question for all of them"
    assert all(service.name.split(" (")[0].split()[0] in asked for service in EIGHT.values())
    page.close()


def _full_week(folder: Path) -> Path:
    """The file of a week in which the promise of every service fell, with all the alerts that go with it."""
    path = history_of(folder / "full.sqlite", lambda store: full_week(store, EIGHT))
    facts = facts_of(path, EIGHT)
    summary = summarise(facts)
    file = folder / "week.html"
    file.write_text(as_html(summary, charts_of(facts, summary), EIGHT), encoding="utf-8")
    return file
