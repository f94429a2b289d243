"""Whatever lies in the topic of dead letters: a letter, a note, or a stranger's message; never an exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kept.dead_letters import Source, read_note, redriven_headers, unwrap, wrap, write_note
from kept.errors import REJECT_REASONS, Reject

fuzzing = settings(deadline=None, max_examples=300)
NAMES = st.sampled_from(
    ["kept-reason", "kept-message", "kept-source", "kept-left-out", "kept-redriven", "kept-note", "trace"]
) | st.text(max_size=8)
BYTES = st.none() | st.binary(max_size=20) | st.sampled_from(
    [b"service-events/3/20417", b"a/b/c", b"9" * 5000, b"-1", b"invalid", b"{}", b'{"redriven":{"a/0":[1]}}',
     b"\xd9\xa3"]
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, BYTES), max_size=6)


@fuzzing
@given(HEADERS, BYTES)
def test_any_message_is_a_letter_a_note_or_neither(
    headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    letter, note = unwrap(headers, value), read_note(value, headers)
    assert letter is None or note is None
    if letter is not None:
        assert letter.times_redriven >= 0
        redriven_headers(letter)


@fuzzing
@given(HEADERS, st.sampled_from(REJECT_REASONS), st.text(max_size=40), st.integers(0, 2**40), BYTES)
def test_what_was_wrapped_is_unwrapped_whatever_it_came_with(
    headers: list[tuple[str, bytes | None]], reason: str, message: str, offset: int, value: bytes | None
) -> None:
    source = Source("service-events", 3, offset)
    letter = unwrap(wrap(headers, Reject(reason, message), source), value)  # type: ignore[arg-type]
    assert letter is not None
    assert (letter.reason, letter.source) == (reason, source)
    assert read_note(value, wrap(headers, Reject("invalid", message), source)) is None


@fuzzing
@given(st.lists(st.builds(Source, st.just("service-events"), st.integers(0, 99), st.integers(0, 2**40)), max_size=9))
def test_a_note_is_read_back(sources: list[Source]) -> None:
    value, headers = write_note(sources)
    note = read_note(value, headers)
    assert note is not None
    assert sorted(note.sources()) == sorted(sources)
