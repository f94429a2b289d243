"""The charted figures of a week in one table, and how many of them are noise: moved no more than they usually do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from kept.signals.chart_weeks import ChartWeek
from kept.signals.weekly import CHARTABLE
from summaries import wording
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.figure_sentences import usual_range
from summaries.weekly.names import plain
from summaries.weekly.news import News

CellState = Literal["usual", "signal", "unknown", "unjudged", "none"]
"""`usual`: within its range. `signal`: told of above. `unknown`: no value. `unjudged`: no range yet, or the week of a
registered change. `none`: not charted for this service."""
LABELS: Final = {
    "promise_kept": "Promise kept",
    "delivery_time_closed_p50": "Half closed within",
    "backlog": "Open",
    "satisfaction_score": "Satisfaction score",
    "satisfied_share": "Satisfied",
    "digital_take_up": "Digital",
    "completion_rate": "Completed online",
    "failure_demand": "Failure demand",
    "first_time_right": "Right first time",
    "rework_share": "Rework",
    "cost_per_transaction": "Cost per case",
    "cost_per_outcome": "Cost per outcome",
}
GAP_WORDS: Final = {
    "no_data": "nothing to count",
    "settling": "the first cases cannot have ended yet",
    "source_silent": "the source was silent",
    "after_silence": "cases lost in a silence are still under way",
    "short_week": "short week: closed on a working day",
}


class Cell(Struct, frozen=True):
    """A figure: its value in words, its usual range or why there is none, and what it is."""

    text: str
    detail: str
    state: CellState


class FigureRow(Struct, frozen=True):
    """A service and its cells, in step with the columns."""

    service: str
    name: str
    cells: tuple[Cell, ...]


class Noise(Struct, frozen=True, kw_only=True):
    """`usual` figures moved within their usual range, of `judged` that have one. `sentence` says so."""

    usual: int
    judged: int
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[FigureRow, ...]


def noise_of(services: Sequence[ServiceWeek], news: Sequence[News]) -> Noise:
    """All charted figures; those that `news` tells of are not noise."""
    told = {(one.service, one.chart) for one in news}
    charted = {name for service in services for name in service.charts}
    columns = [name for name in CHARTABLE if name in charted]
    rows = tuple(
        FigureRow(
            facts.service.id,
            plain(facts.service.name),
            tuple(_cell(facts, name, is_told=(facts.service.id, name) in told) for name in columns),
        )
        for facts in services
    )
    states = [cell.state for row in rows for cell in row.cells]
    usual, judged = states.count("usual"), states.count("usual") + states.count("signal")
    return Noise(
        usual=usual,
        judged=judged,
        sentence=_sentence(usual, judged),
        columns=tuple(LABELS.get(name, wording.label(name)) for name in columns),
        rows=rows,
    )


def _cell(facts: ServiceWeek, indicator: str, *, is_told: bool) -> Cell:
    if indicator not in facts.charts:
        return Cell("–", "", "none")
    week = facts.chart_week(indicator)
    if week is None:
        return Cell("not known", "this week is not on its chart", "unknown")
    if week.value is None:
        return Cell("not known", GAP_WORDS.get(week.gap or "", "no value"), "unknown")
    value = wording.quantity(week.value, week.unit)
    if is_told:
        return Cell(value, "signal: see above", "signal")
    if week.mixed:
        return Cell(value, "week of a change: not judged", "unjudged")
    if week.mean is None:
        return Cell(value, "no range yet", "unjudged")
    return Cell(value, f"{usual_range(week)}{_trial(week)}", "usual")


def _trial(week: ChartWeek) -> str:
    return ", trial" if week.trial else ""


def _sentence(usual: int, judged: int) -> str:
    if not judged:
        return "No figure has a usual range yet, so nothing can be called noise."
    other = "other " if usual < judged else ""
    if usual == 1:
        return f"1 {other}figure moved within its usual range: noise. It needs no explanation."
    if not usual:
        return "No other figure moved within its usual range."
    return f"{usual} {other}figures moved within their usual range: noise. None of them needs an explanation."
