"""Tables as files: .csv and .csv.gz, UTF-8 with or without a byte order mark, read a row at a time.

A row that cannot be read is a `RowProblem` with its line and the reason, never skipped in silence; a file that cannot
be read is a `Stop`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from msgspec import Struct

from kept.errors import ConfigurationError, Stop
from producers.sources.files import open_file, reading
from producers.sources.problems import RowProblem

SUFFIXES = (".csv", ".csv.gz")
_BEGINNINGS = {
    b"\xff\xfe": ", as in UTF-16",
    b"\xfe\xff": ", as in UTF-16",
    b"\x1f\x8b": ", as in a compressed file: its name should end in .gz",
    b"PK": ", as in a workbook or zip file: export it as CSV",
}
"""What the first bytes of a file that is no text say it is."""
_LONGEST_LINE = 1 << 20
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Row(Struct, frozen=True):
    """One row: the line it ends on and its fields, as many as the header has."""

    line: int
    fields: list[str]


class Table:
    """An open table: its header, then its rows once. A context manager; `path` is named in every error."""

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        """Open the file and read its header; raises `Stop` or `ConfigurationError` that says what to do."""
        self.path = path
        self._delimiter = delimiter
        self._file = _open(path)
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def rows(self) -> Iterator[Row | RowProblem]:
        """The rows in order; a line without anything is not a row. Raises `Stop` when the file itself is broken."""
        expected = len(self.header)
        while True:
            began = self._reader.line_num + 1
            try:
                fields = self._next()
            except csv.Error as error:
                if self._reader.line_num > began:
                    raise Stop(
                        f"{self.path}: line {began}: a quotation mark is opened there and not closed as it should be; "
                        f"it takes lines {began} to {self._reader.line_num} for one field ({error}); close or double it"
                    ) from error
                yield RowProblem(self._reader.line_num, f"not readable as CSV: {error}")
                continue
            if fields is None:
                return
            if len(fields) == expected:
                yield Row(self._reader.line_num, fields)
            elif fields:
                lines = self._reader.line_num - began + 1
                span = "" if lines == 1 else f" (in {lines} lines, from line {began} on: is a quotation mark missing?)"
                yield RowProblem(self._reader.line_num, f"{len(fields)} fields, the header has {expected}{span}")

    def _next(self) -> list[str] | None:
        with reading(self.path, lambda: f"after line {self._reader.line_num}"):
            try:
                return next(self._reader, None)
            except UnicodeDecodeError as error:
                before, byte = error.object[: error.start], error.object[error.start]
                line = self._reader.line_num + 1 + before.count(b"\n")
                raise Stop(
                    f"{self.path}: line {line}: not UTF-8: {error.reason} (byte 0x{byte:02x}"
                    f"{_guess(error.object[:2])}); convert it to UTF-8"
                ) from error

    def _lines(self) -> Iterator[str]:
        """The lines of the file, so that one without end does not fill the memory."""
        number = 0
        while line := self._file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise Stop(
                    f"{self.path}: line {number} is longer than {_LONGEST_LINE} characters; is this a table? "
                    "Lines end with a line feed"
                )
            yield line

    def _read_header(self) -> list[str]:
        try:
            header = self._next()
        except csv.Error as error:
            raise Stop(f"{self.path}: line 1: not readable as CSV: {error}") from error
        if not header or not any(name.strip() for name in header):
            raise Stop(f"{self.path}: line 1: no header; the first line names the columns")
        if any("\0" in name for name in header):
            raise Stop(f"{self.path}: line 1: holds NUL characters, as in UTF-16; convert it to UTF-8")
        header = [name.strip() for name in header]
        if len(header) == 1:
            self._refuse_other_separator(header[0])
        doubled = next((name for name in header if name and header.count(name) > 1), None)
        if doubled is not None:
            # By number: in a file without a header the "name" is somebody's data.
            first = header.index(doubled)
            second = header.index(doubled, first + 1)
            raise Stop(
                f"{self.path}: line 1: columns {first + 1} and {second + 1} have the same name; rename one of them"
            )
        return header

    def _refuse_other_separator(self, header: str) -> None:
        for separator, word in _SEPARATORS.items():
            if separator in header and separator != self._delimiter:
                raise ConfigurationError(
                    f"{self.path}: line 1: fields are separated by {word}, expected {_SEPARATORS[self._delimiter]}; "
                    f"set delimiter = {json.dumps(separator)} in the mapping"
                )


def _guess(beginning: bytes) -> str:
    return _BEGINNINGS.get(beginning, "")


def _open(path: Path) -> IO[str]:
    return io.TextIOWrapper(open_file(path, SUFFIXES, "a table"), encoding="utf-8-sig", newline="")
