"""Damaged events among good ones, through the decoder and a partition's state; a broken promise is raised."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from catalogue import services_of
from kept import events as e
from kept.errors import REJECT_REASONS
from kept.intake import rules_by_service
from kept.partition import Changes, PartitionState
from kept.settings import Settings
from kept.state_records import MARK
from producers.simulator import simulate
from tests.fuzz.mutations import MUTATIONS, Mutation

GOOD_PER_BATCH = 40
BAD_PER_BATCH = 60
BATCHES_PER_CITY = 200
"""Then comes another city, and an empty state."""
START_MS = 1_717_372_800_000  # 2024-06-03, a Monday
SERVICES = services_of(Settings())
RULES = rules_by_service(SERVICES)


@dataclass
class Slowest:
    """The event that took longest to decode, or of the batch that took longest to apply."""

    seconds: float = 0.0
    size: int = 0
    mutation: str = ""


@dataclass
class Outcome:
    """What became of the damaged events."""

    damaged: int = 0
    good: int = 0
    read: Counter[str] = field(default_factory=Counter)
    """By mutation: still an event that may be counted."""
    letters: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By mutation and reason."""
    accounts: Counter[str] = field(default_factory=Counter)
    decoding: Slowest = field(default_factory=Slowest)
    applying: Slowest = field(default_factory=Slowest)
    """Of one batch, damaged and good events together."""
    cities: int = 0


class Broken(AssertionError):
    """A promise was broken; says by which seed, city and batch."""


def fuzz(damaged: int, seed: int) -> Outcome:
    """Tries at least `damaged` events; raises `Broken` at the first promise that does not hold."""
    outcome = Outcome()
    city = 0
    while outcome.damaged < damaged:
        random = Random(f"{seed}-{city}")
        among, alone = PartitionState(0, RULES), PartitionState(0, RULES)
        events = simulate(SERVICES.values(), start_ms=START_MS, end_ms=None, seed=seed + city)
        for number in range(BATCHES_PER_CITY):
            if outcome.damaged >= damaged:
                break
            try:
                _batch(events, random, among, alone, outcome)
            except Exception as error:
                raise Broken(f"seed {seed}, city {city}, batch {number}: {type(error).__name__}: {error}") from error
        outcome.accounts.update(_accounts(among))
        city += 1
        outcome.cities += 1
    return outcome


def _batch(
    events: Iterator[tuple[int, e.Event]],
    random: Random,
    among: PartitionState,
    alone: PartitionState,
    outcome: Outcome,
) -> None:
    told = list(islice(events, GOOD_PER_BATCH))
    good = [e.encode(event) for _, event in told]
    mixed: list[tuple[bytes, Mutation | None]] = [(value, None) for value in good]
    for _ in range(BAD_PER_BATCH):
        mutation = random.choice(MUTATIONS)
        mixed.insert(random.randint(0, len(mixed)), (mutation(random.choice(good), random), mutation))
    values = [value for value, _ in mixed]
    decoded = e.decode_batch(values)
    assert len(decoded) == len(values), "as many events as values"
    for value, mutation in mixed:
        if mutation is not None:
            _time_decoding(value, mutation, outcome)
    clock_ms = told[-1][0]
    offset = among.offset + len(values)
    began = time.perf_counter()
    changes = among.apply(offset, decoded, clock_ms)
    spent = time.perf_counter() - began
    if spent > outcome.applying.seconds:
        outcome.applying = Slowest(spent, sum(map(len, values)), "a batch")
    put_aside = {letter.position: letter.rejection for letter in changes.dead_letters}
    for position, (_, mutation) in enumerate(mixed):
        rejection = put_aside.get(position)
        if mutation is None:
            assert rejection is None, f"a good event was put aside: {rejection}"
        elif rejection is None:
            outcome.read[mutation.__name__] += 1
        else:
            assert rejection.reason in REJECT_REASONS, rejection.reason
            outcome.letters[mutation.__name__, rejection.reason] += 1
    outcome.damaged += BAD_PER_BATCH
    outcome.good += GOOD_PER_BATCH
    accounts = among.accounts
    assert accounts.reconciles(), f"the accounts do not reconcile: {accounts}"
    expected = alone.apply(offset, [one for at, one in enumerate(decoded) if at not in put_aside], clock_ms)
    _compare(changes, expected)


def _time_decoding(value: bytes, mutation: Mutation, outcome: Outcome) -> None:
    began = time.perf_counter()
    e.decode_batch([value])
    spent = time.perf_counter() - began
    if spent > outcome.decoding.seconds:
        outcome.decoding = Slowest(spent, len(value), mutation.__name__)


def _compare(among: Changes, alone: Changes) -> None:
    """What the batch changed is what it would have changed without the events that were put aside."""
    assert _without_marks(among) == _without_marks(alone), "the state differs from that without dead letters"
    assert sorted(among.tallies, key=repr) == sorted(alone.tallies, key=repr), "tallies differ from those without"
    assert sorted(among.registered) == sorted(alone.registered), "registered changes differ from those without"
    assert among.mark.watermark == alone.mark.watermark, "the watermark differs from that without dead letters"
    assert among.mark.accounts.applied == alone.mark.accounts.applied, "another number of events was applied"


def _without_marks(changes: Changes) -> Sequence[tuple[bytes, bytes | None]]:
    return sorted((record for record in changes.state if record[0][:1] != MARK), key=repr)


def _accounts(state: PartitionState) -> dict[str, int]:
    accounts = state.accounts
    return {
        "received": accounts.received,
        "applied": accounts.applied,
        "duplicate": accounts.duplicate,
        "beyond retention": accounts.beyond_retention,
        "dead letters": sum(accounts.dead_lettered.values()),
    }
