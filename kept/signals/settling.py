"""From when on the tallies know a service in full: a pipeline starts empty, and what began before it is missing."""

from __future__ import annotations

from kept.buckets import DAY_SECONDS, STEP_SECONDS
from kept.indicators.freshness import first_day_end
from kept.intake import Rules
from kept.signals.situation import Situation

WITHOUT_PROMISE_SECONDS = 28 * DAY_SECONDS
"""How long the cases of a service are taken to last that promises no time."""
PROMISED_TIMES = 2
"""After so many promised times nearly all cases that were open at the start have ended: also with three in ten late,
as delivery times are spread in practice, hardly one in fifty lasts so long."""


def settled_from(situation: Situation, *, of_cases: bool) -> int | None:
    """The local midnight (s) from which on whole days are known in full; None when nothing was ever heard.

    The first day is a part of a day. What rests on cases is known `PROMISED_TIMES` promised times later, by the
    promise's own clock, when those that were open before the start are gone and the backlog is no longer filling up.
    """
    first = first_day_end(situation.tallies, situation.service.id)
    return first if first is None or not of_cases else settled_after(first, situation.rules)


def settled_after(first: int, rules: Rules) -> int:
    """The local midnight (s) from which on a service's cases are known, by the one that ends its `first` day."""
    if rules.target_ms is None:
        settled = first + PROMISED_TIMES * WITHOUT_PROMISE_SECONDS
    else:
        settled = rules.clock.add(first * 1000, PROMISED_TIMES * rules.target_ms) // 1000
    return rules.local_time.ends(-(-settled // STEP_SECONDS) * STEP_SECONDS)[1]
