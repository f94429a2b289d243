"""What is compared, as it was known: the slices of a service at one moment, read and guarded for every page alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from kept.catalogue import Service
from kept.comparison.members import INDICATOR, Members, slices_of
from kept.indicators.point import STALE, WHOLE, Point
from kept.signals.gaps import Cohort
from summaries.known import Known

DIMENSIONS: Final = {"area": "Areas", "channel": "Channels", "category": "Categories"}
"""Dimensions of slices that are compared, and what their slices are called."""
WINDOWS: Final = ("7d", "28d", "90d", "365d", "all")
DEFAULT_WINDOW: Final = "28d"
_LOOK_BACK: Final = 2 * DAY_SECONDS + HOUR_SECONDS
"""Slices are published by the hour, those of a year by the day."""
LONGEST_NAME: Final = 60


class Compared(NamedTuple):
    """The slices of each dimension that has any, at `at` (s; None: nothing is published). `whole`: all the service's
    cases, None while not known."""

    at: int | None
    window_start: int | None
    by: dict[str, Members]
    whole: Cohort | None
    stale: bool


NOTHING: Final = Compared(None, None, {}, None, False)
"""Nothing is published."""


def compared(known: Known, service: Service, window: str) -> Compared:
    """The newest moment at which slices were published: all of one moment, so that they can be compared."""
    newest = known.published(service.id)
    if newest is None:
        return NOTHING
    points = known.series(service.id, INDICATOR, window, slice=None, since=newest - _LOOK_BACK, until=newest)
    return at_one_moment(points, service.suppress_below)


def at_one_moment(points: Iterable[Point], below: int) -> Compared:
    """From points of several moments those of the newest one that has slices, or that has the whole."""
    found = list(points)
    ends = {point.window_end for point in found if point.slice != WHOLE} or {point.window_end for point in found}
    if not ends:
        return NOTHING
    at = max(ends)
    then = [point for point in found if point.window_end == at]
    dimensions = {point.slice[0][0] for point in then if len(point.slice) == 1}
    by = {name: slices_of(then, name, below) for name in DIMENSIONS if name in dimensions}
    whole = slices_of((point for point in then if point.slice == WHOLE), "", below).total
    stale = any(point.reason == STALE for point in then)
    return Compared(at, min(point.window_start for point in then), by, whole, stale)


def short_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name from events as a page shows it: without characters that nobody sees or that turn the text round."""
    plain = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in name[: 4 * longest]
        if unicodedata.category(char) != "Cf"
    ).strip()
    if not plain:
        return "(no readable name)"
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"
