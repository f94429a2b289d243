"""The demo's temporary folder: removed at the end, and by the next demo when this one was killed before it could."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "kept-demo-"
LOCK = "lock"


@contextmanager
def work_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent` (None: the system's place for temporary files), removed at the end.

    A lock in it is held as long as this process lives: that tells the folder of a demo that runs from a left one.
    """
    root = parent or Path(tempfile.gettempdir())
    _remove_left_ones(root)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_left_ones(root: Path) -> None:
    for lock_file in root.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock_file.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent, ignore_errors=True)
        except OSError:
            continue  # in use, or someone else's
