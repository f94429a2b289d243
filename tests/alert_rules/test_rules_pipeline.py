"""The scenes of the pipeline's alerts are played; each alert has one in which it fires, and one in which not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alert_rules.options import RuleOptions
from alert_rules.pipeline import pipeline_alerts, pipeline_groups
from alert_rules.rule_text import as_yaml
from tests.alert_rules.city import SMALL_CITY
from tests.alert_rules.pipeline_scenes import ALERTS, OPTIONS, SCENES
from tests.alert_rules.promtool import Scene, play

RULES = as_yaml(pipeline_groups(SMALL_CITY, OPTIONS))


@pytest.mark.parametrize("scene", SCENES, ids=[f"{scene.alert}: {scene.name}" for scene in SCENES])
def test_exactly_what_should_be_told_is_told(scene: Scene, tmp_path: Path) -> None:
    play(tmp_path, RULES, scene)


def test_every_alert_has_a_scene_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    assert {scene.alert for scene in SCENES if scene.fires} == set(ALERTS)
    always = {"KeptWatchdog"}
    assert {scene.alert for scene in SCENES if not scene.fires} == set(ALERTS) - always


def test_an_alert_that_would_fall_silent_names_one_that_speaks_then() -> None:
    for alert in ALERTS.values():
        silent = re.search(r"[^_]absent\(|vector\(", f" {alert.expr}") is None
        assert (alert.sibling is not None) == silent or alert.sibling in ALERTS, alert.name
        assert alert.sibling is None or alert.sibling in ALERTS


def test_all_that_mutes_services_is_told_before_their_alerts_are_no_longer_held() -> None:
    for name in ("KeptWorkersDown", "KeptWorkersAbsent"):
        assert ALERTS[name].wait_seconds + 150 < RuleOptions().hold_seconds  # half of five minutes until it is down


def test_a_replay_is_not_compared_with_the_clock() -> None:
    options = RuleOptions(live=False)
    assert "KeptStreamSilent" not in {alert.name for alert in pipeline_alerts(SMALL_CITY, options)}
    assert "time()" not in as_yaml(pipeline_groups(SMALL_CITY, options))


def test_without_an_intake_nothing_is_said_of_it() -> None:
    text = as_yaml(pipeline_groups(SMALL_CITY, RuleOptions()))
    assert "intake" not in text.lower()
    assert "spool" not in text.lower()
