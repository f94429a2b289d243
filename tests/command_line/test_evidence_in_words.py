"""Evidence of any shape becomes text that does nothing to a terminal; a series becomes a chart that fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line.evidence_in_words import chart_rows, evidence_in_words
from command_line.evidence_values import bars, value_in_words
from command_line.text_chart import FLAGGED, LIMIT, MEAN, MOST_ROWS, POINT, Row, chart
from kept.signals.verdict import chance_in_words

NAMES = st.sampled_from(
    ["points", "value", "n", "gap", "week_to", "xmr", "mean", "lower", "upper", "half_width", "segment_start", "unit",
     "last_event", "silence_seconds", "windows", "\x1b[2J", ""]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "two\nlines", "\x1b[31m", "é🏛", "[bold]x[/]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(NAMES, JSON, max_size=6), st.sampled_from(["share", "cases", "seconds", "", "EUR a week"]))
def test_any_evidence_is_lines_that_can_be_printed(evidence: dict[str, Any], unit: str) -> None:
    assert all(line.isprintable() for line in evidence_in_words(evidence, unit, 100))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("last_event", 1_772_409_600, "2026-03-02 00:00 UTC"),
        ("event", 12, "12"),  # a count, however it is called
        ("expected_silence_seconds", 5400, "1.5 hours"),
        ("cases", 1_234_567, "1,234,567"),
        ("rate", 0.123456, "0.1235"),
        ("rate", 123_456.7, "123,457"),
        ("chance", 1.7e-06, "1.7e-06"),
        ("trial", True, "yes"),
        ("burn", None, "not known"),
        ("breaks", [], "none"),
        ("rules", [1, 4], "1, 4"),
        ("area", {"due": 3, "kept": None}, "due 3, kept not known"),
        ("name", "a\x07b", r"a\x07b"),
    ],
)
def test_single_values_are_written_by_their_names(name: str, value: Any, words: str) -> None:
    assert value_in_words(name, value) == words


def test_a_long_list_of_numbers_is_drawn_from_nought_to_its_greatest() -> None:
    assert bars([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█  0 to 7"
    assert bars([5, 5]) == "██  5 to 5"
    assert bars([-4, 0, 4]) == "▁▅█  -4 to 4"
    assert bars([0, 0]) == "▁▁  0 to 0"


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (None, "no test of chance"),
        (1.0, "by chance 1 time in 1"),
        (0.04, "by chance 1 time in 25"),
        (0.00000173, "by chance 1 time in 580,000"),
        (1e-12, "by chance less than 1 time in 1,000,000,000"),
        (0.0, "by chance less than 1 time in 1,000,000,000"),
    ],
)
def test_chance_is_one_time_in_so_many_to_two_digits(chance: float | None, words: str) -> None:
    assert chance_in_words(chance) == words


def drawn(rows: list[Row], width: int = 60) -> list[str]:
    return list(chart(rows, lambda value: f"{value:g}", width))


def test_a_chart_puts_each_sign_in_its_place() -> None:
    rows = [
        Row(label="week 1", value=0, low=2, mean=5, high=8, cases=7),
        Row(label="week 2", value=10, low=2, mean=5, high=8, note="outside"),
        Row(label="week 3", value=None, note="no data"),
    ]
    # 60 columns: label 6, n 3, value 2, note 7 and what is between them leave 34 for the plot,
    # in which 0 is in cell 0, 2 in 6, 5 in 17, 8 in 27 and 10 in 33
    first, second, third, *_ = drawn(rows)
    assert first == f"week 1  n 7   0  {POINT}{'':5}{LIMIT}{'':10}{MEAN}{'':9}{LIMIT}"
    assert second.endswith(f"{LIMIT}{'':5}{FLAGGED}  outside")
    assert not {POINT, FLAGGED} & set(third)
    assert third.endswith("no data")


def test_of_many_points_the_newest_are_drawn_and_the_rest_is_counted() -> None:
    lines = drawn([Row(label=f"{n:03}", value=n) for n in range(MOST_ROWS + 5)])
    assert lines[0] == "… 5 earlier points are in --json"
    assert lines[1].startswith("005")
    assert len(lines) == 1 + MOST_ROWS + 2


def test_a_chart_of_nothing_and_of_equal_figures_is_no_error() -> None:
    assert drawn([]) == []
    assert drawn([Row(label="a", value=None)]) == []
    assert POINT in drawn([Row(label="a", value=3.0)])[0]


@given(
    st.lists(
        st.builds(
            Row,
            label=st.sampled_from(["2026-03-01", "2026-03-08"]),
            value=st.none() | st.floats(-1e6, 1e6),
            low=st.none() | st.floats(-1e6, 1e6),
            high=st.none() | st.floats(-1e6, 1e6),
            note=st.sampled_from(["", "outside the limits"]),
        ),
        max_size=5,
    )
)
def test_every_known_point_is_drawn_once_and_lines_fit(rows: list[Row]) -> None:
    lines = list(chart(rows, lambda value: f"{value:.0f}", 100))
    if lines:
        body = lines[: len(rows)]
        assert all(max(map(len, lines)) <= 100 for line in lines)
        for row, line in zip(rows, body, strict=True):
            signs = line.count(POINT) + line.count(FLAGGED)
            assert signs == (row.value is not None)


def test_the_limits_are_those_of_the_newest_stretch_and_who_is_outside_is_flagged() -> None:
    points = [
        {"week_to": "2026-02-01", "value": 9, "n": 5},
        {"week_to": "2026-02-08", "gap": "no_data"},
        {"week_to": "2026-02-15", "value": 3, "n": 5},
        {"week_to": "2026-02-22", "value": 1, "n": 5},
    ]
    limits = {"mean": 3, "lower": 2, "upper": 4}
    rows = chart_rows({"points": points, "segment_start": "2026-02-08", "xmr": limits})
    assert [(row.low, row.mean, row.high) for row in rows] == [(None, None, None)] + [(2, 3, 4)] * 3
    assert [row.note for row in rows] == ["", "no data", "", "outside the limits"]
    compared = chart_rows({"points": points, "mean": 3, "half_width": 2.5})
    assert [(row.low, row.high, row.note) for row in compared][2:] == [(0.5, 5.5, ""), (0.5, 5.5, "raised by this one")]
    assert chart_rows({"points": "none"}) == chart_rows({"points": [{"gap": "no_data"}]}) == chart_rows({}) == []
