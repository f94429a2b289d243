"""A quarter of a service's history for tests of pages: figures over time, control charts, slices, changes, amendments.

store weeks   |-------------- 26 whole weeks of charts --------------| Mon 23 Nov | NOW
gaps                 5: settling            20, 21: silent
re-based                        16, after the change in 15
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from history.store import HistoryStore
from kept.indicators.definitions import AGE_BANDS, BY_NAME
from kept.indicators.point import Amendment, Point, Slice
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartMark, ChartWeek, Gap
from kept.signals.spc import judge_next, meaning
from tests.summaries.figures import ENDLESS, NOW, point, raised, service

ZONE = service("any", "Any").zone
GAPS: frozenset[str] = frozenset(get_args(Gap))


def mondays(weeks: int) -> list[int]:
    """The last Mondays 00:00 before `NOW` (s), oldest first."""
    today = datetime.datetime.fromtimestamp(NOW, ZONE).replace(hour=0, minute=0)
    monday = today - datetime.timedelta(days=today.weekday())
    return [int((monday - datetime.timedelta(days=7 * back)).timestamp()) for back in reversed(range(weeks))]


def chart(
    identity: str,
    indicator: str,
    values: Sequence[float | str],
    *,
    rebased: Sequence[int] = (),
    mixed: Sequence[int] = (),
    cases: int = 400,
    target: float | None = None,
) -> list[ChartWeek]:
    """The chart whose weeks, up to the last whole one, have `values`; a text is the reason of a gap.

    `rebased` are places at which a segment begins. Judged as the pipeline does: each week by those before it.
    """
    unit = BY_NAME[indicator].unit.replace("money", "EUR")
    floor, ceiling = (0.0, 1.0) if unit == "share" else (0.0, math.inf)
    edges = mondays(len(values) + 1)
    better = BY_NAME[indicator].better
    found: list[ChartWeek] = []
    known: list[float] = []
    starts: list[int] = []
    segment = 0
    limits: dict[str, Any] = {}
    for place, value in enumerate(values):
        if place in rebased:
            segment, known, starts, limits = segment + 1, [], [], {}
        fields: dict[str, Any] = {
            "service": identity, "indicator": indicator, "week_start": edges[place], "week_end": edges[place + 1],
            "unit": unit, "better": better, "segment": segment, "mixed": place in mixed, "target": target,
        }  # fmt: skip
        if isinstance(value, str):
            assert value in GAPS
            found.append(ChartWeek(**(fields | limits | {"gap": value})))
            continue
        fields |= {"value": value, "n": cases}
        if unit == "share":
            fields |= {"denominator": cases, "numerator": round(value * cases)}
            spread = 1.96 * math.sqrt(max(value * (1 - value), 0.0) / cases)
            fields |= {"low": max(0.0, value - spread), "high": min(1.0, value + spread)}
        if place not in mixed:
            known.append(value)
            starts.append(edges[place])
            judged = judge_next(known, floor=floor, ceiling=ceiling)
            if judged.limits is not None:
                names = ("mean", "lower", "upper", "near_lower", "near_upper")
                limits = {name: getattr(judged.limits, name) for name in names} | {"baseline": judged.baseline}
            if judged.fires:
                first = judged.fires[0]
                fields["mark"] = ChartMark(
                    rule=first.rule,
                    direction=first.direction,
                    meaning=meaning(first.direction, better),
                    since=starts[first.first],
                )
            fields |= limits
        found.append(ChartWeek(**fields))
    return found


def over_time(
    identity: str, indicator: str, values: Sequence[float | None], window: str = "28d", **changes: Any
) -> list[Point]:
    """Points at the last Mondays; None is a week in which nothing was to be counted."""
    length = {"7d": 7, "28d": 28}[window] * 86400
    return [
        point(
            identity, indicator, value, window, window_end=at, window_start=at - length,
            **({"reason": "no_volume", "n": 0} if value is None else {"n": 400}) | changes,
        )
        for at, value in zip(mondays(len(values)), values, strict=True)
    ]  # fmt: skip


def sliced(identity: str, slice_of: Slice, kept: float, n: int, backlog: int) -> list[Point]:
    """What is published of a slice."""
    return [
        point(identity, "promise_kept", kept, slice=slice_of, n=n, numerator=round(kept * n), denominator=n,
              low=max(0.0, kept - 0.05), high=min(1.0, kept + 0.05)),
        point(identity, "promise_kept_closed", min(1.0, kept + 0.1), slice=slice_of, n=n),
        point(identity, "backlog", backlog, "24h", slice=slice_of, n=backlog),
    ]  # fmt: skip


WEEKS: tuple[float | str, ...] = (
    0.79, 0.81, 0.8, 0.785, 0.805, "settling", 0.795, 0.8, 0.81, 0.68, 0.8, 0.79, 0.805, 0.8, 0.79, 0.78,
    0.86, 0.87, 0.865, 0.875, "source_silent", "after_silence", 0.87, 0.86, 0.865, 0.88,
)  # fmt: skip
"""Share of promises kept in 26 weeks: one far below the limits, and a change that worked."""
KEPT_CHART = chart("street-lights", "promise_kept", WEEKS, rebased=(16,), mixed=(15,), target=0.8)
BACKLOG_CHART = chart("street-lights", "backlog", [9000.0 + 40 * (place % 5) for place in range(26)])
TIME_CHART = chart("street-lights", "delivery_time_closed_p50", [90_000.0 + 900 * (at % 4) for at in range(26)])
CHARTS = (*KEPT_CHART, *BACKLOG_CHART, *TIME_CHART)
CHANGES = (
    RegisteredChange(
        service="street-lights", at=mondays(12)[0] - 4 * 86400, id="00000000000000aa",
        title="A second crew on the night shift", indicator="promise_kept", direction="up",
    ),
    RegisteredChange(
        service="street-lights", at=mondays(4)[0] + 3600, id="00000000000000ab", title=ENDLESS[:180],
    ),
)  # fmt: skip
HOSTILE_AREA = "=1+1 <b>North</b>"
LATER = NOW + 3 * 3600
"""When it became known that the promise figure of `NOW` was another."""


def points() -> list[Point]:
    """Figures over time, slices and what else the page of a service shows."""
    identity = "street-lights"
    kept: list[float | None] = [0.72, 0.73, 0.74, None, 0.75, 0.75, 0.76, 0.74, 0.73, 0.74, 0.75, 0.755, 0.754]
    return [
        *over_time(identity, "promise_kept", kept, low=0.70, high=0.78),
        *over_time(identity, "promise_kept_closed", [None if one is None else one + 0.11 for one in kept]),
        *over_time(identity, "backlog", [9000.0 + 70 * place for place in range(13)]),
        *over_time(identity, "arrivals", [1500.0 + 11 * (place % 3) for place in range(13)], "7d"),
        *over_time(identity, "completions", [1430.0 + 9 * (place % 4) for place in range(13)], "7d"),
        *over_time(identity, "net_flow", [70.0 + 2 * (place % 3) for place in range(13)], "7d"),
        *(
            point(identity, f"backlog_age_{band}", 120 * (place + 1), "24h")
            for place, (band, _, _) in enumerate(AGE_BANDS)
        ),
        point(identity, "oldest_open", 143.2, "24h"),
        point(identity, "delivery_time_closed_p50", 54_000.0, n=38_486),
        point(identity, "cost_of_waste_failure_demand_modelled", 4_210.0, unit="EUR a week"),
        point(identity, "cost_of_waste_wrong_channel_modelled", None, state="not_provided", reason="no_rate"),
        point(identity, "first_time_right", 0.913, n=38_486, low=0.91, high=0.916),
        *sliced(identity, (("area", "West"),), 0.71, 900, 210),
        *sliced(identity, (("area", HOSTILE_AREA),), 0.8, 700, 90),
        *sliced(identity, (("area", "Island"),), 0.5, 2, 1),
        *sliced(identity, (("channel", "web"),), 0.76, 1600, 300),
    ]  # fmt: skip


def amendments() -> list[Amendment]:
    """The promise figure of `NOW` as it stood until `LATER`, and that of a week earlier until an hour before `NOW`."""
    now = point(
        "street-lights", "promise_kept", 0.7541, low=0.7499, high=0.7583, n=39_685, numerator=29_926, denominator=39_685
    )
    week = over_time("street-lights", "promise_kept", [0.754], low=0.70, high=0.78)[0]
    return [
        Amendment(LATER, msgspec.structs.replace(now, value=0.7611, numerator=30_204), now),
        Amendment(NOW - 3600, msgspec.structs.replace(week, value=0.7402), week),
    ]


def fill_quarter(store: HistoryStore, *, with_slices: bool = True) -> None:
    """Add the quarter of `street-lights` to the city of `tests.summaries.figures.fill`."""
    store.write([one for one in points() if with_slices or not one.slice])
    store.amend(amendments())
    store.write_charts(CHARTS)
    store.write_changes(CHANGES)
    store.record([raised("street-lights", "chart_signal", "promise_kept was 0.88 in the week to 2026-11-22 (n 400)")])
