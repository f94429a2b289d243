"""The weeks of a service's control charts as the history keeps them: one record for each week, with the limits and the
mark that it had when it was the newest. `kept.signals.chart_history` makes them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kept.indicators.definition import Better
from kept.signals.spc import BASELINE, Direction, Meaning, Rule

Gap = Literal["no_data", "settling", "source_silent", "after_silence", "short_week"]
"""Why a week is no point. `no_data`: nothing to make the figure of. `settling`: cases that began before the data do are
not known, and slow ones have not ended yet. `source_silent`: the service's system told nothing for longer than it ever
should, and has not told it since. `after_silence`: cases of which the beginning or the end was lost in a silence
are still under way. `short_week`: the service counts in working time, and was open for less than nine tenths of its
usual hours (`kept.signals.weekly.SHORT_WEEK`)."""


class ChartMark(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first rule, in the label order 1, 3, 4, 2, that a week completed; `since` is the start (s) of the first week
    it rests on."""

    rule: Rule
    direction: Direction
    meaning: Meaning
    since: int


class ChartWeek(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One week (week_start, week_end] (s) of the chart of an indicator; values and limits in `unit`.

    Without a value `gap` says why. `low` and `high` are the value's 95 % interval. `segment` numbers the stretches
    between re-basings, from 0; a `mixed` week has a registered change in it, and no rule looks at it. Mean and limits
    are an XmR chart's of `baseline` weeks, trial limits below 12; all None where the segment has no two weeks yet. At a
    gap they are those of the week before. `p_lower` and `p_upper` are the p-prime limits of a share for as many cases
    as the week has. `target` is that of the promise, on the chart of `promise_kept`.
    """

    service: str
    indicator: str
    week_start: int
    week_end: int
    unit: str
    better: Better
    segment: int
    mixed: bool = False
    value: float | int | None = None
    gap: Gap | None = None
    numerator: float | int | None = None
    denominator: float | int | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    baseline: int = 0
    mean: float | None = None
    lower: float | None = None
    upper: float | None = None
    near_lower: float | None = None
    near_upper: float | None = None
    p_lower: float | None = None
    p_upper: float | None = None
    target: float | None = None
    mark: ChartMark | None = None

    def key(self) -> tuple[str, str, int]:
        """What makes it one week of one chart; writing the same key again overwrites."""
        return self.service, self.indicator, self.week_end

    @property
    def trial(self) -> bool:
        """Whether the limits rest on fewer weeks than a baseline has."""
        return self.mean is not None and self.baseline < BASELINE
