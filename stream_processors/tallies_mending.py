"""What the topic tallies holds of one source partition, and what of it is not as the partition's state says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kept.partition import PartitionState
from kept.tallies import is_tally_key, pack_place, pack_series, pack_tally, unpack


def keep_own_tallies(held: dict[bytes, bytes], records: Iterable[Any], partition: int) -> None:
    """Bring `held`, the live tallies of source partition `partition` by key, up to `records` of the topic."""
    for record in records:
        if not is_tally_key(record.key) or unpack(record.key, None).partition != partition:
            continue
        if record.value is None:
            held.pop(record.key, None)
        else:
            held[record.key] = record.value


def differing_tallies(state: PartitionState, held: Mapping[bytes, bytes]) -> list[tuple[str, bytes, bytes | None]]:
    """(service, key, value) of each tally that is to be written, so that what is `held` becomes that of `state`."""
    wanted = {
        pack_series(series) + pack_place(size, end, state.partition): (series[0], tally)
        for series, size, end, tally in state.tallies.items()
        if tally
    }
    gone = [(unpack(key, None).series[0], key, None) for key in held if key not in wanted]
    other = [
        (service, key, pack_tally(tally))
        for key, (service, tally) in wanted.items()
        if key not in held or unpack(key, held[key]).tally != tally
    ]
    return [*gone, *other]
