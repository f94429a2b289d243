from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kept.event_texts import CONTROL_CHARACTERS, may_hold_control_characters


@given(st.text(max_size=20), st.booleans())
def test_no_text_with_a_control_character_is_missed_however_its_json_is_written(text: str, ascii_only: bool) -> None:
    for written in (json.dumps(text, ensure_ascii=ascii_only).encode("utf-8", "replace"), msgspec.json.encode("x")):
        if CONTROL_CHARACTERS.search(json.loads(written)):
            assert may_hold_control_characters(written)


def test_accents_and_backslashes_are_not_suspected() -> None:
    for text in ("K\u00f6ln", "a\\x", 'say "yes"', "https://example.org/a", "\u2603"):
        assert not may_hold_control_characters(json.dumps(text).encode())


def test_each_control_character_is_suspected_in_each_way_to_write_it() -> None:
    for number in [*range(0x20), 0x7F]:
        assert may_hold_control_characters(json.dumps(chr(number)).encode())
        assert may_hold_control_characters(b'"\\u%04X"' % number)
