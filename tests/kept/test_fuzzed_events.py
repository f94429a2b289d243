"""Whatever bytes reach the topic: each is counted, a duplicate, beyond retention or a dead letter with a reason.

Random bytes, and valid events that were cut, patched or given any JSON where something else belongs. Nothing is raised,
accounts reconcile, good events are counted as if the others had not been there, and the state can be read back.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kept import events as e
from kept.catalogue import Calendar, Promise
from kept.errors import REJECT_REASONS, Reject
from kept.intake import Rules
from kept.partition import PartitionState, Record
from tests.kept.city import LIGHTS, ms
from tests.kept.lives import cities

WORKING = msgspec.structs.replace(
    LIGHTS,
    id="working",
    promise=Promise(words="In 16 working hours", target_share=0.9, target_time="16h", counted_in="working_time"),
    calendar=Calendar(country="NL"),
)
RULES = {LIGHTS.id: Rules(LIGHTS), WORKING.id: Rules(WORKING)}
CLOCK_MS = ms("2024-06-10 00:00")
TYPES = [str(kind.__struct_config__.tag) for kind in e.PUBLIC_EVENTS] + [e.TICK_TYPE]

fuzzing = settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 1e308, -1e308, 2**63, -(2**63), 2**64, 1_717_398_000])
texts = st.text(max_size=20) | st.sampled_from(
    ["", "\0", "a\nb", "x" * 600, "2024-06-03T09:00:00+02:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
     "1900-01-01T00:00:00Z", "2024-06-03T09:00:00-23:59", "street-lights", "working", "Web", "EUR", "NaN", "1e999999",
     "-Infinity", "1.10", *TYPES]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["specversion", "type", "source", "id", "subject", "time", "data"]
DATA_FIELDS = [
    "service", "channel", "area", "due", "category", "reason", "step", "started", "ended", "resource", "outcome",
    "amount", "currency", "case", "rating", "result", "title", "expected",
]  # fmt: skip


@st.composite
def near_events(draw: st.DrawFn) -> bytes:
    """An event of the contract with some of its fields replaced, removed or added."""
    data: dict[str, Any] = {"service": draw(st.sampled_from(["street-lights", "working"])), "step": "x",
                            "reason": "other", "rating": 3, "result": "failed", "title": "t", "amount": "1.10",
                            "currency": "EUR", "due": 1_717_500_000}  # fmt: skip
    whole: dict[str, Any] = {
        "specversion": "1.0", "type": draw(st.sampled_from(TYPES)), "source": "works",
        "id": draw(st.sampled_from(["1", "2", "3"])), "subject": draw(st.sampled_from(["a", "b"])),
        "time": draw(st.sampled_from([1_717_398_000, 1_717_400_000, "2024-06-03T09:00:00+02:00"])), "data": data,
    }  # fmt: skip
    for name in draw(st.lists(st.sampled_from(DATA_FIELDS), max_size=3)):
        data[name] = draw(anything)
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=1)):
        whole[name] = draw(anything)
    if draw(st.integers(0, 9)) == 0:
        whole.pop(draw(st.sampled_from(FIELDS)))
    return json.dumps(whole).encode()


@st.composite
def patched(draw: st.DrawFn) -> bytes:
    """A near event, cut short, with bytes put in or taken out."""
    value = draw(near_events())
    at, gone = draw(st.integers(0, len(value))), draw(st.integers(0, 8))
    return value[:at] + draw(st.binary(max_size=8)) + value[at + gone :]


values = st.none() | st.binary(max_size=60) | near_events() | patched()


def without_mark(state: list[Record]) -> list[Record]:
    return sorted(record for record in state if record[0][:1] != b"m")


def state_of(records: dict[bytes, bytes | None], live: bool) -> PartitionState:
    restored = PartitionState(0, RULES, live=live)
    restored.restore([(key, value) for key, value in records.items() if value is not None])
    restored.restored()
    return restored


@fuzzing
@given(st.lists(values, max_size=12), st.booleans(), st.integers(1, 5))
@example([b'{"type":"kept.tick","specversion":"1.0","id":"1","source":"s","time":253370764799,"data":{}}'], False, 1)
def test_whatever_comes_is_accounted_for_and_nothing_is_raised(
    batch: list[bytes | None], live: bool, size: int
) -> None:
    state = PartitionState(0, RULES, live=live)
    records: dict[bytes, bytes | None] = {}
    letters = 0
    ticks = 0
    for start in range(0, len(batch), size):
        piece = batch[start : start + size]
        events = e.decode_batch(piece)
        assert len(events) == len(piece)
        before = state.accounts.received
        changes = state.apply(start + len(piece) - 1, events, CLOCK_MS)
        put_aside = [letter.position for letter in changes.dead_letters]
        assert len(set(put_aside)) == len(put_aside)
        assert all(letter.rejection.reason in REJECT_REASONS for letter in changes.dead_letters)
        applied_ticks = [
            index for index, one in enumerate(events) if isinstance(one, e.Tick) and index not in put_aside
        ]
        assert state.accounts.received - before == len(piece) - len(applied_ticks)
        letters += len(put_aside)
        ticks += len(applied_ticks)
        written: list[Record] = changes.state
        records.update(written)
    assert state.accounts.reconciles()
    assert sum(state.accounts.dead_lettered.values()) == letters
    assert state.accounts.received + ticks == len(batch)
    if batch:
        restored = state_of(records, live)
        assert restored.mark() == state.mark()
        assert restored.cases == state.cases
        assert restored.open_cases() == state.open_cases()


@settings(fuzzing, max_examples=40)
@given(cities(days=3.0, cases=3), st.lists(patched(), max_size=6), st.data())
def test_good_events_are_counted_as_if_the_bad_ones_had_not_been_there(
    good: list[e.Event], noise: list[bytes], data: st.DataObject
) -> None:
    bad = [value for value in noise if isinstance(e.decode_batch([value])[0], Reject)]
    mixed: list[bytes] = [e.encode(one) for one in good]
    for value in bad:
        mixed.insert(data.draw(st.integers(0, len(mixed))), value)
    alone, among = PartitionState(0, RULES), PartitionState(0, RULES)
    clean = alone.apply(len(mixed) - 1, e.decode_batch([e.encode(one) for one in good]), CLOCK_MS)
    noisy = among.apply(len(mixed) - 1, e.decode_batch(mixed), CLOCK_MS)
    assert sorted(noisy.tallies) == sorted(clean.tallies)
    assert without_mark(noisy.state) == without_mark(clean.state)
    assert sum(among.accounts.dead_lettered.values()) == len(bad) + sum(alone.accounts.dead_lettered.values())
    assert among.accounts.applied == alone.accounts.applied
    assert among.accounts.reconciles()


@fuzzing
@given(near_events() | patched())
def test_what_was_decoded_can_be_written_and_decoded_again(value: bytes) -> None:
    (once,) = e.decode_batch([value])
    if isinstance(once, Reject) or (isinstance(once, e.CostBooked) and not once.data.amount.is_finite()):
        return  # JSON has no number for NaN and Infinity, which are refused when their event is applied
    assert e.decode(e.encode(once)) == once


@fuzzing
@given(near_events() | patched())
def test_what_is_decoded_alone_or_in_a_batch_is_the_same(value: bytes) -> None:
    (alone,) = e.decode_batch([value])
    neighbour = b'{"type":"feedback.offered","specversion":"1.0","id":"1","source":"s","time":1,"data":{"service":"a"}}'
    first, among, last = e.decode_batch([neighbour, value, neighbour])
    assert first == last and isinstance(first, e.Event)
    if isinstance(alone, Reject):
        assert isinstance(among, Reject)
        assert (among.reason, str(among)) == (alone.reason, str(alone))
    else:
        assert repr(among) == repr(alone)  # NaN is not equal to itself
