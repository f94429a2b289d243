"""Lines over event time: one query for several series, whose answer has a column for each, named as it is shown.

Points come by the hour at most. Where the board's range is so long that there are more of them than a panel has dots,
the first of each stretch is drawn, at the stretch's beginning. There is a row for each moment that was published: what
is not known then is missing in it, so that a line breaks there. Where nothing was published there is one empty row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from grafana.flux import FROM, SERVICE, SLICE, text
from grafana.flux_parts import (
    PIVOT,
    WINDOW,
    check,
    currency,
    fields_of_people,
    lookup,
    may_be_shown,
    one_of,
    smallest_shown,
)
from grafana.flux_query import Flux
from history.line_protocol import POINTS
from kept.catalogue import Catalogue

ONE_SLICE: Final = f"r.slice == {SLICE}"
"""A condition: the chosen slice alone."""
EVERY: Final = "every = if int(v: v.windowPeriod) > int(v: 1h) then v.windowPeriod else 1h"
_ROW: Final = "a moment"
"""A column that every row has, dropped in the end."""
_SILENT_STEPS: Final = 3
"""So many steps without a point are silence."""
_SILENCE: Final = (
    "silence = moments\n"
    '  |> sort(columns: ["_time"])\n'
    "  |> elapsed(unit: 1s)\n"
    f"  |> filter(fn: (r) => r.elapsed * 1000000000 > {_SILENT_STEPS} * int(v: every))\n"
    f"  |> map(fn: (r) => ({{_time: time(v: int(v: r._time) - 1), name: {text(_ROW)}, _value: 0.0}}))\n"
)
_NAMED: Final = "dict.get(dict: names, key: r.indicator, default: r.indicator)"


class Interval(NamedTuple):
    """What the columns of an indicator and its 95 % interval are called."""

    value: str
    low: str
    high: str


class Column(NamedTuple):
    """Rows of `points` that fulfil `where`, in the column `name`: Flux expressions, as is `value`."""

    name: str
    value: str
    where: str


def lines(
    catalogue: Catalogue,
    shown: Mapping[str, str],
    window: str = WINDOW,
    *,
    field: str = "value",
    currency_of: Catalogue | None = None,
) -> Flux:
    """Indicator -> name of its column, beside `_time`.

    `window` is a Flux expression. `currency_of` puts the currency behind each name, by the service's entry there.
    Raises `KeyError` for an unknown indicator or field.
    """
    for name in shown:
        check(name, field)
    names = lookup({name: text(words) for name, words in shown.items()})
    known = _known(shown, field)
    if field != "value":
        known += f" and {may_be_shown('below', shown, field)}"
    named = _NAMED if currency_of is None else f'{_NAMED} + " (" + {currency(currency_of)} + ")"'
    columns = [Column(named, f"r.{field}", known)]
    return Flux(_query(catalogue, window, _points(shown, [field]), columns, f"names = {names}"))


def with_interval(catalogue: Catalogue, name: str, shown: Interval, window: str = WINDOW) -> Flux:
    """An indicator and its 95 % interval, in columns named by `shown`; where a point has no interval there is a gap."""
    check(name)
    columns = [
        Column(
            text(words), f"r.{field}", _known([name], field) + (f" and {of_point(field)}" if field != "value" else "")
        )
        for field, words in zip(Interval._fields, shown, strict=True)
    ]
    return Flux(_query(catalogue, window, _points([name], ["low", "high", "point"]), columns))


def by_step(catalogue: Catalogue, name: str, prefix: str, window: str = WINDOW, *, field: str = "value") -> Flux:
    """An indicator of each slice that begins with `prefix`, in a column named by what follows."""
    check(name, field)
    begins = f"strings.hasPrefix(v: r.slice, prefix: {text(prefix)})"
    columns = [Column(f"strings.trimPrefix(v: r.slice, prefix: {text(prefix)})", f"r.{field}", _known([name], field))]
    return Flux(_query(catalogue, window, _points([name], [field], begins), columns))


def parts(catalogue: Catalogue, name: str, part: str, rest: str, window: str = WINDOW) -> Flux:
    """Of a ratio its numerator and what is left of its denominator, in columns of these names."""
    check(name)
    known = f"{_known([name], 'numerator')} and exists r.denominator"
    columns = [
        Column(text(part), "r.numerator", known),
        Column(text(rest), "r.denominator - r.numerator", known),
    ]
    return Flux(_query(catalogue, window, _points([name], ["numerator", "denominator"]), columns))


def of_point(field: str) -> str:
    """A condition: the field belongs to the point (`strings`); an optional one that `point` lacks is a leftover."""
    return f'strings.containsStr(v: r.point, substr: "\\"{field}\\":")'


def wide(columns: Collection[Column], *, hourly: bool = True) -> str:
    """The end of a query: a table with `_time` and a column for each name, from pivoted `points`.

    `hourly` puts an empty row where there is silence. Where nothing at all is known there is no row: a panel then says
    so in its own words, and not that a number is missing.
    """
    rows = [
        f"points |> filter(fn: (r) => {where}) |> map(fn: (r) => ({{_time: r._time, name: {name}, _value: {value}}}))"
        for name, value, where in columns
    ]
    known = "".join(f"  {row},\n" for row in rows)
    return (
        "  |> group()\n"
        f"known = {rows[0] if len(rows) == 1 else f'union(tables: [{chr(10)}{known}]) |> group()'}\n"
        'is_known = length(arr: known |> limit(n: 1) |> findColumn(fn: (key) => true, column: "_time")) > 0\n'
        "moments = points\n"
        "  |> filter(fn: (r) => is_known)\n"
        f"  |> map(fn: (r) => ({{_time: r._time, name: {text(_ROW)}, _value: 0.0}}))\n"
        f"{_SILENCE if hourly else ''}\n"
        f"union(tables: [known, moments{', silence' if hourly else ''}])\n"
        "  |> group()\n"
        '  |> pivot(rowKey: ["_time"], columnKey: ["name"], valueColumn: "_value")\n'
        f"  |> drop(columns: [{text(_ROW)}])\n"
        '  |> sort(columns: ["_time"])'
    )


def _query(catalogue: Catalogue, window: str, points: str, columns: Collection[Column], more: str = "") -> str:
    """The window has a name, since the storage filters by names and literals, and by no other expression."""
    return (
        'import "dict"\nimport "strings"\n\n'
        f"below = {smallest_shown(catalogue)}\n"
        f"chosen_window = {window}\n"
        f"{EVERY}\n"
        f"{more}\n"
        f"points =\n{points}"
        f"{wide(columns)}"
    )


def _points(indicators: Collection[str], more: Collection[str], slices: str = ONE_SLICE) -> str:
    fields = dict.fromkeys(["value", "state", *fields_of_people(indicators), *more])
    return (
        f"  {FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(POINTS)} and r.service == {SERVICE})\n"
        f"  |> filter(fn: (r) => r.window == chosen_window and {one_of('indicator', indicators)})\n"
        f"  |> filter(fn: (r) => {slices})\n"
        f"  |> filter(fn: (r) => {one_of('_field', fields)})\n"
        f"  {PIVOT}\n"
        '  |> window(every: every) |> first(column: "state") |> window(every: inf)\n'
    )


def _known(names: Collection[str], field: str) -> str:
    return f'r.state == "value" and exists r.{field} and {may_be_shown("below", names)}'
