"""Flux for panels: indicators of the history over event time, by the names of measurements, tags and fields it has.

A value is shown only where the point's state is `value`: a number beside another state is a leftover. A moment without
a value is a gap. Of a slice nothing is shown that tells of fewer people than the catalogue allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from grafana.flux_query import Flux
from history.line_protocol import POINTS, WHOLE_SERVICE
from kept.catalogue import Catalogue
from kept.indicators.definitions import INDICATOR_NAMES, MATURE_WINDOWS
from kept.indicators.small_numbers import DEFAULT_BELOW

SERVICE = "${service:json}"
SLICE = "${slice:json}"
WINDOW = "${window:json}"
"""Grafana's variables as quoted and escaped texts."""
RANGE = "range(start: v.timeRangeStart, stop: v.timeRangeStop)"
FROM = f"from(bucket: v.defaultBucket) |> {RANGE}"
FIELDS = frozenset({"value", "numerator", "denominator", "n", "low", "high"})
PIVOT: Final = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
MATURE: Final = f'if {WINDOW} == "90d" then "90d" else "28d"'
"""The chosen window where it is one of `MATURE_WINDOWS` that is offered, else the shortest of them."""
assert {"28d", "90d"} <= set(MATURE_WINDOWS)


def text(value: str) -> str:
    """A Flux string literal; `${` in it stays what it is."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${") + '"'


def dictionary(entries: Mapping[str, str]) -> str:
    """A Flux dictionary from texts to Flux expressions, as `dict.get` of the package `dict` takes it."""
    return f"[{', '.join(f'{text(key)}: {value}' for key, value in entries.items())}]" if entries else "[:]"


def one_of(column: str, values: Collection[str]) -> str:
    """A condition spelt out, since the storage itself filters by this and not by `contains`."""
    return "(" + " or ".join(f"r.{column} == {text(value)}" for value in values) + ")"


WHOLE: Final = text(WHOLE_SERVICE)
"""The whole service, as a Flux text."""


def indicator(
    name: str,
    window: str,
    *,
    shown_as: str | None = None,
    service: str = SERVICE,
    slice_of: str = WHOLE,
    field: str = "value",
) -> Flux:
    """An indicator over the board's time range; columns `_time` and `shown_as` (by default the indicator's name).

    `service` and `slice_of` are Flux expressions. Raises `KeyError` for an unknown indicator or field.
    """
    check(name, field)
    return Flux(
        f"{FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(POINTS)} and r.service == {service} and r.slice == {slice_of}"
        f" and r.indicator == {text(name)} and r.window == {text(window)})\n"
        f'  |> filter(fn: (r) => r._field == {text(field)} or r._field == "state")\n'
        f"  {PIVOT}\n"
        f'  |> filter(fn: (r) => r.state == "value" and exists r.{field})\n'
        f'  |> keep(columns: ["_time", {text(field)}])\n'
        f"  |> rename(columns: {{{field}: {text(shown_as or name)}}})\n"
        '  |> sort(columns: ["_time"])'
    )


def check(name: str, field: str = "value") -> None:
    """Raise `KeyError` for an unknown indicator or field."""
    if name not in INDICATOR_NAMES or field not in FIELDS:
        raise KeyError(f"no indicator {name!r} with a field {field!r}; fields: {', '.join(sorted(FIELDS))}")


def smallest_shown(catalogue: Catalogue, service: str = SERVICE) -> str:
    """A Flux expression: how many people of a slice must be told of, by the service's catalogue entry (`dict`)."""
    entries = {one.id: str(float(one.suppress_below)) for one in catalogue.values()}
    return f"dict.get(dict: {dictionary(entries)}, key: {service}, default: {float(DEFAULT_BELOW)})"


def may_be_shown(below: str, count: str = "n") -> str:
    """The condition of small numbers on a row with `slice` and a count, as `kept.indicators.small_numbers` has it."""
    people = f"float(v: r.{count})"
    return f"(r.slice == {WHOLE} or not exists r.{count} or {people} <= 0.0 or {people} >= {below})"


def currency(catalogue: Catalogue, service: str = SERVICE) -> str:
    """A Flux expression: the currency of a service's costs (`dict`)."""
    entries = {one.id: text(one.costs.currency) for one in catalogue.values() if one.costs is not None}
    return f'dict.get(dict: {dictionary(entries)}, key: {service}, default: "currency unknown")'
