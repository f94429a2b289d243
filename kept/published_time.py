"""How far event time has come: the least watermark over source partitions, those with nothing to read left out."""

from __future__ import annotations

from collections.abc import Mapping

from kept.buckets import SKEW_SECONDS, STEP_MS, STEP_SECONDS
from kept.marks import Mark


def now(marks: Mapping[int, Mark], partitions: int) -> int | None:
    """The moment (s, a whole 5 minutes) up to which every partition has been counted; None when one has not spoken.

    An idle partition holds nothing back; when all are idle, the furthest one decides. None too while a partition is so
    far ahead that its buckets may have become too coarse for the moment of the one furthest behind.
    """
    if len(marks) < partitions:
        return None
    busy = [mark.watermark for mark in marks.values() if not mark.idle]
    if any(watermark is None for watermark in busy):
        return None
    known = [mark.watermark for mark in marks.values() if mark.watermark is not None]
    if not known:
        return None
    moment = min(watermark for watermark in busy if watermark is not None) if busy else max(known)
    if any(mark.compacted is not None and mark.compacted - moment > SKEW_SECONDS * 1000 for mark in marks.values()):
        return None
    return moment // STEP_MS * STEP_SECONDS


def replay_end(marks: Mapping[int, Mark], partitions: int) -> int | None:
    """The as-of moment (s) of a replay that has ended on every partition, else None."""
    ticks = [mark.tick for mark in marks.values() if mark.tick is not None]
    if len(ticks) < partitions:
        return None
    return min(ticks) // STEP_MS * STEP_SECONDS
