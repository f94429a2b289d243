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
from kept.signals.verdict import chance_in_words
from summaries.wording import NBSP

LABEL: Final = 12
LINES: Final = frozenset({"mean", "half_width", "lower", "upper", "near_lower", "near_upper"})
"""Numbers of a chart's evidence that are in the unit of its figures."""
_Lines = tuple[float | None, float | None, float | None]
_NO_LINES: Final[_Lines] = (None, None, None)
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
    """Evidence as text; a list `points` of figures with the limits beside it is drawn as a chart in `unit`."""
    rows = chart_rows(evidence)
    if not rows:
        yield from values_in_words(evidence, width)
        return

    def written(value: float) -> str:
        return figure_in_words(value, unit).replace(NBSP, " ")

    def in_unit(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {inner: in_unit(inner, one) for inner, one in value.items()}
        return written(value) if name in LINES and isinstance(value, int | float) else value

    yield from values_in_words(
        {name: in_unit(name, value) for name, value in evidence.items() if name not in ("points", "unit")}, width
    )
    yield ""
    yield from chart(rows, written, width)


def chart_rows(evidence: Mapping[str, Any]) -> list[Row]:
    """The rows of a chart, with the limits for the newest stretch of points; empty when there are no points to draw.

    A point is an object with a `value`, or with a `gap` that says why it has none, and the day up to which it counts.
    """
    points = evidence.get("points")
    if not isinstance(points, list | tuple) or not all(isinstance(point, Mapping) for point in points):
        return []
    if not any(_number(point, "value") is not None for point in points):
        return []
    lines, start = _lines(evidence), str(evidence.get("segment_start", ""))
    return [
        _row(point, lines if _label_of(point) >= start else _NO_LINES, newest=point is points[-1]) for point in points
    ]


def _row(point: Mapping[str, Any], lines: _Lines, *, newest: bool) -> Row:
    value, n = _number(point, "value"), _number(point, "n")
    low, mean, high = lines
    if value is None:
        note = value_in_words("gap", point.get("gap")).replace("_", " ")
    elif (low is not None and value < low) or (high is not None and value > high):
        note = "outside the limits"
    else:
        note = "raised by this one" if newest else ""
    return Row(
        label=_label_of(point),
        value=value,
        low=low,
        mean=mean,
        high=high,
        cases=None if n is None else round(n),
        note=note,
    )


def _lines(evidence: Mapping[str, Any]) -> _Lines:
    """Lower limit, mean and upper limit: of the chart, else of the comparison that raised it."""
    limits = evidence.get("xmr")
    if isinstance(limits, Mapping):
        return _number(limits, "lower"), _number(limits, "mean"), _number(limits, "upper")
    mean, half = _number(evidence, "mean"), _number(evidence, "half_width")
    if mean is None or half is None:
        return None, mean, None
    return mean - half, mean, mean + half


def _label_of(point: Mapping[str, Any]) -> str:
    return printable(str(point.get("week_to", "")))


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _labelled(name: str, fact: str, width: int) -> Iterator[str]:
    lines = textwrap.wrap(fact, max(40, width - LABEL), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield f"{name if number == 0 else '':<{LABEL}}{line.replace(NBSP, ' ')}"
