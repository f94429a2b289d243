"""What became known later of weeks of control charts that the history held already, or that it should have held.

A week is in the history from the moment of its end on. One that comes later, or that changes, comes with an amendment,
so that every chart can be shown as it stood at any moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from kept.signals.chart_weeks import ChartWeek


class ChartAmendment(Struct, frozen=True):
    """A week of a chart that turned out otherwise: until `known_at` it was `old`, from then on `new`.

    `known_at` is the published event time (s) at which it became known; `old` is None for a week that was not there.
    Raises `ValueError` when `old` and `new` are not the same week by `ChartWeek.key()`.
    """

    known_at: int
    old: ChartWeek | None
    new: ChartWeek

    def __post_init__(self) -> None:
        if self.old is not None and self.old.key() != self.new.key():
            raise ValueError("an amendment is of one week of a chart; old and new differ in their keys")

    def key(self) -> tuple[str, str, int, int]:
        """What makes the amendment one amendment: the week's key and `known_at`."""
        return (*self.new.key(), self.known_at)


class News(NamedTuple):
    """What of some weeks a history does not hold yet: those that come in time, and amendments."""

    fresh: list[ChartWeek]
    amendments: list[ChartAmendment]


def news(stored: Iterable[ChartWeek], weeks: Sequence[ChartWeek], known_at: int) -> News:
    """Of `weeks`, each key once, what is not `stored` like that; `known_at` (s) is the moment that is published next.

    `stored` is what the history holds of them. What it holds already is no news, whoever has written it.
    """
    held = {week.key(): week for week in stored}
    found = News([], [])
    for week in weeks:
        old = held.get(week.key())
        if old is None and week.week_end == known_at:
            found.fresh.append(week)
        elif old != week:
            found.amendments.append(ChartAmendment(known_at, old, week))
    return found
