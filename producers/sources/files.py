"""Files as they lie there: plain or gzip, opened by their suffix; what is damaged is a `Stop` that says where."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from kept.errors import Stop

LARGEST_DOCUMENT = 256 * 1024 * 1024
"""Bytes, unpacked: formats that must be in memory as a whole may be so large."""


def suffixed(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether the name ends in one of `suffixes`, in any case of letters."""
    return path.name.lower().endswith(suffixes)


def open_file(path: Path, suffixes: tuple[str, ...], what: str) -> IO[bytes]:
    """The bytes of a file, unpacked when it ends in .gz.

    Raises `Stop` when it has none of `suffixes` (`what` says what they are, with its article) or cannot be opened.
    """
    if not suffixed(path, suffixes):
        raise Stop(f"{path}: not {what} Kept can read; valid: {', '.join(suffixes)}")
    try:
        return cast(IO[bytes], gzip.open(path)) if suffixed(path, (".gz",)) else path.open("rb")
    except OSError as error:
        raise Stop(f"{path}: cannot be opened: {error.strerror or error}") from error


@contextmanager
def reading(path: Path, where: Callable[[], str]) -> Iterator[None]:
    """Within, what the file itself refuses to give becomes a `Stop`; `where` says how far it was read."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Stop(f"{path}: the compressed file is truncated or damaged {where()}: {error}; fetch it again") from error
    except OSError as error:
        raise Stop(f"{path}: cannot be read {where()}: {error}") from error


def read_document(path: Path, suffixes: tuple[str, ...], what: str) -> bytes:
    """A whole file of at most `LARGEST_DOCUMENT` bytes (unpacked); raises `Stop`."""
    with open_file(path, suffixes, what) as file, reading(path, lambda: "from its first byte on"):
        document = file.read(LARGEST_DOCUMENT + 1)
    if len(document) > LARGEST_DOCUMENT:
        raise Stop(
            f"{path}: larger than {LARGEST_DOCUMENT >> 20} MB unpacked, which must be held in memory as a whole; "
            "split it, or write one event a line (.jsonl)"
        )
    return document
