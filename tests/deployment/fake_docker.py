#!/usr/bin/env python3
"""Stands in for docker on PATH: records what it is asked, and does on folders what the backup would do on volumes.

FAKE_DOCKER names its folder: `calls` gets one line a call; `running` lists the services that run, `containers` what
runs of any of them where that is not the same; volumes are folders
in `volumes/`; `fails` names words at which a call fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ.get("FAKE_DOCKER", "."))
DIGEST = "sha256:" + "ab" * 32
PATHS = {
    "/var/lib/kafka/data": "kafka-data",
    "/var/lib/kept/spool": "intake-spool",
    "/prometheus": "prometheus-data",
    "/alertmanager": "alertmanager-data",
    "/var/lib/grafana": "grafana-data",
}
INFLUXDB = HOME / "influxdb.content"


def lines(name: str) -> list[str]:
    file = HOME / name
    return file.read_text().split() if file.exists() else []


def project() -> str:
    """As Compose finds it: the environment, then .env, then the file's own."""
    file = Path(".env")
    told = dict(line.split("=", 1) for line in file.read_text().split()) if file.exists() else {}
    return {**told, **os.environ}.get("COMPOSE_PROJECT_NAME", "kept")


def main(words: list[str]) -> int:
    with (HOME / "calls").open("a") as calls:
        calls.write(" ".join(words) + "\n")
    said = " ".join(words)
    for failing in lines("fails"):
        if failing in said:
            print(f"{failing}: failed", file=sys.stderr)
            return 1
    if words[:2] == ["volume", "inspect"]:
        return 0 if words[2] in lines("existing") else 1
    if words == ["compose", "config"]:
        print(f"name: {project()}\nservices:\n  grafana:\n    image: grafana")
    if "imagetools" in words:
        print(DIGEST)
    if "ps" in words:
        print("\n".join(("--quiet" in words and lines("containers")) or lines("running")))
    if "port" in words:
        print("127.0.0.1:3000")
    if "--entrypoint" in words:
        service, _, path, *tar = words[words.index("tar") + 1 :]
        folder = HOME / "volumes" / PATHS[path]
        assert folder.name.startswith(service), (service, folder)
        folder.mkdir(parents=True, exist_ok=True)
        return subprocess.run(["tar", "-C", folder, *tar], check=False).returncode
    if words[-2:] == ["influxdb-tools", "backup"]:
        return subprocess.run(["tar", "-C", INFLUXDB.parent, "-cf", "-", INFLUXDB.name], check=False).returncode
    if words[-2:] == ["influxdb-tools", "restore"]:
        return subprocess.run(["tar", "-C", INFLUXDB.parent, "-xf", "-"], check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
