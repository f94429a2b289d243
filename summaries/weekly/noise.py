"""The charted figures of a week in one table, and how many of them are noise: moved no more than they usually do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from kept.signals.weekly import CHARTABLE
from summaries import wording
from summaries.gap_words import GAP_WORDS
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.figure_sentences import usual_range
from summaries.weekly.names import plain
from summaries.weekly.news import News

CellState = Literal["usual", "alert", "signal", "unknown", "unjudged", "none"]
"""`usual`: within its range. `alert`: so too, but an alert on it is told of above. `signal`: told of above.
`unknown`: no value. `unjudged`: no range yet, or the week of a registered change. `none`: not charted here."""
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
MARKED_BY_CHANCE: Final = 0.039
MARKED_BY_CHANCE_IN_TRIAL: Final = 0.009
"""Shares of the weeks of a chart in which nothing happens that complete a rule all the same: with a baseline of 12
weeks, and with trial limits. By simulation of normal series; a test holds it."""


class Cell(Struct, frozen=True):
    """A figure: its value in words, its usual range or why there is none, and what it is."""

    text: str
    detail: str
    state: CellState


class FigureRow(Struct, frozen=True):
    """A service and its cells, in step with the columns; `also` are its figures that have no column, with labels."""

    service: str
    name: str
    cells: tuple[Cell, ...]
    also: tuple[tuple[str, Cell], ...]

    @property
    def all_cells(self) -> tuple[Cell, ...]:
        """With a column or without."""
        return (*self.cells, *(cell for _, cell in self.also))


class Noise(Struct, frozen=True, kw_only=True):
    """All charted figures: in columns those that at least half of the services chart, the others by row.

    `usual` figures moved within their usual range, of `judged` that have one. `sentence` says so, `by_chance` how
    many marks chance alone makes.
    """

    usual: int
    judged: int
    sentence: str
    by_chance: str
    columns: tuple[str, ...]
    rows: tuple[FigureRow, ...]


def noise_of(services: Sequence[ServiceWeek], news: Sequence[News]) -> Noise:
    """All charted figures; those that `news` tells of are not noise."""
    told = {(one.service, one.chart): one.is_marked for one in news}
    charted = Counter(name for facts in services for name in facts.charts)
    order = {name: place for place, name in enumerate(CHARTABLE)}
    names = sorted(charted, key=lambda name: (order.get(name, len(order)), name))
    most = sum(bool(facts.charts) for facts in services)
    columns = [name for name in names if 2 * charted[name] >= most]
    rows = tuple(_row(facts, columns, [name for name in names if name not in columns], told) for facts in services)
    states = [cell.state for row in rows for cell in row.all_cells]
    usual = states.count("usual")
    judged = usual + states.count("signal") + states.count("alert")
    return Noise(
        usual=usual,
        judged=judged,
        sentence=_sentence(usual, judged),
        by_chance=_by_chance(services),
        columns=tuple(LABELS.get(name, wording.label(name)) for name in columns),
        rows=rows,
    )


def _row(
    facts: ServiceWeek, columns: Sequence[str], others: Sequence[str], told: Mapping[tuple[str, str | None], bool]
) -> FigureRow:
    def cell(name: str) -> Cell:
        return _cell(facts, name, told.get((facts.service.id, name)))

    also = tuple((LABELS.get(name, wording.label(name)), cell(name)) for name in others if name in facts.charts)
    return FigureRow(facts.service.id, plain(facts.service.name), tuple(map(cell, columns)), also)


def _cell(facts: ServiceWeek, indicator: str, told: bool | None) -> Cell:
    """`told`: whether what is told of it above is a mark of the chart; None when nothing is."""
    if indicator not in facts.charts:
        return Cell("–", "", "none")
    week = facts.chart_week(indicator)
    if week is None:
        return Cell("not known", "this week is not on its chart", "unknown")
    if week.value is None:
        return Cell("not known", "no value" if week.gap is None else GAP_WORDS[week.gap], "unknown")
    value = wording.quantity(week.value, week.unit)
    if told:
        return Cell(value, "signal: see above", "signal")
    if week.mixed:
        return Cell(value, "week of a change: not judged", "unjudged")
    if week.mean is None:
        return Cell(value, "no range yet", "unjudged")
    usual = f"{usual_range(week)}{', trial' if week.trial else ''}"
    return Cell(value, usual, "usual") if told is None else Cell(value, f"{usual}; alert: see above", "alert")


def _by_chance(services: Sequence[ServiceWeek]) -> str:
    weeks = [week for facts in services for name in facts.charts if (week := facts.chart_week(name)) is not None]
    judged = [week for week in weeks if week.value is not None and week.mean is not None and not week.mixed]
    expected = sum(MARKED_BY_CHANCE_IN_TRIAL if week.trial else MARKED_BY_CHANCE for week in judged)
    if not judged:
        return ""
    charts = "this one chart" if len(judged) == 1 else f"these {len(judged)} charts"
    if expected >= 1:
        return f"Chance alone marks about {expected:.0f} of {charts} each week."
    return f"Chance alone makes a mark on {charts} about every {1 / expected:.0f} weeks."


def _sentence(usual: int, judged: int) -> str:
    if not judged:
        return "No figure has a usual range yet, so nothing can be called noise."
    other = "other " if usual < judged else ""
    if usual == 1:
        return f"1 {other}figure moved within its usual range: noise. It needs no explanation."
    if not usual:
        return "No other figure moved within its usual range."
    return f"{usual} {other}figures moved within their usual range: noise. None of them needs an explanation."
