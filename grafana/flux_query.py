"""A query in Flux, which the foundation SDK has no class for: as Grafana's InfluxDB data source reads it."""

from __future__ import annotations

from typing import Any, Self

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

from grafana.datasources import INFLUXDB

_KEYS = {"refId", "datasource", "query"}


class FluxQuery(Dataquery):
    """The JSON of one target: `query` is the Flux text, with Grafana's variables in it."""

    def __init__(self, query: str, ref_id: str = "A") -> None:
        self.query = query
        self.ref_id = ref_id

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        return {"refId": self.ref_id, "datasource": INFLUXDB, "query": self.query}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read back; raises `ValueError` for a key that this class does not know."""
        if unknown := sorted(set(data) - _KEYS):
            raise ValueError(f"a Flux query has the unknown key {unknown[0]!r}; known: {', '.join(sorted(_KEYS))}")
        if DataSourceRef.from_json(data["datasource"]).to_json() != INFLUXDB.to_json():
            raise ValueError(f"a Flux query asks {data['datasource']!r}, not {INFLUXDB.uid}")
        return cls(data["query"], data["refId"])


class Flux(Builder[Dataquery]):
    """Builds a `FluxQuery`."""

    def __init__(self, query: str) -> None:
        self._query = FluxQuery(query)

    def ref_id(self, ref_id: str) -> Self:
        """The letter of the query within its panel."""
        self._query.ref_id = ref_id
        return self

    def build(self) -> FluxQuery:
        """The query."""
        return self._query
