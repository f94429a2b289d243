"""The page of the catalogue tells of every key with which an entry is read, and its examples are entries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from kept.catalogue import Benchmark, Calendar, Channels, Constraint, Costs, Promise, PublishedFigure, Service
from kept.privacy import Privacy

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_the_one_that_the_tables_make() -> None:
    command = [sys.executable, str(DOCS / "generate_catalogue.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_key_of_every_table_is_told_of() -> None:
    text = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    for kind in (Service, Channels, Promise, Calendar, Costs, Benchmark, PublishedFigure, Constraint, Privacy):
        for field in msgspec.structs.fields(kind):
            assert f"| `{field.name}` |" in text, (kind, field.name)
