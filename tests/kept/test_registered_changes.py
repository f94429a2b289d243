"""Registered changes with their titles: what crosses to the indicators, once each, and what is shown of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept import events as e
from kept.partition import PartitionState
from kept.registered_changes import (
    MOST_TITLE_CHARACTERS,
    RegisteredChange,
    change_id,
    pack_change,
    shown_title,
    unpack_change,
)
from kept.tallies import pack_place, pack_series
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.partition_log import pack_mark_key, unpack_mark
from tests.kept.city import LIGHTS, City, event, ms, seconds

MONDAY = "2024-06-03 09:00"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)


def change(time: str | int = MONDAY, id: str = "n1", **data: Any) -> e.Event:
    return event("service.changed", time, id=id, **({"title": "A second van"} | data))


def registered(city: City) -> list[RegisteredChange]:
    found = [unpack_change(key, value) for key, value in city.registered.items()]
    return sorted((one for one in found if one is not None), key=RegisteredChange.key)


@given(
    service=TEXT.filter(bool),
    at=st.integers(e.EARLIEST_MS // 1000, e.LATEST_MS // 1000),
    identity=st.integers(-(2**63), 2**63 - 1),
    title=TEXT,
    expected=st.none() | st.tuples(st.just("backlog"), st.sampled_from(["up", "down"])),
)
def test_any_change_comes_back_from_its_message(
    service: str, at: int, identity: int, title: str, expected: tuple[str, Any] | None
) -> None:
    indicator, direction = expected or (None, None)
    one = RegisteredChange(
        service=service, at=at, id=change_id(identity), title=title, indicator=indicator, direction=direction
    )
    key, value = pack_change(one)
    assert unpack_change(key, value) == one
    assert unpack_mark(key, value) is None
    assert len(one.id) == 16


def test_other_messages_of_the_topic_are_no_changes() -> None:
    assert unpack_change(pack_series(("street-lights", "", "")) + pack_place(0, 300, 1), b"\x80") is None
    assert unpack_change(pack_mark_key(3), b"") is None


@given(title=TEXT)
def test_a_shown_title_is_one_printable_line_of_bounded_length(title: str) -> None:
    shown = shown_title(title)
    assert shown.isprintable() and 1 <= len(shown) <= MOST_TITLE_CHARACTERS
    assert shown == shown.strip() == shown_title(shown)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("A second van", "A second van"),
        ("a\nb\t c\x00d\u202ee\u2028f", "a b c d e f"),
        ("\r\n", "untitled"),
        ("x" * 201, "x" * 200),
        ("é 50 % <b>", "é 50 % <b>"),
    ],
    ids=["plain", "controls", "nothing", "long", "signs"],
)
def test_titles(title: str, shown: str) -> None:
    assert shown_title(title) == shown


@pytest.mark.parametrize("batch", [1, 20])
def test_a_change_crosses_once_however_often_its_event_comes_and_a_replay_gives_the_same_key(batch: int) -> None:
    told = [
        change(expected={"indicator": "delivery_time_p50", "direction": "down"}),
        change(id="n2", title="Another of that second\n"),
        change("2024-06-03 10:00", "n3", expected={"indicator": "joy", "direction": "up"}),
    ]
    city = City()
    city.apply([*told, *told], batch=batch)
    city.restart()
    city.apply(told, batch=batch)
    assert city.accounts.duplicate == 6
    keys = [key for of_batch in city.changes for key in of_batch]
    assert len(keys) == len(set(keys)) == 3
    first, second, third = sorted(registered(city), key=lambda one: (one.at, one.title))
    assert (first.title, first.indicator, first.direction) == ("A second van", "delivery_time_p50", "down")
    assert (second.title, second.at) == ("Another of that second", seconds(MONDAY))
    assert (third.indicator, third.direction, third.at) == (None, None, seconds("2024-06-03 10:00"))
    again = City(partitions=3)
    again.apply(told[::-1])
    assert again.registered == city.registered


def test_a_change_that_comes_after_its_retention_is_neither_counted_nor_carried() -> None:
    city = City()
    city.apply([event("case.opened", "2024-06-20 09:00", "c1"), change()])
    assert city.accounts.beyond_retention == 1
    assert city.registered == {}


def test_growing_carries_the_changes_each_to_one_partition_and_finds_their_duplicates() -> None:
    told = [change(ms(MONDAY) + number * 1000, f"n{number}") for number in range(5)]
    city = City(partitions=2)
    city.apply(told)
    before = dict(city.registered)
    city.grow(4)
    assert city.registered == before
    assert sum(map(len, city.changes)) == len(before) == 5
    city.restart()
    city.grow(8)
    city.apply(told)
    assert (city.registered, city.accounts.duplicate) == (before, 5)


def test_the_subject_and_the_id_of_the_event_are_in_no_record() -> None:
    state = PartitionState(0, City().rules)
    secret = event("service.changed", MONDAY, "SECRET-CASE", id="SECRET-ID", title="A second van")
    changes = state.apply(0, [secret])
    assert changes.registered
    assert not any(b"SECRET" in key + (value or b"") for key, value in changes.state)
    assert not any(b"SECRET" in key + value for _, key, value in changes.registered)


def test_the_embedded_pipeline_has_them_too() -> None:
    pipeline = EmbeddedPipeline({LIGHTS.id: LIGHTS})
    pipeline.apply([change("2024-06-03 10:00", "n2"), change(), change()])
    assert [(one.at, one.title) for one in pipeline.changes()] == [
        (seconds(MONDAY), "A second van"),
        (seconds("2024-06-03 10:00"), "A second van"),
    ]
