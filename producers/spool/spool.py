"""The spool: appends are synced before they return, a reader takes them in order, what is delivered is deleted.

It needs no room to make room: a delivered segment is unlinked, nothing is rewritten. Thread-safe: one thread may
append while another reads and delivers.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kept.errors import Retry, SpoolFull, Stop
from producers.spool.cursor import Cursor
from producers.spool.folder import lock_folder, sync_folder
from producers.spool.frames import Message, encode_frame
from producers.spool.reader import Reader
from producers.spool.segments import Segment, read_segments, remove_empty, segment_path

SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENTS = 8
"""A spool of few bytes has smaller segments, so that room comes back in parts of an eighth."""

_log = logging.getLogger(__name__)


class Spool:
    """The queue in `folder`, of at most `limit_bytes` on disk. A context manager."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Open or make it.

        Raises `ConfigurationError` when another process has it, and `StateError` when accepted messages are damaged.
        """
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._segment_bytes = min(SEGMENT_BYTES, limit_bytes // SEGMENTS)
        self._changed = threading.Condition()
        """Guards what is known of the segments; held for moments, so that a slow disk stops no reader."""
        self._writing = threading.Lock()
        """Guards the segment that is written to; taken before `_changed`."""
        self._active: tuple[int, Segment] | None = None
        self._closed = False
        self._lock = lock_folder(folder)
        try:
            self._segments = deque(read_segments(folder))
            remove_empty(folder, self._segments)
            self._cursor = Cursor(folder / "cursor")
        except BaseException:
            os.close(self._lock)
            raise
        self._last = self._cursor.delivered
        if self._segments:
            self._last = max(self._last, self._segments[-1].last)
            # What is gone from the front was delivered, whatever an old cursor says.
            self._cursor.delivered = max(self._cursor.delivered, self._segments[0].first - 1)
        self.delivered(self._cursor.delivered)

    def __enter__(self) -> Self:
        """The spool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def waiting(self) -> int:
        """Messages accepted and not yet delivered."""
        return self._last - self._cursor.delivered

    @property
    def bytes_used(self) -> int:
        """Bytes on disk, counted in whole segments; 0 when nothing waits."""
        return self._size() if self.waiting else 0

    def append(self, messages: Sequence[Message]) -> None:
        """Accept `messages`, all or none: when this returns they are synced to disk.

        Raises `SpoolFull` when they do not fit, and `Retry` when the disk does not take them.
        """
        if not messages:
            return
        with self._writing:
            if self._closed:
                raise Stop(f"the spool in {self.folder} is closed; hand the events over after the next start")
            frame = encode_frame(self._last + 1, messages)
            if (used := self._size()) + len(frame) > self.limit_bytes:
                raise SpoolFull(
                    f"the spool in {self.folder} is full: {self.waiting} events wait for the broker on {used} of "
                    f"{self.limit_bytes} bytes; start the broker, or raise KEPT_SPOOL_BYTES"
                )
            try:
                segment = self._write(frame)
            except OSError as error:
                self._seal(failed=True)
                raise Retry(
                    f"the spool in {self.folder} cannot be written ({error.strerror}): make room on its disk; "
                    f"the {self.waiting} events that it holds are safe"
                ) from error
            with self._changed:
                if not segment.size:
                    self._segments.append(segment)
                segment.size += len(frame)
                self._last += len(messages)
                segment.last = self._last
                self._changed.notify_all()

    def delivered(self, number: int) -> None:
        """Every message up to `number` is acknowledged; whole segments of them are deleted."""
        with self._changed:
            if number > self._cursor.delivered:
                self._cursor.move(number)
            while self._segments and self._segments[0].last <= number and self._may_go(self._segments[0]):
                self._segments.popleft().path.unlink(missing_ok=True)
            self._changed.notify_all()

    def rest(self) -> None:
        """Nothing comes for a while: if all is delivered, nothing of it stays on disk."""
        if self.waiting or not self._segments or not self._writing.acquire(blocking=False):
            return
        try:
            if not self.waiting:
                self._seal()
        finally:
            self._writing.release()
        self.delivered(self._cursor.delivered)

    def wait(self, beyond: int, seconds: float) -> None:
        """Return when there is a message after `beyond`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > beyond, seconds)

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether everything is delivered, at the latest after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.waiting == 0, seconds)

    def reader(self) -> Reader:
        """A reader that begins with the oldest message that is not delivered."""
        return Reader(self.segment_of, self._cursor.delivered)

    def segment_of(self, number: int) -> tuple[Path, int] | None:
        """(path, bytes) of the segment that holds message `number`; None when there is none yet."""
        with self._changed:
            for segment in self._segments:
                if segment.first <= number <= segment.last:
                    return segment.path, segment.size
        return None

    def close(self) -> None:
        """Let go of the folder; of what is delivered nothing stays in it."""
        with self._writing:
            self._closed = True
            self._seal()
            self.delivered(self._cursor.delivered)
            self._cursor.close()
            os.close(self._lock)

    def _size(self) -> int:
        with self._changed:
            return sum(segment.size for segment in self._segments)

    def _may_go(self, segment: Segment) -> bool:
        """Whether a delivered segment may be deleted: not while it is written to, nor for a message or two."""
        if self._active is None or segment is not self._active[1]:
            return True
        if segment.size < self._segment_bytes // 2 or not self._writing.acquire(blocking=False):
            return False
        try:
            self._seal()
        finally:
            self._writing.release()
        return True

    def _write(self, frame: bytes) -> Segment:
        """Write and sync `frame`; the segment it is in."""
        if self._active is not None and self._active[1].size + len(frame) > self._segment_bytes:
            self._seal()
        if self._active is None:
            self._active = self._new_segment()
            sync_folder(self.folder)
        file, segment = self._active
        rest = memoryview(frame)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fdatasync(file)
        return segment

    def _new_segment(self) -> tuple[int, Segment]:
        path = segment_path(self.folder, self._last + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, 0o600), Segment(path, self._last + 1, self._last, 0)

    def _seal(self, failed: bool = False) -> None:
        """Write no more to the last segment. After a failure nothing is known of what follows its accepted part."""
        if self._active is None:
            return
        file, segment = self._active
        self._active = None
        try:
            if failed:
                os.ftruncate(file, segment.size)
        except OSError as error:
            _log.debug("%s: cannot be cut to its accepted part: %s", segment.path, error)
        finally:
            os.close(file)
        if not segment.size:
            segment.path.unlink(missing_ok=True)
