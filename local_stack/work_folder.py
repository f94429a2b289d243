"""A temporary folder: removed at the end, and by the next of its kind when this one was ended before it could."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "kept-demo-"
LOCK = "lock"
UNLOCKED = "new-"
"""Before the name of a folder whose lock is not held yet: nobody may take it for a left one."""


@contextmanager
def work_folder(parent: Path | None = None, *, prefix: str = PREFIX) -> Iterator[Path]:
    """A new folder in `parent` (None: the system's place for temporary files), removed at the end.

    A lock in it is held as long as this process lives: that tells the folder of one that runs from a left one. All that
    begin with `prefix` and have a lock are of this kind.
    """
    root = parent or Path(tempfile.gettempdir())
    _remove_left_ones(root, prefix)
    folder = Path(tempfile.mkdtemp(prefix=UNLOCKED + prefix, dir=root))
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = folder.rename(root / folder.name.removeprefix(UNLOCKED))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_left_ones(root: Path, prefix: str) -> None:
    for lock_file in root.glob(f"{prefix}*/{LOCK}"):
        try:
            with lock_file.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent, ignore_errors=True)
        except OSError:
            continue  # in use, or someone else's
