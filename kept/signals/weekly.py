"""The weekly figures of a service, for its control charts: one pass over the days of the merged tallies.

A week is a calendar week of the service's local time, Monday 00:00 to Monday 00:00, that is over; the first is the
first whole one since the service told anything. Its figures are made by the indicators' own formulas, as known now:
what was told late since is in them. What may not be compared with other weeks is no point but a gap, with its reason.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from kept import counters as c
from kept.buckets import DAY_SECONDS, WEEK_SECONDS
from kept.cases import ELAPSED_TIME
from kept.counters import FAMILY_SIZE
from kept.indicators import cost, promises, satisfaction, work
from kept.indicators.delivery import closed_quantile
from kept.indicators.freshness import first_day_end
from kept.indicators.measured import Measured, amount
from kept.indicators.windows import View
from kept.signals.chart_weeks import Gap
from kept.signals.silences import Span, silences
from kept.signals.situation import Situation
from kept.tallies import Tally, merged

CHARTABLE: Final = (
    "promise_kept",
    "delivery_time_closed_p50",
    "backlog",
    "satisfaction_score",
    "satisfied_share",
    "digital_take_up",
    "completion_rate",
    "failure_demand",
    "first_time_right",
    "rework_share",
    "cost_per_transaction",
    "cost_per_outcome",
)
"""Indicators that can be told of a single week from its counters, in the order in which they are shown."""
CHARTED_AS: Final[Mapping[str, str]] = {"delivery_time_p50": "delivery_time_closed_p50"}
"""What a week can tell of an indicator that it cannot tell itself: a week's openings have not all ended."""
LONGEST_AFTERMATH_SECONDS: Final = 8 * WEEK_SECONDS
"""A gap after the data begin, or after a silence, is at most so long, however long the promise."""
SHORT_WEEK: Final = 0.9
"""A week with less than this share of the opening time of a usual one is short, such as one with a public holiday."""
_STOCK = (c.BACKLOG_ENTERED, c.BACKLOG_LEFT)
_RESULTS = tuple(range(c.TRANSACTION_RESULTS, c.TRANSACTION_RESULTS + len(c.RESULT_INDEX)))


class Week(NamedTuple):
    """One whole week (start, end] (s): its counters and bins of closed times, the stocks at its end, and why it may not
    be compared with others (None: it may)."""

    start: int
    end: int
    tally: Tally
    stocks: Tally
    gap: Gap | None


class WeekFigure(NamedTuple):
    """What one week says of one indicator. `low` and `high` are its 95 % interval; None where there is none.

    `gap` says why there is no value: `no_data`, or that the week is not comparable (see `Gap`).
    """

    week: Week
    value: float | None
    numerator: float | int | None
    denominator: float | int | None
    n: int | None
    low: float | None
    high: float | None
    gap: Gap | None


def charted(situation: Situation) -> list[str]:
    """The indicators of the service that are charted: those of its catalogue entry's `improvement` that can be."""
    named = {CHARTED_AS.get(name, name) for name in situation.service.improvement}
    return [name for name in CHARTABLE if name in named]


def weekly_figures(situation: Situation) -> dict[str, list[WeekFigure]]:
    """Figures of every whole week up to the moment, by charted indicator.

    For `completion_rate` a week is over when the time-out of its last transaction is.
    """
    names = charted(situation)
    figures: dict[str, list[WeekFigure]] = {name: [] for name in names}
    if not names:
        return figures
    timeout = situation.rules.transaction_timeout // 1000
    ever = situation.whole.view("all").ever
    for week in situation.once(weeks):
        measured = {one.name: one for one in _measure(situation, week, ever)}
        for name in names:
            if name != "completion_rate" or week.end + timeout <= situation.at:
                figures[name].append(_figure(week, measured.get(name)))
    return figures


