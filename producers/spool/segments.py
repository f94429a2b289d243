"""What lies in a spool's folder when it is opened: its segments, checked from the first to the last byte.

A tail that is not whole was never accepted and is told of. Anything else that is not as it was written is a
`StateError` that names the file and the byte: no message is passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kept.errors import StateError
from producers.spool.frames import HEAD_BYTES, later_frame, whole_frames

SUFFIX = ".segment"

_log = logging.getLogger(__name__)


@dataclass
class Segment:
    """A file with the messages `first` to `last`; its accepted part is `size` bytes long."""

    path: Path
    first: int
    last: int
    size: int


def segment_path(folder: Path, first: int) -> Path:
    """The file of the segment that begins with message `first`; names sort as the messages do."""
    return folder / f"{first:020d}{SUFFIX}"


def read_segments(folder: Path) -> list[Segment]:
    """The segments of `folder` in order; raises `StateError` when one is damaged or missing.

    A last segment in which nothing was accepted is left out.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    begins = [_first_of(path) for path in paths]
    segments: list[Segment] = []
    for index, (path, first) in enumerate(zip(paths, begins, strict=True)):
        following = begins[index + 1] if index + 1 < len(begins) else None
        segment = _checked(path, first, following)
        if segment.size:
            segments.append(segment)
    return segments


def remove_empty(folder: Path, segments: Sequence[Segment]) -> None:
    """Delete segment files that are none of `segments`: nothing in them was accepted."""
    known = {segment.path for segment in segments}
    for path in folder.glob(f"*{SUFFIX}"):
        if path not in known:
            path.unlink()


def _first_of(path: Path) -> int:
    try:
        return int(path.stem)
    except ValueError as error:
        raise StateError(f"{path}: no file of the spool has such a name; move it away") from error


def _checked(path: Path, first: int, following: int | None) -> Segment:
    """One segment; `following` is the first message of the next one, if there is one."""
    data = path.read_bytes()
    segment = Segment(path, first, first - 1, 0)
    for offset, head in whole_frames(data):
        if head.first == following:
            break  # its write was reported as failed, and these numbers were given to other messages
        if head.first != segment.last + 1:
            raise StateError(f"{path}: byte {offset}: holds message {head.first}, not {segment.last + 1}; {_ADVICE}")
        segment.last += head.messages
        segment.size = offset + HEAD_BYTES + head.length
    if segment.size < len(data):
        _judge_tail(data, segment, following)
    if following is not None and segment.last + 1 != following:
        raise StateError(
            f"{path}: ends with message {segment.last}, but the next begins with {following}: a file of the spool is "
            f"missing, or damaged; put it back if you have it; else {_ADVICE}"
        )
    return segment


def _judge_tail(data: bytes, segment: Segment, following: int | None) -> None:
    """What follows the last good frame is torn, or damaged."""
    if later_frame(data, segment.size) is not None:
        raise StateError(f"{segment.path}: byte {segment.size}: damaged after message {segment.last}; {_ADVICE}")
    if following is None:
        _log.warning(
            "%s: the last write was torn: %d bytes after message %d, which nobody was told were accepted, are left out",
            segment.path, len(data) - segment.size, segment.last,
        )  # fmt: skip


_ADVICE = (
    "the disk has lost accepted messages: move the folder away, keep it, and ask the senders to send again what they "
    "sent since the broker went away"
)
