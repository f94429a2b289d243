"""The style sheets are whole: a rule that swallows the ones after it is seen by no browser."""

from __future__ import annotations

from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "summaries" / "static"


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.glob("*.css")))
def test_every_block_is_closed_and_none_is_nested_deeper_than_a_media_query(name: str) -> None:
    depth, deepest = 0, 0
    for place, char in enumerate(text := (STATIC / name).read_text(encoding="utf-8")):
        depth += (char == "{") - (char == "}")
        assert depth >= 0, text[max(0, place - 100) : place + 1]
        deepest = max(deepest, depth)
        if text.startswith("@media", place):
            assert depth == 0, text[place : place + 80]
    assert depth == 0
    assert deepest <= 2
