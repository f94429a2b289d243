"""What the page of alert budgets says of its numbers and reasons; its figures are made anew by `make docs`."""

from __future__ import annotations

from pathlib import Path

from kept.signals.budget_numbers import NUMBERS
from kept.signals.budgets import REASONS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_number_and_every_reason_is_on_the_page() -> None:
    text = (DOCS / "alert-budgets.md").read_text(encoding="utf-8")
    for name, one in NUMBERS.items():
        assert f"| `{name}` | {one.value:g} | {one.why} |" in text
    for reason, words in REASONS.items():
        assert f"* `{reason}`: {words}." in text
