"""A panel's Flux as Grafana sends it to a real InfluxDB: its own names replaced, the answer as rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from grafana.flux_query import Flux
from tests.grafana.grafana_variables import FORMATS
from tests.influxd import Server

HIDDEN = frozenset({"result", "table"})


class Source:
    """Grafana's InfluxDB data source on one bucket, with the board's time range (s) and variables."""

    def __init__(self, server: Server, bucket: str, start: int, stop: int, **variables: str) -> None:
        self._server, self._bucket, self._range = server, bucket, (start, stop)
        self._connection = server.connection()
        texts = {
            "v.defaultBucket": json.dumps(bucket),
            "v.timeRangeStart": _time(start),
            "v.timeRangeStop": _time(stop),
        }
        self._texts = texts | {
            f"${{{name}:doublequote}}": FORMATS["doublequote"](value) for name, value in variables.items()
        }
        self._texts |= {f"${{{name}:regex}}": value for name, value in variables.items()}

    def rows(self, flux: Flux) -> list[dict[str, Any]]:
        """Every row of the answer, in its order."""
        query = flux.build().query
        for name, text in self._texts.items():
            query = query.replace(name, text)
        assert "${" not in query and "v.time" not in query, query
        return [
            {name: value for name, value in row.items() if name not in HIDDEN}
            for row in self._connection.query(query, {"bucket": self._bucket})
        ]

    def of(self, **variables: str) -> Source:
        """The same with other variables."""
        return Source(self._server, self._bucket, *self._range, **variables)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
