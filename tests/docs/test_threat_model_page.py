"""The threat model names tests and modules that are there, and leaves no threat without a proof."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
PACKAGES = "kept|producers|summaries|stream_processors|web_server|grafana|deployment"
PATHS = sorted(set(re.findall(rf"`((?:{PACKAGES})/[\w/.]*)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_threat_has_a_proof() -> None:
    threats = PAGE.split("## Threats and answers")[1].split("## Accepted risks")[0]
    rows = [line for line in threats.splitlines() if line.startswith("| ") and not line.startswith("| threat ")]
    assert len(rows) > 30
    assert [row for row in rows if "::test_" not in row.rsplit(" | ", 1)[1]] == []
    assert {kind.partition(":")[0] for kind in re.findall(r"^### (.+)$", threats, re.MULTILINE)} == {
        "Spoofing", "Tampering", "Repudiation", "Information disclosure", "Denial of service", "Elevation of privilege"
    }  # fmt: skip


def test_what_reads_at_an_entry_is_where_it_says() -> None:
    assert len(PATHS) > 10
    for path in PATHS:
        assert (ROOT / path).exists() or path == "deployment/secrets", path
