"""Points as lines of InfluxDB's line protocol and back, exactly: whole stays whole, and missing stays missing.

A series is the measurement with the tags service, slice, indicator and window; its time is the window's end. InfluxDB
merges the fields of a line into those it has of the same series and time, and fixes the type of a field. So the truth
is one field, `point`, a text with all that the key does not say; it alone is read back. Beside it stand numbers for
boards, always as floats (`n` is whole). A number that `point` lacks is a leftover of an earlier writing: boards show
`value` where `state` is `value`, and look into `point` for the others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from history.storable import NUMBERS, refuse_unstorable
from kept.errors import Stop
from kept.indicators.point import WHOLE, Amendment, Point, Slice, State

POINTS = "indicator"
AMENDMENTS = "indicator_amendment"
PUBLISHED = "published"
"""The measurements."""
WHOLE_SERVICE = "whole"
"""The tag `slice` of a point of the whole service; other slices are `dimension=value&…`."""
NANOSECONDS = 1_000_000_000
MIDDLE = NANOSECONDS // 2
"""An amendment known at its window's end lies in the middle of that second; later ones a nanosecond a second later."""
TRUTH = "point"
"""The field that is read back."""
_WITHIN_A_SECOND = 999_000_000

_UNSAFE = re.compile(r"[%\\�]")
_SERIES = re.compile(r",(indicator|service|signal|window)=((?:\\.|[^,\\ ])*)")
SeriesKey = tuple[str, Slice, str, str]


class Measured(Struct, frozen=True, omit_defaults=True):
    """What a point says beside its key."""

    window_start: int
    unit: str
    definition: str
    state: State
    value: float | int | None = None
    numerator: float | int | None = None
    denominator: float | int | None = None
    n: int | None = None
    low: float | int | None = None
    high: float | int | None = None
    reason: str | None = None

    @classmethod
    def of(cls, point: Point) -> Measured:
        """These fields of a point."""
        return cls(
            point.window_start, point.unit, point.definition, point.state, point.value, point.numerator,
            point.denominator, point.n, point.low, point.high, point.reason,
        )  # fmt: skip


class Lines:
    """Makes lines. Remembers the series it has met, of which there are as many as the store has."""

    def __init__(self) -> None:
        self._series: dict[SeriesKey, str] = {}

    def point(self, point: Point) -> str:
        """A point; its time is in seconds. Raises `Stop` for what cannot be stored."""
        refuse_unstorable(point)
        numbers = "".join(
            f",{name}={number!r}" for name in NUMBERS if (number := getattr(point, name)) is not None
        )  # a whole number without an `i` is read as a float
        if point.n is not None:
            numbers += f",n={point.n}i"
        text = text_field(msgspec.json.encode(Measured.of(point)).decode())
        return (
            f"{POINTS},{self._tags(point)} point={text},state={text_field(point.state)},"
            f"definition={text_field(point.definition)}{numbers} {point.window_end}"
        )

    def amendment(self, amendment: Amendment) -> str:
        """An amendment; its time is in nanoseconds: the window's end, and when it became known within that second.

        So amendments of one point do not overwrite each other, are found by the window's end, and are kept for as long
        as the point. Raises `Stop` when it became known more than 15 years away from the window's end.
        """
        refuse_unstorable(amendment.old)
        refuse_unstorable(amendment.new)
        new_point = amendment.new
        time = amended_time(
            f"{new_point.service} {new_point.indicator}", end=new_point.window_end, known_at=amendment.known_at
        )
        old, new = (msgspec.json.encode(point).decode() for point in (amendment.old, amendment.new))
        return (
            f"{AMENDMENTS},{self._tags(amendment.new)} known_at={amendment.known_at}i,"
            f"old={text_field(old)},new={text_field(new)} {time}"
        )

    def published(self, service: str, window_end: int) -> str:
        """A service is published up to `window_end`: the newest such line is the answer, so it never moves back."""
        return f"{PUBLISHED},service={tag(service)} window_end={window_end}i {window_end}"

    def _tags(self, point: Point) -> str:
        key = (point.service, point.slice, point.indicator, point.window)
        tags = self._series.get(key)
        if tags is None:
            tags = self._series[key] = (
                f"indicator={tag(point.indicator)},service={tag(point.service)},"
                f"slice={_escaped(slice_tag(point.slice))},window={tag(point.window)}"
            )
        return tags


