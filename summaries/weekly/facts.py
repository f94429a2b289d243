"""What is read for a week's summary, service by service, as it was known at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from kept.buckets import HOUR_SECONDS, WEEK_SECONDS
from kept.catalogue import Service
from kept.decisions import Decision
from kept.indicators.point import Point
from kept.iso_week import IsoWeek, last_week_over, week_of
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised
from kept.signals.weekly import CHARTABLE
from summaries.known import Known

CHART_KINDS: Final = ("chart_signal", "special_cause", "unexplained_improvement")
"""Signals of a chart: raised when a week is over, of that week, and held until the next is."""
EARLIEST_SECONDS: Final = 6 * HOUR_SECONDS
"""Where nothing was published at a week's very end, the last figures of up to so long before are taken, and said so."""

LATEST_SECONDS: Final = WEEK_SECONDS
"""What came into the history later than so long after a week's end does not change of which moment it is told."""


class ServiceWeek(Struct, frozen=True, kw_only=True):
    """One service's week (start, end] (s) of its own time.

    `published`: up to when its figures were known, None for nothing yet. `charts`: the weeks of each chart up to this
    one, by indicator in the order in which they are shown. `points`: of window `week`, of the whole and of slices, at
    the week's end or shortly before. `signals`: raised in or open through the week. `changes`: registered in it.
    """

    service: Service
    start: int
    end: int
    published: int | None
    charts: Mapping[str, Sequence[ChartWeek]]
    points: Sequence[Point]
    signals: Sequence[Raised]
    changes: Sequence[RegisteredChange]

    @property
    def is_published(self) -> bool:
        """Whether its figures are known up to the week's end."""
        return self.published is not None and self.published >= self.end

    def chart_week(self, indicator: str) -> ChartWeek | None:
        """This week on the chart of an indicator; None when it is not there."""
        weeks = self.charts.get(indicator, ())
        return weeks[-1] if weeks and weeks[-1].week_end == self.end else None

    def point(self, indicator: str) -> Point | None:
        """The whole service's figure of the week."""
        return next((one for one in self.points if not one.slice and one.indicator == indicator), None)


class WeekFacts(Struct, frozen=True, kw_only=True):
    """All that a summary is made of: the same facts, the same summary. `as_of` (s) is the moment of which it tells."""

    week: IsoWeek
    as_of: int
    services: Sequence[ServiceWeek]
    decisions: Sequence[Decision]


def told_at(known: Known, week: IsoWeek) -> int:
    """The moment (s) of which a week is told unless another is asked for: the last Monday 06:00 of its services.

    Where event time leapt over the week's end, as in a replay, its charts are written later: then it is told as of the
    last of them that came within a week.
    """
    moments = [0]
    for service in known.catalogue.values():
        end = week.end(service.zone)
        moments.append(week.told_at(service.zone))
        late = (one.known_at for one in known.weeks_added_later(service.id, end))
        moments += (moment for moment in late if moment <= end + LATEST_SECONDS)
    return max(moments)


def weeks_there(known: Known) -> list[IsoWeek]:
    """Weeks that can be told of, the newest first: over and published for some service, and not before its data."""
    there: set[IsoWeek] = set()
    for service in known.catalogue.values():
        published = known.published(service.id)
        if published is None:
            continue
        first = min((week.week_start for week in known.charts(service.id)), default=None)
        newest = last_week_over(published, service.zone)
        week = newest if first is None else week_of(first, service.zone)
        while week <= newest and first is not None:
            there.add(week)
            week = week.plus(1)
    return sorted(there, reverse=True)


def read_week(known: Known, week: IsoWeek) -> WeekFacts:
    """The facts of a week as of the moment of `known`, which must have one; raises what its methods raise."""
    if known.as_of is None:
        raise ValueError("a week is told as of a moment; none is given: see told_at")
    services = sorted(known.catalogue.values(), key=lambda service: (service.name, service.id))
    return WeekFacts(
        week=week,
        as_of=known.as_of,
        services=[_read_service(known, service, week) for service in services],
        decisions=known.decisions(),
    )


def _read_service(known: Known, service: Service, week: IsoWeek) -> ServiceWeek:
    start, end = week.start(service.zone), week.end(service.zone)
    charts: dict[str, list[ChartWeek]] = {}
    for one in known.charts(service.id):
        if one.week_end <= end:
            charts.setdefault(one.indicator, []).append(one)
    order = {name: place for place, name in enumerate(CHARTABLE)}
    named = sorted(charts, key=lambda name: (order.get(name, len(order)), name))
    return ServiceWeek(
        service=service,
        start=start,
        end=end,
        published=known.published(service.id),
        charts={name: charts[name] for name in named},
        points=_points(known, service.id, start, end),
        signals=[one for one in known.signals(service.id) if is_of_week(one, start, end)],
        changes=[change for change in known.changes(service.id) if start < change.at <= end],
    )


def is_of_week(raised: Raised, start: int, end: int) -> bool:
    """Whether a signal tells of the week (start, end] (s): raised in it or open in it; of a chart, of that week."""
    verdict = raised.verdict
    if verdict.signal not in CHART_KINDS:
        return raised.raised_at <= end and (raised.ended_at is None or raised.ended_at > start)
    if verdict.completed_by is not None:
        return verdict.completed_by == end
    return end <= raised.raised_at < end + (end - start) or (
        raised.raised_at < end and (raised.ended_at is None or raised.ended_at > end + HOUR_SECONDS)
    )


def _points(known: Known, service: str, start: int, end: int) -> list[Point]:
    """Of each series of the window `week` the last point of this week that is not too early."""
    newest: dict[tuple[object, str], Point] = {}
    for point in known.series(service, None, "week", slice=None, since=end - EARLIEST_SECONDS, until=end):
        # The window of Monday 00:00 begins a week before; a later one belongs to the next week.
        if point.window_start < end and point.window_end > start:
            newest[point.slice, point.indicator] = point
    return [newest[key] for key in sorted(newest, key=repr)]
