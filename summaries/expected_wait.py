"""How long people waited, and what somebody who asks today should expect. Pure: published figures in, seconds out.

Both are survival-corrected: people who are still waiting count. Who asks today is told the waits of those who asked in
the last 28 days, and more when the queue has grown since they asked: the growth stands before whoever comes now, and
takes growth / (finished a day) to work off. A queue that shrinks is promised to nobody, and the first weeks of growth,
in which a pipeline that started empty fills up, are no growth. Nothing is extrapolated: where too many are still
waiting, only what it is at least is said, and beside it how many days of work the queue is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from kept.buckets import DAY_SECONDS, STEP_SECONDS
from kept.indicators.point import Point
from kept.intake import Rules
from kept.signals.backlog_growth import Growth
from kept.signals.settling import settled_after
from summaries.service_card import LatestPoints

LEAST_REQUESTS: Final = 30
"""Of fewer requests in 28 days the last 90 days are told."""
GROWTH_CHANCE: Final = 0.01
"""A queue grows when so much more in than out would come by chance as rarely as this."""
LEAST_EXTRA: Final = 0.1
"""Extra time is told from a tenth of the middle wait on."""
NOTICED_SHARE: Final = 1 / 48
"""Of a day: an extra half hour is the least that is told."""
Why = Literal["few_people", "nothing", "too_many_waiting"]
"""Why a time is not known: fewer people than may be shown, nobody asked, or too many of those who asked still wait."""


class Wait(Struct, frozen=True):
    """Times in seconds over `window`: half, three quarters and nine tenths of people waited at most so long.

    None is not known: `why` says it for the middle, and `at_least` is what the middle is at the least. `low` and `high`
    are the 95 % interval of the middle.
    """

    window: str
    half: float | None
    most: float | None
    nine_tenths: float | None
    low: float | None
    high: float | None
    at_least: float | None
    people: int
    why: Why | None


class Queue(Struct, frozen=True):
    """The last 28 days: requests waiting now, days of work they are at today's pace (None: nothing was finished), how
    many were finished a day (None: also while the pipeline may still be filling up, or of a handful of people), and the
    extra seconds by which the queue grew (0: it did not grow beyond chance, nobody would notice, or that may be the
    filling up)."""

    waiting: int | None
    days_of_work: float | None
    finished_a_day: float | None
    extra: float


def waited(latest: LatestPoints, least_people: int) -> Wait:
    """Of those who asked in the last 90 days."""
    return _wait(latest, "90d", least_people)


def expected(latest: LatestPoints, least_people: int) -> Wait:
    """For somebody who asks today: of those who asked in the last 28 days, or 90 where 28 tell too little."""
    recent = _wait(latest, "28d", least_people)
    if recent.half is not None and recent.people >= LEAST_REQUESTS:
        return recent
    longer = _wait(latest, "90d", least_people)
    # Where so many wait that 28 days have no middle yet, older and shorter waits are no answer.
    least = recent.at_least if recent.half is None else None
    outgrown = least is not None and longer.half is not None and least > longer.half
    if longer.half is not None and not outgrown:
        return longer
    return recent if outgrown else max(recent, longer, key=lambda wait: wait.at_least or 0.0)


def is_filling_up(latest: LatestPoints, rules: Rules) -> bool:
    """Whether the last 28 days may be some of those in which the pipeline filled: they do not begin after the moment
    from which `kept.signals.settling` takes a service's cases for known, or when they begin is not known."""
    began, entered = latest.began, latest.of("arrivals", "28d")
    if began is None or entered is None:
        return True
    first_day_end = rules.local_time.ends(began + STEP_SECONDS)[1]
    return entered.window_start < settled_after(first_day_end, rules)


def queue(latest: LatestPoints, middle: float | None, least_people: int, *, is_filling: bool) -> Queue:
    """What waits now, and whether it has grown; `middle` is the wait (s) that growth is set against, `is_filling` what
    `is_filling_up` says.

    The pace is that of `backlog_days`: where data began less than 28 days ago, it is that since then.
    """
    waiting, days = _number(latest.stock("backlog")), _number(latest.stock("backlog_days"))
    shown = None if waiting is None or 0 < waiting < least_people else int(waiting)
    entered, completed, withdrawn = (
        _number(latest.of(name, "28d")) for name in ("arrivals", "completions", "withdrawals")
    )
    pace = latest.of("backlog_days", "28d")
    finished_a_day = None if pace is None or pace.value is None else pace.denominator
    if is_filling or entered is None or completed is None or not finished_a_day:
        return Queue(shown, days, None, 0.0)
    left, known_days = completed + (withdrawn or 0), completed / finished_a_day
    seen = Growth(28, int(entered), int(left), 1.0)
    extra = (entered - left) / (left / known_days) * DAY_SECONDS if seen.chance < GROWTH_CHANCE else 0.0
    if extra < max(LEAST_EXTRA * (middle or 0.0), NOTICED_SHARE * DAY_SECONDS):
        extra = 0.0
    return Queue(shown, days, finished_a_day if completed >= least_people else None, extra)


def _wait(latest: LatestPoints, window: str, least_people: int) -> Wait:
    half, most, nine = (latest.of(f"delivery_time_{name}", window) for name in ("p50", "p75", "p90"))
    people = half.n or 0 if half is not None else 0
    if half is None or people == 0:
        return _unknown(window, 0, "nothing")
    if people < least_people:
        return _unknown(window, people, "few_people")
    at_least = None if half.low is None else float(half.low)
    if half.value is None:
        return Wait(window, None, None, None, None, None, at_least, people, "too_many_waiting")
    read: Callable[[Point | None], float | None] = _number
    low, high = (None if edge is None else float(edge) for edge in (half.low, half.high))
    return Wait(window, float(half.value), read(most), read(nine), low, high, at_least, people, None)


def _unknown(window: str, people: int, why: Why) -> Wait:
    return Wait(window, None, None, None, None, None, None, people, why)


def _number(point: Point | None) -> float | None:
    return None if point is None or point.value is None else float(point.value)
