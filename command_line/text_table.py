"""A table as plain lines, for a terminal and for a page: no frame, columns as wide as they must be."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Column, Table


def table_lines(heads: Sequence[str], rows: Iterable[Sequence[str]], width: int, *, indent: int = 0) -> Iterator[str]:
    """The table, wrapped within its cells to `width`. A head that begins with `>` is of a column of numbers.

    Cells are shown as they are: what comes from events must have been escaped.
    """
    columns = [
        Column(head.lstrip(">"), justify="right" if head.startswith(">") else "left", overflow="fold") for head in heads
    ]
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="", show_header=any(heads))
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    size = max(40, width - indent)
    console = Console(file=text, width=size, color_system=None, markup=False, emoji=False, highlight=False)
    console.print(table)
    for line in text.getvalue().splitlines():
        yield f"{' ' * indent}{line}".rstrip()
