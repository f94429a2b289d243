"""Tags of slices: readable, read back exactly, and nothing that a query would evaluate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from history.line_protocol import slice_of, slice_tag

NAMES = st.text(min_size=1)


def test_a_tag_of_a_slice_reads_like_the_slice() -> None:
    assert slice_tag((("area", "South Side"),)) == "area=South Side"
    assert slice_tag(()) == "whole"


def test_what_flux_would_evaluate_in_a_text_is_encoded() -> None:
    assert slice_tag((("area", "${1 + 1}"),)) == "area=%24{1 + 1}"


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3).map(tuple))
def test_a_slice_is_read_back_as_it_was_and_its_tag_holds_no_dollar(slice: tuple[tuple[str, str], ...]) -> None:
    tag = slice_tag(slice)
    assert slice_of(tag) == slice
    assert "$" not in tag
