"""The pages that measurements write: their paragraphs, and whose place they take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import wrap

WIDTH = 125
DOCS = Path(__file__).resolve().parents[1] / "docs"


def paragraph(text: str) -> list[str]:
    """Its lines, and an empty one."""
    return [*wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False), ""]


def page_to_write(output: Path | None, say: Callable[[str], object], *, trial: bool) -> Path | None:
    """`output`; None when a trial would put itself in the place of a page of docs/, which is of a whole run."""
    if output is None or not trial or not output.resolve().is_relative_to(DOCS):
        return output
    say(f"{output} is not written: it is the page of a whole run, and this one is shorter.")
    return None
