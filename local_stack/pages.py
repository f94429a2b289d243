"""The pages that measurements write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def page_to_write(output: Path | None, say: Callable[[str], object], *, trial: bool) -> Path | None:
    """`output`; None when a trial would put itself in the place of a page of docs/, which is of a whole run."""
    if output is None or not trial or not output.resolve().is_relative_to(DOCS):
        return output
    say(f"{output} is not written: it is the page of a whole run, and this one is shorter.")
    return None
