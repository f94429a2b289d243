"""The example city with a history as pages need it: promises and waits of every service, weeks of money, charts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from catalogue import CITY
from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from kept.catalogue import Service, read_catalogue
from kept.decisions import DecisionEntry
from kept.indicators.point import Point
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from summaries.service.figures import mondays
from tests.summaries.figures import NOW, point, promise

CATALOGUE = read_catalogue([CITY])
WEEKS = 30
EDGES = mondays(NOW, CATALOGUE["street-lights"].zone, WEEKS + 1)
CHANGED_AT = EDGES[15] + 3600
BEGAN = EDGES[0] - 400 * 86400
DAY = 86400
WASTE = {
    "rework_booked": 120.5,
    "failure_demand_booked": 0.0,
    "rework_modelled": 99.0,
    "failure_demand_modelled": 300.0,
}


def waits(service: str, window: str, half: float, n: int) -> list[Point]:
    """Survival-corrected waits: `half` days, three quarters twice and nine tenths four times as long."""
    days = {"p50": half, "p75": 2 * half, "p90": 4 * half}
    return [
        point(
            service, f"delivery_time_{name}", value * DAY, window, n=n, low=value * DAY * 0.95, high=value * DAY * 1.05
        )
        for name, value in days.items()
    ]


def flows(service: str, arrivals: int, completions: int, backlog: int, days: float = 28) -> list[Point]:
    """What came and went in 28 days, or in so many `days` since the first event, and what waits now."""
    a_day = completions / days
    return [
        point(service, "arrivals", arrivals, n=arrivals),
        point(service, "completions", completions, n=completions),
        point(service, "withdrawals", 0, n=0),
        point(service, "backlog", backlog, "24h", n=backlog),
        point(service, "backlog_days", backlog / a_day, "28d", numerator=backlog, denominator=a_day, n=completions),
    ]


def fill(store: HistoryStore) -> None:
    """Each service has its news: a queue that grows, figures that are old, a promise that nobody can judge yet, and
    one (parking permits) whose saving at `CHANGED_AT` worsened quality."""
    fill_money(store, CATALOGUE.values())
    points = flows("street-lights", 655, 400, 310)
    points += [
        point("building-permits", f"delivery_time_{name}", None, window, n=208, low=35 * DAY, reason="too_many_open")
        for name in ("p50", "p75", "p90")
        for window in ("28d", "90d")
    ]
    points += [point("noise-complaints", "promise_kept", 0.7, low=0.5, high=0.86, n=622, reason="stale")]
    points += [
        point("identity-cards", "promise_kept", None, window, n=0, reason="no_volume") for window in ("28d", "90d")
    ]
    store.write(points)
    store.publish(set(CATALOGUE), NOW)


def fill_money(store: HistoryStore, services: Iterable[Service]) -> None:
    """Promises, waits, money and charts of `services`, parking permits among them, with what was decided there."""
    points: list[Point] = []
    for service in services:
        points += promise(service.id, 0.86, 0.83, 0.89, 0.92, 622)
        points += [*waits(service.id, "90d", 1.6, 2132), *waits(service.id, "28d", 1.5, 655)]
        points += flows(service.id, 655, 640, 57)
        points += money(service.id)
        store.write_charts(charts(service.id))
    store.write(points)
    store.write_changes(
        [
            RegisteredChange(
                service="parking-permits", at=CHANGED_AT, id="00000000000000a1", title="=One desk fewer",
                indicator="cost_per_outcome", direction="down",
            )
        ]
    )  # fmt: skip
    for name, objective in (("aaaaaaaa", None), ("bbbbbbbb", "Calm streets")):
        store.decide(
            DecisionEntry(
                decision=name, at=NOW - 9 * DAY, says="decided", by="Head", service="parking-permits",
                text="<b>Bring the desk back</b>", owner="Desk lead", due="2026-11-20", objective=objective,
            )
        )  # fmt: skip


def money(service: str) -> list[Point]:
    """Totals at each week's end and now, waste, and the number of overdue cases by the day."""
    found: list[Point] = []
    cost = outcomes = 0
    for place, edge in enumerate([*EDGES, NOW]):
        is_saved = service == "parking-permits" and edge > CHANGED_AT
        cost, outcomes = cost + (600 if is_saved else 1000) * 10 + (place % 3) * 20, outcomes + 10
        found.append(
            point(
                service, "cost_per_outcome", cost / 100 / outcomes, "all", numerator=cost / 100, denominator=outcomes,
                n=outcomes, window_start=BEGAN, window_end=edge,
            )
        )  # fmt: skip
    found += [
        point(service, f"cost_of_waste_{kind}", value, unit="EUR a week", n=12 if value else 400)
        for kind, value in WASTE.items()
    ]
    found.append(point(service, "cost_of_waste_wrong_channel_modelled", None, state="not_provided", reason="no_rate"))
    found += [point(service, "overdue", 3, window_end=NOW - day * DAY, n=3) for day in range(29)]
    return found


def charts(service: str) -> list[ChartWeek]:
    """Weeks of the promise and of satisfaction."""
    weeks = []
    for place, (start, end) in enumerate(pairwise(EDGES)):
        is_saved = service == "parking-permits" and end > CHANGED_AT
        share = (0.80 if is_saved else 0.95) + 0.005 * (place % 2)
        for indicator, value, unit in (("promise_kept", share, "share"), ("satisfaction_score", 70.0, "points")):
            weeks.append(
                ChartWeek(
                    service=service, indicator=indicator, week_start=start, week_end=end, unit=unit, better="up",
                    segment=0, value=value, n=200, low=value * 0.98, high=min(value * 1.02, 100.0),
                )
            )  # fmt: skip
    return weeks


def example_history(path: Path) -> Path:
    """The file of that history."""
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    return path
