"""The table of costs, in small: every axis is measured, and every event of it is applied. None asks for speed."""

from __future__ import annotations

import pytest

from bench.scaling import Shape, axes, batches, core_cost, measure
from bench.scaling_report import markdown, plot
from kept.events import decode_batch


@pytest.mark.parametrize(
    "shape", [Shape(6_000, services=3), Shape(6_000, partitions=4), Shape(4_000, open_cases=5_000)]
)
def test_a_shape_has_as_many_events_as_it_says_and_none_twice(shape: Shape) -> None:
    events = [event for _, encoded in batches(shape) for event in decode_batch(encoded)]
    assert len(events) == shape.events
    assert len({event.id for event in events}) == shape.events  # type: ignore[union-attr]
    cost = core_cost(shape)
    assert cost.microseconds > 0
    assert cost.records is not None
    assert cost.records > 0


def test_the_page_has_every_value_of_an_axis() -> None:
    report = measure([axis for axis in axes(long=False, worker=False, part=0.025) if axis[0] == "partitions"])
    page = markdown(report, "scaling.svg")
    assert "| partitions | 64 |" in page
    assert {row["what grows"] for row in plot(report)["data"]["values"]} == {axis.name for axis in report.axes}
