"""The verdict on a registered change, from the weeks that are known. How it is made: docs/did-it-work.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from msgspec import Struct

from kept.buckets import WEEK_SECONDS
from kept.effects.comparison import Comparison, comparison
from kept.effects.placebo import Placebo, placebo
from kept.effects.regression import Estimate, Numbers, has_trend, plain_step, step
from kept.effects.scale import Scale, scale_of
from kept.effects.stretch import LEAST_AFTER, LEAST_BEFORE, Question, Stretch, question, stretch
from kept.indicators.definitions import BY_NAME
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek

LEAST_FOR_TREND: Final = 16
"""Weeks before from which a trend can be told from chance well enough to be taken out."""
LEAST_LEFT: Final = 0.5
"""So much of the step must be left when a trend is taken out that is too uncertain to be sure of, and on the difference
to other services that did not move with this one before."""
Outcome = Literal["worked", "did_not", "too_early", "cannot_tell"]
Reason = Literal[
    "moved_as_expected",
    "moved_the_wrong_way",
    "nothing_worthwhile",
    "few_weeks_after",
    "no_expectation",
    "not_charted",
    "few_weeks_before",
    "changed_again",
    "too_uncertain",
    "as_large_without",
    "maybe_a_trend",
    "others_moved_too",
]
"""Why it is that outcome. `changed_again`: the next change of the same thing came too soon; `as_large_without`: the
figure moved as much at dates when nothing was changed; `maybe_a_trend`: it may have been going that way anyway;
`others_moved_too`: so did the same figure of other services at the same time, though it had not moved with this one."""


class Effect(NamedTuple):
    """What the figure did. Differences are on `scale`: see `Scale.size`.

    `weeks` are those that were counted, the first `before` of them before the change; `without` what each would have
    been without it, in the unit, and `level` that over the weeks after.
    """

    weeks: Sequence[ChartWeek]
    before: int
    without: Sequence[float]
    scale: Scale
    estimate: Estimate
    worthwhile: float
    level: float
    comparison: Comparison
    placebo: Placebo
    beside_trend: float
    """The step when a trend is in the regression, whether or not one can be told from chance."""
    beside_others: float | None
    """The step on the difference to the other services, whether or not they move with this one; None without any."""

    @property
    def size(self) -> tuple[float, float, float]:
        """The effect and its 95 % interval, as shares of the level (`scale.relative`) or in the unit."""
        found = self.estimate
        low, high = self.scale.size(found.low), self.scale.size(found.high)
        return self.scale.size(found.effect), low, high

    @property
    def cases(self) -> tuple[int, int]:
        """How many were counted before and after it; 0 is not known, or a stock, where a case stands in many weeks."""
        if BY_NAME[self.weeks[0].indicator].stock:
            return 0, 0
        before, after = self.weeks[: self.before], self.weeks[self.before :]
        return sum(week.n or 0 for week in before), sum(week.n or 0 for week in after)

    @property
    def became(self) -> float:
        """The level with the change."""
        return self.scale.value(self.scale.of(self.level) + self.estimate.effect)


class Judgement(Struct, frozen=True, kw_only=True):
    """The verdict on `change`, and what it rests on; None is what there was not enough for."""

    change: RegisteredChange
    outcome: Outcome
    reason: Reason
    question: Question | None = None
    stretch: Stretch | None = None
    effect: Effect | None = None

    @property
    def weeks_before(self) -> int:
        """Weeks before that are counted."""
        if self.effect is not None:
            return self.effect.before
        return 0 if self.stretch is None else len(self.stretch.before)

    @property
    def weeks_after(self) -> int:
        """Weeks after that are counted."""
        if self.effect is not None:
            return len(self.effect.weeks) - self.effect.before
        return 0 if self.stretch is None else len(self.stretch.after)

    @property
    def known_from(self) -> int | None:
        """When there will be weeks enough after it (s), if none is a gap; only while it is too early."""
        if self.outcome != "too_early" or self.stretch is None:
            return None
        if self.stretch.after:
            last = self.stretch.after[-1].week_end
        else:
            monday = self.stretch.before[-1].week_end
            last = monday - (monday - self.stretch.counts_from) // WEEK_SECONDS * WEEK_SECONDS
        return last + (LEAST_AFTER - self.weeks_after) * WEEK_SECONDS


def judge(
    change: RegisteredChange,
    weeks: Iterable[ChartWeek],
    others: Mapping[str, Iterable[ChartWeek]],
    changes: Iterable[RegisteredChange],
    *,
    promised_seconds: int = 0,
) -> Judgement:
    """The verdict on `change` as of what is given.

    `weeks` are those of the service's charts that are known, `others` those of other services, by service; `changes`
    are the registered changes of all of them; `promised_seconds` is how long a case of the service should take.
    """
    weeks, changes = list(weeks), list(changes)
    if change.indicator is None:
        return Judgement(change=change, outcome="cannot_tell", reason="no_expectation")
    asked = question(change, {week.indicator for week in weeks})
    if asked is None:
        return Judgement(change=change, outcome="cannot_tell", reason="not_charted")
    own = [one for one in changes if one.service == change.service]
    part = stretch(change, asked.indicator, weeks, own, promised_seconds)
    missing = _too_few(part)
    if missing is not None:
        outcome: Outcome = "too_early" if missing == "few_weeks_after" else "cannot_tell"
        return Judgement(change=change, outcome=outcome, reason=missing, question=asked, stretch=part)
    elsewhere = [one for one in changes if one.service != change.service]
    rest = {service: known for service, known in others.items() if service != change.service}
    found = measure(part, asked, rest, elsewhere)
    outcome, reason = verdict(found, asked)
    return Judgement(change=change, outcome=outcome, reason=reason, question=asked, stretch=part, effect=found)


def measure(
    part: Stretch,
    asked: Question,
    others: Mapping[str, Iterable[ChartWeek]],
    changes: Iterable[RegisteredChange],
) -> Effect:
    """The effect, from a stretch with weeks enough on both sides."""
    known = [*part.before, *part.after]
    scale = scale_of(known[0].unit, [week.value for week in known if week.value is not None])
    beside = comparison(part.before, part.after, others, changes, scale)
    weeks = [week for week in known if week.week_end in beside.values] if beside.used else known
    before = sum(week.week_end <= part.before[-1].week_end for week in weeks)
    raw = [float(week.value) for week in weeks if week.value is not None]
    own = np.array([scale.of(value) for value in raw])
    anyway = np.array([beside.values[week.week_end] for week in weeks]) if beside.used else np.zeros(len(weeks))
    values = own - anyway
    times = np.array([(week.week_end - weeks[0].week_end) / WEEK_SECONDS for week in weeks])
    weights = _weights(values, before, weeks, raw, scale)
    trend = before >= LEAST_FOR_TREND and has_trend(values[:before], times[:before], weights[:before])
    estimate = step(values, times, before, weights, trend=trend)
    without = estimate.without + anyway
    level = scale.value(float(np.average(without[before:], weights=weights[before:])))
    return Effect(
        weeks=weeks,
        before=before,
        without=[scale.value(float(value)) for value in without],
        scale=scale,
        estimate=estimate,
        worthwhile=scale.worthwhile(level, asked.way),
        level=level,
        comparison=beside,
        placebo=placebo(values, times, before, weights, estimate.effect, trend=trend),
        beside_trend=plain_step(values, times, before, weights, trend=True),
        beside_others=_beside_others(weeks, before, beside, scale),
    )


def verdict(found: Effect, asked: Question) -> tuple[Outcome, Reason]:
    """What the effect says of the question."""
    estimate = found.estimate
    low, high = (estimate.low, estimate.high) if asked.way == "up" else (-estimate.high, -estimate.low)
    if high < 0:
        return "did_not", "moved_the_wrong_way"
    if high < found.worthwhile:
        return "did_not", "nothing_worthwhile"
    if low <= 0:
        return "cannot_tell", "too_uncertain"
    if not found.placebo.stands_out:
        return "cannot_tell", "as_large_without"
    if found.beside_trend / estimate.effect < LEAST_LEFT:
        return "cannot_tell", "maybe_a_trend"
    if found.beside_others is not None and found.beside_others / estimate.effect < LEAST_LEFT:
        return "cannot_tell", "others_moved_too"
    return "worked", "moved_as_expected"


def _too_few(part: Stretch) -> Reason | None:
    if len(part.before) < LEAST_BEFORE:
        return "few_weeks_before"
    if len(part.after) < LEAST_AFTER:
        return "few_weeks_after" if part.following is None else "changed_again"
    return None


def _beside_others(weeks: Sequence[ChartWeek], before: int, beside: Comparison, scale: Scale) -> float | None:
    there = [number for number, week in enumerate(weeks) if week.week_end in beside.values]
    if not there:
        return None
    apart = [scale.of(float(weeks[number].value or 0)) - beside.values[weeks[number].week_end] for number in there]
    ones = np.ones(len(there))
    return plain_step(np.array(apart), np.array(there, dtype=float), sum(n < before for n in there), ones, trend=False)


def _weights(values: Numbers, before: int, weeks: Sequence[ChartWeek], raw: Sequence[float], scale: Scale) -> Numbers:
    """A week counts less the more chance moves it, beside what else moves it; all alike where that is not known.

    What else moves it is the spread about the two levels beyond what chance explains (as DerSimonian and Laird, 1986,
    weigh studies).
    """
    known = [scale.variance(value, week.low, week.high) for value, week in zip(raw, weeks, strict=True)]
    chance = np.array([variance for variance in known if variance is not None])
    if len(chance) < len(weeks):
        return np.ones(len(weeks))
    apart = np.concatenate([values[:before] - values[:before].mean(), values[before:] - values[before:].mean()])
    beyond = max(0.0, float(apart @ apart) / (len(values) - 2) - float(chance.mean()))
    weights: Numbers = 1 / (chance + beyond)
    weights /= weights.mean()
    return weights