def amended_time(named: str, *, end: int, known_at: int) -> int:
    """The time (ns) of an amendment, `known_at` (s), of what ends at `end` (s): within that second. Raises `Stop`."""
    offset = MIDDLE + known_at - end
    if not 0 <= offset < NANOSECONDS:
        raise Stop(
            f"{named}: known at {known_at}, more than 15 years from the window's end {end}; this cannot be stored"
        )
    return end * NANOSECONDS + offset


def point_of(record: Mapping[str, Any]) -> Point:
    """The point of a row with the tags, `_time`, and the field `point` in `_value`."""
    measured = msgspec.json.decode(unquote(record["_value"]), type=Measured)
    return Point(
        service=unquote(record["service"]),
        slice=slice_of(record["slice"]),
        indicator=unquote(record["indicator"]),
        window=unquote(record["window"]),
        window_end=int(record["_time"].timestamp()),
        **msgspec.structs.asdict(measured),
    )


def amendment_of(record: Mapping[str, Any]) -> Amendment:
    """The amendment of a row with its fields."""
    old, new = (msgspec.json.decode(unquote(record[side]), type=Point) for side in ("old", "new"))
    return Amendment(record["known_at"], old, new)


def slice_tag(slice: Slice) -> str:
    """The tag of a slice, as a query compares it: readable, and without anything a line or a text in Flux trips over.

    A board puts it into its queries as a text, in which Flux would evaluate what stands in `${…}`.
    """
    return "&".join(f"{_safe(name, '&=$')}={_safe(value, '&=$')}" for name, value in slice) or WHOLE_SERVICE


def slice_of(tag: str) -> Slice:
    """The slice of a tag."""
    if tag == WHOLE_SERVICE:
        return WHOLE
    pairs = (part.split("=") for part in tag.split("&"))
    return tuple((unquote(name), unquote(value)) for name, value in pairs)


def tag_value(text: str) -> str:
    """A text as a tag, as a query compares it. Raises `Stop` for an empty one, which InfluxDB does not know."""
    if not text:
        raise Stop("an empty service, indicator or window cannot be stored in InfluxDB")
    return _safe(text, "")


def series_of_line(line: str) -> str:
    """What a log may say of a line: service, indicator, window, signal; no slice, no numbers."""
    found = dict(_SERIES.findall(line.split(f" {TRUTH}=")[0]))
    return " ".join(found[name] for name in ("service", "signal", "indicator", "window") if name in found)


def _safe(text: str, more: str) -> str:
    """Percent signs and backslashes (which no tag can end with), what does not print, and `more`, percent-encoded."""
    if text.isprintable() and not _UNSAFE.search(text) and not any(char in text for char in more):
        return text
    return "".join(
        char if char.isprintable() and not _UNSAFE.match(char) and char not in more else quote(char, safe="")
        for char in text
    )


def tag(text: str) -> str:
    """A text as a tag, as a line takes it. Raises `Stop` for an empty one."""
    return _escaped(tag_value(text))


def _escaped(tag: str) -> str:
    return tag.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")


def text_field(text: str) -> str:
    """A text field: made safe like a tag, since an answer (CSV) does not keep ends of lines as they are."""
    return '"' + _safe(text, "").replace('"', '\\"') + '"'


def board_text(text: str) -> str:
    """A text field that boards show and nobody reads back: as it is, on one line."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def within_second(text: str) -> int:
    """Nanoseconds of a second by which records of one second stay apart, the same for the same `text`."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _WITHIN_A_SECOND
