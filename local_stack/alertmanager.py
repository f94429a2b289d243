"""An Alertmanager for the demo and the tests, when the machine has one. Loopback only, and alone: no cluster."""

from __future__ import annotations

import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

from kept.errors import Stop
from local_stack.child import Child
from local_stack.ports import LOOPBACK

INSTALL_COMMAND = "apt-get install -y prometheus-alertmanager"
NAMES = ("prometheus-alertmanager", "alertmanager")
"""As Debian calls it, and as its makers do."""
READY_SECONDS = 20.0


def alertmanager_command() -> str | None:
    """Path of Alertmanager's program, or None."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def alertmanager(command: str, folder: Path, port: int, config: Path, *, public_url: str | None = None) -> Child:
    """The child process, not started, that routes alerts by `config`, with its storage and its log in `folder`.

    `public_url` is where people reach it, for the links in its messages; else loopback.
    """
    arguments = [
        command,
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--web.external-url={public_url or alertmanager_url(port)}",
        "--web.route-prefix=/",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    return Child("Alertmanager", arguments, folder / "alertmanager.log")


def alertmanager_url(port: int) -> str:
    """Its address on this machine, without a slash at the end."""
    return f"http://{LOOPBACK}:{port}"


def wait_until_ready(child: Child, port: int, seconds: float = READY_SECONDS) -> None:
    """Return when Alertmanager takes alerts; raises `Stop` with the end of its log when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.running():
        if _ready(port):
            return
        time.sleep(0.05)
    ended = "ended" if not child.running() else f"was not ready after {seconds:.0f} s"
    raise Stop(f"{child.name} {ended}; the end of {child.log}:\n{child.log_tail()}")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"{alertmanager_url(port)}/-/ready", timeout=1) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
