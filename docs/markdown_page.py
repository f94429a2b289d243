"""What the scripts that write one page share: a table, and writing the page or saying that it is out of date."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows]) + "\n"


def write_or_check(page: Path, text: str, arguments: Sequence[str]) -> int:
    """Exit code of writing `text` to `page`, or with --check of saying whether it differs."""
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        print(f"out of date, run `make docs`: {page.name}")
        return 1
    page.write_text(text, encoding="utf-8")
    print(f"written: {page.name}")
    return 0
