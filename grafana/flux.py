"""Flux for panels: indicators of the history over event time, by the names of measurements, tags and fields it has.

A value is shown only where the point's state is `value`: a number beside another state is a leftover. A moment without
a value is a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

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
