"""The summary as plain text for a letter: headings, sentences and tables in lines that a mail reader need not break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from summaries.paper.sections import Section, sections
from summaries.weekly.layout import Table
from summaries.weekly.summary import WeekSummary

WIDTH: Final = 78
_ADDRESS: Final = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
"""Where a space keeps a mail reader from making a link of a name."""


def as_plain_text(summary: WeekSummary) -> str:
    """The whole summary, in the order of the other forms; no line is longer than `WIDTH`."""
    return "\n".join(_lines(summary)).rstrip() + "\n"


def _lines(summary: WeekSummary) -> Iterator[str]:
    yield from _heading(summary.title, "=")
    for note in (*summary.notes, summary.headline, f"As known on {summary.as_of_words}."):
        yield from _paragraph(note)
        yield ""
    for section in sections(summary, {}):
        yield from _heading(section.title, "-")
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    for paragraph in section.paragraphs:
        yield from _paragraph(paragraph)
        yield ""
    for item in section.items:
        yield from _item(f"{item.lead} {item.text}".lstrip())
    for table in section.tables:
        for line in _rows(table):
            yield from _item(line)
    if section.items or section.tables:
        yield ""


def _rows(table: Table) -> Iterator[str]:
    """A line a row: what it is of, then each column with its name."""
    for name, *cells in table.rows:
        said = (f"{head}: {cell}" for head, cell in zip(table.head[1:], cells, strict=True) if cell != "–")
        yield f"{name}: {'; '.join(said)}."


def _heading(text: str, under: str) -> Iterator[str]:
    lines = _paragraph(text)
    yield from (*lines, under * max(map(len, lines)), "")


def _paragraph(text: str) -> list[str]:
    return wrap(_ADDRESS.sub(" ", text), WIDTH, break_on_hyphens=False)


def _item(text: str) -> list[str]:
    return wrap(_ADDRESS.sub(" ", text), WIDTH, break_on_hyphens=False, initial_indent="* ", subsequent_indent="  ")
