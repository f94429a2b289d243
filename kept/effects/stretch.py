"""Which weeks speak of a registered change: whole ones before and after it, up to the next change of the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from kept.buckets import WEEK_SECONDS
from kept.indicators.definitions import BY_NAME
from kept.intake import Rules
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from kept.signals.registered import MOVES_WITH_DELIVERY, SAME_THING
from kept.signals.spc import Direction
from kept.signals.weekly import CHARTABLE, CHARTED_AS, LONGEST_AFTERMATH_SECONDS

MOST_BEFORE: Final = 52
"""Weeks before a change that are looked at, at most: what was two years ago says little of what would have been."""
MOST_AFTER: Final = 26
"""Weeks after it, at most: half a year later other things have moved the figure."""
LEAST_BEFORE: Final = 8
LEAST_AFTER: Final = 6
"""Weeks that a verdict takes: see docs/did-it-work.md for what fewer would do."""
AT_ONCE: Final = frozenset({"digital_take_up", "completion_rate", "failure_demand", "cost_per_transaction"})
"""Indicators that a change can move at once. All others are told when a case ends, and the cases that were under way
when the service was changed still end the old way."""
_DELIVERY: Final = next(names for names in SAME_THING if "delivery_time_p50" in names)


class Question(NamedTuple):
    """What a change was to do: move the weekly figure `indicator` `way`."""

    indicator: str
    way: Direction


class Stretch(NamedTuple):
    """The weeks of a change, by time. Gaps and the week of the change itself are in none of them.

    `settling` are the whole weeks after the change in which cases begun before it still end: they count neither way.
    `counts_from` (s) is the end of that. `previous` and `following` are changes of the same thing that end the stretch.
    """

    before: Sequence[ChartWeek]
    settling: Sequence[ChartWeek]
    after: Sequence[ChartWeek]
    counts_from: int
    previous: RegisteredChange | None
    following: RegisteredChange | None


def question(change: RegisteredChange, charted: Iterable[str]) -> Question | None:
    """The weekly figure that answers for `change`, of those that the service has (`charted`); None: there is none.

    That is the one it names; else what is charted in its place; else the same thing counted differently, turned round
    where better is the other way.
    """
    name, way = change.indicator, change.direction
    if name is None or way is None or name not in BY_NAME:
        return None
    there = set(charted)
    same = next((names for names in SAME_THING if name in names), frozenset({name}))
    for candidate in (name, CHARTED_AS.get(name, name), *(other for other in CHARTABLE if other in same)):
        if candidate in there:
            alike = BY_NAME[candidate].better == BY_NAME[name].better
            return Question(candidate, way if alike else ("up" if way == "down" else "down"))
    return None


def touches(change: RegisteredChange, indicator: str) -> bool:
    """Whether `change` may move `indicator`: it names it, or the same thing, or what it moves with, or nothing."""
    name = change.indicator
    if name is None or name == indicator:
        return True
    if name in _DELIVERY and indicator in MOVES_WITH_DELIVERY:
        return True
    return any(name in names and indicator in names for names in SAME_THING)


def stretch(
    change: RegisteredChange,
    indicator: str,
    weeks: Iterable[ChartWeek],
    changes: Iterable[RegisteredChange],
    promised_seconds: int,
) -> Stretch:
    """The weeks of `indicator` that speak of `change`.

    `weeks` are those of its service that are known; `changes` all that are registered for it; `promised_seconds` is how
    long a case of the service should take, 0 where nothing is promised.
    """
    others = [one for one in changes if touches(one, indicator) and one.key() != change.key()]
    previous = max((one for one in others if one.at <= change.at), key=RegisteredChange.key, default=None)
    following = min((one for one in others if one.at > change.at), key=RegisteredChange.key, default=None)
    settles = 0 if indicator in AT_ONCE else min(promised_seconds, LONGEST_AFTERMATH_SECONDS)
    counts_from = change.at + settles
    since = change.at - MOST_BEFORE * WEEK_SECONDS if previous is None else previous.at
    until = None if following is None else following.at
    usable = sorted(
        (
            week
            for week in weeks
            if week.indicator == indicator
            and week.value is not None
            and week.week_start >= since
            and (until is None or week.week_end <= until)
        ),
        key=ChartWeek.key,
    )
    after = [week for week in usable if week.week_start >= counts_from]
    return Stretch(
        before=[week for week in usable if week.week_end <= change.at],
        settling=[week for week in usable if change.at <= week.week_start < counts_from],
        after=after[:MOST_AFTER],
        counts_from=counts_from,
        previous=previous,
        following=following,
    )


def promised_seconds(rules: Rules, at: int) -> int:
    """How long a case that is opened at `at` (s) should take; 0 for a service that promises no time of its own."""
    return 0 if rules.target_ms is None else rules.clock.add(at * 1000, rules.target_ms) // 1000 - at
