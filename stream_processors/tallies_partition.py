"""One partition of the tallies in memory: what was taken in, how far it is published, and what is still unwritten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kept.intake import Rules
from kept.marks import Mark
from kept.registered_changes import unpack_change
from kept.signals.judge import judge as judge_all
from kept.state_records import Record
from kept.tallies import MergedTallies, is_tally_key, split_key
from stream_processors.judgements import Judgements, JudgeService
from stream_processors.partition_log import unpack_mark
from stream_processors.slices import Slices
from stream_processors.unwritten import Unwritten


class TalliesPartition:
    """One partition of topic `tallies`: some services, all their source partitions."""

    def __init__(self, partition: int, rules: Mapping[str, Rules], judge: JudgeService = judge_all) -> None:
        self.partition = partition
        self.judgements = Judgements(rules, judge)
        self.tallies = MergedTallies({service: r.local_time for service, r in rules.items()})
        self.marks: dict[int, Mark] = {}
        self.position = 0
        self.settled = 0
        """All below has been published, or gave nothing to publish: the group may skip it."""
        self.published: dict[str, int] = {}
        self.shown: dict[str, int] = {}
        """Service -> moment (s) that its gauges show; ahead of `published` while the store is slow."""
        self.slices = Slices()
        self.unwritten = Unwritten()
        self.final: int | None = None
        self.late_since: dict[str, int] = {}
        """Service -> time (ms) of the earliest event that came after values of its moment had been published."""
        self.changed = False
        self.next_publication = self.next_showing = 0.0
        self.ready: asyncio.Task[None] | None = None
        self.let_go = asyncio.Event()
        """Set when it is this worker's no more."""
        self._pending: dict[int, list[Record]] = {}
        """By source partition: what no mark has followed yet."""

    def take_in(self, records: list[Any], *, restoring: bool = False) -> bool:
        """Apply records in log order; what a mark does not follow yet has to wait.

        False when a mark does not follow the one known: something was missed, or the log is already compacted here.
        Then what is in front of that mark is taken in, and nothing behind it. Who is `restoring` reads what is left of
        the log from its beginning, where marks are missing by nature.
        """
        for record in records:
            self.position = record.offset + 1
            if is_tally_key(record.key):
                _, (_, _, partition) = split_key(record.key)
                self._pending.setdefault(partition, []).append((record.key, record.value))
                continue
            change = unpack_change(record.key, record.value)
            if change is not None:
                self.unwritten.register(change)
                continue
            mark = unpack_mark(record.key, record.value)
            if mark is None:
                continue  # another word: a kind of record that only a later release writes and reads
            if not restoring and not mark.follows(self.marks.get(mark.partition)):
                self.position = record.offset
                return False
            for key, value in self._pending.pop(mark.partition, ()):
                self.tallies.apply(key, value)
            self.marks[mark.partition] = mark
            self.changed = True
            for service, time_ms in mark.late_since.items():
                self.late_since[service] = min(self.late_since.get(service, time_ms), time_ms)
        return True

    def go_on_with(self, anew: TalliesPartition) -> None:
        """Take the place in the log, and all that was read, from `anew`, which has read the same from the beginning."""
        self.tallies, self.marks, self.position, self._pending = anew.tallies, anew.marks, anew.position, anew._pending
        for service, time_ms in anew.late_since.items():  # what was amended already stays as it is
            self.late_since[service] = min(self.late_since.get(service, time_ms), time_ms)
        for change in anew.unwritten.changes():
            self.unwritten.register(change)
        self.changed = True
