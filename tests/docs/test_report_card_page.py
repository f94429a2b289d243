"""The page of the report card is made from its fixed signals, and what it works out by hand is what the card says."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from kept.signals.report_card import ReportCard
from tests.kept.signals.raised_signals import DAY, HOUR

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "generate_report_card.py"


def test_the_page_is_the_one_that_the_signals_make() -> None:
    command = [sys.executable, str(SCRIPT), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_arithmetic_by_hand_is_that_of_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    card: ReportCard = runpy.run_path(str(SCRIPT))["example"]()
    by_rule = {line.signal: line for line in card.by_rule}
    slow, fast = by_rule["promise_budget_slow"], by_rule["promise_budget_fast"]
    assert (slow.precision.useful, slow.precision.judged) == (2, 12)
    assert (slow.precision.low, slow.precision.high) == (pytest.approx(0.047, abs=5e-4), pytest.approx(0.448, abs=5e-4))
    assert (slow.waiting.acknowledged, slow.waiting.unacknowledged, slow.waiting.median_seconds) == (5, 7, None)
    assert fast.waiting.median_seconds == 9 * 60
    assert (fast.leads.before, fast.leads.nothing, fast.leads.median_seconds) == (4, 1, 4 * DAY)
    assert by_rule["cases_at_risk"].waiting.median_seconds == HOUR // 3
    works = next(load for load in card.loads if load.owner == "Public works")
    assert (works.pages + works.tickets, works.people) == (17, 4)
    assert (works.weeks, works.per_person_week) == (pytest.approx(12.4, abs=0.05), pytest.approx(0.34, abs=5e-3))
    assert [(one.signal, one.reason) for one in card.proposals] == [
        ("promise_budget_slow", "mostly_noise"),
        ("area_gap", "nobody_looks"),
    ]
