"""Weeks of charts by hand, for tests of verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kept.buckets import WEEK_SECONDS
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek

MONDAY = 1_767_567_600
"""Mon 5 Jan 2026 00:00 in Amsterdam."""


def week(number: int, value: float | None, **fields: Any) -> ChartWeek:
    """The `number`-th week from `MONDAY`, of the median delivery time in hours unless `fields` say otherwise."""
    start = MONDAY + number * WEEK_SECONDS
    usual: dict[str, Any] = {
        "service": "ours", "indicator": "delivery_time_closed_p50", "unit": "seconds", "better": "down", "segment": 0,
        "gap": "no_data" if value is None else None, "n": None if value is None else 100,
        "value": None if value is None else value * (3600 if "unit" not in fields else 1),
    }  # fmt: skip
    return ChartWeek(week_start=start, week_end=start + WEEK_SECONDS, **(usual | fields))


def line(values: Sequence[float | None], **fields: Any) -> list[ChartWeek]:
    """Weeks from `MONDAY` on."""
    return [week(number, value, **fields) for number, value in enumerate(values)]


def change(number: float, **fields: Any) -> RegisteredChange:
    """A change `number` weeks after `MONDAY`: faster delivery at `ours`, unless `fields` say otherwise."""
    usual: dict[str, Any] = {
        "service": "ours", "id": f"{number:g}", "title": "A shorter form", "indicator": "delivery_time_p50",
        "direction": "down",
    }  # fmt: skip
    return RegisteredChange(at=MONDAY + int(number * WEEK_SECONDS), **(usual | fields))


def wobble(level: float, number: int) -> float:
    """`level` with a little up and down."""
    return level * (1 + 0.02 * ((number * 7) % 5 - 2))
