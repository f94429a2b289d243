"""The fields of a row by their meaning: columns found once, values translated, blanks and limits applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast, get_args

from kept.errors import ConfigurationError
from kept.event_texts import CONTROL_CHARACTERS
from kept.events import Outcome
from producers.mapping import MappedField, Mapping
from producers.sources.local_times import LocalTimes

_LABEL_LENGTH = 128
_ID_LENGTH = 480
"""Leaves room for what event ids add to a case id, within the contract's 512."""
_LINE_BREAKS = re.compile(r"[ \t]*[\t\r\n]\s*")
_OUTCOMES = frozenset(get_args(Outcome))

TimeField = Literal["opened", "due", "completed", "step_time", "step_started"]
IdField = Literal["case", "step_id", "resource", "instance"]


def columns_of(mapping: Mapping, header: list[str], path: Path) -> dict[str, int]:
    """The place of each field in the rows under `header`; raises `ConfigurationError` when a column is not there."""
    columns = mapping.named()
    if not set(columns.values()) & set(header):
        raise ConfigurationError(
            f"{path}: line 1 is no header for this mapping: none of {', '.join(columns.values())} is in it; "
            "put the names of the columns there, or use the mapping of this file"
        )
    for field, column in columns.items():
        if column not in header:
            raise ConfigurationError(
                f"{path}: {mapping.key_of(field)} of the mapping: no column {column!r}; present: {', '.join(header)}"
            )
    return {field: header.index(column) for field, column in columns.items()}


class RowFields:
    """Reads fields from rows of one file. Every method raises `ValueError` with a reason fit for a `RowProblem`."""

    def __init__(self, mapping: Mapping, index: dict[str, int], noun: str = "column") -> None:
        """`index` has the place in a row of each field that `mapping` names; `noun` is what such a place is called."""
        self._names = {field: f"{noun} {name!r}" for field, name in mapping.named().items()}
        self._index = index
        self._empty = frozenset(value.strip() for value in mapping.empty_values) | {""}
        self._times = LocalTimes(mapping.zone, mapping.time_format, mapping.date_only)
        fields: tuple[MappedField, ...] = get_args(MappedField)
        self._labels = {field: self._label_reader(mapping, field) for field in fields}

    def has(self, field: str) -> bool:
        """Whether the mapping names a column for `field`."""
        return field in self._index

    def identifier(self, row: list[str], field: IdField) -> str | None:
        """An id as it stands, or None when nothing is given."""
        text = self._text(row, field)
        if text is not None:
            if len(text) > _ID_LENGTH:
                raise ValueError(f"{self._names[field]} is longer than {_ID_LENGTH} characters")
            self._check_characters(text, field)
        return text

    def case(self, row: list[str]) -> str:
        """The case id, which every row has."""
        case = self.identifier(row, "case")
        if case is None:
            raise ValueError(f"{self._names['case']} is empty: no case id")
        return case

    def time_ms(self, row: list[str], field: TimeField) -> int | None:
        """A time in milliseconds since 1970-01-01 UTC, or None when nothing is given."""
        text = self._text(row, field)
        if text is None:
            return None
        self._check_characters(text, field)  # the reader of ISO 8601 takes what follows a NUL for nothing
        try:
            return self._times.read(text)
        except ValueError as error:
            raise ValueError(f"{self._names[field]} {error}") from error

    def required_time_ms(self, row: list[str], field: TimeField) -> int:
        """A time that every row has, in milliseconds since 1970-01-01 UTC."""
        time_ms = self.time_ms(row, field)
        if time_ms is None:
            raise ValueError(f"{self._names[field]} is empty: no time")
        return time_ms

    def label(self, row: list[str], field: MappedField) -> str | None:
        """A translated value or the mapping's constant, or None when nothing is given and there is no default."""
        return self._labels[field](row)

    def outcome(self, row: list[str]) -> Outcome:
        """The outcome of a completion; `intended` when nothing is said."""
        outcome = self.label(row, "outcome") or "intended"
        if outcome not in _OUTCOMES:
            raise ValueError(f"{self._names['outcome']} is no outcome; add it to values.outcome.map")
        return cast(Outcome, outcome)

    def _text(self, row: list[str], field: str) -> str | None:
        index = self._index.get(field)
        if index is None:
            return None
        text = row[index].strip()
        return None if text in self._empty else text

    def _check_characters(self, text: str, field: str) -> None:
        if CONTROL_CHARACTERS.search(text) is not None:
            raise ValueError(f"{self._names[field]} holds a control character, such as NUL; remove it")

    def _label_reader(self, mapping: Mapping, field: MappedField) -> Callable[[list[str]], str | None]:
        if field not in self._index:
            constant = mapping.constants.get(field)
            return lambda row: constant
        values = mapping.values.get(field)
        translated, default = (values.map, values.default) if values else ({}, None)

        def read(row: list[str]) -> str | None:
            text = self._text(row, field)
            if text is None:
                return default
            text = _LINE_BREAKS.sub(" ", text)
            self._check_characters(text, field)
            value = translated.get(text, default or text)
            if len(value) > _LABEL_LENGTH:
                raise ValueError(f"{self._names[field]} is longer than {_LABEL_LENGTH} characters")
            return value

        return read
