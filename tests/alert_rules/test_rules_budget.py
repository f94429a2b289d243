"""The false-alarm budget is the sum over what a service can have, and says what is not stated; the page shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from alert_rules.false_alarms import of_pipeline, of_service
from alert_rules.options import Jobs, RuleOptions, anchor
from alert_rules.pipeline import pipeline_alerts
from kept.signals.kinds import KINDS, Kind
from tests.alert_rules.city import ALWAYS, PROMISED, SMALL_CITY, UNPROMISED

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "alerts.md"
PIPELINE = pipeline_alerts(SMALL_CITY, RuleOptions(jobs=Jobs(intake="kept-intake", summary="kept-summary")))


def stated(**numbers: float | None) -> list[Kind]:
    return [replace(kind, false_alarms_per_service_year=numbers.get(kind.name)) for kind in KINDS]


def test_only_what_a_service_can_have_is_added_up() -> None:
    kinds = stated(promise_budget_fast=0.1, promise_breach_old=0.25, source_silent=0.05)
    assert of_service(PROMISED, "page", kinds).total == pytest.approx(0.15)
    assert of_service(ALWAYS, "page", kinds).total == pytest.approx(0.3)
    assert of_service(UNPROMISED, "page", kinds).total == pytest.approx(0.05)
    assert str(of_service(PROMISED, "page", kinds)) == "0.15"


def test_a_number_that_is_missing_is_named_and_not_taken_for_nothing() -> None:
    budget = of_service(PROMISED, "page", stated(source_silent=0.05))
    assert budget.unstated == ("KeptPromiseBudgetBurnsFast",)
    assert str(budget) == "at least 0.05; not stated: KeptPromiseBudgetBurnsFast"


def test_each_severity_has_its_own_sum_and_together_they_are_all() -> None:
    kinds = [replace(kind, false_alarms_per_service_year=1) for kind in KINDS]
    parts = [of_service(PROMISED, severity, kinds).total for severity in ("page", "ticket", "info")]
    assert parts == [2, 6, 3]


def test_the_pipeline_is_added_up_too_and_a_fact_is_never_false() -> None:
    budget = of_pipeline(PIPELINE, "page")
    assert set(budget.stated) | set(budget.unstated) == {one.name for one in PIPELINE if one.severity == "page"}
    for alert in PIPELINE:
        assert alert.budget_from
        assert alert.false_alarms_per_year is None or alert.false_alarms_per_year >= 0


def check(page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(page.parent / "generate_alerts.py"), "--check"]
    return subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)


def test_the_page_is_the_one_that_the_code_makes(tmp_path: Path) -> None:
    result = check(PAGE)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    for path in (PAGE, PAGE.parent / "generate_alerts.py", PAGE.parent / "markdown_page.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / PAGE.name).open("a", encoding="utf-8") as file:
        file.write("One more thing.\n")
    assert check(tmp_path / PAGE.name).returncode == 1


def test_the_page_names_every_alert_with_its_runbook() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in (*(kind.alert for kind in KINDS), *(alert.name for alert in PIPELINE)):
        assert text.count(f"| [{name}](runbooks.md#{anchor(name)}) |") == 1
