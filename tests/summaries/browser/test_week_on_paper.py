"""The weekly summary from Chromium's printer: one page of paper, or as many as a bad week takes."""

from __future__ import annotations

import io
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Browser

from catalogue import CITY, services_in
from history.sqlite import SQLiteHistory
from summaries.application import application
from summaries.weekly.chart import charts_of
from summaries.weekly.html_file import as_html
from summaries.weekly.summary import summarise
from tests.summaries.conftest import serving
from tests.summaries.weekly.figures import full_week, ordinary_week
from tests.summaries.weekly.telling import facts_of, history_of

EIGHT = services_in([CITY])
pytestmark = pytest.mark.browser


def test_an_ordinary_week_of_eight_services_is_one_page_of_paper(chromium: Browser, tmp_path: Path) -> None:
    path = history_of(tmp_path / "eight.sqlite", lambda store: ordinary_week(store, EIGHT))
    page = chromium.new_page()
    with serving(application(EIGHT, lambda: SQLiteHistory(path, read_only=True))) as address:
        page.goto(f"{address}/week", wait_until="networkidle")
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
