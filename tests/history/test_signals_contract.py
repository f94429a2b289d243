"""What every history store promises of raised signals and of what was said to them (history/store.py)."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from history.storable import MOST_EVIDENCE_BYTES
from kept.errors import Stop
from kept.signals.raised import Raised
from tests.history.conftest import OpenStore
from tests.history.points import NOON, point
from tests.history.signals import HOUR, any_signals, raised, response

YEAR = 365 * 86400
serial = itertools.count()


def test_a_signal_comes_back_as_it_was_recorded_with_its_evidence(open_store: OpenStore) -> None:
    written = [
        raised(),
        raised(signal="source_silent", value=None, expected=None, cases=None, chance=None, since=None, evidence={}),
        raised(signal="area_gap", about='area=North / East, "Upper" 🏛', ended_at=NOON + HOUR),
    ]
    open_store().record(written)
    assert open_store().signals("street-repairs") == sorted(written, key=Raised.key)
    assert {each.id for each in open_store().signals()} == {each.id for each in written}


def test_recording_a_signal_again_takes_the_place_of_the_former(open_store: OpenStore) -> None:
    store = open_store()
    first = raised()
    store.record([first])
    for later in (
        replace(first, quiet_since=NOON + HOUR),
        first,
        replace(first, quiet_since=NOON + HOUR, ended_at=NOON + HOUR, told_at=NOON + 9),
        raised(value=0.5, evidence={}),
    ):
        store.record([later])
        assert store.signals() == [later]
        assert store.open_signals() == ([] if later.ended_at else [later])


def test_of_signals_with_one_key_in_a_call_the_last_stays(open_store: OpenStore) -> None:
    store = open_store()
    store.record([raised(ended_at=NOON + HOUR), raised()])
    assert store.signals() == store.open_signals() == [raised()]


def test_signals_narrow_by_service_and_by_when_they_were_raised(open_store: OpenStore) -> None:
    store = open_store()
    moments = [NOON + hour * HOUR for hour in range(4)]
    store.record([raised(raised_at=moment, ended_at=moment + 60) for moment in moments])
    store.record([raised(service="parking", raised_at=moments[1])])
    # raised_at   0    1    2    3
    #             |   [since until]   |   both ends belong to it
    found = store.signals("street-repairs", since=moments[1], until=moments[2])
    assert [each.raised_at for each in found] == moments[1:3]
    assert [each.verdict.service for each in store.signals(since=moments[1], until=moments[1])] == [
        "parking",
        "street-repairs",
    ]
    assert store.signals("street-repairs", since=moments[2], until=moments[1]) == []
    assert store.signals("no-such-service") == store.open_signals("no-such-service") == []


def test_signals_come_in_the_order_of_their_keys(open_store: OpenStore) -> None:
    store = open_store()
    signals = [
        raised(service=service, signal=signal, about=about, raised_at=NOON + hour * HOUR)
        for service in ("births", "parking")
        for signal in ("area_gap", "source_silent")
        for about in ("", "area=a", "area=é")
        for hour in (0, 1)
    ]
    random.Random(7).shuffle(signals)
    store.record(signals)
    assert [each.key() for each in store.signals()] == sorted(each.key() for each in signals)


def test_what_is_open_is_found_however_old_and_among_however_many(open_store: OpenStore) -> None:
    store = open_store()
    ancient = raised(raised_at=NOON - 10 * YEAR, signal="promise_breached")
    ended = [
        raised(raised_at=NOON + hour * HOUR, ended_at=NOON + hour * HOUR + 60, about=about)
        for hour in range(200)
        for about in ("", "area=North", "area=South")
    ]
    newest = raised(raised_at=NOON + 300 * HOUR, about="area=South")
    store.record([ancient, *ended, newest, raised(service="parking")])
    assert store.open_signals("street-repairs") == sorted([ancient, newest], key=Raised.key)
    assert store.open_signals() == sorted([ancient, newest, raised(service="parking")], key=Raised.key)


def test_only_the_one_raised_last_of_a_signal_can_be_open(open_store: OpenStore) -> None:
    store = open_store()
    store.record([raised(), raised(raised_at=NOON + HOUR, ended_at=NOON + 2 * HOUR)])
    assert store.open_signals() == []
    store.record([raised(raised_at=NOON + 3 * HOUR)])
    assert store.open_signals() == [raised(raised_at=NOON + 3 * HOUR)]


def test_tuples_of_evidence_come_back_as_lists(open_store: OpenStore) -> None:
    store = open_store()
    store.record([raised(evidence={"points": ((1, 2.5), (2, None))})])
    assert store.signals()[0].verdict.evidence == {"points": [[1, 2.5], [2, None]]}


@pytest.mark.parametrize("character", ["x", "é", "\x01", "🏛", '"', "\\"])
def test_evidence_is_kept_up_to_a_size_and_beyond_it_left_out_which_is_said(
    open_store: OpenStore, character: str
) -> None:
    store = open_store()
    size = len(msgspec.json.encode(character)) - 2
    most = {"words": character * ((MOST_EVIDENCE_BYTES - len('{"words":""}')) // size)}
    store.record([raised(evidence=most), raised(about="area=North", evidence={"words": most["words"] + 2 * character})])
    kept, left_out = (each.verdict for each in store.signals())
    assert kept.evidence == most
    assert str(left_out.evidence["left_out"]).endswith("bytes as JSON; at most 32000 are kept")
    assert left_out.value == kept.value


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan")},
        {"expected": float("inf")},
        {"chance": float("-inf")},
        {"cases": 2**80},
        {"evidence": {"points": [[1, float("nan")]]}},
        {"evidence": {"n": 2**64}},
        {"evidence": {"windows": {3: 1}}},
        {"evidence": {"cases": {1, 2}}},
    ],
)
def test_what_is_no_number_or_no_json_is_refused_and_the_whole_call_with_it(
    open_store: OpenStore, changes: dict[str, Any]
) -> None:
    store = open_store()
    with pytest.raises(Stop, match="street-repairs promise_budget_fast: "):
        store.record([raised(signal="source_silent"), raised(**changes)])
    assert store.signals() == []


def test_signals_are_no_points_and_points_are_no_signals(open_store: OpenStore) -> None:
    store = open_store()
    store.record([raised(service="parking")])
    store.respond(response())
    assert store.services() == store.read("parking") == []
    store.write([point()])
    assert store.signals("street-repairs") == []
    assert dict(store.refused()) == {}


def test_what_is_asked_of_signals_is_a_value_and_never_part_of_a_query(open_store: OpenStore) -> None:
    store = open_store()
    store.record([raised()])
    for text in ('x" or true or r.service == "', "' OR 1=1 --", "\\", "%"):
        assert store.signals(text) == store.open_signals(text) == []


def test_responses_come_back_in_the_order_in_which_they_were_said(open_store: OpenStore) -> None:
    store = open_store()
    assert store.responses() == []
    said = [
        response(says="acknowledged", at=NOON + 60),
        response(id="0000beef", at=NOON + 600),
        response(says="noise", at=NOON + 600),
        response(says="useful", at=NOON + 600),
        response(says="noise", at=NOON + 601),
    ]
    for one in random.Random(3).sample(said, len(said)):
        store.respond(one)
    expected = sorted(said, key=lambda each: (each.at, each.id, each.says))
    assert open_store().responses() == expected


def test_saying_the_same_again_changes_nothing(open_store: OpenStore) -> None:
    store = open_store()
    for _ in range(3):
        store.respond(response())
    assert store.responses() == [response()]


def test_what_is_said_to_many_signals_within_a_second_stays_apart(open_store: OpenStore) -> None:
    store = open_store()
    said = [response(id=f"{number:08x}", at=NOON) for number in range(30)]
    for one in said:
        store.respond(one)
    assert store.responses() == said


def test_recording_nothing_is_allowed(open_store: OpenStore) -> None:
    store = open_store()
    store.record([])
    assert store.signals() == store.open_signals() == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_recording_any_signals_twice_in_any_order_is_recording_them_once(
    open_store: OpenStore, data: st.DataObject
) -> None:
    service = f"any-{next(serial)}"
    signals = data.draw(any_signals(service))
    shuffled = data.draw(st.permutations(signals))
    cut = data.draw(st.integers(0, len(signals)))
    store = open_store()
    try:
        store.record(shuffled[:cut])
        store.record(signals)
        store.record(shuffled[cut:])
        assert store.signals(service) == sorted(signals, key=Raised.key)
        newest = {each.verdict.key(): each for each in sorted(signals, key=Raised.key)}
        still = [each for each in newest.values() if each.ended_at is None]
        assert store.open_signals(service) == sorted(still, key=Raised.key)
    finally:
        store.close()
