"""The summary on paper: one page in an ordinary week, readable to screen readers, the same bytes each time."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader

import catalogue
from history.sqlite import SQLiteHistory
from kept.catalogue import Catalogue, read_catalogue
from summaries.known import BorrowedHistory, Known
from summaries.paper.pdf import pdf
from summaries.post.letter import paper_of
from summaries.weekly.chart import charts_of
from summaries.weekly.facts import WeekFacts, read_week, told_at
from summaries.weekly.summary import summarise
from tests.summaries.weekly.figures import DAY, SMALL, WEEK, ordinary_week, raised, small_week


def facts_of(store: SQLiteHistory, services: Catalogue) -> WeekFacts:
    now = Known(BorrowedHistory(store), services)
    return read_week(Known(BorrowedHistory(store), services, told_at(now, WEEK)), WEEK)


@pytest.fixture
def ordinary(tmp_path: Path) -> tuple[WeekFacts, Catalogue]:
    city = read_catalogue([catalogue.CITY])
    store = SQLiteHistory(tmp_path / "ordinary.sqlite")
    ordinary_week(store, city)
    facts = facts_of(store, city)
    store.close()
    return facts, city


@pytest.fixture
def small(tmp_path: Path) -> WeekFacts:
    store = SQLiteHistory(tmp_path / "small.sqlite")
    small_week(store)
    facts = facts_of(store, SMALL)
    store.close()
    return facts


def read(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content))


def words(reader: PdfReader) -> str:
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_an_ordinary_week_of_eight_services_is_one_page_that_says_it_all(
    ordinary: tuple[WeekFacts, Catalogue],
) -> None:
    facts, city = ordinary
    summary = summarise(facts)
    reader = read(paper_of(summary, charts_of(facts, summary), city))
    assert len(reader.pages) == 1
    said = words(reader)
    for text in (summary.headline, *(one.sentence for one in summary.news), summary.noise.sentence, *summary.questions):
        assert " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split()) in said
    assert all(service.name in said for service in city.values())


def test_tickets_that_stand_open_for_weeks_leave_it_on_one_page(ordinary: tuple[WeekFacts, Catalogue]) -> None:
    facts, city = ordinary
    services = [
        msgspec.structs.replace(
            one,
            signals=[
                *one.signals,
                raised(one.service, "promise_budget_slow", one.start - 100 * DAY, words=f"{place} of 254 were kept"),
            ],
        )
        for place, one in enumerate(facts.services)
        if place < 4
    ]
    facts = msgspec.structs.replace(facts, services=[*services, *facts.services[4:]])
    summary = summarise(facts)
    assert len(summary.standing) == 3
    reader = read(paper_of(summary, charts_of(facts, summary), city))
    assert len(reader.pages) == 1
    assert "Still open, raised before this week" in words(reader)


def test_it_has_a_title_a_language_tags_and_words_for_its_pictures(ordinary: tuple[WeekFacts, Catalogue]) -> None:
    facts, city = ordinary
    summary = summarise(facts)
    charts = charts_of(facts, summary)
    content = paper_of(summary, charts, city)
    reader = read(content)
    assert reader.metadata is not None
    assert reader.metadata.title == summary.title
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    spoken = alternatives(reader)
    assert len(charts) == 2
    assert set(spoken) == {one.sentence for one in summary.news}


def alternatives(reader: PdfReader) -> list[str]:
    """The alternative texts of all pictures, by walking the tree of tags."""
    found: list[str] = []
    waiting = [reader.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if not isinstance(element, dict):
            continue
        if "/Alt" in element:
            found.append(str(element["/Alt"]))
        children = element.get("/K", [])
        children = children.get_object() if hasattr(children, "get_object") else children
        waiting += [one for one in (children if isinstance(children, list) else [children]) if not isinstance(one, int)]
    return found


def test_the_same_week_is_the_same_bytes(small: WeekFacts) -> None:
    summary = summarise(small)
    charts = charts_of(small, summary)
    assert paper_of(summary, charts, SMALL) == paper_of(summary, charts, SMALL)


def test_names_are_text_and_never_markup(small: WeekFacts) -> None:
    said = words(read(pdf(summarise(small), {})))
    assert "<script>alert('name')</script>" in said
