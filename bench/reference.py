"""What Kept's core makes of a stream, without Kafka: the tallies that every contender must arrive at."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import NamedTuple

from bench.comparison import Tallies, joined
from kept.events import CaseCompleted, Event, encode
from kept.intake import Rules
from kept.partition import PartitionState

BATCH = 10_000


class Reference(NamedTuple):
    """Of the first `events` events of a stream: tallies, greatest event time, completions among them, bytes."""

    events: int
    tallies: Tallies
    watermark: int
    completions: int
    bytes: int


def references(stream: Iterable[Event], sizes: Collection[int], rules: dict[str, Rules]) -> dict[int, Reference]:
    """A reference for each size, by size, from one pass over the stream."""
    state = PartitionState(0, rules, live=False)
    events = iter(stream)
    found: dict[int, Reference] = {}
    read = completions = size = 0
    for until in sorted(set(sizes)):
        while read < until and (batch := list(islice(events, min(BATCH, until - read)))):
            read += len(batch)
            completions += sum(type(event) is CaseCompleted for event in batch)
            size += sum(len(encode(event)) for event in batch)
            state.apply(read - 1, batch)
        assert state.watermark is not None
        rows = (((*series, bucket, end), tally) for series, bucket, end, tally in state.tallies.items())
        found[until] = Reference(read, joined(rows, state.watermark), state.watermark, completions, size)
    return found
