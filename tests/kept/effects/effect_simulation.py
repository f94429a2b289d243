"""Simulated weeks around a registered change, judged by the real function: how often each verdict is given.

The stream of numpy's RandomState is frozen: every release draws the same.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from scipy import stats

from kept.buckets import WEEK_SECONDS
from kept.effects.judge import Judgement, Outcome, judge, measure, verdict
from kept.effects.regression import Numbers, step
from kept.effects.stretch import Question, stretch
from kept.indicators.intervals import wilson
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek

AT: Final = 4 * 365 * 86_400
"""The change; its week is the one that begins then, and is left out."""
SPREAD_OF_CASES: Final = 0.6
"""Standard deviation of the logarithm of one delivery time."""


class Kind(Struct, frozen=True, kw_only=True):
    """A service and what happens to it.

    `share` None: a median delivery time of two days; else a share that is usually so large. `n` cases a week make
    chance; weeks differ by `beyond` more (standard deviation; of the logarithm for a time), and hang together by
    `correlation`. `effect` is the truth: -0.2 is a fifth less time, 0.06 a share six points higher. `drift` a week, all
    the time, on the same scale. With `others` services beside, `shared` (standard deviation) moves all alike, and
    `shock` moves all from the change on.
    """

    share: float | None = None
    n: int = 300
    beyond: float = 0.05
    correlation: float = 0.0
    effect: float = 0.0
    drift: float = 0.0
    others: int = 0
    shared: float = 0.0
    shock: float = 0.0
    before: int = 20
    after: int = 8

    @property
    def indicator(self) -> str:
        """What is measured."""
        return "delivery_time_closed_p50" if self.share is None else "promise_kept"

    @property
    def chance(self) -> float:
        """Standard deviation that the cases of one week give."""
        if self.share is None:
            return 1.2533 * SPREAD_OF_CASES / math.sqrt(self.n)
        return math.sqrt(self.share * (1 - self.share) / self.n)

    @property
    def true_step(self) -> float:
        """The effect on the scale of the estimate."""
        return math.log1p(self.effect) if self.share is None else self.effect


def change(kind: Kind) -> RegisteredChange:
    """The registered change: faster, or more promises kept."""
    way = "down" if kind.share is None else "up"
    return RegisteredChange(
        service="ours", at=AT, id="0", title="A shorter form", indicator=kind.indicator, direction=way
    )


def series(kind: Kind, dice: np.random.RandomState) -> dict[str, list[ChartWeek]]:
    """Weeks of `ours` and of the others."""
    weeks = kind.before + kind.after
    shared = _noise(dice, 1, weeks, kind.correlation)[0] * kind.shared
    own = _noise(dice, 1 + kind.others, weeks, kind.correlation) * math.hypot(kind.chance, kind.beyond)
    after = np.arange(weeks) >= kind.before
    moves = own + shared + after * kind.shock
    moves[0] += after * kind.true_step + kind.drift * (np.arange(weeks) - kind.before)
    names = ["ours", *(f"other-{number}" for number in range(kind.others))]
    return {name: _weeks(kind, name, line) for name, line in zip(names, moves, strict=True)}


def judged(kind: Kind, dice: np.random.RandomState, until: int | None = None) -> Judgement:
    """The verdict on one simulated change, when `until` weeks after it are known (None: all)."""
    return judge_series(kind, series(kind, dice), until)


def judge_series(kind: Kind, every: Mapping[str, list[ChartWeek]], until: int | None = None) -> Judgement:
    """The verdict on the weeks that are known then."""
    last = None if until is None else kind.before + until
    known = {name: weeks[:last] for name, weeks in every.items()}
    one = change(kind)
    return judge(one, known.pop("ours"), known, [one])


def outcomes(kind: Kind, runs: int, seed: int) -> dict[Outcome, float]:
    """Shares of the verdicts."""
    dice = dice_of(kind, seed)
    found = Counter(judged(kind, dice).outcome for _ in range(runs))
    return {outcome: found[outcome] / runs for outcome in ("worked", "did_not", "too_early", "cannot_tell")}


def of_weeks(kind: Kind, runs: int, seed: int) -> float:
    """How often "worked" would be said of weeks that are too few for a verdict."""
    dice = dice_of(kind, seed)
    asked = Question(kind.indicator, "down" if kind.share is None else "up")
    found = 0
    for _ in range(runs):
        part = stretch(change(kind), kind.indicator, series(kind, dice)["ours"], [], 0)
        found += verdict(measure(part, asked, {}, []), asked)[0] == "worked"
    return found / runs


def significant(kind: Kind, runs: int, seed: int, *, trend: bool) -> float:
    """How often the interval alone says better, from a regression with or without a trend."""
    dice = dice_of(kind, seed)
    weeks = kind.before + kind.after
    found = 0
    for _ in range(runs):
        values = np.log([week.value or 0.0 for week in series(kind, dice)["ours"]])
        found += step(values, np.arange(weeks, dtype=float), kind.before, np.ones(weeks), trend=trend).high < 0
    return found / runs


class Held(NamedTuple):
    """Shares: of "worked", of 95 % intervals that hold the true effect, and of such by t quantiles."""

    worked: float
    interval: float
    by_t: float


def held(kind: Kind, runs: int, seed: int) -> Held:
    """How often "worked" is said, and how often the interval holds the true effect."""
    dice = dice_of(kind, seed)
    worked = ours = plain = 0
    for _ in range(runs):
        found = judged(kind, dice)
        assert found.effect is not None
        estimate = found.effect.estimate
        off = abs(estimate.effect - kind.true_step)
        freedom = kind.before + kind.after - 2 - (estimate.trend is not None)
        worked += found.outcome == "worked"
        ours += off <= estimate.critical * estimate.standard_error
        plain += bool(off <= stats.t.ppf(0.975, freedom) * estimate.standard_error)
    return Held(worked / runs, ours / runs, plain / runs)


def ever_worked(kind: Kind, runs: int, seed: int) -> float:
    """How often "worked" is said at least once when it is asked after every week."""
    dice = dice_of(kind, seed)
    found = 0
    for _ in range(runs):
        every = series(kind, dice)
        found += any(judge_series(kind, every, until).outcome == "worked" for until in range(1, kind.after + 1))
    return found / runs


def dice_of(kind: Kind, seed: int) -> np.random.RandomState:
    """Dice of its own for each kind."""
    return np.random.RandomState(zlib.crc32(f"{seed}/{kind}".encode()))


def _noise(dice: np.random.RandomState, lines: int, weeks: int, correlation: float) -> Numbers:
    """Series with a standard deviation of 1 in which each week carries `correlation` of the one before."""
    noise: Numbers = dice.standard_normal((lines, weeks))
    noise[:, 1:] *= math.sqrt(1 - correlation**2)
    for week in range(1, weeks):
        noise[:, week] += correlation * noise[:, week - 1]
    return noise


def _weeks(kind: Kind, service: str, moves: Numbers) -> list[ChartWeek]:
    return [_week(kind, service, number, float(move)) for number, move in enumerate(moves)]


def _week(kind: Kind, service: str, number: int, move: float) -> ChartWeek:
    gone = number - kind.before + (number >= kind.before)
    start = AT + gone * WEEK_SECONDS
    if kind.share is None:
        value = 2 * 86_400 * math.exp(move)
        low, high = value * math.exp(-1.96 * kind.chance), value * math.exp(1.96 * kind.chance)
    else:
        value = min(1.0, max(0.0, kind.share + move))
        low, high = wilson(round(value * kind.n), kind.n)
    return ChartWeek(
        service=service,
        indicator=kind.indicator,
        week_start=start,
        week_end=start + WEEK_SECONDS,
        unit="seconds" if kind.share is None else "share",
        better="down" if kind.share is None else "up",
        segment=0,
        value=value,
        n=kind.n,
        low=low,
        high=high,
    )
