"""The control chart beside a sentence: its picture, its alternative text and its weeks as a table."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.catalogue import Service
from kept.signals.chart_weeks import ChartWeek
from kept.signals.spc import RULE_WORDS
from summaries import wording
from summaries.gap_words import GAP_WORDS
from summaries.pictures.control_chart import control_chart
from summaries.vega import Spec, Theme
from summaries.weekly.facts import WeekFacts
from summaries.weekly.figure_sentences import usual_range
from summaries.weekly.names import plain
from summaries.weekly.noise import LABELS
from summaries.weekly.summary import WeekSummary

MOST_WEEKS: Final = 26
WIDTH: Final = 340
HEIGHT: Final = 250
HEAD: Final = ("Week to", "Value", "n", "Mean", "Range", "Mark")


class SummaryChart(Struct, frozen=True, kw_only=True):
    """A chart of the summary. `alt` says in words what the picture shows; `rows` are its weeks, under `HEAD`."""

    service: str
    indicator: str
    title: str
    alt: str
    weeks: tuple[ChartWeek, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """A name for files and parts of a message: its service and indicator."""
        return f"{self.service}-{self.indicator}"


def charts_of(facts: WeekFacts, summary: WeekSummary) -> tuple[SummaryChart, ...]:
    """The charts that the summary shows, in its order."""
    by_id = {one.service.id: one for one in facts.services}
    found = []
    for service, indicator in summary.charts:
        weeks = tuple(by_id[service].charts[indicator][-MOST_WEEKS:])
        news = next(one for one in summary.news if (one.service, one.chart) == (service, indicator))
        found.append(summary_chart(by_id[service].service, weeks, news.sentence))
    return tuple(found)


def summary_chart(service: Service, weeks: Sequence[ChartWeek], sentence: str) -> SummaryChart:
    """A chart with its texts; `weeks` are of one indicator, by time, and end with the week that is told of."""
    label = LABELS.get(weeks[-1].indicator, wording.label(weeks[-1].indicator))
    return SummaryChart(
        service=service.id,
        indicator=weeks[-1].indicator,
        title=f"{plain(service.name, 40)}: {label.lower()}",
        alt=f"Control chart by week, {len(weeks)} weeks to {_day(weeks[-1], service.zone)}. {sentence}",
        weeks=tuple(weeks),
        rows=tuple(_row(week, service.zone) for week in weeks),
    )


def picture(chart: SummaryChart, zone: ZoneInfo, theme: Theme) -> Spec:
    """The chart as a Vega-Lite specification, of a size for three side by side."""
    return control_chart(chart.weeks, theme, zone=zone, title=chart.title, width=WIDTH, height=HEIGHT)


def _row(week: ChartWeek, zone: ZoneInfo) -> tuple[str, ...]:
    value = "not known" if week.gap is None else GAP_WORDS[week.gap]
    if week.value is not None:
        value = wording.quantity(week.value, week.unit)
    has_range = week.mean is not None and week.lower is not None and week.upper is not None
    return (
        _day(week, zone),
        value,
        "" if week.n is None else wording.number(week.n),
        "" if week.mean is None else wording.quantity(week.mean, week.unit),
        f"{usual_range(week)}{', trial' if week.trial else ''}" if has_range else "none yet",
        "" if week.mark is None else f"{RULE_WORDS[week.mark.rule]}: {week.mark.meaning}",
    )


def _day(week: ChartWeek, zone: ZoneInfo) -> str:
    """The last day of a week."""
    return datetime.datetime.fromtimestamp(week.week_end - 1, zone).date().isoformat()
