"""What the paper says, section by section: the summary's own texts and tables, in its own order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from summaries.weekly import layout
from summaries.weekly.layout import Table
from summaries.weekly.news import News
from summaries.weekly.summary import WeekSummary

MEANINGS: Final = {"concern": "Concern.", "improvement": "Improvement.", "neutral": "Change."}
Pictures = Mapping[tuple[str, str], bytes]
"""A PNG of the chart of each (service, indicator) that is drawn."""


class Item(Struct, frozen=True):
    """A line of a list; `lead` stands before it in bold."""

    text: str
    lead: str = ""


class Chart(Struct, frozen=True):
    """A picture, and in `alt` what it says."""

    png: bytes
    alt: str


class Section(Struct, frozen=True, kw_only=True):
    """A heading and what stands under it, in this order."""

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


def sections(summary: WeekSummary, pictures: Pictures) -> Iterator[Section]:
    """Every section; where there is nothing to say, that is said."""
    decided = layout.decisions_table(summary)
    yield _of_table("Decisions and what became of them", "", decided, layout.NO_DECISIONS)
    yield _signal(summary, pictures)
    if summary.standing:
        yield Section(title=layout.STANDING, items=tuple(_item(one) for one in summary.standing))
    if summary.changes:
        items = tuple(Item(one.in_words) for one in summary.changes)
        yield Section(title="Changes registered this week, or judged anew", items=items)
    noise = f"{summary.noise.sentence} {summary.noise.by_chance}".rstrip()
    yield _of_table("Noise", noise, layout.figures_table(summary), "")
    yield _of_table("The worst member beside each total", "", layout.worst_table(summary), summary.no_worst)
    unknown = tuple(Item(f"{'; '.join(one.words)}.", f"{one.name}:") for one in summary.unknown)
    yield _of_items("Not known, stale, or resting on little", unknown, layout.NO_UNKNOWN)
    yield _of_table("Cost of waste this week", layout.waste_note(summary), layout.waste_table(summary), "")
    yield _of_items("What to ask", tuple(Item(question) for question in summary.questions), layout.NO_QUESTIONS)


def _of_table(title: str, words: str, table: Table, nothing: str) -> Section:
    paragraphs = tuple(filter(None, (words, "" if table.rows else nothing)))
    return Section(title=title, paragraphs=paragraphs, tables=(table,) if table.rows else ())


def _of_items(title: str, items: tuple[Item, ...], nothing: str) -> Section:
    return Section(title=title, items=items, paragraphs=() if items else (nothing,))


def _signal(summary: WeekSummary, pictures: Pictures) -> Section:
    charts = tuple(
        Chart(pictures[one.service, one.chart], one.sentence)
        for one in summary.news
        if one.chart is not None and (one.service, one.chart) in pictures
    )
    items = tuple(_item(one) for one in summary.fresh)
    return msgspec.structs.replace(_of_items("Signal", items, layout.NO_NEWS), charts=charts)


def _item(news: News) -> Item:
    return Item(" ".join((news.sentence, *news.besides)), MEANINGS[news.meaning])
