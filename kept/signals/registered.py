"""Registered changes (`service.changed`): which charts they re-base, and which improvements they explain.

A change re-bases the chart of the indicator that it names, and of what is the same thing counted differently. It does
not re-base what it is only hoped to bring about: were the chart of `promise_kept` begun anew whenever somebody
registers faster delivery, the promise would never be compared with what it was. It does explain such an improvement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kept import counters as c
from kept.indicators.definitions import BY_NAME, QUANTILES
from kept.signals.spc import Direction
from kept.tallies import Tally

_DELIVERY_TIMES = frozenset(f"delivery_time_{kind}{name}" for kind in ("", "closed_") for name, _ in QUANTILES)
SAME_THING: Final[tuple[frozenset[str], ...]] = (
    _DELIVERY_TIMES,
    frozenset({"promise_kept", "promise_kept_closed"}),
    frozenset({"cost_per_transaction", "cost_per_outcome"}),
    frozenset({"satisfaction_score", "satisfied_share"}),
    frozenset({"backlog", "backlog_days"}),
    frozenset({"failure_demand", "cost_of_waste_failure_demand_modelled", "cost_of_waste_failure_demand_booked"}),
    frozenset({"rework_share", "cost_of_waste_rework_modelled", "cost_of_waste_rework_booked"}),
    frozenset({"digital_take_up", "cost_of_waste_wrong_channel_modelled"}),
)
"""Indicators of one thing, counted differently: a change that names one re-bases the charts of all."""
MOVES_WITH_DELIVERY: Final = frozenset(
    {"promise_kept", "promise_kept_closed", "backlog", "failure_demand", "satisfaction_score", "satisfied_share"}
)
"""What gets better when people wait less: a registered faster delivery explains that, and re-bases nothing."""


def expected(week: Tally, indicator: str) -> Direction | None:
    """Which way changes registered in a week were to move `indicator`, or the same thing counted differently.

    None when none names it. Of changes both ways the one for the worse counts: it explains less.
    """
    names = next((names for names in SAME_THING if indicator in names), frozenset({indicator}))
    ways = {way for name in names for way in _ways(week, name)}
    if len(ways) == 2:
        return "down" if BY_NAME[indicator].better == "up" else "up"
    return next(iter(ways), None)


def explains_improvement(weeks: Iterable[Tally], indicator: str) -> bool:
    """Whether a change registered in `weeks` accounts for `indicator` getting better without having named it.

    That is a faster delivery, where the indicator moves with it, or a change registered without an expectation.
    """
    for week in weeks:
        if indicator in MOVES_WITH_DELIVERY and any("down" in _ways(week, name) for name in _DELIVERY_TIMES):
            return True
        named = sum(week.get(start + number, 0) for start in _STARTS for number in c.INDICATOR_NUMBERS.values())
        if week.get(c.CHANGED, 0) > named:
            return True
    return False


_STARTS = (c.CHANGED_DOWN, c.CHANGED_UP)


def _ways(week: Tally, indicator: str) -> set[Direction]:
    number = c.INDICATOR_NUMBERS[indicator]
    ways: set[Direction] = set()
    if week.get(c.CHANGED_DOWN + number, 0) > 0:
        ways.add("down")
    if week.get(c.CHANGED_UP + number, 0) > 0:
        ways.add("up")
    return ways
