"""Names and titles that come from a catalogue or from events, as they may stand in a sentence."""

from __future__ import annotations

from typing import Final

MOST_CHARACTERS: Final = 80
CUT: Final = "…"


def plain(text: str, most: int = MOST_CHARACTERS) -> str:
    """One line without characters that cannot be seen, such as marks that turn the direction; what is long is cut."""
    seen = " ".join("".join(char if char.isprintable() else " " for char in text[: 8 * most]).split())
    if not seen:
        return "(no name)"
    return seen if len(seen) <= most else seen[: most - 1].rstrip() + CUT
