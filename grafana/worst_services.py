"""Flux over many services at once: the few whose course is worth a line, each beside its own past or its own target.

What the catalogue says (names, targets) is written into the queries: the history does not have it.
"""

from __future__ import annotations

from typing import Final

from grafana.flux import FROM, dictionary, text
from grafana.flux_query import Flux
from history.line_protocol import POINTS, WHOLE_SERVICE
from kept.catalogue import Catalogue

LINES: Final = 8
"""More lines than this nobody tells apart."""
LEAST_WAITING: Final = 10
"""Cases: with fewer at its beginning a backlog doubles by a handful of letters."""
WINDOW: Final = "${window:json}"
HOURLY: Final = "28d"
"""A window that is published by the hour; stocks are the same in all."""
_VALUES: Final = (
    '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'
    '  |> filter(fn: (r) => r.state == "value" and exists r.value)\n'
)


def furthest_below_target(catalogue: Catalogue) -> Flux:
    """`promise_kept` less its target, in percentage points, of the services that are furthest below it now.

    Columns `_time`, `_value` and the group `name`. Services without a promise in the catalogue are not asked.
    """
    targets = {each.id: each.promise.target_share for each in catalogue.values() if each.promise is not None}
    return Flux(
        f'import "dict"\n{_names(catalogue)}'
        f"targets = {dictionary(targets)}\n"
        "target = (id) => dict.get(dict: targets, key: id, default: 2.0)\n"
        f"shares = {_points('promise_kept', WINDOW)}\n"
        'worst = shares |> filter(fn: (r) => r._field == "value") |> last() |> group()\n'
        "  |> filter(fn: (r) => target(id: r.service) <= 1.0)\n"
        "  |> map(fn: (r) => ({service: r.service, below: target(id: r.service) - r._value}))\n"
        f'  |> top(n: {LINES}, columns: ["below"]) |> findColumn(fn: (key) => true, column: "service")\n'
        "shares |> filter(fn: (r) => contains(value: r.service, set: worst))\n"
        f"{_VALUES}"
        "  |> map(fn: (r) => ({_time: r._time, name: name(id: r.service),"
        " _value: 100.0 * (r.value - target(id: r.service))}))\n"
        '  |> group(columns: ["name"]) |> sort(columns: ["_time"])'
    )


def fastest_growing_backlogs(catalogue: Catalogue) -> Flux:
    """How much larger the backlogs that grew most are than at the beginning of the time range, as a share of it.

    Columns `_time`, `_value` and the group `name`. Backlogs of less than `LEAST_WAITING` cases at the beginning are
    left out.
    """
    return Flux(
        f'import "dict"\n{_names(catalogue)}'
        f"backlogs = {_points('backlog', text(HOURLY))}\n"
        'cases = backlogs |> filter(fn: (r) => r._field == "value")\n'
        f"first = cases |> first() |> group() |> filter(fn: (r) => r._value >= {float(LEAST_WAITING)})\n"
        '  |> keep(columns: ["service", "_value"]) |> rename(columns: {_value: "before"})\n'
        'last = cases |> last() |> group() |> keep(columns: ["service", "_value"])\n'
        'grown = join(tables: {first: first, last: last}, on: ["service"])\n'
        "  |> map(fn: (r) => ({r with growth: r._value / r.before}))\n"
        f'  |> top(n: {LINES}, columns: ["growth"])\n'
        'chosen = grown |> findColumn(fn: (key) => true, column: "service")\n'
        "courses = backlogs |> filter(fn: (r) => contains(value: r.service, set: chosen))\n"
        f'{_VALUES}  |> group() |> keep(columns: ["_time", "service", "value"])\n'
        'join(tables: {course: courses, grown: grown}, on: ["service"])\n'
        "  |> map(fn: (r) => ({_time: r._time, name: name(id: r.service), _value: r.value / r.before - 1.0}))\n"
        '  |> group(columns: ["name"]) |> sort(columns: ["_time"])'
    )


def _names(catalogue: Catalogue) -> str:
    names = {each.id: each.name for each in catalogue.values()}
    return f"names = {dictionary(names)}\nname = (id) => dict.get(dict: names, key: id, default: id)\n"


def _points(indicator: str, window: str) -> str:
    """Value and state of an indicator of all whole services; `window` is a Flux expression."""
    return (
        f"{FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(POINTS)} and r.slice == {text(WHOLE_SERVICE)}"
        f" and r.indicator == {text(indicator)} and r.window == {window})\n"
        '  |> filter(fn: (r) => r._field == "value" or r._field == "state")\n'
    )
