"""Replaces variables in queries as Grafana does before it sends them.

Its forms are `$name`, `${name}`, `${name:format}` and `[[name]]` (docs: "Variable syntax"). A chosen value is one text:
boards of Kept have no variable of several values, which a test makes sure of. Without a format, PromQL gets the value
with backslashes and single quotes escaped, Flux as it is. In Flux, Grafana replaces what begins with `v.` as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

REFERENCE = re.compile(r"\$(\w+)|\$\{(\w+)(?:\.[^:}]+)?(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]")
FLUX_NAME = re.compile(r"\bv\.([A-Za-z]+)\b")
MOST_POINTS = 1000
"""How many points a panel of usual width asks for."""
STEPS_MS = (
    *(10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000),
    *(600_000, 900_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000),
)
"""Grafana rounds an interval to one of these."""


class All(str):
    """The value of "All" that a variable brings itself: Grafana puts it in as it is, whatever the format."""


class Asked(NamedTuple):
    """When a board is looked at: its time range (epoch seconds) and how often Prometheus scrapes (s)."""

    start: float
    end: float
    scrape_seconds: int = 5

    @property
    def interval_ms(self) -> int:
        """`$__interval`: the range over the points of a panel, rounded, not below the scrape interval."""
        wanted = (self.end - self.start) * 1000 / MOST_POINTS
        rounded = min(STEPS_MS, key=lambda step: (abs(step - wanted), step))
        return max(rounded, self.scrape_seconds * 1000)

    @property
    def rate_interval_seconds(self) -> int:
        """`$__rate_interval`: max($__interval + scrape interval, 4 * scrape interval)."""
        return max(self.interval_ms // 1000 + self.scrape_seconds, 4 * self.scrape_seconds)

    def built_in(self) -> Mapping[str, str]:
        """Grafana's own variables."""
        seconds = round(self.end - self.start)
        return {
            "__interval": f"{self.interval_ms // 1000}s",
            "__interval_ms": str(self.interval_ms),
            "__rate_interval": f"{self.rate_interval_seconds}s",
            "__range": f"{seconds}s",
            "__range_s": str(seconds),
            "__range_ms": str(seconds * 1000),
            "__from": str(round(self.start * 1000)),
            "__to": str(round(self.end * 1000)),
        }


def promql(text: str, chosen: Mapping[str, str], asked: Asked) -> str:
    """A PromQL query as it is sent. Raises `KeyError` for a variable that is not there."""
    escaped = {
        name: value if isinstance(value, All) else value.replace("\\", "\\\\").replace("'", "\\\\'")
        for name, value in chosen.items()
    }
    return _replaced(text, chosen, escaped, asked.built_in())


def flux(text: str, chosen: Mapping[str, str], asked: Asked, bucket: str, org: str) -> str:
    """A Flux query as it is sent. Raises `KeyError` for a variable that is not there."""
    values = {
        "timeRangeStart": datetime.fromtimestamp(asked.start, UTC).isoformat().replace("+00:00", "Z"),
        "timeRangeStop": datetime.fromtimestamp(asked.end, UTC).isoformat().replace("+00:00", "Z"),
        "windowPeriod": f"{asked.interval_ms}ms",
        "defaultBucket": json.dumps(bucket),
        "bucket": json.dumps(bucket),
        "organization": json.dumps(org),
    }
    return FLUX_NAME.sub(lambda found: values[found[1]], _replaced(text, chosen, chosen, asked.built_in()))


def named(text: str) -> set[str]:
    """The variables that a text names, Grafana's own left out."""
    found = (one[1] or one[2] or one[4] for one in REFERENCE.finditer(text))
    return {name for name in found if not name.startswith("__")}


def _replaced(text: str, chosen: Mapping[str, str], plain: Mapping[str, str], built_in: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name, how = found[1] or found[2] or found[4], found[3] or found[5]
        if name in built_in:
            return built_in[name]
        if how is None or isinstance(chosen[name], All):
            return plain[name]
        return FORMATS[how](chosen[name])

    return REFERENCE.sub(value, text)


FORMATS = {
    "raw": str,
    "text": str,
    "json": str,  # of several values alone a list; one value stays as it is, without quotation marks
    "doublequote": lambda value: '"' + value.replace('"', '\\"') + '"',
    "singlequote": lambda value: "'" + value.replace("'", "\\'") + "'",
    "regex": lambda value: re.sub(r"([\\^$*+?.()|\[\]{}/])", r"\\\1", value),
    "percentencode": lambda value: quote(value, safe=""),
    "queryparam": str,
}
"""Of one value; a format that is not here is not known to Grafana, or makes sense for several values alone."""
