"""A pipeline of a test's own on the shared broker: its topics, its catalogue and its history, in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from command_line.topics import create_topics
from kept.settings import Settings
from local_stack.broker import Broker


def settings_of(broker: Broker, prefix: str, folder: Path, catalogue_text: str, **more: Any) -> Settings:
    """Settings of a replay with two partitions, its topics made; `more` are other settings."""
    (folder / "catalogue").mkdir(exist_ok=True)
    (folder / "catalogue" / "service.toml").write_text(catalogue_text, encoding="utf-8")
    fields: dict[str, Any] = {
        "brokers": broker.bootstrap,
        "topic_prefix": prefix,
        "partitions": 2,
        "catalogue": str(folder / "catalogue"),
        "history_path": str(folder / "history.sqlite"),
        "live": False,
    }
    settings = Settings(**(fields | more))
    create_topics(settings)
    return settings
