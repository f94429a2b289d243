"""What of a file could not be read: where, why, and how many rows are left out for it. Nothing personal is quoted."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kept.errors import RejectReason


class RowProblem(Struct, frozen=True):
    """One row, or several for one reason, that could not be read.

    `line` counts from 1 (in a table, the header); where a file has no lines to speak of it is the number of the
    `unit`. `file` is the page, where a source has several. `code` is the reason an event of the contract would have as
    a dead letter.
    """

    line: int
    reason: str
    rows: int = 1
    unit: Literal["line", "request", "event"] = "line"
    file: str = ""
    code: RejectReason | None = None

    def __str__(self) -> str:
        """Where and why, for people."""
        page = f"{self.file}: " if self.file else ""
        code = f"{self.code}: " if self.code else ""
        more = f" ({self.rows} rows are left out)" if self.rows > 1 else ""
        return f"{page}{self.unit} {self.line}: {code}{self.reason}{more}"
