"""What was known at an earlier moment: weeks of control charts, and raised signals.

The counterpart of `kept.indicators.known_at`, which does the same for points. What is known at a moment is what a
history held that had been published up to it and no further.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from msgspec.structs import replace

from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised, known_at


def charts_known_at(weeks: Iterable[ChartWeek], amendments: Iterable[ChartAmendment], moment: int) -> list[ChartWeek]:
    """Those of `weeks` that were known at `moment` (s), as they were then, in their order.

    A week is what it was before its first amendment after `moment`, or is left out when it was not there; one that ends
    after `moment` was not known either. An amendment is known from its `known_at` on, that second included.
    """
    first: dict[tuple[str, str, int], ChartAmendment] = {}
    for amendment in amendments:
        if amendment.known_at > moment:
            earlier = first.get(amendment.new.key())
            if earlier is None or amendment.known_at < earlier.known_at:
                first[amendment.new.key()] = amendment
    then = (first[key].old if (key := week.key()) in first else week for week in weeks if week.week_end <= moment)
    return [week for week in then if week is not None]


def signals_known_at(signals: Iterable[Raised], moment: int) -> list[Raised]:
    """Those of `signals` that were raised by `moment` (s), as they were recorded then, in their order.

    What ended, went quiet or came back later had not done so. Signals of histories that did not keep their `course` are
    as quiet as their end tells; that their evidence was gone for a while and came back is not known of them.
    """
    return [_as_then(one, moment) for one in signals if one.raised_at <= moment]


def _as_then(raised: Raised, moment: int) -> Raised:
    if known_at(raised) <= moment:
        return raised
    if not raised.course:
        gone = raised.quiet_since
        return replace(raised, quiet_since=gone if gone is not None and gone <= moment else None, ended_at=None)
    by_then = raised.course[: bisect_right(raised.course, moment)]
    is_quiet = len(by_then) % 2 == 1
    return replace(raised, course=by_then, quiet_since=by_then[-1] if is_quiet else None, ended_at=None)
