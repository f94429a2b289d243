"""docs/deployment.md: its figures are those of bench/sizing.json, its names those of the code and of the files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kept import metric_names
from kept.indicators.definitions import DEFINITIONS
from tests.deployment.kubernetes import KUBERNETES, secret_files, workloads

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "deployment.md").read_text(encoding="utf-8")
SCRIPT = DOCS / "generate_deployment.py"


def test_the_page_is_what_the_measured_figures_give() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_ask_for_a_city_of_ten_million_events_and_a_nation_of_a_billion() -> None:
    assert "### City: 10,000,000 events a day" in PAGE
    assert "### Nation: 1,000,000,000 events a day" in PAGE


def test_every_secret_that_a_pod_reads_is_told_of() -> None:
    told = PAGE.partition("**Secrets**")[2].partition("**The catalogue**")[0]
    for workload in workloads():
        for secret, key in secret_files(workload).values():
            assert f"`{secret}`" in told
            assert f"`{key}`" in told


def test_the_folders_that_the_page_names_are_those_that_are_there() -> None:
    told = set(re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE))
    assert told == {folder.name for folder in KUBERNETES.iterdir()}


def test_the_patch_for_more_memory_meets_the_container_of_the_worker() -> None:
    told = PAGE.partition("under `patches` of your overlay:")[2].partition("<!--")[0]
    (patch,) = yaml.safe_load(told.strip().strip("`"))
    (worker,) = (one for one in workloads() if one["metadata"]["name"] == patch["target"]["name"])
    assert worker["kind"] == patch["target"]["kind"]
    (change,) = yaml.safe_load(patch["patch"])
    at: Any = worker
    for key in change["path"].strip("/").split("/"):
        at = at[int(key) if isinstance(at, list) else key]
    assert {of: set(resources) for of, resources in at.items()} == {
        of: set(resources) for of, resources in change["value"].items()
    }


def test_what_is_federated_is_exposed() -> None:
    exposed = {one.name for one in vars(metric_names).values() if isinstance(one, metric_names.Metric)}
    (selectors,) = re.findall(r"match\[\]: \[(.*)\]", PAGE)
    named = set(re.findall(r"kept_\w+", selectors))
    assert named
    assert named <= exposed | {metric_names.metric_of(one).name for one in DEFINITIONS}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([\w./-]+\.md)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    assert (DOCS / link).is_file()
