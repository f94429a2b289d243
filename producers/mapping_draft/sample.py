"""The first rows of a CSV file of any delimiter and encoding, and what had to be found out to read them."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

from msgspec import Struct

from kept.errors import Stop
from producers.sources.files import open_file, reading
from producers.sources.tables import SUFFIXES

SAMPLE_ROWS = 20_000
_SAMPLE_BYTES = 64 * 1024 * 1024
_DELIMITERS = (",", ";", "\t", "|")
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Sample(Struct, frozen=True):
    """Header and rows (each as long as the header) of the beginning of a table; `whole` when that is all of it."""

    header: list[str]
    rows: list[list[str]]
    delimiter: str
    encoding: str
    odd_rows: int
    whole: bool

    def column(self, name: str) -> list[str]:
        """The values of a column, blanks around them removed."""
        place = self.header.index(name)
        return [row[place].strip() for row in self.rows]


def read_sample(path: Path) -> Sample:
    """Raises `Stop` when the file cannot be read, or is no table with a header and at least one row."""
    with open_file(path, SUFFIXES, "a table") as file, reading(path, lambda: "in its beginning"):
        beginning = file.read(_SAMPLE_BYTES)
        whole = not file.read(1)
    encoding, text = _decoded(beginning, whole)
    lines = text.splitlines(keepends=True)
    if not whole and lines:
        lines.pop()
    if not lines or not lines[0].strip():
        raise Stop(f"{path}: line 1: no header; the first line names the columns")
    delimiter = _delimiter(lines)
    rows = [row for row in itertools.islice(_rows(path, lines, delimiter), SAMPLE_ROWS + 1) if row]
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header) or not all(header):
        raise Stop(f"{path}: line 1: every column needs a name of its own; seen {len(header)} columns")
    fitting = [row for row in rows[1:] if len(row) == len(header)]
    if not fitting:
        raise Stop(f"{path}: no rows under its header; a draft needs some to look at")
    return Sample(
        header, fitting, delimiter, encoding, len(rows) - 1 - len(fitting), whole and len(rows) <= SAMPLE_ROWS
    )


def _decoded(beginning: bytes, whole: bool) -> tuple[str, str]:
    for mark, encoding in _MARKS.items():
        if beginning.startswith(mark):
            return encoding, beginning.decode(encoding, errors="replace")
    if beginning[1:2] == b"\0":
        return "utf-16-le", beginning.decode("utf-16-le", errors="replace")
    try:
        return "utf-8", beginning.decode("utf-8", errors="strict" if whole else "ignore")
    except UnicodeDecodeError:
        return "cp1252", beginning.decode("cp1252", errors="replace")


def _delimiter(lines: list[str]) -> str:
    """The one that parts the header into most columns, as many as most of the first rows have."""
    first = lines[:50]

    def fit(delimiter: str) -> tuple[int, int]:
        rows = [row for row in csv.reader(first, delimiter=delimiter) if row]
        columns = len(rows[0]) if rows else 1
        agreeing = sum(len(row) == columns for row in rows)
        return (columns > 1 and 2 * agreeing >= len(rows), columns)

    return max(_DELIMITERS, key=fit)


def _rows(path: Path, lines: list[str], delimiter: str) -> itertools.chain[list[str]]:
    try:
        return itertools.chain(list(itertools.islice(csv.reader(lines, delimiter=delimiter), SAMPLE_ROWS + 1)))
    except csv.Error as error:
        raise Stop(f"{path}: not readable as CSV: {error}") from error
