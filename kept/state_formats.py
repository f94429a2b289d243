"""Formats of a partition's state: how an older one becomes the newest, and which one a worker writes.

Every format there ever was stays readable: a migration leads from each to the next. During a rolling upgrade workers of
two releases take partitions from each other, so a worker can also go on writing the format before the newest
(`KEPT_STATE_FORMAT`), until no worker is left that knows no newer one. See docs/upgrading.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from kept.errors import ConfigurationError, StateError
from kept.partition import Changes
from kept.state_records import MARK, STATE_FORMAT, Record, mark_of, pack_mark, read_head

Migration = Callable[[dict[bytes, bytes]], dict[bytes, bytes]]
"""All live records of a partition but its mark in one format -> the same in the next. Pure."""
Lowering = Callable[[Changes], list[Record]]
"""The changes of a batch -> its records in a format before the newest, the mark's left out. Pure."""


class StateFormats(Struct, frozen=True):
    """What a release reads and writes: everything up to `newest`, and what is in `lowerings` beside it."""

    newest: int
    by_default: int
    """What is written when nothing is set: the one before the newest in the release that brings a new one, so that
    plain rolling upgrades from release to release are without a gap."""
    migrations: Mapping[int, Migration]
    """Format -> how it becomes the next one."""
    lowerings: Mapping[int, Lowering]
    """Format that can still be written -> how."""

    def written(self, told: int, found: int | None = None) -> int:
        """The format to write where `found` is in the log; `told` 0 means the release's own choice.

        Never an older one than is there already: another worker has been told that all can read it. Raises
        `ConfigurationError` for a format that cannot be written, `StateError` for one that cannot be read.
        """
        chosen = told or self.by_default
        valid = sorted({*self.lowerings, self.newest})
        if chosen not in valid:
            raise ConfigurationError(
                f"KEPT_STATE_FORMAT: seen {chosen}; valid: {', '.join(map(str, valid))}, or 0 for {self.by_default}"
            )
        if found is None:
            return chosen
        if found > self.newest:
            raise StateError(
                f"its state has format {found}, this release reads formats up to {self.newest}: a newer release has "
                "written it, nothing was changed; start that release here too, see docs/upgrading.md"
            )
        if found < chosen:
            return chosen
        # A format that is no longer written is raised to the next one that is.
        return next(number for number in valid if number >= found)

    def raised(self, held: Mapping[bytes, bytes], until: int) -> dict[bytes, bytes]:
        """The live records of a partition in format `until`, its mark included. Without a mark: as they are."""
        if MARK not in held:
            return dict(held)
        head = read_head(held[MARK])
        records = {key: value for key, value in held.items() if key != MARK}
        for number in range(head.format, until):
            if number not in self.migrations:
                raise StateError(f"nothing leads from state format {number} to {number + 1}; use a matching release")
            records = self.migrations[number](records)
        return {**records, MARK: pack_mark(mark_of(head), until, head.begins)}

    def records(self, changes: Changes, number: int, begins: int) -> list[Record]:
        """The records of a batch in format `number`, which begins at that offset of the log; the mark is the last."""
        if not changes.state or (number == self.newest and not begins):
            return changes.state
        without_mark = changes.state[:-1] if number == self.newest else self.lowerings[number](changes)
        return [*without_mark, (MARK, pack_mark(changes.mark, number, begins))]


FORMATS = StateFormats(newest=STATE_FORMAT, by_default=1, migrations={}, lowerings={})
"""Those of this release."""
