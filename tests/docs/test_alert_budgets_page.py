"""The page of alert budgets is the one that the planner and the simulation make, and says what they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kept.signals.budget_numbers import NUMBERS
from kept.signals.budgets import REASONS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.slow
def test_the_page_is_the_one_that_the_simulation_makes() -> None:
    command = [sys.executable, str(DOCS / "generate_alert_budgets.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_number_and_every_reason_is_on_the_page() -> None:
    text = (DOCS / "alert-budgets.md").read_text(encoding="utf-8")
    for name, one in NUMBERS.items():
        assert f"| `{name}` | {one.value:g} | {one.why} |" in text
    for reason, words in REASONS.items():
        assert f"* `{reason}`: {words}." in text
