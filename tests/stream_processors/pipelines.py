"""A pipeline of a test's own on the shared broker: its topics, its catalogue and its history, in a folder."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from command_line.topics import create_topics
from kept.catalogue import Service, parse_service
from kept.settings import Settings
from local_stack.broker import Broker

PLAIN_ENTRY = """
id = "{service}"
name = "{service}"
owner = "Public works"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
[channels]
unlisted = "accept"
"""
"""A service that promises nothing."""


def plain_texts(services: Iterable[str]) -> list[str]:
    """Catalogue entries of services that promise nothing."""
    return [PLAIN_ENTRY.format(service=service) for service in services]


def plain_services(services: Iterable[str]) -> dict[str, Service]:
    """The same services, read."""
    entries = [parse_service(text, "test.toml") for text in plain_texts(services)]
    return {entry.id: entry for entry in entries}


def settings_of(
    broker: Broker, prefix: str, folder: Path, catalogue_texts: str | Sequence[str], **more: Any
) -> Settings:
    """Settings of a replay with two partitions, its topics made; `more` are other settings."""
    (folder / "catalogue").mkdir(exist_ok=True)
    for number, text in enumerate([catalogue_texts] if isinstance(catalogue_texts, str) else catalogue_texts):
        (folder / "catalogue" / f"service-{number}.toml").write_text(text, encoding="utf-8")
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


def health_of(port: int) -> dict[str, Any]:
    """What a worker says of itself at `/healthz`, whether it is well or not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        said = json.load(error)
    return said
