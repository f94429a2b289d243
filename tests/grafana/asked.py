"""Queries of boards, asked of a real InfluxDB as Grafana would: its variables replaced, the answer as rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from grafana.flux_query import Flux
from history.influxdb import InfluxHistory
from kept.indicators.point import Point
from tests.grafana.grafana_variables import FORMATS
from tests.influxd import Server

HOUR, DAY = 3600, 86400
CSV_COLUMNS = frozenset({"result", "table"})


class Asked:
    """A bucket of a test's own, and what boards read in it."""

    def __init__(self, server: Server) -> None:
        self._bucket = server.make_bucket()
        self._history: InfluxHistory = server.history(self._bucket)

    def write(self, *points: Point) -> None:
        """Write points, as workers do."""
        self._history.write(points)

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write lines of the line protocol, times in seconds."""
        self._history._connection.write(self._bucket, "\n".join(lines).encode(), "s")

    def rows(self, query: Flux | str, *, start: int, stop: int, period: str = "1h0m0s", **variables: str) -> list[Any]:
        """The answer of `query` for the board's time range (s) and variables; `_time` in seconds."""
        text = query if isinstance(query, str) else query.build().query
        replaced = {
            "v.timeRangeStart": _moment(start),
            "v.timeRangeStop": _moment(stop),
            "v.windowPeriod": period,
            "v.defaultBucket": json.dumps(self._bucket),
            **{f"${{{name}:doublequote}}": FORMATS["doublequote"](value) for name, value in variables.items()},
        }
        for name, value in replaced.items():
            text = text.replace(name, value)
        assert "${" not in text, f"a variable without a value: {text}"
        return [
            {
                name: int(value.timestamp()) if isinstance(value, dt.datetime) else value
                for name, value in row.items()
                if name not in CSV_COLUMNS
            }
            for row in self._history._connection.query(text, {"bucket": self._bucket})
        ]

    def close(self) -> None:
        """End the connection."""
        self._history.close()


def _moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
