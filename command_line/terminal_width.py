"""How wide text for people is made."""

from __future__ import annotations

import shutil

WIDEST = 120
"""Longer lines are hard to read, however wide the terminal is."""


def terminal_width() -> int:
    """Columns of the terminal, at most `WIDEST`; 100 where there is none."""
    return min(WIDEST, shutil.get_terminal_size((100, 24)).columns)
