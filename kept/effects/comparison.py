"""What would have happened anyway: the same figure of other services, as one series.

The rule: the mean of all services that have the same weekly figure and no change of their own on it meanwhile; none is
picked by how well it fits, since among many some fits by chance. It is taken only where it helps: the weeks before the
change must be steadier as the difference to it than by themselves. Two series that have nothing to do with each other
are noisier together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from kept.effects.regression import Numbers
from kept.effects.scale import Scale
from kept.effects.stretch import LEAST_AFTER, LEAST_BEFORE, touches
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek

LEAST_STEADIER: Final = 0.9
"""The difference must spread at most so much as the figure by itself, in the weeks before."""
LEAST_WEEKS: Final = 0.8
"""Share of the weeks before, and of those after, in which a service must have the figure. Weeks that none has are left
out where the comparison is used."""
Why = Literal["steadier", "no_other", "own_changes", "too_few_weeks", "moves_apart"]
"""`steadier`: it is used. Else why there is none: no other service has the figure; those that have were changed
themselves; they lack it in too many weeks; they do not move with it."""


class Comparison(NamedTuple):
    """`values` by the end of the week (s): how far the other services were from their mean before, on the scale.

    `spread` is that of the weeks before as a difference, divided by that without; None where there is no series.
    """

    why: Why
    services: Sequence[str] = ()
    values: Mapping[int, float] = {}
    spread: float | None = None

    @property
    def used(self) -> bool:
        """Whether the effect is measured on the difference."""
        return self.why == "steadier"


def comparison(
    before: Sequence[ChartWeek],
    after: Sequence[ChartWeek],
    others: Mapping[str, Iterable[ChartWeek]],
    changes: Iterable[RegisteredChange],
    scale: Scale,
) -> Comparison:
    """The series to compare with; `others` are the weeks of other services, by service, of any indicator."""
    indicator, since, until = before[0].indicator, before[0].week_start, after[-1].week_end
    changed = {one.service for one in changes if since <= one.at < until and touches(one, indicator)}
    figures = {
        service: {
            week.week_end: scale.of(week.value)
            for week in weeks
            if week.indicator == indicator and week.value is not None and (week.value > 0 or not scale.relative)
        }
        for service, weeks in sorted(others.items())
    }
    figures = {service: known for service, known in figures.items() if known}
    if not figures:
        return Comparison("no_other")
    own = {service: known for service, known in figures.items() if service not in changed}
    if not own:
        return Comparison("own_changes")
    full = {service: known for service, known in own.items() if _covers(known, before) and _covers(known, after)}
    series = _mean(full, before, after)
    there = [week for week in before if week.week_end in series]
    if len(there) < LEAST_BEFORE or sum(week.week_end in series for week in after) < LEAST_AFTER:
        return Comparison("too_few_weeks")
    plain = np.array([scale.of(week.value) for week in there if week.value is not None])
    spread = _spread(plain - np.array([series[week.week_end] for week in there])) / max(_spread(plain), 1e-12)
    return Comparison("steadier" if spread <= LEAST_STEADIER else "moves_apart", tuple(full), series, spread)


def _covers(known: Mapping[int, float], weeks: Sequence[ChartWeek]) -> bool:
    return sum(week.week_end in known for week in weeks) >= LEAST_WEEKS * len(weeks)


def _mean(
    figures: Mapping[str, Mapping[int, float]], before: Sequence[ChartWeek], after: Sequence[ChartWeek]
) -> dict[int, float]:
    """Each service from its own mean before, so that one that lacks a week makes no jump."""
    usual = {
        service: float(np.mean([known[week.week_end] for week in before if week.week_end in known]))
        for service, known in figures.items()
    }
    series = {}
    for week in (*before, *after):
        there = [known[week.week_end] - usual[service] for service, known in figures.items() if week.week_end in known]
        if there:
            series[week.week_end] = float(np.mean(there))
    return series


def _spread(values: Numbers) -> float:
    return float(np.std(values, ddof=1))
