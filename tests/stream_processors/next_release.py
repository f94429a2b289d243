"""A worker of a release to come: `python -m tests.stream_processors.next_release`, set by `KEPT_*` variables.

Its state has a format of its own, after the newest of the real one: tallies under another kind of key and in another
order. It reads the former format, can still write it, and does so unless it is told otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec

from catalogue import services_of
from kept.partition import Changes, DeadLetter, PartitionState
from kept.settings import read_settings
from kept.state_formats import StateFormats
from kept.state_records import MARK, STATE_FORMAT, TALLY, Record, mark_of, pack_mark, read_head
from stream_processors import case_processor
from stream_processors.partition_log import PartitionLog
from stream_processors.worker import run_worker

NEXT = STATE_FORMAT + 1
SUMS = b"T"
"""Kind of the tallies there: the key reversed, the tally as pairs."""


def _raised(key: bytes, value: bytes | None) -> Record:
    if key[:1] != TALLY:
        return key, value
    pairs = None if value is None else msgspec.msgpack.encode(list(msgspec.msgpack.decode(value).items()))
    return SUMS + key[:0:-1], pairs


def _lowered(key: bytes, value: bytes | None) -> Record:
    if key[:1] != SUMS:
        return key, value
    tally = None if value is None else msgspec.msgpack.encode(dict(msgspec.msgpack.decode(value)))
    return TALLY + key[:0:-1], tally


def migrated(held: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The former format's records in this one."""
    return {
        new: changed for key, value in held.items() for new, changed in [_raised(key, value)] if changed is not None
    }


def lowered(changes: Changes) -> list[Record]:
    """A batch's records in the former format, without the mark."""
    return [_lowered(key, value) for key, value in changes.state[:-1]]


NEXT_FORMATS = StateFormats(
    newest=NEXT, by_default=STATE_FORMAT, migrations={STATE_FORMAT: migrated}, lowerings={STATE_FORMAT: lowered}
)


class NextState(PartitionState):
    """Restores and makes the next format, and no other."""

    def restore(self, records: Iterable[Record]) -> None:
        super().restore(self._former(key, value) for key, value in records)

    def _former(self, key: bytes, value: bytes | None) -> Record:
        assert key[:1] != TALLY, "a record of the former format"
        if key == MARK and value is not None:
            head = read_head(value)
            assert head.format == NEXT
            return key, pack_mark(mark_of(head))
        return _lowered(key, value)

    def _changes(self, dead_letters: list[DeadLetter]) -> Changes:
        made = super()._changes(dead_letters)
        state = [_raised(key, value) for key, value in made.state[:-1]]
        return made._replace(state=[*state, (MARK, pack_mark(made.mark, NEXT))])


if __name__ == "__main__":
    case_processor.PartitionState = NextState  # type: ignore[misc]
    case_processor.PartitionLog = partial(PartitionLog, formats=NEXT_FORMATS)  # type: ignore[misc,assignment]
    settings = read_settings(os.environ)
    run_worker(settings, services_of(settings), Path(settings.work_folder))
