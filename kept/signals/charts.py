"""The control charts of a service, and what they say of its newest whole week. How to read one: docs/control-charts.md.

Three signals, by chart: any of the four rules (`chart_signal`, for pages only), a week so much worse that someone
should look (`special_cause`), and one so much better, and nobody has said why (`unexplained_improvement`). Each holds
until the next week is over. A week that is no point raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from kept.indicators.definitions import BY_NAME, Better
from kept.signals.figure_words import figure_words
from kept.signals.grave import FAR, FAR_TWICE, Grave, GravePoint, grave
from kept.signals.p_prime import PPrime, p_prime
from kept.signals.registered import expected, explains_improvement
from kept.signals.situation import Situation
from kept.signals.spc import (
    BASELINE,
    RULE_WORDS,
    Assurance,
    Direction,
    Fired,
    Judged,
    Limits,
    assurance,
    judge_next,
    meaning,
)
from kept.signals.verdict import Verdict
from kept.signals.weekly import CHARTED_AS, WeekFigure, weekly_figures

EXPLAINED_WEEKS: Final = 4
"""A registered change accounts for an improvement that begins in its own week or one of so many after it."""
POINTS_SHOWN: Final = 26
"""Weeks in the evidence of an active signal at most."""


class ChartPoint(NamedTuple):
    """A week of a chart, with a value or a gap. `segment` numbers the stretches between re-basings.

    A week in which a change of the charted thing was registered is `mixed`, partly before and partly after it: it
    is numbered with the stretch after it, and no rule looks at it.
    """

    figure: WeekFigure
    segment: int
    mixed: bool


class Chart(NamedTuple):
    """One indicator's chart as of a moment.

    `points` are the comparable weeks; `weeks` has the gaps as well, in step with `figures`. `newest` is what the rules
    say of the newest week, None when it is a gap or mixed. `p_prime` is the chart for varying denominators, of the same
    baseline; shares only.
    `way` is where the change that began the newest segment was to move the figure; None in the first segment.
    """

    indicator: str
    better: Better
    figures: Sequence[WeekFigure]
    weeks: Sequence[ChartPoint]
    points: Sequence[ChartPoint]
    newest: Judged | None
    p_prime: PPrime | None
    way: Direction | None

    @property
    def is_share(self) -> bool:
        """Whether values are shares from 0 to 1."""
        return BY_NAME[self.indicator].unit == "share"

    @property
    def segment(self) -> list[ChartPoint]:
        """The points of the newest segment that rules look at."""
        return self.points_of(self.points[-1].segment if self.points else 0)

    @property
    def possible(self) -> tuple[float, float]:
        """The range of possible values, to which limits are clipped."""
        return (0.0, 1.0) if self.is_share else (float("-inf"), float("inf"))

    def points_of(self, segment: int) -> list[ChartPoint]:
        """The points of a segment that rules look at."""
        return [point for point in self.points if point.segment == segment and not point.mixed]


def charts(situation: Situation) -> list[Chart]:
    """A chart of each charted indicator of which any week has a value."""
    return situation.once(_charts)


def _charts(situation: Situation) -> list[Chart]:
    drawn = (_chart(name, _better(situation, name), figures) for name, figures in weekly_figures(situation).items())
    return [chart for chart in drawn if chart.points]


def judge(situation: Situation) -> Iterable[Verdict]:
    """What the charts say of the newest whole week."""
    for chart in charts(situation):
        yield _chart_signal(situation, chart)
        if BY_NAME[chart.indicator].stock or chart.better == "neutral":
            # A backlog of one week is made of that of the week before: distances in sigma say nothing of it.
            continue
        yield from _grave_signals(situation, chart)


def unit_of(situation: Situation, chart: Chart) -> str:
    """The unit of a chart's values; money in the service's currency."""
    costs = situation.service.costs
    return BY_NAME[chart.indicator].unit.replace("money", costs.currency if costs is not None else "money")


def p_prime_of(points: Sequence[ChartPoint]) -> PPrime | None:
    """The p-prime chart of these points of a share, as a baseline; None for fewer than two that have counts."""
    counts = [(point.figure.numerator, point.figure.denominator) for point in points]
    usable = [(a, n) for a, n in counts if isinstance(a, int) and isinstance(n, int) and 0 <= a <= n and n > 0]
    return p_prime(usable)


def _better(situation: Situation, name: str) -> Better:
    improvement = situation.service.improvement
    names = (name, *(other for other, charted in CHARTED_AS.items() if charted == name))
    return next(improvement[other] for other in names if other in improvement)


def _chart(name: str, better: Better, figures: Sequence[WeekFigure]) -> Chart:
    weeks: list[ChartPoint] = []
    segment, way, mixed_before = 0, None, False
    for figure in figures:
        changed = expected(figure.week.tally, name)
        if changed is not None:
            way = changed
            segment += not mixed_before
        mixed_before = changed is not None
        weeks.append(ChartPoint(figure, segment, mixed_before))
    points = [week for week in weeks if week.figure.value is not None]
    chart = Chart(name, better, figures, weeks, points, None, None, way)
    own = chart.segment
    is_judged = bool(figures) and bool(own) and own[-1].figure is figures[-1]
    values = [_value(point) for point in own]
    floor, ceiling = chart.possible
    return chart._replace(
        newest=judge_next(values, floor=floor, ceiling=ceiling) if is_judged else None,
        p_prime=p_prime_of(own[:BASELINE]) if chart.is_share else None,
    )


def _chart_signal(situation: Situation, chart: Chart) -> Verdict:
    newest = chart.newest
    verdict = _verdict(situation, chart, "chart_signal", active=newest is not None and bool(newest.fires))
    if newest is None or not newest.fires or newest.limits is None:
        return verdict
    fired = newest.fires[0]
    last = chart.segment[-1].figure
    line = _line(newest.limits, fired)
    unit = unit_of(situation, chart)
    said = {
        1: f"{'above the upper' if fired.direction == 'up' else 'below the lower'} limit {figure_words(line, unit)}",
        2: f"{RULE_WORDS[2]} ({'above' if fired.direction == 'up' else 'below'})",
        3: f"{RULE_WORDS[3]} ({'rising' if fired.direction == 'up' else 'falling'})",
        4: f"{RULE_WORDS[4]} ({'above' if fired.direction == 'up' else 'below'} {figure_words(line, unit)})",
    }[fired.rule]
    mean = f"mean {figure_words(newest.limits.mean, unit)} of {newest.baseline} weeks"
    meant = meaning(fired.direction, chart.better)
    return msgspec.structs.replace(
        verdict,
        since=chart.segment[fired.first].figure.week.start,
        completed_by=last.week.end,
        expected=line,
        words=f"{_was(situation, chart, last)}: {said}; {mean}{' (trial limits)' if newest.trial else ''}; {meant}",
        test=f"XmR of {newest.baseline} weeks, rule {fired.rule}: {RULE_WORDS[fired.rule]}",
        evidence={
            **_evidence(situation, chart),
            "rules": [one.rule for one in newest.fires],
            "direction": fired.direction,
            "meaning": meant,
        },
    )


def _grave_signals(situation: Situation, chart: Chart) -> Iterator[Verdict]:
    found = _grave(chart)
    for signal, meant in (("special_cause", "concern"), ("unexplained_improvement", "improvement")):
        if found is None or meaning(found.direction, chart.better) != meant or _is_explained(chart, found):
            yield _verdict(situation, chart, signal, active=False)
        else:
            yield _grave_verdict(situation, chart, signal, found)


def _grave(chart: Chart) -> Grave | None:
    """Whether the newest week, or it and the one before, is grave. None when the newest week is a gap."""
    if not chart.points or chart.points[-1].figure is not chart.figures[-1]:
        return None
    return grave([_grave_point(point) for point in chart.points])


def _grave_point(point: ChartPoint) -> GravePoint:
    figure = point.figure
    margin = None if figure.low is None or figure.high is None else (figure.high - figure.low) / 2
    return GravePoint(_value(point), figure.n or 0, margin, point.segment, point.mixed)


def _is_explained(chart: Chart, found: Grave) -> bool:
    """Whether a registered change said that this would come."""
    if not found.settled and chart.way == found.direction:
        return True
    if meaning(found.direction, chart.better) != "improvement":
        return False
    began = _began(chart, found)
    around = [figure.week.tally for figure in chart.figures[max(0, began - EXPLAINED_WEEKS) : began + 1]]
    return explains_improvement(around, chart.indicator)


def _began(chart: Chart, found: Grave) -> int:
    """The index among the figures of the first of those weeks, up to the newest, that are all a half-width away."""
    began = len(chart.figures) - 1
    sign = 1 if found.direction == "up" else -1
    for place in range(began, -1, -1):
        value = chart.figures[place].value
        if value is None:
            continue
        if sign * (value - found.mean) <= found.half:
            break
        began = place
    return began


def _grave_verdict(situation: Situation, chart: Chart, signal: str, found: Grave) -> Verdict:
    last = chart.points[-1].figure
    unit = unit_of(situation, chart)
    away = f"{found.times:.1f} half-widths {'above' if found.direction == 'up' else 'below'} the mean"
    compared = f"{figure_words(found.mean, unit)} of {found.weeks} weeks (half-width {figure_words(found.half, unit)})"
    return msgspec.structs.replace(
        _verdict(situation, chart, signal, active=True),
        since=chart.figures[_began(chart, found)].week.start,
        expected=found.mean + found.half * (1 if found.direction == "up" else -1),
        words=f"{_was(situation, chart, last)}: {away} {compared}{', for the second week' if found.both else ''}",
        test=f"{f'two weeks {FAR_TWICE:g}' if found.both else f'one week {FAR:g}'} half-widths from the mean",
        evidence={
            **_evidence(situation, chart),
            "mean": found.mean,
            "half_width": found.half,
            "half_widths_away": found.times,
            "weeks_compared": found.weeks,
            "direction": found.direction,
        },
    )


def _verdict(situation: Situation, chart: Chart, signal: str, *, active: bool) -> Verdict:
    newest = chart.figures[-1]
    if newest.value is None:
        words = f"{chart.indicator}: no comparable week to {_day(situation, newest.week.end)} ({newest.gap})"
    else:
        words = f"{_was(situation, chart, newest)}: nothing unusual"
    return Verdict(
        service=situation.service.id,
        signal=signal,
        about=chart.indicator,
        at=situation.at,
        active=active,
        value=newest.value,
        cases=newest.n,
        words=words,
    )


def _evidence(situation: Situation, chart: Chart) -> dict[str, Any]:
    """The chart in JSON values: every point with its n, gaps with their reason, the limits of each kind."""
    own = chart.segment
    first, last = (own[0].figure, own[-1].figure) if own else (None, chart.points[-1].figure)
    shown = [
        {"week_to": _day(situation, f.week.end), "value": f.value, "n": f.n}
        if f.value is not None
        else {"week_to": _day(situation, f.week.end), "gap": f.gap}
        for f in chart.figures[-POINTS_SHOWN:]
    ]
    evidence: dict[str, Any] = {"points": shown, "unit": unit_of(situation, chart)}
    if first is not None:
        evidence["segment_start"] = _day(situation, first.week.start + 1)
    if chart.newest is not None and chart.newest.limits is not None:
        evidence["xmr"] = _as_json(chart.newest.limits)
        evidence["baseline_weeks"] = chart.newest.baseline
        evidence["trial"] = chart.newest.trial
        if (met := _assurance(situation, chart, chart.newest.limits)) is not None:
            evidence["assurance"] = met
    if chart.p_prime is not None and last.n:
        evidence["p_prime"] = _as_json(chart.p_prime.limits(last.n))
    return evidence


def _assurance(situation: Situation, chart: Chart, limits: Limits) -> Assurance | None:
    promise = situation.service.promise
    if chart.indicator != "promise_kept" or promise is None:
        return None
    return assurance(limits, promise.target_share, chart.better)


def _as_json(limits: Limits) -> dict[str, float]:
    return {name: getattr(limits, name) for name in ("mean", "lower", "upper", "near_lower", "near_upper")}


def _line(limits: Limits, fired: Fired) -> float:
    """The line of the chart that a rule is about."""
    if fired.rule == 1:
        return limits.upper if fired.direction == "up" else limits.lower
    if fired.rule == 4:
        return limits.near_upper if fired.direction == "up" else limits.near_lower
    return limits.mean


def _was(situation: Situation, chart: Chart, figure: WeekFigure) -> str:
    assert figure.value is not None
    value = figure_words(figure.value, unit_of(situation, chart))
    return f"{chart.indicator} was {value} in the week to {_day(situation, figure.week.end)} (n {figure.n})"


def _day(situation: Situation, end: int) -> str:
    """The local date of the last day before `end` (s)."""
    return datetime.fromtimestamp(end - 1, situation.service.zone).date().isoformat()


def _value(point: ChartPoint) -> float:
    assert point.figure.value is not None
    return point.figure.value
