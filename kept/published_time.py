"""How far event time has come: the least watermark over source partitions, those with nothing to read left out."""

from __future__ import annotations

from collections.abc import Mapping

from kept.buckets import SKEW_SECONDS, STEP_MS, STEP_SECONDS
from kept.marks import Mark


def now(marks: Mapping[int, Mark], partitions: int, *, replay: bool = False) -> int | None:
    """The moment (s, a whole 5 minutes) up to which every partition has been counted; None when one has not spoken.

    An idle partition holds nothing back; when all are idle, the furthest one decides. None too while a partition is so
    far ahead that its buckets may have become too coarse for the moment of the one furthest behind.

    A moment at which a tick was seen is reached when every partition has seen it. In a `replay` an event at a moment
    does not reach it either, since others may follow at the same: who waits for its end reads it once it is published.
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
    step = moment // STEP_MS
    ticks = [mark.tick // STEP_MS for mark in marks.values() if mark.tick is not None]
    is_end = len(ticks) == partitions and min(ticks) >= step
    if not is_end and (step in ticks or (replay and moment % STEP_MS == 0)):
        step -= 1
    return step * STEP_SECONDS


def replay_end(marks: Mapping[int, Mark], partitions: int) -> int | None:
    """The as-of moment (s) of a replay that has ended on every partition, else None."""
    ticks = [mark.tick for mark in marks.values() if mark.tick is not None]
    if len(ticks) < partitions:
        return None
    return min(ticks) // STEP_MS * STEP_SECONDS
