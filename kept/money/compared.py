"""A service's weeks with cost and quality side by side, and the two stretches of them that are compared. Pure.

Three ways to choose the stretches: before and after the newest registered change that has enough weeks on either side
up to the changes next to it; the last 13 comparable weeks and the 13 before them; the last 13 weeks and those of the
year before. The week of a change that was to move what is compared belongs to neither stretch, as on control charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from kept.buckets import HOUR_SECONDS, WEEK_SECONDS
from kept.money.booked import Booked
from kept.money.moves import LEAST_WEEKS, move
from kept.money.trade_offs import TradeOff, trade_off
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek, Gap

By = Literal["change", "quarter", "year"]
QUARTER_WEEKS: Final = 13
YEAR_WEEKS: Final = 52
MOST_WEEKS: Final = 26
"""On either side of a registered change."""
COMPARED: Final = frozenset(
    {"cost_per_outcome", "cost_per_transaction", "promise_kept", "promise_kept_closed", "satisfaction_score",
     "satisfied_share"}
)  # fmt: skip
"""What is compared, and the same things counted differently."""


class Week(Struct, frozen=True, kw_only=True):
    """One calendar week (start, end] (s): minor units per intended outcome, share of promises kept, score of 0 to 100.

    None is not known; `gap` says why a week is not compared.
    """

    start: int
    end: int
    cost: float | None
    promise: float | None
    promise_low: float | None = None
    promise_high: float | None = None
    satisfaction: float | None
    satisfaction_low: float | None = None
    satisfaction_high: float | None = None
    gap: Gap | None = None


class Comparison(Struct, frozen=True):
    """What was compared: the two stretches (start, end] (s), the change between them, and the finding."""

    by: By
    before: tuple[int, int]
    after: tuple[int, int]
    change: RegisteredChange | None
    trade_off: TradeOff


def side_by_side(
    edges: Sequence[int], booked: Iterable[Booked], promise: Iterable[ChartWeek], satisfaction: Iterable[ChartWeek]
) -> list[Week]:
    """The weeks between neighbouring `edges` (s), by time. A gap in the promise is one for cost: what was lost in a
    silence, or began before the data did, is missing from both."""
    costs = {one.week_end: one.per_outcome for one in booked}
    kept = {week.week_end: week for week in promise}
    answers = {week.week_end: week for week in satisfaction}
    found = []
    for start, end in pairwise(edges):
        share, score = kept.get(end), answers.get(end)
        found.append(
            Week(
                start=start,
                end=end,
                cost=costs.get(end),
                promise=None if share is None else share.value,
                promise_low=None if share is None else share.low,
                promise_high=None if share is None else share.high,
                satisfaction=None if score is None else score.value,
                satisfaction_low=None if score is None else score.low,
                satisfaction_high=None if score is None else score.high,
                gap=None if share is None or share.gap == "no_data" else share.gap,
            )
        )
    return found


def compare(weeks: Sequence[Week], changes: Sequence[RegisteredChange], by: By | None) -> Comparison:
    """The comparison asked for; None: around the newest change that has enough weeks, else by quarter."""
    weeks = [week for week in weeks if (week.cost, week.promise, week.satisfaction) != (None, None, None)]
    if by in (None, "change"):
        for place in range(len(changes) - 1, -1, -1):
            found = _around(weeks, changes, place)
            if found is not None:
                return found
        if by == "change":
            return Comparison("change", (0, 0), (0, 0), None, trade_off(None, None, None))
    return _by_year(weeks, changes) if by == "year" else _by_quarter(weeks, changes)


def _around(weeks: Sequence[Week], changes: Sequence[RegisteredChange], place: int) -> Comparison | None:
    """Around one change, up to the changes next to it; None where too few weeks tell the cost."""
    at = changes[place].at
    first = max((one.at for one in changes[:place] if one.at < at), default=0)
    last = min((one.at for one in changes[place + 1 :] if one.at > at), default=1 << 62)
    usual = [week for week in weeks if week.gap is None]
    before = [week for week in usual if first <= week.start and week.end <= at][-MOST_WEEKS:]
    after = [week for week in usual if at <= week.start and week.end <= last][:MOST_WEEKS]
    if min(len(_costs(before)), len(_costs(after))) < LEAST_WEEKS:
        return None
    return _compared("change", before, after, changes[place])


def _by_quarter(weeks: Sequence[Week], changes: Sequence[RegisteredChange]) -> Comparison:
    usual = _comparable(weeks, changes)
    return _compared("quarter", usual[-2 * QUARTER_WEEKS : -QUARTER_WEEKS], usual[-QUARTER_WEEKS:], None)


def _by_year(weeks: Sequence[Week], changes: Sequence[RegisteredChange]) -> Comparison:
    after = weeks[-QUARTER_WEEKS:]
    ends = (
        range(after[0].end - YEAR_WEEKS * WEEK_SECONDS, after[-1].end - YEAR_WEEKS * WEEK_SECONDS + 1) if after else ()
    )
    # A clock change may put a Monday an hour aside.
    before = [week for week in weeks if any(week.end + aside in ends for aside in (-HOUR_SECONDS, 0, HOUR_SECONDS))]
    return _compared("year", _comparable(before, changes), _comparable(after, changes), None)


def _comparable(weeks: Sequence[Week], changes: Sequence[RegisteredChange]) -> list[Week]:
    """Those without a gap, and without a change that was to move what is compared, or that does not say what."""
    moved = [one.at for one in changes if one.indicator is None or one.indicator in COMPARED]
    return [week for week in weeks if week.gap is None and not any(week.start < at < week.end for at in moved)]


def _compared(by: By, before: Sequence[Week], after: Sequence[Week], change: RegisteredChange | None) -> Comparison:
    return Comparison(
        by,
        _span(before),
        _span(after),
        change,
        trade_off(
            move(_costs(before), _costs(after)),
            move(*([week.promise for week in one if week.promise is not None] for one in (before, after))),
            move(*([week.satisfaction for week in one if week.satisfaction is not None] for one in (before, after))),
        ),
    )


def _costs(weeks: Iterable[Week]) -> list[float]:
    return [week.cost for week in weeks if week.cost is not None]


def _span(weeks: Sequence[Week]) -> tuple[int, int]:
    return (weeks[0].start, weeks[-1].end) if weeks else (0, 0)
