"""From a service's control charts to the weeks that the history keeps of them.

A week is judged by what was known of the weeks before it, as the signal of that week was: limits of a beginning
baseline are trial limits from the weeks so far, and a later week never marks an earlier one. So a record changes only
with the figures: by what was told late, by a change registered late, or when a silence becomes known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kept.signals.chart_weeks import ChartMark, ChartWeek
from kept.signals.charts import Chart, ChartPoint, charts, p_prime_of, unit_of
from kept.signals.p_prime import PPrime
from kept.signals.situation import Situation
from kept.signals.spc import BASELINE, Judged, Limits, judge_next, meaning

ChartRow = tuple[Any, ...]


def chart_weeks(situation: Situation) -> list[ChartWeek]:
    """Every whole week of every chart of the service, ordered by `ChartWeek.key()`."""
    found = [week for chart in charts(situation) for week in weeks_of(situation, chart)]
    return sorted(found, key=ChartWeek.key)


def rows_of(chart: Chart) -> Sequence[ChartRow]:
    """What the weeks of a chart are made of, by time: each follows from its own row and those before it."""
    return [(week.figure.week.end, *week.figure[1:], week.segment, week.mixed) for week in chart.weeks]


def weeks_of(situation: Situation, chart: Chart) -> Iterator[ChartWeek]:
    """Every whole week of one chart, by time."""
    promise = situation.service.promise
    shared: dict[str, Any] = {
        "service": situation.service.id,
        "indicator": chart.indicator,
        "unit": unit_of(situation, chart),
        "better": chart.better,
        "target": None if promise is None or chart.indicator != "promise_kept" else promise.target_share,
    }
    stretch = _Stretch(chart, 0)
    for week in chart.weeks:
        if week.segment != stretch.number:
            stretch = _Stretch(chart, week.segment)
        judged = stretch.judge(week)
        figure = week.figure
        yield ChartWeek(
            **shared,
            week_start=figure.week.start,
            week_end=figure.week.end,
            segment=week.segment,
            mixed=week.mixed,
            value=figure.value,
            gap=figure.gap,
            numerator=figure.numerator,
            denominator=figure.denominator,
            n=figure.n,
            low=figure.low,
            high=figure.high,
            **stretch.lines(figure.n),
            mark=None if judged is None else _mark(chart, stretch, judged),
        )


class _Stretch:
    """A segment of a chart, week by week: only what came before is known."""

    def __init__(self, chart: Chart, number: int) -> None:
        self.number = number
        self.points = chart.points_of(number)
        self._possible = chart.possible
        self._is_share = chart.is_share
        self._values: list[float] = []
        self._newest: Judged | None = None
        self._p_prime: PPrime | None = None

    def judge(self, week: ChartPoint) -> Judged | None:
        """What is said of the week when it comes; None for a gap and for a mixed week."""
        value = week.figure.value
        if value is None or week.mixed:
            return None
        self._values.append(value)
        floor, ceiling = self._possible
        self._newest = judge_next(self._values, floor=floor, ceiling=ceiling)
        if self._is_share and len(self._values) <= BASELINE:
            self._p_prime = p_prime_of(self.points[: len(self._values)])
        return self._newest

    def lines(self, n: int | None) -> dict[str, Any]:
        """Mean and limits as of the newest week judged, and the p-prime limits for `n` cases."""
        limits: Limits | None = None if self._newest is None else self._newest.limits
        if self._newest is None or limits is None:
            return {}
        lines: dict[str, Any] = {
            name: getattr(limits, name) for name in ("mean", "lower", "upper", "near_lower", "near_upper")
        }
        lines["baseline"] = self._newest.baseline
        if self._p_prime is not None and n:
            wide = self._p_prime.limits(n)
            lines |= {"p_lower": wide.lower, "p_upper": wide.upper}
        return lines


def _mark(chart: Chart, stretch: _Stretch, judged: Judged) -> ChartMark | None:
    if not judged.fires:
        return None
    fired = judged.fires[0]
    return ChartMark(
        rule=fired.rule,
        direction=fired.direction,
        meaning=meaning(fired.direction, chart.better),
        since=stretch.points[fired.first].figure.week.start,
    )
