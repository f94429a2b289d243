"""The page of verdicts on changes is what the simulation gives today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.slow
def test_the_page_is_the_one_that_the_simulation_makes() -> None:
    command = [sys.executable, str(DOCS / "generate_effects.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
