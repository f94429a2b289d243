"""What people thought of it, and whether it was right the first time."""

from __future__ import annotations

from typing import Final

from summaries import wording
from summaries.service.figures import Figures
from summaries.service.tables import Table

ROWS: Final = (
    ("satisfaction_score", "Satisfaction score"),
    ("response_rate", "Of those asked, answered"),
    ("first_time_right", "Right the first time"),
    ("rework_share", "Steps that were rework"),
    ("failure_demand", "Contacts that were failure demand"),
    ("completion_rate", "Digital transactions completed"),
    ("digital_take_up", "Done in digital channels"),
)
WINDOWS: Final = ("28d", "90d")


def quality_table(figures: Figures) -> Table:
    """Quality, by window; each number with its range and how many it rests on."""
    return Table(
        id="quality-figures",
        caption="Quality. A score of few answers says little: see n",
        head=("What", *(wording.WINDOWS[window] for window in WINDOWS)),
        rows=tuple((words, *(figures.of(name, window) for window in WINDOWS)) for name, words in ROWS),
    )
