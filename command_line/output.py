"""What commands print: a reader that has seen enough (`| head`) ends the command quietly, a full disk with a reason."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from kept.errors import Stop


@contextmanager
def output() -> Iterator[None]:
    """Within, text goes to standard output; exits with 0 when nobody reads any more, raises `Stop` when it is full."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:
        _drop_output()
        raise typer.Exit(0) from error
    except OSError as error:
        _drop_output()
        raise Stop(f"the output cannot be written: {error.strerror or error}") from error


def _drop_output() -> None:
    """What is still buffered would fail again when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