def weeks(situation: Situation) -> list[Week]:
    """Every whole week up to the moment, by time, those without anything included."""
    days = situation.tallies.days((situation.service.id, "", ""))
    local = situation.rules.local_time
    first_day = _first_day(situation)
    if first_day is None:
        return []
    edges = [local.week_start(first_day + 1)]
    while (following := _week_after(situation, edges[-1])) <= situation.at:
        edges.append(following)
    if edges[0] < first_day:
        del edges[0]
    tallies: list[Tally] = [{} for _ in edges]
    flows: list[Tally] = [{} for _ in edges]
    for day_end, day in days.items():
        place = bisect_left(edges, day_end)
        if place < len(edges):
            _add_part(tallies[place], flows[place], day.total)
    spans = silences(situation)
    settled = _aftermath_end(situation, first_day)
    opens = _opening_times(edges, situation)
    found: list[Week] = []
    stocks: Tally = flows[0] if flows else {}
    for place in range(1, len(edges)):
        start, end = edges[place - 1], edges[place]
        stocks = merged(stocks, flows[place])
        gap = _gap(start, end, spans, settled, situation)
        if gap is None and opens and opens[place - 1] < SHORT_WEEK * max(opens):
            gap = "short_week"
        found.append(Week(start, end, tallies[place], stocks, gap))
    return found


def _add_part(week: Tally, flows: Tally, day: Tally) -> None:
    for number, count in day.items():
        if number < FAMILY_SIZE or c.CLOSED_TIME <= number < c.CLOSED_TIME + FAMILY_SIZE:
            week[number] = week.get(number, 0) + count
    for number in _STOCK:
        flows[number] = flows.get(number, 0) + day.get(number, 0)


def _first_day(situation: Situation) -> int | None:
    """Local midnight (s) before the first thing the service told."""
    first = first_day_end(situation.tallies, situation.service.id)
    return None if first is None else situation.rules.local_time.day_start(first - 1)


def _week_after(situation: Situation, start: int) -> int:
    """The Monday 00:00 after the one at `start`; half a day is more than any clock change."""
    return situation.rules.local_time.day_start(start + WEEK_SECONDS + DAY_SECONDS // 2)


def _aftermath_end(situation: Situation, moment: int) -> int:
    """When cases begun at `moment` should have ended: the promised time later, at most eight weeks."""
    target = situation.rules.target_ms
    if target is None:
        return moment
    return min(situation.rules.clock.add(moment * 1000, target) // 1000, moment + LONGEST_AFTERMATH_SECONDS)


def _opening_times(edges: Sequence[int], situation: Situation) -> list[int]:
    """Working time (ms) of each week between `edges` (s); nothing for a service whose clock always runs."""
    clock = situation.rules.clock
    if clock is ELAPSED_TIME:
        return []
    return [clock.between(start * 1000, end * 1000) for start, end in pairwise(edges)]


def _gap(start: int, end: int, spans: Iterable[Span], settled: int, situation: Situation) -> Gap | None:
    if start < settled:
        return "settling"
    for span in spans:
        if span.start < end and start < span.end:
            return "source_silent"
        if span.end <= start < _aftermath_end(situation, span.end):
            return "after_silence"
    return None


def _measure(situation: Situation, week: Week, ever: Tally) -> Iterator[Measured]:
    series = (situation.service.id, "", "")
    view = View(series, "7d", week.start, week.start, week.end, week.tally, week.tally, week.stocks, ever, [], [])
    unresolved = view.count(c.TRANSACTIONS) - view.count(*_RESULTS)
    yield from promises.measure(view)
    yield from satisfaction.measure_satisfaction(view)
    yield from satisfaction.measure_digital(view, max(0, unresolved))
    yield from work.measure(view)
    yield from cost.measure_per_case(view, situation.service)
    yield closed_quantile("delivery_time_closed_p50", view.histogram(c.CLOSED_TIME), 0.5)
    if ever.get(c.BACKLOG_ENTERED):
        yield amount("backlog", view.stock(*_STOCK))


def _figure(week: Week, measured: Measured | None) -> WeekFigure:
    if measured is None or measured.value is None or week.gap is not None:
        return WeekFigure(week, None, None, None, None, None, None, week.gap or "no_data")
    return WeekFigure(
        week,
        measured.value,
        measured.numerator,
        measured.denominator,
        measured.n,
        measured.low,
        measured.high,
        None,
    )
