"""The whole evidence of a signal as text: the sentence, the test, counts as tables, series as a chart, the answers.

Evidence is JSON of many shapes, also of versions to come: what is not known here is printed as it is, as a table.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from alert_rules.options import RuleOptions
from command_line.alerts_in_words import (
    answer_in_words,
    chance_in_words,
    figure_in_words,
    figures_in_words,
    kind_of,
    quiet_in_words,
    seconds_raised,
    shown,
    since,
    unit_of,
)
from command_line.evidence_values import value_in_words, values_in_words
from command_line.letters_in_words import printable
from command_line.text_chart import Row, chart
from kept.durations import in_words
from kept.signals.answers import UNANSWERED, answers
from kept.signals.raised import Raised, Response
from summaries.wording import NBSP

LABEL: Final = 12
LATE: Final = 6 * 3600
"""A signal told so much (s) after it was raised was raised while a worker caught up, or by a replay."""


def why_in_words(raised: Raised, as_of: int, responses: Sequence[Response], width: int) -> Iterator[str]:
    """Everything that is known of a signal, as text of `width` columns; its data are known up to `as_of` (s)."""
    kind, verdict = kind_of(raised), raised.verdict
    about = f" · {printable(verdict.about)}" if verdict.about else ""
    yield f"{kind.severity.upper()}  {raised.id}  {verdict.service} · {verdict.signal}{about}"
    yield from textwrap.wrap(kind.summary, width)
    if verdict.words:
        yield ""
        yield from textwrap.wrap(printable(verdict.words), width)
    yield ""
    lasted = in_words(seconds_raised(raised, as_of) * 1000)
    late = raised.told_at - raised.raised_at
    caught_up = f", {in_words(late * 1000)} later: while catching up" if late > LATE else ""
    facts = {
        "since": f"{shown(since(raised))}, for {lasted}",
        "raised": shown(raised.raised_at),
        "told": shown(raised.told_at) + caught_up,
        "ended": "" if raised.ended_at is None else shown(raised.ended_at),
        "state": quiet_in_words(raised),
        "seen": ", ".join(figures_in_words(raised)),
        "cases": "" if verdict.cases is None else f"{verdict.cases:,}",
        "how sure": chance_in_words(verdict.chance)
        + ("" if verdict.chance is None else f", if all were well (p {verdict.chance:.2g})"),
        "test": printable(verdict.test),
        "first": kind.first,
        "runbook": RuleOptions().runbook(kind.alert) if kind.alert else "",
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


def evidence_in_words(evidence: Mapping[str, Any], unit: str, width: int) -> Iterator[str]:
    """Evidence as text; a list `points` of figures with their limits is drawn as a chart in `unit`."""
    rows = chart_rows(evidence.get("points"))
    rest = {name: value for name, value in evidence.items() if not (rows and name == "points")}
    yield from values_in_words(rest, width)
    if rows:
        yield ""
        yield from chart(rows, lambda value: figure_in_words(value, unit).replace(NBSP, " "), width)


def chart_rows(points: Any) -> list[Row]:
    """The rows of a chart; empty when `points` are none with figures."""
    if not isinstance(points, list | tuple) or not points:
        return []
    if not all(isinstance(point, Mapping) and "value" in point for point in points):
        return []
    return [
        Row(
            label=_label_of(point),
            value=_number(point, "value"),
            mean=_number(point, "mean", "centre", "expected"),
            low=_number(point, "low", "lower"),
            high=_number(point, "high", "upper"),
            cases=None if _number(point, "n", "cases") is None else round(_number(point, "n", "cases") or 0),
            note=value_in_words("rules", point["rules"]) if point.get("rules") else "",
        )
        for point in points
    ]


def _label_of(point: Mapping[str, Any]) -> str:
    for name in ("week", "week_start", "start", "week_end", "end", "at", "day"):
        if name in point:
            return value_in_words(name, point[name]).removesuffix(" 00:00 UTC")
    return ""


def _number(point: Mapping[str, Any], *names: str) -> float | None:
    found = (point[name] for name in names if isinstance(point.get(name), int | float))
    return next(found, None)


def _labelled(name: str, fact: str, width: int) -> Iterator[str]:
    lines = textwrap.wrap(fact, max(40, width - LABEL), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield f"{name if number == 0 else '':<{LABEL}}{line.replace(NBSP, ' ')}"
