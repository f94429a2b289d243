"""Areas and channels of one service, by name: no ranking, and nothing of a few people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from kept.indicators.point import Point
from summaries.service.tables import Table

SHOWN: Final = (("area", "Area", "Areas"), ("channel", "Channel", "Channels"), ("category", "Category", "Categories"))
COLUMNS: Final = (
    ("promise_kept", "28d", "Promise kept, all that fell due"),
    ("promise_kept_closed", "28d", "Promise kept, closed cases only"),
    ("backlog", "24h", "Open now"),
    ("overdue", "24h", "Overdue now"),
)
MOST_ROWS: Final = 60


def slice_tables(points: Iterable[Point]) -> Iterator[tuple[Table, str]]:
    """(table, what is left out of it) of each dimension that has slices; rows by name."""
    found = {(point.slice[0], point.indicator, point.window): point for point in points if len(point.slice) == 1}
    for dimension, one, many in SHOWN:
        names = sorted(
            {name for (kind, name), _, _ in found if kind == dimension}, key=lambda name: (name.lower(), name)
        )
        if not names:
            continue
        left = len(names) - MOST_ROWS
        yield (
            Table(
                id=f"by-{dimension}",
                caption=f"{many}, by name, in the last 28 days. They are not ranked",
                head=(one, *(words for _, _, words in COLUMNS)),
                rows=tuple(
                    (name, *(found.get(((dimension, name), indicator, window)) for indicator, window, _ in COLUMNS))
                    for name in names[:MOST_ROWS]
                ),
            ),
            f"{left} more are in the data." if left > 0 else "",
        )
