"""Loopback ports: is one free, and which one may a server of ours take?"""

from __future__ import annotations

import os
import random
import socket
import time
from collections import deque

from kept.errors import Stop

LOOPBACK = "127.0.0.1"
FIRST, LAST = 15000, 31999
"""Below the range from which the system picks the near end of outgoing connections. A client that retries a port in
that range while its server is down can connect to itself and so take the port away."""
MOST_RESERVED = 200
"""So many of the ports given last are given to nobody else."""
_reserved: deque[int] = deque()
"""File descriptors that stand for them, the newest last."""


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
    """A loopback port on which nobody listens now; raises `Stop` when none is found.

    It is given to no other caller, in no process of this machine, while this process lives (`MOST_RESERVED`): a server
    takes seconds from here until it listens, and what runs side by side would now and then be given the same one.
    """
    for _ in range(200):
        port = random.randint(FIRST, LAST)  # noqa: S311 - not a secret
        if is_free(port) and _reserve(port):
            return port
    raise Stop(f"no free port between {FIRST} and {LAST} on {LOOPBACK}")


def _reserve(port: int) -> bool:
    """Whether `port` was nobody's, and is ours now: by a name of Linux that is no file and ends with its process."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0kept-port-{port}")
    except OSError:
        mark.close()
        return False
    _reserved.append(mark.detach())
    if len(_reserved) > MOST_RESERVED:
        os.close(_reserved.popleft())
    return True


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
