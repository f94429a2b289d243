"""docker-compose.yml as Compose reads it: merged, its variables filled in, short forms written out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
KEPT_IMAGE = "kept"
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?P<rest>:[-+][^}]*)?\}")
_BIND = re.compile(r"^(?P<source>[^:]+):(?P<target>[^:]+)(?::(?P<mode>ro|rw))?$")


@dataclass(frozen=True)
class Mount:
    """What a service mounts: `kind` is bind or volume."""

    kind: str
    source: str
    target: str
    read_only: bool
    creates_source: bool


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with `${NAME:-default}` and `${NAME:+instead}` replaced, as Compose does it."""

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        if match["rest"] is None:
            return variables[match["name"]]
        if match["rest"].startswith(":+"):
            return match["rest"].removeprefix(":+") if variables.get(match["name"]) else ""
        return variables.get(match["name"]) or match["rest"].removeprefix(":-")

    return _VARIABLE.sub(value, text)


def compose(**variables: str) -> dict[str, Any]:
    """The whole file, with `variables` as those of .env."""
    data: dict[str, Any] = yaml.safe_load(filled(TEXT, variables))
    return data


@cache
def services() -> dict[str, dict[str, Any]]:
    """The services by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def of_kept() -> dict[str, dict[str, Any]]:
    """Those that run Kept's own image."""
    return {name: service for name, service in services().items() if service["image"].split(":")[0] == KEPT_IMAGE}


def jobs() -> set[str]:
    """Those that end by themselves: somebody waits for their end."""
    return {
        dependency
        for service in services().values()
        for dependency, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }


def mounts(service: Mapping[str, Any]) -> list[Mount]:
    """What the service mounts, tmpfs left out."""
    return [_mount(entry) for entry in service.get("volumes", [])]


def networks(service: Mapping[str, Any]) -> set[str]:
    """The networks it is on; none with `network_mode: none`."""
    found = service.get("networks", [])
    assert isinstance(found, list)
    return set(found)


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Its variables as the process sees them."""
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def command(service: Mapping[str, Any]) -> list[str]:
    """What is handed to its entry point."""
    return [str(word) for word in service.get("command", [])]


def option(service: Mapping[str, Any], name: str) -> str:
    """Value of `--name=value` in its command."""
    (found,) = [word.removeprefix(f"{name}=") for word in command(service) if word.startswith(f"{name}=")]
    return found


def secret_paths(service: Mapping[str, Any]) -> dict[str, str]:
    """Path in the container of each of its secrets."""
    return {name: f"/run/secrets/{name}" for name in service.get("secrets", [])}


def _mount(entry: str | dict[str, Any]) -> Mount:
    if isinstance(entry, dict):
        creates = bool(entry.get("bind", {}).get("create_host_path", True))
        return Mount(entry["type"], entry["source"], entry["target"], bool(entry.get("read_only")), creates)
    match = _BIND.match(entry)
    assert match is not None, entry
    kind = "bind" if match["source"].startswith((".", "/")) else "volume"
    return Mount(kind, match["source"], match["target"], match["mode"] == "ro", kind == "bind")
