"""Flux for panels: indicators of the history over event time, by the names of measurements, tags and fields it has.

A value is shown only where the point's state is `value`: a number beside another state is a leftover. A moment without
a value is a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

from grafana.flux_query import Flux
from history.line_protocol import POINTS, WHOLE_SERVICE
from kept.indicators.definitions import INDICATOR_NAMES

SERVICE = "${service:doublequote}"
SLICE = "${slice:doublequote}"
"""Grafana's variables as quoted and escaped texts."""
RANGE = "range(start: v.timeRangeStart, stop: v.timeRangeStop)"
FROM = f"from(bucket: v.defaultBucket) |> {RANGE}"
FIELDS = frozenset({"value", "numerator", "denominator", "n", "low", "high"})


def text(value: str) -> str:
    """A Flux string literal. A dollar is written as a number: Flux and Grafana would put something in its place."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\x24").replace("\n", "\\n")
    return f'"{escaped}"'


def dictionary(meaning: Mapping[str, str | float]) -> str:
    """A Flux dictionary of texts, or of numbers; `import "dict"` reads it."""
    shown = (
        f"{text(key)}: {text(value) if isinstance(value, str) else repr(float(value))}"
        for key, value in sorted(meaning.items())
    )
    return f"[{', '.join(shown) or ':'}]"


def indicator(
    name: str,
    window: str,
    *,
    shown_as: str | None = None,
    service: str = SERVICE,
    slice_of: str = text(WHOLE_SERVICE),
    field: str = "value",
) -> Flux:
    """An indicator over the board's time range; columns `_time` and `shown_as` (by default the indicator's name).

    `service` and `slice_of` are Flux expressions. Raises `KeyError` for an unknown indicator or field.
    """
    if name not in INDICATOR_NAMES or field not in FIELDS:
        raise KeyError(f"no indicator {name!r} with a field {field!r}; fields: {', '.join(sorted(FIELDS))}")
    return Flux(
        f"{FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(POINTS)} and r.service == {service} and r.slice == {slice_of}"
        f" and r.indicator == {text(name)} and r.window == {text(window)})\n"
        f'  |> filter(fn: (r) => r._field == {text(field)} or r._field == "state")\n'
        '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'
        f'  |> filter(fn: (r) => r.state == "value" and exists r.{field})\n'
        f'  |> keep(columns: ["_time", {text(field)}])\n'
        f"  |> rename(columns: {{{field}: {text(shown_as or name)}}})\n"
        '  |> sort(columns: ["_time"])'
    )
