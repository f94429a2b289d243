"""Moving to more partitions: the state of one source partition, split among those that take its cases over.

With a multiple of the former number, what partition p held goes to p, p + n, p + 2n … and nowhere else. Tallies stay
with p: they are signed sums that are merged over partitions, so it does not matter where a case was counted before.
Registered changes stay with p too: their keys know of no partition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from kept.errors import StateError
from kept.marks import Accounts, Mark
from kept.partition import Changes
from kept.register import subject_of
from kept.registered_changes import unpack_change
from kept.state_records import BRAKE, CASE, CHANGE, MARK, SEAT, SEEN, TALLY, Record, pack_mark, read_mark
from kept.tallies import unpack

_INHERITED = b"|inherited"


def split(
    parent: int, records: Mapping[bytes, bytes], children: Iterable[int], partition_of: Callable[[str], int]
) -> list[Changes]:
    """The first changes of each of `children`, from the live records (key -> value) of partition `parent`.

    `partition_of` tells to which partition the events of a subject go from now on. Nothing of the child's events has
    been applied yet; what the parent has seen, each child has seen. Raises `StateError` when a case would go to a
    partition that is none of `children`: its events were not keyed by its subject, and would miss it there.
    """
    mark = None
    state: dict[int, list[Record]] = {child: [] for child in children}
    tallies: list[tuple[str, bytes, bytes | None]] = []
    registered: list[tuple[str, bytes, bytes]] = []
    for key, value in records.items():
        kind, rest = key[:1], key[1:]
        if kind == CASE:
            child = partition_of(subject_of(rest))
            if child not in state:
                raise StateError(
                    f"a case in partition {parent} does not belong there by its subject: events were published with "
                    "another key than their subject; publish the events again to new topics instead"
                )
            state[child].append((key, value))
        elif kind == SEEN:
            # The child counts offsets from the start again: a key of its own must not meet one it has inherited.
            for held in state.values():
                held.append((key + _INHERITED, value))
        elif kind == TALLY:
            state[parent].append((key, value))
            tallies.append((unpack(rest, value).series[0], rest, value))
        elif kind == SEAT:
            state[parent].append((key, value))
        elif kind == CHANGE:
            state[parent].append((key, value))
            if (change := unpack_change(rest, value)) is not None:
                registered.append((change.service, rest, value))
        elif kind == MARK:
            mark = read_mark(value)
        elif kind == BRAKE:
            continue  # offsets of a log that is no more
        else:
            raise StateError(f"the state of partition {parent} holds a record of unknown kind {kind!r}")
    if mark is None:
        mark = Mark(parent, -1, None, Accounts())
    first = {child: _changes(child, parent, held, mark) for child, held in state.items()}
    first[parent] = first[parent]._replace(tallies=tallies, registered=registered)
    return list(first.values())


def _changes(child: int, parent: int, state: list[Record], mark: Mark) -> Changes:
    heir = child == parent
    accounts = mark.accounts if heir else Accounts()
    own = msgspec.structs.replace(mark, partition=child, offset=-1, accounts=accounts, idle=False)
    return Changes([*state, (MARK, pack_mark(own))], [], own, [])
