"""docs/simulator.md says everything that scripts and the truth file have, and its example is a valid script."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from msgspec.structs import fields

from producers.simulator.bookings import Booking
from producers.simulator.incident import Incident
from producers.simulator.incidents import KINDS, Improvable
from producers.simulator.script import parse_script
from producers.simulator.truth import IncidentTruth, MeasuredEffect, Trial, Truth
from tests.producers.incident_city import CITY, at

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_every_kind_has_a_row_with_its_own_keys() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", PAGE.partition("## The truth file")[0], re.MULTILINE))
    common = {field.name for field in fields(Incident)}
    assert list(rows) == [str(kind.__struct_config__.tag) for kind in KINDS]
    for kind in KINDS:
        for field in fields(kind):
            assert field.name in common or f"`{field.name}`" in rows[str(kind.__struct_config__.tag)], (kind, field)


def test_every_booking_and_every_indicator_that_can_be_improved_is_named() -> None:
    assert all(f"`{name}`" in PAGE for name in (*get_args(Booking), *get_args(Improvable)))


def test_every_key_of_the_truth_file_is_explained() -> None:
    told = PAGE.partition("## The truth file")[2]
    for shape in (Truth, IncidentTruth, MeasuredEffect, Trial):
        assert all(f"`{field.name}`" in told for field in fields(shape)), shape


def test_the_example_is_a_valid_script() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    days = 7 * 8  # the example names a day of February 2026
    incidents = parse_script(text, "simulator.md", CITY, start_ms=at(days - 28), end_ms=at(days)).incidents
    assert [incident.kind for incident in incidents] == ["area_gap", "slow_down"]
