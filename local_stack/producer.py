"""How a `kept intake` of a run's own is told what to do, and the token with which it is spoken to."""

from __future__ import annotations

from pathlib import Path

from kept.settings import Settings
from local_stack.environment import environment_of

TOKEN = "a-token-of-this-machine-alone"  # noqa: S105 - loopback, for the time of one run


def producer_environment(settings: Settings, folder: Path, name: str, port: int) -> dict[str, str]:
    """The environment of the producer `name`, which answers on loopback `port`; its token and spool are in `folder`."""
    token = folder / f"{name}.token"
    token.write_text(TOKEN, encoding="ascii")
    return {
        **environment_of(settings),
        "KEPT_INTAKE_PORT": str(port),
        "KEPT_INTAKE_TOKEN_FILE": str(token),
        "KEPT_SPOOL_FOLDER": str(folder / f"{name}-spool"),
    }
