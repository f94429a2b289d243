"""The table of `kept indicators` and `kept replay`: what is stale says so beside its value."""

from __future__ import annotations

import pytest

from command_line.replay import print_table
from tests.summaries.figures import promise, stale


def test_a_stale_share_is_shown_with_its_value_and_the_word(capsys: pytest.CaptureFixture[str]) -> None:
    points = promise("parking", 0.75, 0.7, 0.8, 0.9, 400)
    print_table(points, "Parking", ("28d",))
    assert "stale" not in capsys.readouterr().out
    print_table(stale(points), "Parking", ("28d",))
    assert "75.0% of 400, stale" in capsys.readouterr().out
