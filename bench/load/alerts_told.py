"""Which alerts of the pipeline would a measured course have raised? Asked of promtool, Prometheus's own evaluation.

The rules are the generated ones, unchanged. They wait for minutes; a course in which event time runs faster than the
clock is shown to them by the city's clock, on which it lasts for hours.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from msgspec import Struct

from alert_rules.options import RuleOptions
from alert_rules.pipeline import pipeline_groups
from alert_rules.rule_text import as_yaml
from bench.paced_producer import CityClock
from bench.scrapes import LABEL, Scrape
from kept import metric_names as names
from kept.catalogue import Catalogue
from kept.errors import Stop

MISSING = "promtool is not on this machine (apt-get install -y prometheus)"
PROMTOOL_SECONDS = 300.0
NOT_MEANT = frozenset({"KeptWatchdog"})
"""Fires always."""
IDENTITY = frozenset({"alertname", "alertstate", "severity", "owner", "component", "instance", "job"})
BLOCK = re.compile(r'expr: "(\w+)_over_time\(.*?(?=\n\s*expr: "|\Z)', re.DOTALL)
SAMPLE = re.compile(r"\{([^}]*)\} ([0-9.E+-]+)")


class AlertTold(Struct, frozen=True, order=True):
    """Fires at minute `first` of the course and at `last`, at `minutes` of them; `about` are its other labels."""

    alert: str
    about: tuple[tuple[str, str], ...]
    first: int
    last: int
    minutes: int


def promtool() -> str:
    """Its path; raises `Stop` when there is none."""
    found = shutil.which("promtool")
    if found is None:
        raise Stop(MISSING)
    return found


def alerts_told(
    scrapes: Sequence[Scrape],
    clock: CityClock,
    catalogue: Catalogue,
    folder: Path,
    *,
    live: bool = True,
    and_then: int = 0,
) -> tuple[list[AlertTold], int]:
    """Every alert that fires over the course, and how many minutes of the city's clock it has.

    The last look stands for `and_then` minutes more. `live` False leaves out what compares event time with the clock.
    """
    options = RuleOptions(live=live)
    (folder / "rules.yml").write_text(as_yaml(pipeline_groups(catalogue, options)), encoding="utf-8")
    minutes = _minute(scrapes[-1], clock) + 1 + and_then
    series = _series(scrapes, clock, minutes)
    series |= {f'up{{job="{job}"}}': f"1x{minutes}" for job in options.jobs.all() if job != options.jobs.worker}
    asked = 'timestamp(ALERTS{alertstate="firing"})'
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                # An expectation that fails is how promtool tells what it found.
                "promql_expr_test": [
                    {"expr": f"{how}_over_time({asked}[{minutes}m:1m])", "eval_time": f"{minutes}m", "exp_samples": []}
                    for how in ("min", "max", "count")
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")
    command = [promtool(), "test", "rules", str(folder / "test.yml")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PROMTOOL_SECONDS, check=False)
    said = ran.stdout + ran.stderr
    found = _found(said)
    if not any(alert in said for alert in NOT_MEANT):  # which always fires: else promtool said something else
        raise Stop(f"promtool did not say which alerts fire; it said:\n{said[-2000:]}")
    return found, minutes


def _minute(scrape: Scrape, clock: CityClock) -> int:
    """Of the city's clock, from its beginning."""
    return (clock.time_ms(scrape.at) - clock.begins_ms) // 60_000


def _series(scrapes: Sequence[Scrape], clock: CityClock, minutes: int) -> dict[str, str]:
    """Series -> its values, one a minute, in the notation of promtool; `_` where no look was taken yet."""
    at_minute: list[Mapping[str, float] | None] = [None] * minutes
    for scrape in scrapes:
        at_minute[max(0, _minute(scrape, clock))] = scrape.ruled
    for minute in range(1, minutes):
        if at_minute[minute] is None:
            at_minute[minute] = at_minute[minute - 1]
    found: dict[str, str] = {}
    for name in sorted({name for look in at_minute if look for name in look}):
        # Prometheus's clock begins at 0 here.
        shift = clock.begins_ms / 1000 if name.startswith(names.INDICATOR_TIME.name) else 0.0
        values = ("_" if look is None or name not in look else f"{look[name] - shift:g}" for look in at_minute)
        found[name] = " ".join(values)
    return found


def _found(said: str) -> list[AlertTold]:
    by_alert: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, int]] = {}
    for block in BLOCK.finditer(said):
        for labels_text, value in SAMPLE.findall(block.group(0).partition("got:")[2]):
            labels = {name: value for name, value in LABEL.findall(labels_text) if value}
            about = tuple(sorted((name, value) for name, value in labels.items() if name not in IDENTITY))
            by_alert.setdefault((labels["alertname"], about), {})[block.group(1)] = int(float(value))
    return sorted(
        AlertTold(alert, about, of["min"] // 60, of["max"] // 60, of["count"])
        for (alert, about), of in by_alert.items()
        if alert not in NOT_MEANT
    )
