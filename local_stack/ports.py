"""Loopback ports: is one free, and which one may a server of ours take?"""

from __future__ import annotations

import random
import socket
import time

from kept.errors import Stop

LOOPBACK = "127.0.0.1"
FIRST, LAST = 15000, 31999
"""Below the range from which the system picks the near end of outgoing connections. A client that retries a port in
that range while its server is down can connect to itself and so take the port away."""


def is_free(port: int) -> bool:
    """Whether a server could listen on loopback `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ended connections do not count
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port on which nobody listens now; raises `Stop` when none is found."""
    for _ in range(200):
        port = random.randint(FIRST, LAST)  # noqa: S311 - not a secret
        if is_free(port):
            return port
    raise Stop(f"no free port between {FIRST} and {LAST} on {LOOPBACK}")


def require_free(port: int, purpose: str, option: str) -> None:
    """Raise `Stop` when `port` is taken, naming its `purpose` and the `option` that chooses another."""
    if not is_free(port):
        raise Stop(f"port {port} ({purpose}) is taken by another program; choose another with {option}")


def answers(port: int, timeout_seconds: float = 0.5) -> bool:
    """Whether something accepts connections on loopback `port`."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds) as connection:
            return bool(connection.getsockname() != connection.getpeername())
    except OSError:
        return False


def wait_until_answers(port: int, deadline: float) -> bool:
    """Wait until `port` answers; False when `deadline` (time.monotonic()) passes first."""
    while time.monotonic() < deadline:
        if answers(port):
            return True
        time.sleep(0.05)
    return False
