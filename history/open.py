"""Which history store a process uses, by its settings."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final, Literal

from history.store import HistoryStore
from kept.settings import Settings

MODULES: Final[dict[Literal["sqlite", "influxdb"], str]] = {"sqlite": "history.sqlite", "influxdb": "history.influxdb"}
"""Where the store of each setting is, with its `opened`. Only the one that is used is loaded: a client of InfluxDB is a
sixth of what a worker loads."""


def open_history(settings: Settings, *, read_only: bool = False) -> HistoryStore:
    """The store that `settings` name. Raises `Retry` while a file to be read is not there yet, and `Stop`.

    An InfluxDB server that is away is noticed by the first call, not here.
    """
    opened: Callable[[Settings, bool], HistoryStore] = importlib.import_module(MODULES[settings.history]).opened
    return opened(settings, read_only)
