"""What became known after the moment as of which a page is shown. Pure: amendments in, the changed figures out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.indicators.point import Amendment, Point
from summaries import wording
from summaries.slices import slice_words

HEAD: Final = ("Figure", "Window and its end", "Then", "Known now", "Since")


class Later(Struct, frozen=True):
    """A figure of the page, as it is known now, and since when (s)."""

    then: Point
    now: Point
    known_at: int


def became_known(amendments: Iterable[Amendment], shown: Iterable[Point]) -> list[Later]:
    """Those of the page's points that were amended since: by indicator, window and moment, each once."""
    points = {point.key(): point for point in shown}
    newest: dict[tuple[object, ...], Amendment] = {}
    for one in amendments:
        key = one.new.key()
        if key in points and (key not in newest or one.known_at > newest[key].known_at):
            newest[key] = one
    return [Later(points[key], newest[key].new, newest[key].known_at) for key in sorted(points) if key in newest]


def later_rows(found: Iterable[Later], zone: ZoneInfo) -> list[tuple[str, ...]]:
    """Rows of a table for them, below `HEAD`."""
    return [
        (
            f"{wording.label(one.then.indicator)} {slice_words(one.then.slice)}".rstrip(),
            f"{wording.WINDOWS[one.then.window]}, {wording.moment_briefly(one.then.window_end, zone)}",
            wording.shown(one.then),
            wording.shown(one.now),
            wording.moment_briefly(one.known_at, zone),
        )
        for one in found
    ]
