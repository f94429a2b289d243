"""One process a spool folder: a lock that the kernel lets go of with the process, and files for its owner alone."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from kept.errors import ConfigurationError


def lock_folder(folder: Path) -> int:
    """Make `folder` where it is missing and lock it; the file descriptor holds the lock.

    Raises `ConfigurationError` when another process has it, or when it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"KEPT_SPOOL_FOLDER: {folder} cannot be used ({error.strerror}); name a folder that can be written"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise ConfigurationError(f"KEPT_SPOOL_FOLDER: {folder} cannot be locked ({error.strerror})") from error
        raise ConfigurationError(
            f"KEPT_SPOOL_FOLDER: {folder} is in use by another process; stop that one, or give each its own folder"
        ) from error
    return lock


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
