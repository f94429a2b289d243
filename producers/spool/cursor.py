"""How far a spool is delivered. Written in place and not synced: an old one costs duplicates, never a message."""

from __future__ import annotations

import logging
import os
import struct
import zlib
from pathlib import Path

_NUMBER = struct.Struct(">Q")
_CHECKSUM = struct.Struct(">I")

_log = logging.getLogger(__name__)


class Cursor:
    """The number of the last message that was delivered, in a file of its own."""

    def __init__(self, path: Path) -> None:
        """Read what is there; 0 when there is nothing, or nothing whole."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        data = os.pread(self._file, _NUMBER.size + _CHECKSUM.size, 0)
        self.delivered = 0
        if len(data) == _NUMBER.size + _CHECKSUM.size and data[_NUMBER.size :] == _sum(data[: _NUMBER.size]):
            self.delivered = int(_NUMBER.unpack_from(data)[0])
        elif data:
            _log.warning("%s: cannot be read; what is in the spool is delivered again, which changes nothing", path)

    def move(self, delivered: int) -> None:
        """Everything up to message `delivered` is acknowledged."""
        self.delivered = delivered
        number = _NUMBER.pack(delivered)
        try:
            os.pwrite(self._file, number + _sum(number), 0)
        except OSError as error:
            _log.debug("the cursor cannot be written: %s", error)

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, -1  # a late `move` must not write to another file
        os.close(file)


def _sum(number: bytes) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(number))
