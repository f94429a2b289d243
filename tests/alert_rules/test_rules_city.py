"""The rules of the simulated city, as they are committed: what the catalogue gives, and what promtool accepts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import catalogue
from alert_rules.options import Jobs, RuleOptions
from alert_rules.pipeline_alert import PIPELINE
from alert_rules.rule_text import FIRST_LINE
from alert_rules.rules import PIPELINE_FILE, SERVICES_FILE, rule_files
from command_line.rules import CITY
from kept.catalogue import read_catalogue
from kept.metric_names import METRICS
from tests.alert_rules.city import SMALL_CITY
from tests.alert_rules.promtool import check, rules_of

FILES = rule_files(read_catalogue([catalogue.CITY]))
EVERYTHING = rule_files(SMALL_CITY, RuleOptions(jobs=Jobs(intake="kept-intake", summary="kept-summary")))
RULES = [rule for text in (*FILES.values(), *EVERYTHING.values()) for rule in rules_of(text)]
LABELS = {"severity", "component", "service", "topic", "owner", "simulated"}
TEXTS = {"summary", "description", "first", "runbook_url", "dashboard_url"}
KNOWN_TO_EVERY_PROMETHEUS = {
    "absent", "avg_over_time", "changes", "count", "increase", "max", "max_over_time", "min_over_time", "sum", "time",
    "vector",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_committed_rules_are_those_that_the_catalogue_gives(name: str, update_golden: bool) -> None:
    path = CITY / name
    if update_golden:
        path.write_text(FILES[name], encoding="utf-8")
    assert path.read_text(encoding="utf-8") == FILES[name]


def test_the_same_catalogue_in_another_order_gives_the_same_rules() -> None:
    services = read_catalogue([catalogue.CITY])
    assert rule_files(dict(reversed(services.items()))) == FILES


def test_promtool_has_nothing_to_say(tmp_path: Path) -> None:
    check(tmp_path, FILES)
    check(tmp_path, EVERYTHING)


def test_each_file_says_first_that_it_is_generated() -> None:
    assert set(FILES) == {SERVICES_FILE, PIPELINE_FILE}
    for text in FILES.values():
        assert text.splitlines()[0] == FIRST_LINE


def test_every_alert_has_every_label_and_every_text() -> None:
    for rule in RULES:
        assert set(rule["labels"]) >= LABELS, rule["alert"]
        assert set(rule["annotations"]) == TEXTS, rule["alert"]
        assert rule["labels"]["severity"] in (
            ("page", "ticket", "info") if rule["alert"] != "KeptWatchdog" else ("none",)
        )
        assert rule["labels"]["component"] == ("service" if "signal" in rule["labels"] else "pipeline")


def test_no_label_holds_a_value_and_every_summary_is_one_static_sentence() -> None:
    for rule in RULES:
        assert "$value" not in str(rule["labels"]), rule["alert"]
        assert "{{" not in rule["annotations"]["summary"]
        assert "\n" not in rule["annotations"]["summary"]


def test_a_template_of_a_label_is_only_ever_a_label_of_the_series() -> None:
    for rule in RULES:
        for text in rule["labels"].values():
            assert re.sub(r"\{\{ \$labels\.(service|topic|dimension) \}\}", "", text).count("{{") == 0, rule["alert"]


def test_rules_ask_for_metrics_that_are_there() -> None:
    known = {metric.name for metric in METRICS}
    asked = {name for rule in RULES for name in re.findall(r"\bkept_[a-z_]+", rule["expr"] + str(rule["annotations"]))}
    assert asked <= known


def test_expressions_use_only_what_prometheus_2_42_and_3_have_alike() -> None:
    for rule in RULES:
        bare = re.sub(r'"[^"]*"', "", rule["expr"])
        called = set(re.findall(r"\b([a-z_]+)\s*(?:by \([a-z, ]*\)\s*)?\(", bare)) - {"by", "on", "and", "or", "unless"}
        assert called <= KNOWN_TO_EVERY_PROMETHEUS, (rule["alert"], called)
        assert "@" not in bare, rule["alert"]
        assert not re.search(r"\b(?:le|quantile)=", bare)


def test_no_regular_expression_hangs_on_whether_a_dot_takes_a_line_break() -> None:
    """It does in Prometheus 3 and does not before."""
    for rule in RULES:
        for pattern in re.findall(r'=~"([^"]*)"', rule["expr"]):
            assert "." not in pattern, rule["alert"]


def test_an_alert_of_the_pipeline_is_not_of_a_service() -> None:
    for rule in rules_of(EVERYTHING[PIPELINE_FILE]):
        assert rule["labels"]["service"] in (PIPELINE, "{{ $labels.service }}")
