"""The address of a number: every value on a page leads to its definition, its counts, its history and its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from kept.asked_moment import asked_moment
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import WHOLE, Point, Slice
from kept.indicators.windows import WINDOWS
from summaries import wording
from summaries.site import Asked, BadRequest, NotFound
from summaries.slices import slice_of, slice_text, slice_words

MOST_CHOICES: Final = 60


def number_path(service: str, indicator: str) -> str:
    """The page of an indicator of a service, without its window and slice."""
    return f"/number/{service}/{indicator}"


def series_link(asked: Asked, service: str, indicator: str, window: str, part: Slice, ending: str) -> str:
    """The address of the series as a file: `ending` is `csv` or `json`."""
    path = f"/api/series/{service}/{indicator}.{ending}"
    return asked.link(path, window=window, slice=slice_text(part), screen=None, theme=None)


def asked_slice(asked: Asked) -> Slice:
    """The slice that the query names; raises `BadRequest` when it is none."""
    try:
        return slice_of(asked.query.get("slice", ""))
    except ValueError as error:
        raise BadRequest(f"slice: {error}") from error


def asked_window(asked: Asked, indicator: str) -> str:
    """The window that the query names; raises `BadRequest` for one that is not published."""
    return asked.choice("window", WINDOWS, default_window(indicator))


def asked_time(asked: Asked, name: str, zone: ZoneInfo) -> int | None:
    """The moment (s) that the query gives as `name`, None without one; raises `BadRequest` when it is no moment."""
    text = asked.query.get(name)
    if not text:
        return None
    try:
        return asked_moment(text, zone)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from error


def asked_indicator(asked: Asked, service: str) -> str:
    """The indicator that the path names; raises `NotFound` that says which there are."""
    name = asked.parts["indicator"]
    if name not in BY_NAME:
        choices = [(asked.link(number_path(service, each)), wording.label(each)) for each in BY_NAME]
        raise NotFound(f"No indicator is known as “{name[:80]}”.", choices)
    return name


def slice_choices(asked: Asked, points: Sequence[Point], indicator: str) -> list[tuple[str, str]]:
    """(path, words) of each slice of which the indicator is published, by name; at most `MOST_CHOICES`."""
    slices = sorted({point.slice for point in points if point.indicator == indicator})
    return [
        (
            asked.link(number_path(points[0].service, indicator), slice=slice_text(one)),
            "the whole service" if one == WHOLE else slice_words(one),
        )
        for one in slices[:MOST_CHOICES]
    ]


def default_window(indicator: str) -> str:
    """The window that a number is shown for when none is asked for: four weeks, or for a stock the freshest."""
    return "24h" if BY_NAME[indicator].stock else "28d"
