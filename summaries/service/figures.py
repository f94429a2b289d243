"""A service's figures as its page needs them: the newest of each, and one a week for what is drawn over time."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from kept.indicators.definitions import BY_NAME
from kept.indicators.point import Point
from summaries.service_card import LatestPoints

WEEKS: Final = 13
"""So many Mondays back figures over time are shown: a quarter."""


class Figures:
    """The newest points of a service, and its points at the Mondays of a quarter, by indicator and window."""

    def __init__(self, latest: Iterable[Point], mondays: Iterable[Point] = ()) -> None:
        """`latest` may have slices among them; `mondays` are of the whole service."""
        every = list(latest)
        self.latest = LatestPoints(every)
        self.sliced = [point for point in every if point.slice]
        self._weekly: dict[tuple[str, str], list[Point]] = {}
        for point in mondays:
            self._weekly.setdefault((point.indicator, point.window), []).append(point)

    def of(self, indicator: str, window: str = "28d") -> Point | None:
        """The newest point."""
        return self.latest.of(indicator, window)

    def stock(self, indicator: str) -> Point | None:
        """The freshest point of a stock."""
        return self.latest.stock(indicator)

    def newest(self, indicator: str) -> Point | None:
        """The freshest point of a stock, of others that of the last 28 days."""
        return self.stock(indicator) if BY_NAME[indicator].stock else self.of(indicator)

    def weekly(self, indicator: str, window: str = "28d", *, with_newest: bool = True) -> list[Point]:
        """Its points of the quarter by time: one at each Monday, and the newest after them."""
        found = list(self._weekly.get((indicator, window), ()))
        newest = self.of(indicator, window)
        if with_newest and newest is not None and (not found or newest.window_end > found[-1].window_end):
            found.append(newest)
        return found


def mondays(at: int, zone: ZoneInfo, weeks: int = WEEKS) -> list[int]:
    """The last local Mondays 00:00 (s) at or before `at`, oldest first."""
    local = datetime.datetime.fromtimestamp(at, zone)
    monday = (local - datetime.timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return [int((monday - datetime.timedelta(days=7 * back)).timestamp()) for back in reversed(range(weeks))]


def is_course(points: Sequence[Point | None]) -> bool:
    """Whether there are two values, the least that a line can be drawn through."""
    return sum(point is not None and point.value is not None for point in points) > 1


def is_known(points: Sequence[Point | None]) -> bool:
    """Whether any of them has a value."""
    return any(point is not None and point.value is not None for point in points)
