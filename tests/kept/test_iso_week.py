"""ISO weeks and their edges in a service's own time."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from kept.iso_week import IsoWeek, last_week_over, week_named, week_of

AMSTERDAM, AUCKLAND = ZoneInfo("Europe/Amsterdam"), ZoneInfo("Pacific/Auckland")


def at(text: str, zone: ZoneInfo) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def test_a_week_is_named_and_found_again() -> None:
    assert week_named("2026-W47") == week_named("2026w47") == IsoWeek(2026, 47)
    assert IsoWeek(2026, 47).name == "2026-W47"
    assert IsoWeek(2026, 47).days_in_words == "16 to 22 November 2026"
    assert IsoWeek(2026, 53).days_in_words == "28 December 2026 to 3 January 2027"
    assert IsoWeek(2026, 53).plus(1) == IsoWeek(2027, 1)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("2025-W53", "2025 has weeks 01 to 52"),
        ("2026-W00", "2026 has weeks 01 to 53"),
        ("1900-W01", "out of range"),
        ("last week", "is no week; valid: an ISO week such as 2026-W47"),
        ("<b>" * 100, "is no week"),
    ],
)
def test_what_is_no_week_is_refused_with_what_is_valid(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(")) as found:
        week_named(name)
    assert len(str(found.value)) < 200


def test_each_service_has_its_own_monday() -> None:
    week = IsoWeek(2026, 47)
    assert week.start(AMSTERDAM) == at("2026-11-16T00:00", AMSTERDAM)
    assert week.end(AMSTERDAM) - week.end(AUCKLAND) == 12 * 3600
    assert week.told_at(AMSTERDAM) == at("2026-11-23T06:00", AMSTERDAM)


def test_a_week_with_a_clock_change_is_an_hour_longer() -> None:
    week = IsoWeek(2026, 43)
    assert week.end(AMSTERDAM) - week.start(AMSTERDAM) == 169 * 3600


def test_a_week_is_over_at_its_last_midnight() -> None:
    monday = at("2026-11-23T00:00", AMSTERDAM)
    assert last_week_over(monday, AMSTERDAM) == week_of(monday - 1, AMSTERDAM) == IsoWeek(2026, 47)
    assert last_week_over(monday - 1, AMSTERDAM) == IsoWeek(2026, 46)
    assert week_of(monday, AMSTERDAM) == IsoWeek(2026, 48)
