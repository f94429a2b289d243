"""`python -m bench.floors`: what an event costs when all but one part of the work is left out. CPU time, one process.

It says what is in the way of a target: no worker can be faster than the parts that it cannot do without.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec
from msgspec import Struct

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from local_stack.broker import Broker
from bench import transport
from bench.run import settings_of
from bench.workload import SERVICES, Workload, catalogue_text, dense, light
from kept.catalogue import parse_service
from kept.events import EPOCH, CaseCompleted, CaseOpened, decode_batch, encode
from kept.facts import Completed, Opened, pack, unpack
from kept.intake import Rules, rules_by_service
from kept.partition import Changes, PartitionState
from kept.partition_tallies import PartitionTallies
from kept.settings import Settings
from kept.tallies import pack_tally, unpack_tally
from kept.tally_batch import BucketSum, TallyBatch
from local_stack.work_folder import work_folder
from stream_processors.worker import prepare_process

BATCH = 12_500
"""About what a worker reads at once of one of four partitions while it catches up."""
MILLISECOND = timedelta(milliseconds=1)


class Floor(Struct, frozen=True):
    """Microseconds of CPU an event of `stream` when nothing but `what` is done."""

    stream: str
    what: str
    microseconds: float


def measure(events: int, settings: Settings) -> Iterator[Floor]:
    """Of so many events of the dense and of the light stream, encoded beforehand, with the broker of `settings`."""
    rules = rules_by_service({one.id: parse_service(catalogue_text(one), one.id) for one in SERVICES})
    for workload in (dense(events), light(events)):
        encoded = _encoded(workload)

        def floor(what: str, seconds: float, stream: str = workload.name) -> Floor:
            return Floor(stream, what, seconds / events * 1e6)

        parts = Parts(rules, encoded)
        one = msgspec.structs.replace(settings, partitions=1, topic_prefix=f"{settings.topic_prefix}{workload.name}-")
        passed = transport.cpu_seconds(one, workload.stream(), parts.changes)
        remembered = _applied(LeastRegister().apply, encoded)
        yield floor("decoded", _applied(decode_batch, encoded))
        yield floor("read, and what changed written: the transport alone", passed)
        yield floor("decoded and remembered: the least a register of Python does", remembered)
        yield floor("its counts laid out by columns and summed by numpy, before a tally is touched", parts.summing)
        yield floor("these sums added to the tallies in memory", parts.adding)
        yield floor("changed tallies packed", parts.packing)
        five = passed + remembered + parts.summing + parts.adding + parts.packing
        yield floor("transport, least register, and these three", five)
        yield floor("decoded and put into the register", _applied(Core(rules, counting=False).apply, encoded))
        yield floor("all of the core: counted, and every change packed", _applied(Core(rules).apply, encoded))


def _applied(work: Callable[[Sequence[bytes]], object], encoded: Sequence[Sequence[bytes]]) -> float:
    began = time.process_time()
    for batch in encoded:
        work(batch)
    return time.process_time() - began


class Parts:
    """What a stream changes, batch by batch, and the seconds of three parts of the work that leads there."""

    def __init__(self, rules: dict[str, Rules], encoded: Sequence[Sequence[bytes]]) -> None:
        """Apply the whole stream."""
        core = Core(rules)
        self.summing = self.adding = self.packing = 0.0
        self.changes: list[Changes] = []
        for batch in core.state.tallies.batches:
            self._time_sums(batch)
        self._time_all_counting(core.state.tallies)
        for events in encoded:
            changes = core.apply(events)
            self.changes.append(changes)
            tallies = [unpack_tally(value) for _, _, value in changes.tallies if value is not None]
            began = time.process_time()
            for tally in tallies:
                pack_tally(tally)
            self.packing += time.process_time() - began

    def _time_sums(self, batch: TallyBatch) -> None:
        take = batch.take

        def timed() -> Iterator[BucketSum]:
            began = time.process_time()
            found = list(take())
            self.summing += time.process_time() - began
            return iter(found)

        batch.take = timed  # type: ignore[method-assign]

    def _time_all_counting(self, tallies: PartitionTallies) -> None:
        count = tallies._count_gathered

        def timed() -> None:
            began, sums_before = time.process_time(), self.summing
            count()
            self.adding += time.process_time() - began - (self.summing - sums_before)

        tallies._count_gathered = timed  # type: ignore[method-assign]


class Core:
    """The state of one partition, which decodes what it is given; without `counting` it has the register alone."""

    def __init__(self, rules: dict[str, Rules], *, counting: bool = True) -> None:
        """Nothing applied yet."""
        self.state = PartitionState(0, rules, live=False)
        if not counting:
            self.state.tallies.change = _nothing  # type: ignore[method-assign]

    def apply(self, batch: Sequence[bytes]) -> Changes:
        """Decode a batch and apply it."""
        events = decode_batch(batch)
        return self.state.apply(self.state.offset + len(events), events)


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
    with work_folder(prefix="kept-floors-") as folder, Broker(folder / "kafka") as broker:
        for floor in measure(events, settings_of(broker.bootstrap, folder)):
            most = 1e6 / floor.microseconds
            print(f"| {floor.stream} | {floor.what} | {floor.microseconds:.1f} | {most:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
