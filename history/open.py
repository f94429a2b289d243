"""Which history store a process uses, by its settings."""

from __future__ import annotations

from history.influxdb import InfluxHistory
from history.influxdb_connection import InfluxConnection
from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from kept.errors import ConfigurationError
from kept.settings import Settings


def open_history(settings: Settings, *, read_only: bool = False) -> HistoryStore:
    """The store that `settings` name. Raises `Retry` while a file to be read is not there yet, and `Stop`.

    An InfluxDB server that is away is noticed by the first call, not here.
    """
    if settings.history == "sqlite":
        return SQLiteHistory(settings.history_path, read_only=read_only)
    if not settings.influxdb_token:
        raise ConfigurationError("KEPT_INFLUXDB_TOKEN: not set, but KEPT_HISTORY is influxdb")
    connection = InfluxConnection(
        settings.influxdb_url, settings.influxdb_org, settings.influxdb_token, ca_file=settings.ssl_cafile
    )
    return InfluxHistory(connection, settings.influxdb_bucket, read_only=read_only)
