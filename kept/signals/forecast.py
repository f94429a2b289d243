"""When will the backlog be more than can be worked off in the promised time, at present rates?

The limit is the catalogue's, else what Little's law gives: what was worked off in the last weeks, times the promised
time, by the promise's own clock; paused cases, whose clock stands still, are then left out. Growth is judged over four
weeks and over the last one, by the test of `kept.signals.backlog_growth`. A pipeline starts empty, and the first weeks
of growth are its filling up: nothing is said before four weeks of a settled service. Weeks in which a source was silent
and never told what happened say nothing either: endings that were lost look like growth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kept import counters as c
from kept.buckets import DAY_SECONDS, LONGEST_DAY_SECONDS
from kept.calendars import parse_opening_hours
from kept.cases import ELAPSED_TIME
from kept.durations import MINUTE_MS, in_words
from kept.intake import Rules
from kept.signals.backlog_growth import Growth, Passing, chance_of_stock, growth, passing
from kept.signals.settling import settled_from
from kept.signals.silences import silences
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Tally

WINDOWS_DAYS = (28, 7)
"""Whole weeks, so that weekends cancel: four for a slow growth, the last one for a sudden one."""
ALPHA = 0.0002
"""Probability of calling a growth that is none, shared by the windows. It is looked at every hour over windows that
overlap: tests state what that makes of it in a quarter."""
LEAST_HORIZON_DAYS = 14
"""A breach so far ahead is worth telling, or as far as the promised time when that is longer."""
_IN: tuple[int, ...] = (c.BACKLOG_ENTERED, c.PAUSED_LEFT)
_OUT: tuple[int, ...] = (c.BACKLOG_LEFT, c.PAUSED_ENTERED)


class Outlook(NamedTuple):
    """What one window says. `limit` in cases; `chance` is the smaller of the tests that make it active, None where
    there is none: a limit of the catalogue is passed or not.

    `lost` is the share of the usual opening hours that public holidays took; `growth` is what it would have been had
    they been worked as the others were, since what is left of a holiday is worked off after it.
    """

    growth: Growth
    lost: float
    limit: float
    passing: Passing
    chance: float | None
    is_active: bool


class Flow(NamedTuple):
    """What is compared with the limit: counts of the last 28 days of 24 hours, oldest first, and the stock now.

    `ended` are cases that were completed or withdrawn. With a limit of the catalogue `entered` and `left` are those of
    the backlog; else those of open cases that are not paused.
    """

    entered: list[int]
    left: list[int]
    ended: list[int]
    stock: int
    paused: int

    @property
    def stock_of_week(self) -> int:
        """The mean stock at this hour over the last seven days: Mondays are fuller than Fridays."""
        net = [more - less for more, less in zip(self.entered, self.left, strict=True)]
        return round(sum(self.stock - sum(net[len(net) - ago :]) for ago in range(7)) / 7)


def judge(situation: Situation) -> Iterator[Verdict]:
    """`backlog_breach_ahead` of the service; nothing without a limit, or while it is too young to tell."""
    rules = situation.rules
    if rules.service.backlog_limit is None and rules.target_ms is None:
        return
    settled = settled_from(situation, of_cases=True)
    if settled is None or situation.at < settled + max(WINDOWS_DAYS) * DAY_SECONDS:
        return
    flow = _flow(situation)
    horizon = _horizon_days(rules, situation.at)
    lost_until = max((span.end for span in silences(situation)), default=0)
    told = [days for days in WINDOWS_DAYS if situation.at - days * DAY_SECONDS >= lost_until]
    outlooks = [one for days in told if (one := _outlook(flow, days, horizon, situation)) is not None]
    if outlooks:
        active = [one for one in outlooks if one.is_active]
        yield _verdict(
            min(active, key=lambda one: one.chance or 0.0) if active else outlooks[0], flow, horizon, situation
        )


def _flow(situation: Situation) -> Flow:
    start, at = situation.at - max(WINDOWS_DAYS) * DAY_SECONDS, situation.at
    by_day: list[Tally] = [{} for _ in range(max(WINDOWS_DAYS))]
    for day_end, day in situation.tallies.days(situation.whole.series).items():
        if start < day_end and day_end - LONGEST_DAY_SECONDS < at:
            for bucket, tally in day.buckets.items():
                if start < bucket.end <= at:
                    counted = by_day[(bucket.end - start - 1) // DAY_SECONDS]
                    for number in (*_IN, *_OUT):
                        counted[number] = counted.get(number, 0) + tally.get(number, 0)
    view = situation.whole.view("28d")
    paused = view.stock(c.PAUSED_ENTERED, c.PAUSED_LEFT)
    entering, leaving, stock = _IN, _OUT, view.stock(c.BACKLOG_ENTERED, c.BACKLOG_LEFT)
    if situation.service.backlog_limit is None:
        stock -= paused
    else:
        entering, leaving = _IN[:1], _OUT[:1]
    return Flow(
        entered=[sum(counted.get(number, 0) for number in entering) for counted in by_day],
        left=[sum(counted.get(number, 0) for number in leaving) for counted in by_day],
        ended=[counted.get(c.BACKLOG_LEFT, 0) for counted in by_day],
        stock=stock,
        paused=paused,
    )


def _outlook(flow: Flow, days: int, horizon: float, situation: Situation) -> Outlook | None:
    """What the last `days` say; None when it was closed on all of them."""
    rules = situation.rules
    lost = _lost(situation, days)
    if lost >= 1:
        return None
    seen = growth(flow.entered, flow.left, days)
    seen = seen._replace(left=round(seen.left / (1 - lost)))
    limit, of_stock = situation.service.backlog_limit, 1.0
    if limit is not None:
        worked_off = float(limit)
        if flow.stock > limit:
            of_stock = 0.0
    else:
        assert rules.target_ms is not None
        open_ms = rules.clock.between((situation.at - days * DAY_SECONDS) * 1000, situation.at * 1000)
        ended = sum(flow.ended[-days:])
        if rules.clock is ELAPSED_TIME:  # a clock of working time stands still on a holiday anyway
            ended = round(ended / (1 - lost))
        worked_off = ended * rules.target_ms / open_ms
        if flow.stock > worked_off:
            share = rules.target_ms / (rules.target_ms + open_ms)
            of_stock = chance_of_stock(min(flow.stock, flow.stock_of_week), ended, share, seen.dispersion)
    ahead = passing(worked_off - flow.stock, seen)
    alpha = ALPHA / len(WINDOWS_DAYS)
    is_growing = seen.chance < alpha and ahead.central is not None and ahead.central <= horizon
    is_passed = of_stock < alpha and seen.per_day >= 0
    chance: float | None = seen.chance
    if is_passed:
        chance = None if limit is not None else min(of_stock, seen.chance if is_growing else 1.0)
    return Outlook(seen, lost, worked_off, ahead, chance, is_growing or is_passed)


def _lost(situation: Situation, days: int) -> float:
    """The share of the usual opening hours of the last `days` in which the service was closed for public holidays."""
    tables, calendar = situation.service.calendar, situation.rules.calendar
    if tables is None or calendar is None:
        return 0.0
    hours = [parse_opening_hours(text) for text in tables.opening_hours.values()]
    usual_ms = sum(closes - opens for opens, closes in hours) * MINUTE_MS * days // 7
    open_ms = calendar.between((situation.at - days * DAY_SECONDS) * 1000, situation.at * 1000)
    return max(0.0, 1 - open_ms / usual_ms)


def _horizon_days(rules: Rules, at: int) -> float:
    promised = 0 if rules.target_ms is None else rules.clock.add(at * 1000, rules.target_ms) / 1000 - at
    return max(LEAST_HORIZON_DAYS, promised / DAY_SECONDS)


def _verdict(one: Outlook, flow: Flow, horizon: float, situation: Situation) -> Verdict:
    seen, at = one.growth, situation.at
    low, high = seen.interval
    return Verdict(
        service=situation.service.id,
        signal="backlog_breach_ahead",
        about="backlog",
        at=at,
        active=one.is_active,
        since=at - seen.days * DAY_SECONDS if one.is_active else None,
        value=flow.stock,
        expected=one.limit,
        cases=seen.entered + seen.left,
        chance=one.chance,
        words=_words(one, flow, situation),
        test=(
            f"conditional test of two Poisson counts, dispersion {seen.dispersion:.2f}, alpha {ALPHA} over "
            f"{' and '.join(map(str, WINDOWS_DAYS))} d; breach within {horizon:.0f} d"
        ),
        evidence={
            "limit": one.limit,
            "limit_is": "catalogue" if situation.service.backlog_limit is not None else "promise",
            "backlog": flow.stock,
            "paused": flow.paused,
            "window_days": seen.days,
            "opening_hours_lost": one.lost,
            "entered": seen.entered,
            "left": seen.left,
            "entered_by_day": flow.entered,
            "left_by_day": flow.left,
            "dispersion": seen.dispersion,
            "growth_per_day": {"value": seen.per_day, "low": low, "high": high},
            "days_to_breach": dict(
                zip(("earliest", "central", "latest"), one.passing, strict=True)
            ),
            "horizon_days": horizon,
        },
    )  # fmt: skip


def _words(one: Outlook, flow: Flow, situation: Situation) -> str:
    seen, rules = one.growth, situation.rules
    rates = f"{_rate(seen.entered, seen.days)} in, {_rate(seen.left, seen.days)} out a day over {seen.days} days"
    if one.lost:
        rates += ", public holidays taken for usual days"
    limit = f"{one.limit:,.0f}"
    if situation.service.backlog_limit is not None:
        limit += ", its limit in the catalogue"
    elif rules.target_ms is not None:
        kind = "" if rules.clock is ELAPSED_TIME else " of working time"
        limit += f", what can be worked off in the promised {in_words(rules.target_ms)}{kind}"
    stock = f"the backlog of {flow.stock:,}"
    if flow.paused and situation.service.backlog_limit is None:
        stock += f" (besides {flow.paused:,} paused)"
    start = f"At present rates ({rates}) {stock}"
    ahead = one.passing
    if flow.stock > one.limit:
        return f"{start} is above {limit}, and {'grows' if seen.per_day > 0 else 'does not grow'}"
    if ahead.central is None or not one.is_active:
        return f"{start} is not about to pass {limit}"
    return f"{start} passes {limit}, in {ahead.central:.0f} days ({_span(ahead)})"


def _span(ahead: Passing) -> str:
    earliest = "?" if ahead.earliest is None else f"{ahead.earliest:.0f}"
    return f"{earliest} or more" if ahead.latest is None else f"{earliest} to {ahead.latest:.0f}"


def _rate(count: int, days: int) -> str:
    return f"{count / days:,.0f}" if count >= 10 * days else f"{count / days:.1f}"
