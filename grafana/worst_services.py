"""Flux over many services at once: the few whose course is worth a line, each beside its own past or its own target.

What the catalogue says (names, targets) is written into the queries: the history does not have it.
"""

from __future__ import annotations

from typing import Final

from grafana.few_lines import NAME, called, numbered
from grafana.flux import FROM, dictionary, text
from grafana.flux_query import Flux
from history.line_protocol import POINTS, WHOLE_SERVICE
from kept.catalogue import Catalogue

LEAST_WAITING: Final = 10
"""Cases: with fewer at its beginning a backlog doubles by a handful of letters."""
WINDOW: Final = "${window:doublequote}"
NOBODY: Final = ""
"""Flux cannot tell the type of an empty dictionary."""
NEVER: Final = 2.0
"""No target: shares are at most 1."""
HOURLY: Final = "28d"
"""A window that is published by the hour; stocks are the same in all."""


def furthest_below_target(catalogue: Catalogue) -> Flux:
    """`promise_kept` less its target, in percentage points, of the services that are furthest below it now.

    Columns `_time`, `_value` and the group `name`. Services without a promise in the catalogue are not asked.
    """
    targets = {each.id: each.promise.target_share for each in catalogue.values() if each.promise is not None}
    return Flux(
        f'import "dict"\n{_names(catalogue)}'
        f"targets = {dictionary({NOBODY: NEVER} | targets)}\n"
        f"target = (id) => dict.get(dict: targets, key: id, default: {NEVER})\n"
        f"{_points('promise_kept', WINDOW)}"
        + numbered(
            "worst = values |> last() |> group()\n"
            f"  |> filter(fn: (r) => target(id: r.service) < {NEVER})\n"
            "  |> map(fn: (r) => ({service: r.service, below: target(id: r.service) - r._value}))\n",
            "below",
        )
        + _courses("worst")
        + f"  |> map(fn: (r) => ({{_time: r._time, {NAME}: {called('name(id: r.service)')},"
        " _value: 100.0 * (r.value - target(id: r.service))}))\n"
        f'  |> group(columns: ["{NAME}"]) |> sort(columns: ["_time"])'
    )


def fastest_growing_backlogs(catalogue: Catalogue) -> Flux:
    """How much larger the backlogs that grew most are than at the beginning of the time range, as a share of it.

    Columns `_time`, `_value` and the group `name`. Backlogs of less than `LEAST_WAITING` cases at the beginning are
    left out.
    """
    return Flux(
        f'import "dict"\n{_names(catalogue)}'
        f"{_points('backlog', text(HOURLY))}"
        f"first = values |> first() |> group() |> filter(fn: (r) => r._value >= {float(LEAST_WAITING)})\n"
        '  |> keep(columns: ["service", "_value"]) |> rename(columns: {_value: "before"})\n'
        'last = values |> last() |> group() |> keep(columns: ["service", "_value"])\n'
        + numbered(
            'grown = join(tables: {first: first, last: last}, on: ["service"])\n'
            "  |> map(fn: (r) => ({r with growth: r._value / r.before}))\n",
            "growth",
        )
        + _courses("grown")
        + f"  |> map(fn: (r) => ({{_time: r._time, {NAME}: {called('name(id: r.service)')},"
        " _value: r.value / r.before - 1.0}))\n"
        f'  |> group(columns: ["{NAME}"]) |> sort(columns: ["_time"])'
    )


def _courses(chosen: str) -> str:
    """The values of the services of `chosen`, with its columns; a value whose state is another is a leftover."""
    return (
        f'ids = {chosen} |> findColumn(fn: (key) => true, column: "service")\n'
        "of = (tables=<-) => tables |> filter(fn: (r) => contains(value: r.service, set: ids)) |> group()\n"
        '  |> keep(columns: ["_time", "service", "_value"])\n'
        'known = states |> of() |> filter(fn: (r) => r._value == "value") |> drop(columns: ["_value"])\n'
        'course = join(tables: {value: values |> of() |> rename(columns: {_value: "value"}), state: known},'
        ' on: ["_time", "service"])\n'
        f'join(tables: {{course: course, chosen: {chosen}}}, on: ["service"])\n'
    )


def _names(catalogue: Catalogue) -> str:
    names = {each.id: each.name for each in catalogue.values()}
    return (
        f"names = {dictionary({NOBODY: NOBODY} | names)}\nname = (id) => dict.get(dict: names, key: id, default: id)\n"
    )


def _points(indicator: str, window: str) -> str:
    """`values` and `states` of an indicator of all whole services; `window` is a Flux expression."""
    return "".join(
        f"{name} = {FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(POINTS)} and r.slice == {text(WHOLE_SERVICE)}"
        f" and r.indicator == {text(indicator)} and r.window == {window} and r._field == {text(field)})\n"
        for name, field in (("values", "value"), ("states", "state"))
    )
