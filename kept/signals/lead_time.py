"""How long before its promise was broken an alert came: the use of a warning is the time it leaves.

A promise counts as broken while its share of kept cases over the last 28 days is below its target. That is the same as
having used up the error budget of those 28 days: late > (1 - target) x due.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from kept.buckets import DAY_SECONDS
from kept.indicators.definitions import BY_NAME
from kept.signals.raised import Raised

HORIZON_SECONDS: Final[dict[str, int]] = {
    # What was known when it was raised has left the 28 days by then; a later fall is another story.
    "promise_budget_fast": 28 * DAY_SECONDS,
    "promise_budget_slow": 28 * DAY_SECONDS,
    "cases_at_risk": 28 * DAY_SECONDS,
    "special_cause": 28 * DAY_SECONDS,
    # A forecast looks further than what it is made of.
    "backlog_breach_ahead": 91 * DAY_SECONDS,
}
"""Signals that warn of a broken promise, and how long after them a fall is taken for what they warned of."""
TOLD_BY_THE_BREACH: Final = frozenset({"promise_breached", "promise_breach_old"})
"""Signals of a promise without an error budget: the breach itself uses it up, so that they always come after it."""
PROMISE_FAMILIES: Final = frozenset({"flow", "delivery", "promises"})
"""Families of indicators whose getting worse can break a promise; a special cause in another family warns of none."""
STEADY_SECONDS: Final = 7 * DAY_SECONDS
"""A share that goes to and fro across its target falls once: again only after so long at or above it."""

Outcome = Literal["before", "after", "nothing", "pending"]


class Lead(Struct, frozen=True):
    """What came of a warning: the promise was broken after it (`before`: it came before), had been broken already
    (`after`), was not broken within the horizon (`nothing`), or that is not known yet (`pending`).

    `seconds` from the alert to the fall, negative or 0 for `after`; None for the last two.
    """

    outcome: Outcome
    seconds: int | None = None


class PromiseCourse:
    """The share of kept cases over 28 days through time, against its target."""

    def __init__(self, shares: Iterable[tuple[int, float]], target: float) -> None:
        """`shares` are (window_end (s), share 0-1) in any order; moments without a value are left out of them."""
        known = sorted(shares)
        self._moments = [at for at, _ in known]
        self._below = [share < target for _, share in known]

    def lead(self, signal: str, raised_at: int) -> Lead:
        """What came of a signal named in `HORIZON_SECONDS` that was raised at `raised_at` (s).

        * Below the target at the last known moment up to `raised_at`: `after`, from the first moment of that run on.
        * Else below it at a known moment in (raised_at, raised_at + horizon]: `before`, by the first such moment.
        * Else `nothing` once the share is known at or beyond raised_at + horizon, `pending` until then.
        """
        following = bisect_right(self._moments, raised_at)
        if following and self._below[following - 1]:
            first = following - 1
            while first and self._below[first - 1]:
                first -= 1
            return Lead("after", self._moments[first] - raised_at)
        end = raised_at + HORIZON_SECONDS[signal]
        for at, below in zip(self._moments[following:], self._below[following:], strict=True):
            if at > end:
                break
            if below:
                return Lead("before", at - raised_at)
        known_until = self._moments[-1] if self._moments else raised_at
        return Lead("nothing" if known_until >= end else "pending")

    def falls(self, since: int, until: int) -> list[int]:
        """Moments (s) in [since, until] at which the share fell below the target after at least 7 known days at or
        above it. A course that begins below has not fallen at a known moment."""
        found: list[int] = []
        steady_from = None
        for at, below in zip(self._moments, self._below, strict=True):
            if below:
                if steady_from is not None and at - steady_from >= STEADY_SECONDS and since <= at <= until:
                    found.append(at)
                steady_from = None
            elif steady_from is None:
                steady_from = at
        return found


def warns(raised: Raised) -> bool:
    """Whether the signal warns of a broken promise of the whole service.

    The gap of an area, a silent source, a drifted definition, an improvement and what happens near the due say nothing
    of it, nor does a special cause in an indicator of cost, experience or work.
    """
    verdict = raised.verdict
    if verdict.signal == "special_cause":
        definition = BY_NAME.get(verdict.about)
        return definition is not None and definition.family in PROMISE_FAMILIES
    return verdict.signal in HORIZON_SECONDS


def lead_of(raised: Raised, course: PromiseCourse | None) -> Lead | None:
    """The lead of a raised signal; None where it is not defined: it warns of no promise, or the service has none.

    For a promise without an error budget it is since - raised_at: the budget was used up by the breach itself.
    """
    verdict = raised.verdict
    if verdict.signal in TOLD_BY_THE_BREACH:
        return None if verdict.since is None else Lead("after", min(0, verdict.since - raised.raised_at))
    if course is None or not warns(raised):
        return None
    return course.lead(verdict.signal, raised.raised_at)


def announced(falls: Sequence[int], warnings: Iterable[Raised]) -> int:
    """How many of the `falls` had a warning: raised before the fall, and not longer ago than its horizon unless it
    was still open."""
    known = [raised for raised in warnings if warns(raised)]
    return sum(any(_announces(raised, fall) for raised in known) for fall in falls)


def _announces(raised: Raised, fall: int) -> bool:
    if raised.raised_at >= fall:
        return False
    still_open = raised.ended_at is None or raised.ended_at >= fall
    return still_open or fall - raised.raised_at <= HORIZON_SECONDS[raised.verdict.signal]
