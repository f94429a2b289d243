"""The table of costs, in small: every axis is measured, and every event of it is applied. None asks for speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import scaling
from bench.scaling import Shape, axes, batches, core_cost, main, measure, usual_events
from bench.scaling_report import Cost, markdown, plot
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
    found = [axis for axis in axes(long=False, worker=False, part=0.025) if axis[0] == "partitions"]
    report = measure(found, usual_events(0.025))
    page = markdown(report, "scaling.svg")
    assert "What is not varied is 5,000 events of 10 services" in page
    assert "| partitions | 64 |" in page
    assert {row["what grows"] for row in plot(report)["data"]["values"]} == {axis.name for axis in report.axes}


def test_a_part_of_the_usual_numbers_is_told_as_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Shape] = []
    monkeypatch.setattr(scaling, "core_cost", lambda shape: measured.append(shape) or Cost(1.0, 1.0))
    report = measure([axis for axis in axes(long=False, worker=False, part=0.1) if axis[0] in ("events", "open cases")])
    told = {axis.name: [value for value, _ in axis.costs] for axis in report.axes}
    assert told == {"events": [10_000, 100_000], "open cases": [5_000, 10_000]}
    assert [shape.events for shape in measured] == [10_000, 100_000, 20_000, 20_000]
    assert [shape.open_cases for shape in measured] == [0, 0, 5_000, 10_000]


def test_a_part_is_put_in_the_place_of_no_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(scaling, "prepare_process", lambda: None)
    monkeypatch.setattr(scaling, "core_cost", lambda shape: Cost(1.0, 1.0))
    assert main(["--part", "0.5"]) == 0
    assert list((tmp_path / "docs").iterdir()) == []
    assert main(["--part", "0.5", "--markdown", "mine.md"]) == 0
    assert (tmp_path / "mine.md").exists()
    assert main([]) == 0
    assert sorted(file.name for file in (tmp_path / "docs").iterdir()) == ["scaling.json", "scaling.md", "scaling.svg"]
