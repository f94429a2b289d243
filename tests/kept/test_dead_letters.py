"""The headers of a dead letter: what its event came with is found again to the byte, whatever it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.dead_letters import (
    LEFT_OUT,
    MESSAGE,
    NOTE,
    REASON,
    REDRIVEN,
    SOURCE,
    Address,
    Header,
    Source,
    parse_address,
    read_note,
    redriven_headers,
    times_redriven,
    unwrap,
    wrap,
    write_note,
)
from kept.errors import Reject

OWN = (REASON, MESSAGE, SOURCE, LEFT_OUT, NOTE)
WHY = Reject("unknown_channel", "service parks has no such channel; valid: Web, Téléphone")
HERE, FAR = Source("service-events", 0, 1), Source("a/b/service-events", 3, 1041)
NAMES = st.text(max_size=8) | st.sampled_from([*OWN, "kept-other"])
"""Every name but that of the header which says how often an event was redriven."""
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=8) | st.sampled_from([b"7", b"future"])), max_size=6)
VALUES = st.none() | st.binary(max_size=20)


@given(HEADERS, st.binary(max_size=20))
def test_the_headers_of_the_event_are_found_again_even_when_they_look_like_ours(
    original: list[Header], value: bytes
) -> None:
    letter = unwrap(wrap(original, WHY, FAR), value)
    assert letter is not None
    assert (letter.reason, letter.message) == (WHY.reason, str(WHY))
    assert letter.source == FAR
    assert letter.original == tuple(original)
    assert (letter.times_redriven, letter.left_out) == (0, None)


@given(HEADERS, st.integers(1, 50), st.binary(max_size=20))
def test_however_often_it_is_sent_again_one_header_says_so_and_the_others_stay(
    original: list[Header], times: int, value: bytes
) -> None:
    headers = original
    for _ in range(times):
        letter = unwrap(wrap(headers, WHY, HERE), value)
        assert letter is not None
        headers = redriven_headers(letter)
    assert headers == [*original, (REDRIVEN, b"%d" % times)]
    assert times_redriven(headers) == times


@given(HEADERS, st.integers(0, 10**9))
def test_a_value_that_was_left_out_is_told_with_its_size(original: list[Header], size: int) -> None:
    letter = unwrap(wrap(original, WHY, HERE, left_out=size), None)
    assert letter is not None
    assert letter.left_out == size
    assert letter.original == tuple(original)


@pytest.mark.parametrize("value", [None, b"", b"x", b"-1", b"1" * 13])
def test_a_source_that_uses_our_header_for_something_else_is_not_taken_for_redriven(value: bytes | None) -> None:
    assert times_redriven([(REDRIVEN, value)]) == 0
    letter = unwrap(wrap([(REDRIVEN, value)], WHY, HERE), b"{}")
    assert letter is not None
    assert letter.original == ((REDRIVEN, value),)


@given(HEADERS, VALUES)
def test_what_somebody_else_has_written_is_neither_a_letter_nor_a_note(
    headers: list[Header], value: bytes | None
) -> None:
    if [name for name, _ in headers][-3:] != [REASON, MESSAGE, SOURCE]:
        assert unwrap(headers, value) is None
    assert read_note(value, headers) is None


@given(st.sets(st.builds(Source, st.sampled_from(["service-events", "a/b/3"]), st.integers(0, 3), st.integers(0, 60))))
def test_a_note_names_the_events_and_no_other(sources: set[Source]) -> None:
    value, headers = write_note(sources)
    note = read_note(value, headers)
    assert note is not None
    assert set(note.sources()) == sources
    assert unwrap(headers, value) is None


def test_a_letter_whose_event_looks_like_a_note_is_no_note() -> None:
    value, headers = write_note([HERE])
    assert read_note(value, wrap(headers, WHY, HERE)) is None
    for value in (b"", b"{}", b'{"redriven":{"x":[1]}}', b'{"redriven":{"x/0":[-1]}}'):
        assert read_note(value, headers) is None


def test_an_address_is_read_as_it_is_written() -> None:
    assert parse_address("3:1041") == Address(3, 1041)
    assert str(Address(3, 1041)) == "3:1041"
    for text in ("3", "3:", ":1", "a:1", "3:-1", "3:1\n", " 3:1", "3:1:1", "٣:1", "3:" + "1" * 19):
        with pytest.raises(ValueError, match="PARTITION:OFFSET"):
            parse_address(text)
