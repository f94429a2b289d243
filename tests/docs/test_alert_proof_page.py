"""The committed page of the proof is that of a run in which everything was as it is stated now."""

from __future__ import annotations

from pathlib import Path

from kept.signals.kinds import BY_NAME
from local_stack.alert_proof.expected import CONTROLS, ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "alert-proof.md").read_text(encoding="utf-8")


def test_everything_was_as_stated() -> None:
    assert "**Everything is as stated.**" in PAGE
    assert "**no**" not in PAGE


def test_it_has_a_line_for_each_alert_that_is_expected_now_and_for_each_incident_that_must_raise_none() -> None:
    lines = [line for line in PAGE.splitlines() if line.endswith("| yes |")]
    expected = [
        (row.kind.replace("_", " "), row.service, "none" if alert is None else BY_NAME[alert.signal].alert)
        for row in ROWS
        for alert in row.alerts or (None,)
    ]
    assert len(lines) == len(expected)
    for kind, service, alert in expected:
        assert any(f"| {kind} | {service} |" in line and alert in line for line in lines), (kind, service, alert)


def test_it_names_the_services_that_are_left_alone() -> None:
    for service in CONTROLS:
        assert f"* {service}: " in PAGE
