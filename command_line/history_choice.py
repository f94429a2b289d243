"""Which history a command that reads one is to open: the file it is told, or the store of the settings."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from kept.errors import ConfigurationError
from kept.settings import Settings, read_settings


def history_settings(history: Path | None) -> Settings:
    """The settings, with the history file `history` if one is named; raises `ConfigurationError` if it is not there."""
    settings = read_settings(os.environ)
    if history is not None:
        settings = msgspec.structs.replace(settings, history="sqlite", history_path=str(history))
    if settings.history == "sqlite" and not Path(settings.history_path).exists():
        raise ConfigurationError(f"{settings.history_path}: no such history file; set KEPT_HISTORY_PATH or --history")
    return settings
