"""Parts of Flux queries that panels of one service share: which window, what may be shown, what the catalogue says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from grafana.flux import FIELDS, SERVICE, text
from history.line_protocol import WHOLE_SERVICE
from kept.catalogue import Catalogue
from kept.indicators.definitions import INDICATOR_NAMES
from kept.indicators.small_numbers import DEFAULT_BELOW

WINDOW: Final = "${window:doublequote}"
"""Grafana's variable as a quoted text."""
MATURE: Final = f'if {WINDOW} == "90d" then "90d" else "28d"'
"""The chosen window where delivery times and costs are told of it, else the shortest of which they are."""
WHOLE: Final = text(WHOLE_SERVICE)
"""The whole service."""
_WORKED_OUT: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "net_flow": (
        ("value", "(float(v: r.n) + float(v: r.value)) / 2.0"),
        ("value", "(float(v: r.n) - float(v: r.value)) / 2.0"),
    ),
    "backlog_days": (("numerator", "float(v: r.numerator)"),),
}
"""Indicator -> (a field beside n, a Flux expression of the people that can be worked out from both)."""
PIVOT: Final = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'


def lookup(entries: Mapping[str, str]) -> str:
    """A Flux dictionary from texts to Flux expressions, as `dict.get` of the package `dict` takes it."""
    return f"[{', '.join(f'{text(key)}: {value}' for key, value in entries.items())}]" if entries else "[:]"


def one_of(column: str, values: Collection[str]) -> str:
    """A condition spelt out, since the storage itself filters by this and not by `contains`."""
    return "(" + " or ".join(f"r.{column} == {text(value)}" for value in values) + ")"


def check(name: str, field: str = "value") -> None:
    """Raise `KeyError` for an unknown indicator or field."""
    if name not in INDICATOR_NAMES or field not in FIELDS:
        raise KeyError(f"no indicator {name!r} with a field {field!r}; fields: {', '.join(sorted(FIELDS))}")


def smallest_shown(catalogue: Catalogue, service: str = SERVICE) -> str:
    """A Flux expression: how many people of a slice must be told of, by the service's catalogue entry (`dict`)."""
    entries = {one.id: str(float(one.suppress_below)) for one in catalogue.values()}
    return f"dict.get(dict: {lookup(entries)}, key: {service}, default: {float(DEFAULT_BELOW)})"


def may_be_shown(below: str, names: Collection[str], count: str = "n") -> str:
    """The condition of small numbers on a row with `slice`, a count and `fields_of_people(names)`, as
    `kept.indicators.small_numbers` has it; `names` are the indicators that the row may be of."""
    people = f"float(v: r.{count})"
    counted = f"(r.slice == {WHOLE} or not exists r.{count} or {people} <= 0.0 or {people} >= {below})"
    worked_out = [
        f"(r.indicator != {text(name)} or not exists r.n or not exists r.{field}"
        f" or {number} <= 0.0 or {number} >= {below})"
        for name in names
        for field, number in _WORKED_OUT.get(name, ())
    ]
    return f"({counted} and (r.slice == {WHOLE} or {' and '.join(worked_out)}))" if worked_out else counted


def fields_of_people(names: Collection[str]) -> list[str]:
    """The fields that tell of how many people these indicators are, beside the value."""
    return list(dict.fromkeys(["n", *(field for name in names for field, _ in _WORKED_OUT.get(name, ()))]))


def currency(catalogue: Catalogue, service: str = SERVICE) -> str:
    """A Flux expression: the currency of a service's costs (`dict`)."""
    entries = {one.id: text(one.costs.currency) for one in catalogue.values() if one.costs is not None}
    return f'dict.get(dict: {lookup(entries)}, key: {service}, default: "currency unknown")'
