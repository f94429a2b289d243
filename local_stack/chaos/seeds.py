"""Which seeds a run takes: those it is told, or some that rotate with the commit."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path

HIGHEST = 1_000_000
"""Seeds that rotate lie below; the table's own are the first of them."""


def in_row(first: int, count: int) -> list[int]:
    """`count` seeds from `first` on."""
    return list(range(first, first + count))


def rotating(count: int, said: str) -> list[int]:
    """`count` seeds in a row, which any change of `said` makes others."""
    digest = hashlib.sha256(said.encode()).digest()
    return in_row(1 + int.from_bytes(digest[:8], "big") % HIGHEST, count)


def this_commit(folder: Path) -> str:
    """The commit of the repository in `folder`; where there is none, today's date."""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.SubprocessError):
        return f"{datetime.now(UTC):%Y-%m-%d}"
    return done.stdout.strip()
