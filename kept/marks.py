"""What a source partition says of itself after every batch: how far it got, and an account of every event."""

from __future__ import annotations

from msgspec import Struct, field


class Accounts(Struct):
    """Every event received is in exactly one of the other four; `late` are applied ones behind the watermark's hour."""

    received: int = 0
    applied: int = 0
    duplicate: int = 0
    beyond_retention: int = 0
    dead_lettered: dict[str, int] = field(default_factory=dict)
    late: int = 0

    def reconciles(self) -> bool:
        """received = applied + duplicate + beyond retention + dead-lettered."""
        accounted = self.applied + self.duplicate + self.beyond_retention + sum(self.dead_lettered.values())
        return self.received == accounted

    def add(self, other: Accounts) -> None:
        """self += other."""
        self.received += other.received
        self.applied += other.applied
        self.duplicate += other.duplicate
        self.beyond_retention += other.beyond_retention
        self.late += other.late
        for reason, count in other.dead_lettered.items():
            self.dead_lettered[reason] = self.dead_lettered.get(reason, 0) + count


class Mark(Struct, frozen=True):
    """After the batch that ended at `offset`: the watermark (greatest event time so far, ms) and the accounts.

    `tick` is the last tick seen (ms): a replay has ended there. `idle` says that the partition has nothing to read, so
    that it need not hold the others back. `compacted` is the watermark (ms) of the last compaction. `late_since` tells
    of which services the batch held events so early that values without them may have been published: service -> time
    (ms) of the earliest such event. `after` is the offset of the mark that this one follows (an older release does not
    say): who has not seen that one has missed something.
    """

    partition: int
    offset: int
    watermark: int | None
    accounts: Accounts
    tick: int | None = None
    idle: bool = False
    compacted: int | None = None
    late_since: dict[str, int] = field(default_factory=dict)
    after: int | None = None

    def follows(self, known: Mark | None) -> bool:
        """Whether nothing is missing between `known`, None for no mark at all, and this mark."""
        return self.after is None or self.after <= (-1 if known is None else known.offset)
