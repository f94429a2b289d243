"""What each column of a sample looks like: how full, how varied, times or not, personal or not."""

from __future__ import annotations

import re

from msgspec import Struct

from producers.mapping_draft.sample import Sample
from producers.mapping_draft.times import Times, times_of
from producers.mapping_draft.words import is_personal

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(\+|00?)\d[\d ()/.-]{7,}\d")
_FREE_WORDS_LENGTH = 40
_MANY = 1_000


class Column(Struct, frozen=True):
    """One column. `distinct` counts values that are not blank; `personal` says why it is left out, else is empty."""

    name: str
    filled: int
    distinct: int
    longest: int
    full: bool
    times: Times | None
    personal: str

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.full and self.distinct == self.filled


def columns_of(sample: Sample) -> list[Column]:
    """Every column of the sample, in order."""
    return [_column(name, sample.column(name)) for name in sample.header]


def varying_columns(sample: Sample, case: str) -> set[str]:
    """The columns that are not the same on all rows of a case."""
    place = sample.header.index(case)
    first: dict[str, list[str]] = {}
    varying: set[str] = set()
    for row in sample.rows:
        known = first.setdefault(row[place], row)
        if known is not row:
            varying.update(name for name, one, other in zip(sample.header, known, row, strict=True) if one != other)
    return varying


def _column(name: str, values: list[str]) -> Column:
    given = [value for value in values if value]
    times = times_of(values)
    distinct = len(set(given))
    longest = max(map(len, given), default=0)
    personal = "" if times is not None else _personal(name, given, distinct)
    return Column(name, len(given), distinct, longest, len(given) == len(values), times, personal)


def _personal(name: str, given: list[str], distinct: int) -> str:
    """Why a column looks personal; empty when it does not."""
    if is_personal(name):
        return "by its name"
    looked_at = given[:_MANY]
    if looked_at and sum(bool(_MAIL.fullmatch(value)) for value in looked_at) > len(looked_at) / 10:
        return "holds e-mail addresses"
    if looked_at and sum(bool(_PHONE.fullmatch(value)) for value in looked_at) > len(looked_at) / 2:
        return "holds telephone numbers"
    long = sum(len(value) > _FREE_WORDS_LENGTH and " " in value for value in looked_at)
    if looked_at and long > len(looked_at) / 4 and distinct > len(given) / 2:
        return "holds free words"
    return ""
