"""The page of bad input is made from the tables that the tests go through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.kept import test_bad_events as events
from tests.producers import test_bad_input as files

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_the_one_that_the_tables_make() -> None:
    command = [sys.executable, str(DOCS / "generate_bad_input.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_row_is_on_the_page() -> None:
    text = (DOCS / "bad-input.md").read_text(encoding="utf-8")
    for rows in (events.REFUSED, events.ACCEPTED, files.STOPPED, files.PROBLEMS, files.ACCEPTED):
        for row in rows:
            assert str(row[0]).replace("|", "\\|") in text
