"""What the paper says, section by section: the summary's own texts, in its own order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from summaries.weekly.news import News
from summaries.weekly.noise import Cell
from summaries.weekly.summary import WeekSummary
from summaries.weekly.worst import DIMENSIONS

MEANINGS: Final = {"concern": "Concern.", "improvement": "Improvement.", "neutral": "Change."}
Pictures = Mapping[tuple[str, str], bytes]
"""A PNG of the chart of each (service, indicator) in `WeekSummary.charts`."""


class Item(Struct, frozen=True):
    """A line of a list; `lead` stands before it in bold."""

    text: str
    lead: str = ""


class Table(Struct, frozen=True):
    """A table; the first cell of a row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


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
    """Every section that has something to say."""
    yield _decisions(summary)
    yield _signal(summary, pictures)
    if summary.changes:
        items = tuple(
            Item(f"{one.day}: {one.title} ({one.expects}). {one.verdict}".rstrip(), f"{one.name}.")
            for one in summary.changes
        )
        yield Section(title="Registered changes", items=items)
    yield Section(
        title="What is noise",
        paragraphs=(summary.noise.sentence,),
        tables=(
            Table(
                "Value, and under it the usual range",
                ("Service", *summary.noise.columns),
                tuple((row.name, *map(_cell, row.cells)) for row in summary.noise.rows),
            ),
        ),
    )
    yield _worst(summary)
    if summary.unknown:
        items = tuple(Item(f"{'; '.join(one.words)}.", f"{one.name}:") for one in summary.unknown)
        yield Section(title="What is not known", items=items)
    yield Section(
        title="Cost of waste this week",
        tables=tuple(
            Table(
                table.sentence,
                ("Service", *table.kinds),
                (
                    *((row.name, *(amount or "not known" for amount in row.amounts)) for row in table.rows),
                    *((f"All, {currency}", *amounts) for currency, amounts in table.totals),
                ),
            )
            for table in summary.waste
            if table.rows
        ),
        paragraphs=tuple(table.sentence for table in summary.waste if not table.rows),
    )
    if summary.questions:
        yield Section(title="What to ask", items=tuple(Item(question) for question in summary.questions))


def _decisions(summary: WeekSummary) -> Section:
    title = "Decisions and what became of them"
    if not summary.decisions:
        return Section(title=title, paragraphs=("No decision is open, and none was closed this week.",))
    items = tuple(
        Item(f"{one.text} ({one.owner}, due {one.due}): {one.became}.", f"{one.name}.") for one in summary.decisions
    )
    return Section(title=title, items=items)


def _signal(summary: WeekSummary, pictures: Pictures) -> Section:
    if not summary.news:
        return Section(title="What is signal", paragraphs=("Nothing.",))
    shown = [one for one in summary.news if one.chart is not None and (one.service, one.chart) in pictures]
    return Section(
        title="What is signal",
        items=tuple(Item(" ".join((one.sentence, *one.besides)), MEANINGS[one.meaning]) for one in summary.news),
        charts=tuple(Chart(pictures[_chart(one)], one.sentence) for one in shown),
    )


def _chart(news: News) -> tuple[str, str]:
    assert news.chart is not None
    return news.service, news.chart


def _worst(summary: WeekSummary) -> Section:
    return Section(
        title="The worst beside every total",
        tables=(
            Table(
                "Share of promises kept",
                ("Service", "Total", *(f"Worst {dimension}" for dimension in DIMENSIONS)),
                tuple((one.name, one.total, *one.worst) for one in summary.worst),
            ),
        )
        if summary.worst
        else (),
        paragraphs=() if summary.worst else ("No total of this week has members to compare.",),
    )


def _cell(cell: Cell) -> str:
    return f"{cell.text}\n{cell.detail}" if cell.detail else cell.text
