"""Unit tests of rules by promtool: what is scraped, and which alerts a person then sees."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct

MISSING = "promtool is not on this machine (apt-get install -y prometheus)"


class Scene(Struct, frozen=True, kw_only=True):
    """What Prometheus scraped, minute by minute from the epoch on, and which alerts of `alert` fire at minute `at`.

    `series` maps a series to its values in the notation of promtool; `_` is a scrape without it. `fires` holds, for
    each firing alert, the labels by which it differs from the rule's and the description as a person reads it.
    """

    name: str
    alert: str
    series: Mapping[str, str]
    at: int
    fires: tuple[tuple[Mapping[str, str], str], ...] = ()


def promtool() -> str:
    """The path of promtool; skips the test where there is none."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip(MISSING)
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """promtool with these arguments."""
    return subprocess.run([promtool(), *arguments], capture_output=True, text=True, timeout=120, check=False)


def check(folder: Path, files: Mapping[str, str]) -> None:
    """Assert that promtool finds nothing to say against the files."""
    paths = []
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(str(folder / name))
    done = run("check", "rules", "--lint=all", "--lint-fatal", *paths)
    assert done.returncode == 0, done.stdout + done.stderr


def play(folder: Path, rule_text: str, scene: Scene) -> None:
    """Assert that exactly the alerts of `scene` fire, with exactly those texts, under the rules of one file."""
    (folder / "rules.yml").write_text(rule_text, encoding="utf-8")
    expected = [_expected(rule_of(rule_text, scene.alert), *fires) for fires in scene.fires]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "name": scene.name,
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in scene.series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{scene.at}m", "alertname": scene.alert, "exp_alerts": expected},
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, allow_unicode=True), encoding="utf-8")
    done = run("test", "rules", str(folder / "test.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@functools.cache
def rules_of(rule_text: str) -> list[dict[str, Any]]:
    """Every rule of a file, not to be changed by readers."""
    return [rule for group in yaml.safe_load(rule_text)["groups"] for rule in group["rules"]]


def rule_of(rule_text: str, alert: str) -> dict[str, Any]:
    """The one rule of this name."""
    (found,) = [rule for rule in rules_of(rule_text) if rule["alert"] == alert]
    return found


def _expected(rule: Mapping[str, Any], labels: Mapping[str, str], description: str) -> dict[str, Any]:
    return {
        "exp_labels": {**rule["labels"], **labels},
        "exp_annotations": {**rule["annotations"], "description": description},
    }
