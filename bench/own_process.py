"""Measures in a process of its own, so that what is measured is that process and nothing else."""

from __future__ import annotations

import subprocess
import sys

from kept.errors import Stop
from local_stack.environment import plain_environment


def output_of(module: str, *arguments: object, what: str) -> str:
    """What `python -m module` prints with these arguments. Raises `Stop`, which says that `what` was to be measured."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"{what} could not be measured: {done.stderr[-600:]}")
    return done.stdout
