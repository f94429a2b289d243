"""docs/grafana.md tells of every option, exit and kind of answer, and of the permissions that are asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from command_line.grafana import app
from tests.grafana.server import EDITOR
from tests.grafana.test_connection import ANSWERS

PAGE = (Path(__file__).parents[2] / "docs" / "grafana.md").read_text(encoding="utf-8")


def test_every_command_and_option_is_on_the_page() -> None:
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    assert set(commands) >= {"publish", "annotate", "generate", "check"}
    for name in ("publish", "annotate", "generate", "check"):
        assert f"kept grafana {name}" in PAGE
        said = {option for one in commands[name].params for option in one.opts} - {"--help", "--catalogue"}
        assert {option for option in said if option not in PAGE} == set()


TOLD_AS_THEY_ARE = {405, 413, 422}
STATUSES = sorted({answer.status for answer, _, _ in ANSWERS if answer.status < 500} - TOLD_AS_THEY_ARE)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_with_a_meaning_of_its_own_is_in_the_table(status: int) -> None:
    rows = [line for line in PAGE.partition("## What may go wrong")[2].splitlines() if line.startswith("| ")]
    assert any(re.search(rf"\b{status}\b", row.split("|")[1]) for row in rows)


def test_every_permission_of_the_editor_that_is_asked_for_is_named() -> None:
    assert {permission for permission in EDITOR if f"`{permission}`" not in PAGE} == set()
