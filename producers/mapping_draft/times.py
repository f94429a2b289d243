"""Which times a column holds: the format, whether with an offset, and whether day and month can be told apart."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from msgspec import Struct

_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%d %b %Y", "%d-%b-%Y", "%Y%m%d")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMATS = tuple(f"{day}{clock}" for day in _DAYS for clock in _CLOCKS)
_LOOKED_AT = 2_000
_TOLERATED = 0.02
"""Share of values that may be something else: a few rows that cannot be read do not make it another column."""


class Times(Struct, frozen=True):
    """What a column of times looks like. `formats` are the strptime formats that fit; empty for ISO 8601."""

    formats: tuple[str, ...]
    with_offset: bool
    days_only: bool


def times_of(values: Iterable[str]) -> Times | None:
    """What the values that are not blank look like; None when they are no times."""
    texts = [value for value in values if value][:_LOOKED_AT]
    if not texts:
        return None
    iso = [moment for text in texts if (moment := _iso(text)) is not None]
    if len(iso) >= (1 - _TOLERATED) * len(texts):
        with_offset = all(moment.tzinfo is not None for moment in iso)
        return Times((), with_offset, all(len(text) == len("2011-07-31") for text in texts if _iso(text)))
    tried = {form for form in FORMATS if any(_misfits(form, [text]) == 0 for text in texts[:20])}
    misfits = {form: _misfits(form, texts) for form in FORMATS if form in tried}
    fewest = min(misfits.values(), default=len(texts))
    if fewest > _TOLERATED * len(texts):
        return None
    formats = tuple(form for form, count in misfits.items() if count == fewest)
    return Times(formats, with_offset=False, days_only=all("%H" not in form and "%I" not in form for form in formats))


def _iso(text: str) -> datetime.datetime | None:
    if text[4:5] != "-" or text[7:8] != "-":
        return None
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def _misfits(form: str, texts: list[str]) -> int:
    count = 0
    for text in texts:
        try:
            datetime.datetime.strptime(text, form)
        except ValueError:
            count += 1
    return count
