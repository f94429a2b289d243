"""Numbers as people read them."""

from __future__ import annotations

import zoneinfo

import pytest

from kept.indicators.definitions import DEFINITIONS
from summaries import wording
from tests.summaries.figures import point


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.75412, "share", "75.4 %"),
        (0.99999, "share", "over 99.9 %"),
        (0.0001, "share", "under 0.1 %"),
        (1.0, "share", "100.0 %"),
        (0, "share", "0.0 %"),
        (9879, "cases", "9,879 cases"),
        (1, "cases", "1 case"),
        (-12, "cases", "−12 cases"),
        (99_100.8, "seconds", "1.1 days"),
        (45, "seconds", "45 seconds"),
        (12.345, "days", "12.3 days"),
        (72.25, "points", "72.2 of 100"),
        (61.254, "EUR", "EUR 61.25"),
        (12_345.6, "EUR a week", "EUR 12,346 a week"),
        (-0.001, "EUR", "EUR 0.00"),
    ],
)
def test_a_quantity_is_written_with_its_unit(value: float, unit: str, words: str) -> None:
    assert wording.quantity(value, unit).replace(wording.NBSP, " ") == words


def test_every_unit_of_a_definition_can_be_written() -> None:
    for definition in DEFINITIONS:
        assert "1" in wording.quantity(1, definition.unit.replace("money", "EUR"))


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("not_applicable", "immature", "not known yet: window too short"),
        ("not_applicable", "no_volume", "not applicable: nothing to count in this window"),
        ("not_provided", "no_cost_booked", "not provided: no cost was ever booked"),
        ("not_provided", None, "not provided"),
        ("not_applicable", "a_new_reason", "not applicable: a new reason"),
    ],
)
def test_why_there_is_no_value(state: str, reason: str | None, words: str) -> None:
    assert wording.why_unknown(point("x", "backlog", None, state=state, reason=reason)) == words


def test_a_moment_names_its_zone() -> None:
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    assert wording.moment(1_325_419_200, zone).replace(wording.NBSP, " ") == "Sun 1 Jan 2012, 13:00 (Europe/Amsterdam)"
