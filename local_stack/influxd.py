"""An InfluxDB server of this machine: which program it is, and how it is started on data of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from local_stack.child import Child
from local_stack.ports import LOOPBACK

NAMED_BY = "KEPT_TEST_INFLUXD"
BUILT = Path(".cache") / "kept-influxd"
"""In the home folder: where one lies that was built from source."""
MISSING = f"no InfluxDB server on this machine: name an influxd in {NAMED_BY}, or put it on PATH"


def program() -> Path | None:
    """An influxd that is on this machine: named, else on PATH, else built before (never built here); None: none is."""
    named = os.environ.get(NAMED_BY) or shutil.which("influxd")
    if named:
        return Path(named)
    built = sorted((Path.home() / BUILT).glob("influxd-v2*"))
    return next((file for file in reversed(built) if os.access(file, os.X_OK) and file.suffix != ".part"), None)


def server(influxd: Path, folder: Path, port: int, *options: str, name: str = "influxd") -> Child:
    """A server on loopback `port` with its data in `folder` (the engine's in `engine`), not started."""
    command = [
        str(influxd),
        f"--http-bind-address={LOOPBACK}:{port}",
        f"--bolt-path={folder / 'meta.bolt'}",
        f"--sqlite-path={folder / 'meta.sqlite'}",
        f"--engine-path={folder / 'engine'}",
        "--reporting-disabled",
        "--log-level=warn",
        *options,
    ]
    return Child(name, command, folder / "influxd.log")
