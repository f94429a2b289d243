"""The summary as Markdown: the same order as the page, plain, and harmless whatever a name contains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from summaries.weekly.layout import (
    NO_DECISIONS,
    NO_NEWS,
    NO_QUESTIONS,
    NO_UNKNOWN,
    STANDING,
    Table,
    decisions_table,
    figures_table,
    waste_note,
    waste_table,
    worst_table,
)
from summaries.weekly.summary import WeekSummary

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#!|~$&@])")
_ADDRESS: Final = re.compile(r"(:)(//)|(www)(\.)", re.IGNORECASE)
_BEGINNING: Final = re.compile(r"^([+=-])|^(\d+)([.)])(?=\s|$)")


def as_markdown(summary: WeekSummary) -> str:
    """The whole summary."""
    return "\n".join(_lines(summary)).rstrip() + "\n"


def escaped(text: str) -> str:
    """A text in one line in which nothing is markup: no emphasis, link, address, tag, table or list."""
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    line = _ADDRESS.sub(lambda found: f"{found[1] or found[3]}\\{found[2] or found[4]}", line)
    return _BEGINNING.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", line)


def _lines(summary: WeekSummary) -> Iterator[str]:
    yield from (f"# {escaped(summary.title)}", "")
    for note in summary.notes:
        yield from (f"**{escaped(note)}**", "")
    yield from (f"{escaped(summary.headline)} As known on {escaped(summary.as_of_words)}.", "")
    yield from ("## Decisions and what became of them", "")
    yield from _table(decisions_table(summary), NO_DECISIONS)
    yield from ("## Signal", "")
    yield from _news(summary)
    yield from ("## Noise", "", escaped(f"{summary.noise.sentence} {summary.noise.by_chance}"), "")
    yield from _table(figures_table(summary), "")
    yield from ("## The worst member beside each total", "")
    yield from _table(worst_table(summary), summary.no_worst)
    yield from ("## Not known, stale, or resting on little", "")
    yield from _items((f"{one.name}: {'; '.join(one.words)}." for one in summary.unknown), NO_UNKNOWN)
    yield from ("## Cost of waste this week", "", escaped(waste_note(summary)), "")
    yield from _table(waste_table(summary), "")
    yield from ("## What to ask", "")
    yield from _items(summary.questions, NO_QUESTIONS)


def _news(summary: WeekSummary) -> Iterator[str]:
    if not summary.fresh:
        yield from (NO_NEWS, "")
    for number, one in enumerate(summary.fresh, 1):
        yield f"{number}. {escaped(one.sentence)}"
        yield from (f"    * {escaped(more)}" for more in one.besides)
    if summary.fresh:
        yield ""
    if summary.standing:
        yield from (f"{STANDING}:", "")
        yield from _items((" ".join((one.sentence, *one.besides)) for one in summary.standing), "")
    if summary.changes:
        yield from ("Changes registered this week, or judged anew:", "")
        yield from _items((change.in_words for change in summary.changes), "")


def _items(texts: Iterable[str], nothing: str) -> Iterator[str]:
    items = [f"* {escaped(text)}" for text in texts]
    yield from (*(items or [nothing]), "")


def _table(table: Table, nothing: str) -> Iterator[str]:
    if not table.rows:
        if nothing:
            yield from (nothing, "")
        return
    yield _row(table.head)
    yield _row(["---"] * len(table.head), raw=True)
    yield from (_row(row) for row in table.rows)
    yield ""


def _row(cells: Sequence[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(cell if raw else escaped(cell) for cell in cells)} |"
