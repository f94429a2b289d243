"""The whole evidence of a signal as text: the sentence, the test, counts as tables, series as a chart, the answers.

Evidence is JSON of many shapes, also of versions to come: what is not known here is printed as it is, as a table.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from command_line.alerts_in_words import (
    answer_in_words,
    chance_in_words,
    figure_in_words,
    figures_in_words,
    kind_of,
    seconds_raised,
    shown,
    since,
    unit_of,
)
from command_line.letters_in_words import printable
from command_line.text_table import table_lines
from kept.durations import in_words
from kept.signals.answers import UNANSWERED, answers
from kept.signals.raised import Raised, Response
from summaries.wording import NBSP

LABEL: Final = 12


def why_in_words(raised: Raised, as_of: int, responses: Sequence[Response], width: int) -> Iterator[str]:
    """Everything that is known of a signal, as text of `width` columns; `as_of` (s) is up to when its data are known."""
    kind, verdict = kind_of(raised), raised.verdict
    about = f" · {printable(verdict.about)}" if verdict.about else ""
    yield f"{kind.severity.upper()}  {raised.id}  {verdict.service} · {verdict.signal}{about}"
    yield from textwrap.wrap(kind.summary, width)
    if verdict.words:
        yield ""
        yield from textwrap.wrap(printable(verdict.words), width)
    yield ""
    lasted = in_words(seconds_raised(raised, as_of) * 1000)
    told_late = raised.told_at - raised.raised_at
    facts = {
        "since": f"{shown(since(raised))}, {lasted}",
        "raised": shown(raised.raised_at),
        "told": shown(raised.told_at) + (f", {in_words(told_late * 1000)} later: it was caught up" if told_late > LATE else ""),
        "ended": "" if raised.ended_at is None else shown(raised.ended_at),
        "seen": ", ".join(figures_in_words(raised)),
        "cases": "" if verdict.cases is None else f"{verdict.cases:,}",
        "how sure": chance_in_words(verdict.chance)
        + ("" if verdict.chance is None else f", if all were well (p {verdict.chance:.2g})"),
        "test": printable(verdict.test),
        "first": kind.first,
        "runbook": f"{RUNBOOKS}#{kind.alert.lower()}" if kind.alert else "",
        "answers": answer_in_words(answers(responses).get(raised.id, UNANSWERED)),
    }
    for name, fact in facts.items():
        if fact:
            yield from _labelled(name, fact, width)
    for response in sorted(responses, key=lambda one: (one.at, one.says)):
        yield f"{'':<{LABEL}}{shown(response.at)}  {response.says}"
    if verdict.evidence:
        yield ""
        yield from evidence_in_words(verdict.evidence, unit_of(raised), width)


def _labelled(name: str, fact: str, width: int) -> Iterator[str]:
    lines = textwrap.wrap(
        fact, max(40, width - LABEL), break_long_words=False, break_on_hyphens=False
    )
    for number, line in enumerate(lines):
        yield f"{name if number == 0 else '':<{LABEL}}{line.replace(NBSP, ' ')}"
