"""Where panels read: Prometheus for now, InfluxDB for event time. Provisioning gives both these uids."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.common import DataSourceRef

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="kept-prometheus")
INFLUXDB: Final = DataSourceRef(type_val="influxdb", uid="kept-influxdb")
MIXED: Final = DataSourceRef(type_val="datasource", uid="-- Mixed --")
"""Of a panel whose queries have different sources."""
GRAFANA: Final = DataSourceRef(type_val="grafana", uid="-- Grafana --")
"""Grafana's own store of annotations."""
PROVISIONED: Final = (PROMETHEUS, INFLUXDB)
