"""`python -m bench.floors`: what an event costs when ever more of the work is left out. CPU time, in one process.

It says what is in the way of a target: no worker can be faster than what is left, however well the rest is done.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct

from bench.workload import SERVICES, Workload, catalogue_text, dense, light
from kept.catalogue import parse_service
from kept.events import EPOCH, CaseCompleted, CaseOpened, decode_batch, encode
from kept.facts import Completed, Opened, pack, unpack
from kept.intake import Rules, rules_by_service
from kept.partition import PartitionState
from stream_processors.embedded import BATCH
from stream_processors.worker import prepare_process

MILLISECOND = timedelta(milliseconds=1)


class Floor(Struct, frozen=True):
    """Microseconds of CPU an event of `stream` when nothing but `what` is done."""

    stream: str
    what: str
    microseconds: float


def measure(events: int) -> Iterator[Floor]:
    """Of so many events of the dense and of the light stream, encoded beforehand."""
    rules = rules_by_service({one.id: parse_service(catalogue_text(one), one.id) for one in SERVICES})
    for workload in (dense(events), light(events)):
        encoded = _encoded(workload)
        for what, work in (
            ("decoded", decode_batch),
            ("decoded and remembered: the least a register of Python does", LeastRegister().apply),
            ("decoded and put into the register", Core(rules, counting=False).apply),
            ("all of the core: counted, and every change packed", Core(rules).apply),
        ):
            began = time.process_time()
            for batch in encoded:
                work(batch)
            yield Floor(workload.name, what, (time.process_time() - began) / events * 1e6)


class Core:
    """The state of one partition, which decodes what it is given; without `counting` it has the register alone."""

    def __init__(self, rules: dict[str, Rules], *, counting: bool = True) -> None:
        """Nothing applied yet."""
        self.state = PartitionState(0, rules, live=False)
        if not counting:
            self.state.tallies.change = _nothing  # type: ignore[method-assign]

    def apply(self, batch: Sequence[bytes]) -> None:
        """Decode a batch and apply it."""
        events = decode_batch(batch)
        self.state.apply(self.state.offset + len(events), events)


class LeastRegister:
    """What no register can leave out that takes one event after the other: the time, the hash that tells a duplicate,
    the look-up, facts from bytes and back. In one loop: no rule, no retention, no late event, no call too many."""

    def __init__(self) -> None:
        """Nothing known yet."""
        self.packed: dict[bytes, bytes] = {}

    def apply(self, batch: Sequence[bytes]) -> None:
        """Decode a batch of openings and completions and remember them."""
        packed = self.packed
        for event in decode_batch(batch):
            assert isinstance(event, CaseOpened | CaseCompleted) and isinstance(event.time, datetime) and event.subject
            time_ms = (event.time - EPOCH) // MILLISECOND
            digest = blake2b(f"{event.source}\0{event.id}".encode(), digest_size=8).digest()
            identity = int.from_bytes(digest, "big", signed=True)
            subject = event.subject.encode()
            known = packed.get(subject)
            if known is not None:
                facts = unpack(known)
                if len(facts) == 1 and facts[0].id != identity:
                    packed[subject] = pack((facts[0], Completed(time_ms, identity, 0)))
            elif isinstance(event, CaseOpened):
                data = event.data
                opened = Opened(time_ms, identity, data.channel, data.area, data.category, None, time_ms)
                packed[subject] = pack((opened,))


def _nothing(*_: object) -> None:
    """In the place of counting."""


def _encoded(workload: Workload) -> list[list[bytes]]:
    told = [encode(event) for event in workload.stream()]
    return [told[start : start + BATCH] for start in range(0, len(told), BATCH)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.floors", description=__doc__)
    parser.add_argument("--events", type=int, default=400_000, help="of each stream (default 400000)")
    events = parser.parse_args().events
    prepare_process()
    print("| stream | what is done | us an event | events/s at most |\n|---|---|---:|---:|")
    for floor in measure(events):
        most = 1e6 / floor.microseconds
        print(f"| {floor.stream} | {floor.what} | {floor.microseconds:.1f} | {most:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
