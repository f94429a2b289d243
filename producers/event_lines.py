"""Events -> a file of JSON lines, one CloudEvent a line, compressed when its name ends in .gz.

The file appears whole or not at all, and the same events give the same bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from kept.errors import ConfigurationError, Stop
from kept.events import Event, encode

SUFFIXES = (".jsonl", ".jsonl.gz")


def check_name(path: Path) -> None:
    """Raises `ConfigurationError` unless the name says which kind of file it is."""
    if not path.name.endswith(SUFFIXES):
        raise ConfigurationError(
            f"{path}: not a name for a file of events; valid: a name that ends in .jsonl or .jsonl.gz"
        )


def check_place(path: Path) -> None:
    """Raises `ConfigurationError` when a file cannot be there, whatever is in it."""
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: no such folder {path.parent}; make it, or name another")
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; name a file")


def write_events(path: Path, timed_events: Iterable[tuple[int, Event]]) -> int:
    """Write (time in ms, event) pairs in the order in which they come; returns how many. Raises as `whole_file`."""
    check_name(path)
    written = 0
    with whole_file(path) as file, _lines(path, file) as lines:
        for _, event in timed_events:
            lines.write(encode(event) + b"\n")
            written += 1
    return written


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to; it takes the place of `path` when all is written, and is gone when something fails.

    Raises as `check_place`, and `Stop` when it cannot be written.
    """
    check_place(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield cast(BinaryIO, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise Stop(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _lines(path: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    if not path.name.endswith(".gz"):
        yield file
        return
    # Neither name nor time in the header: the bytes depend on the events alone.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed:
        yield cast(BinaryIO, packed)


def _umask() -> int:
    """What this process takes away from new files: temporary files are private, the finished one is not."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
