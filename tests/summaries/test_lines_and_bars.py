"""Lines over time and bars: what is not known stays open, and nothing is drawn that is not there."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from summaries.pictures.bars import Bar, bars
from summaries.pictures.frame import NARROW, scale_of
from summaries.pictures.lines import Line, LinePoint, line_of, line_rows, lines
from summaries.vega import svg
from tests.summaries.quarter import ZONE, mondays, over_time

WEEK = 7 * 86400


def weekly(values: list[float | None], left_out: int | None = None) -> Line:
    ends = mondays(len(values))
    points = [LinePoint(at, value) for at, value in zip(ends, values, strict=True)]
    return Line("kept", tuple(point for place, point in enumerate(points) if place != left_out))


def runs(line: Line) -> list[int]:
    """How many points each joined stretch has."""
    scale = scale_of([point.value for point in line.points], "share")
    found = [row["run"] for row in line_rows(line, scale, ZONE)]
    return [found.count(run) for run in dict.fromkeys(found)]


def test_a_point_without_a_value_opens_the_line() -> None:
    assert runs(weekly([0.7, 0.8, None, 0.8, 0.9, 0.9])) == [2, 3]


def test_a_point_that_was_never_published_opens_the_line() -> None:
    assert runs(weekly([0.7, 0.8, 0.75, 0.8, 0.9, 0.9], left_out=2)) == [2, 3]


def test_a_newest_point_within_the_week_is_joined() -> None:
    line = weekly([0.7, 0.8, 0.8])
    newest = LinePoint(line.points[-1].at + 3 * 86400, 0.81)
    assert runs(Line("kept", (*line.points, newest))) == [4]


def test_one_line_has_its_interval_and_several_have_none() -> None:
    one = line_of("kept", over_time("births", "promise_kept", [0.7, 0.75], low=0.6, high=0.8))
    layers = {layer["name"] for layer in lines([one], "light", unit="share", zone=ZONE)["layer"]}
    assert "interval" in layers
    both = lines([one, Line("closed", one.points)], "light", unit="share", zone=ZONE, target=0.8)
    assert "interval" not in {layer.get("name") for layer in both["layer"]}


def test_lines_differ_in_colour_dash_and_shape() -> None:
    first = weekly([0.7, 0.8])
    spec = lines([first, Line("closed", first.points)], "dark", unit="share", zone=ZONE, width=NARROW)
    drawn = {layer["name"]: layer["encoding"] for layer in spec["layer"] if "name" in layer}
    for encoding, channel in (("lines", "color"), ("lines", "strokeDash"), ("points", "shape")):
        looks = drawn[encoding][channel]["scale"]["range"]
        assert len({str(look) for look in looks}) == 2
    assert f'width="{NARROW}"' in svg(spec, "dark")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="no point has a value"):
        lines([weekly([None, None])], "light", unit="share", zone=ZONE)
    with pytest.raises(ValueError, match="too many"):
        lines([weekly([0.5])] * 4, "light", unit="share", zone=ZONE)
    with pytest.raises(ValueError, match="one bar at least"):
        bars([], "light")
    with pytest.raises(ValueError, match="below zero"):
        bars([Bar("net", -1, "-1")], "light")


def test_bars_begin_at_zero_and_what_is_not_known_has_none() -> None:
    spec = bars([Bar("a", 20, "20 cases"), Bar("b", None, "not known yet"), Bar("c", 5, "5 cases", True)], "light")
    drawn: dict[str, Any] = {layer["name"]: layer for layer in spec["layer"]}
    assert [row["label"] for row in drawn["bars"]["data"]["values"]] == ["a", "c"]
    assert drawn["bars"]["encoding"]["x"]["scale"]["domain"] == [0, 20]
    assert [row["words"] for row in drawn["words"]["data"]["values"]] == ["20 cases", "not known yet", "5 cases"]
    assert [row["hollow"] for row in drawn["bars"]["data"]["values"]] == [False, True]


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([0.01, 0.99], "share", (0.0, 1.0)),
        ([3.0, 50.0], "cases", (0.0, 54.7)),
        ([90.0, 100.0], "points", (89.0, 100.0)),
        ([-20.0, 60.0], "cases", (-28.0, 68.0)),
    ],
    ids=["shares", "from-zero", "points", "negative"],
)
def test_scales_stay_within_what_is_possible(values: list[float], unit: str, expected: tuple[float, float]) -> None:
    scale = scale_of(values, unit)
    assert (scale.low, scale.high) == expected


def test_labels_of_lines_that_are_close_do_not_touch() -> None:
    scale = scale_of([0.0, 1.0], "share")
    places = scale.spread([0.99, 0.5, 0.995, 1.0], 200)
    gaps = sorted(places)
    assert all(later - earlier >= 14 / 200 - 1e-9 for earlier, later in pairwise(gaps))
    assert max(places) <= 1.0
    assert places[0] < places[2] < places[3]
