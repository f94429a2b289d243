"""Reads a spool from one message on, in order, and checks each frame again before anything in it is delivered."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kept.errors import StateError
from producers.spool.frames import HEAD_BYTES, Head, Message, read_body, read_head


class Reader:
    """Reads a spool from one message on, in order. For the thread that delivers."""

    def __init__(self, segment_of: Callable[[int], tuple[Path, int] | None], after: int) -> None:
        """The first message is the one after `after`; `segment_of` tells where the spool has a message."""
        self._segment_of = segment_of
        self._path: Path | None = None
        self._file: int | None = None
        self._offset = 0
        self.position = after
        """Number of the last message read."""

    def read(self) -> list[tuple[int, Message]]:
        """(number, message) of the next frame; empty when there is nothing more yet.

        Raises `StateError` when what was accepted is damaged.
        """
        while (found := self._segment_of(self.position + 1)) is not None:
            path, size = found
            file = self._opened(path)
            head = read_head(os.pread(file, HEAD_BYTES, self._offset))
            if head is None or head.first > self.position + 1:
                raise self._damage(path)
            if head.first + head.messages - 1 > self.position:
                return self._messages(path, file, head, size)
            self._offset += HEAD_BYTES + head.length
        return []

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _messages(self, path: Path, file: int, head: Head, size: int) -> list[tuple[int, Message]]:
        begin = self._offset + HEAD_BYTES
        messages = read_body(head, os.pread(file, head.length, begin)) if begin + head.length <= size else None
        if messages is None:
            raise self._damage(path)
        self._offset = begin + head.length
        numbered = [(head.first + index, message) for index, message in enumerate(messages)]
        fresh = [pair for pair in numbered if pair[0] > self.position]
        self.position = fresh[-1][0]
        return fresh

    def _opened(self, path: Path) -> int:
        if self._file is None or path != self._path:
            self.close()
            self._file, self._path, self._offset = os.open(path, os.O_RDONLY | os.O_CLOEXEC), path, 0
        return self._file

    def _damage(self, path: Path) -> StateError:
        return StateError(
            f"{path}: byte {self._offset}: message {self.position + 1} is damaged; nothing after it is delivered "
            "before a person has looked: stop this process, keep the file, and mend its disk"
        )
