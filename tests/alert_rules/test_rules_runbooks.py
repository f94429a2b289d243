"""Each alert has a runbook, and what a runbook tells to run can be run."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from typer.main import get_command

from alert_rules.options import Jobs, RuleOptions, anchor
from alert_rules.pipeline import pipeline_alerts
from command_line.main import app
from kept.metric_names import METRICS
from kept.signals.kinds import KINDS
from local_stack.demo import DemoOptions
from tests.alert_rules.city import SMALL_CITY
from tests.alert_rules.promtool import promtool
from tests.alert_rules.runbooks import ALERTMANAGER, PAGE, PARTS, Section, runbook_commands, sections

PIPELINE = pipeline_alerts(SMALL_CITY, RuleOptions(jobs=Jobs(intake="kept-intake", summary="kept-summary")))
ALERTS = [kind.alert for kind in KINDS] + [alert.name for alert in PIPELINE]
COMMANDS = [line for lines in runbook_commands("parking-permits", "0a1b2c3d").values() for line in lines]


def github_anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_alert_has_one_section_and_no_section_is_about_nothing() -> None:
    assert sorted(section.alert for section in sections()) == sorted(ALERTS)


def test_the_address_in_an_alert_leads_to_its_section() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    anchors = [github_anchor(heading) for heading in headings]
    for alert in ALERTS:
        assert anchors.count(anchor(alert)) == 1


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.alert)
def test_a_section_says_all_six_things_and_has_three_commands(section: Section) -> None:
    assert tuple(section.parts) == PARTS
    assert all(len(said) > 20 or name == "How it is judged" for name, said in section.parts.items())
    assert len(set(section.commands)) == len(section.commands) == 3


def parse(arguments: list[str]) -> None:
    """Parse as the real command line does, down to the last command, and run nothing."""
    command = get_command(app)
    context = command.make_context("kept", list(arguments))
    while hasattr(command, "resolve_command") and context._protected_args + context.args:
        name, command, rest = command.resolve_command(context, context._protected_args + context.args)
        context = command.make_context(name, rest, parent=context)
    assert not context.args


def kept_commands() -> list[list[str]]:
    return [words[1:] for line in COMMANDS if (words := shlex.split(line))[0] == "kept"]


def test_every_kept_command_is_one_of_the_real_command_line() -> None:
    for arguments in kept_commands():
        parse(arguments)


@pytest.mark.parametrize(
    "line",
    ("indicator", "topics chek", "indicators x --windows 28d", "dead-letters list y", "topics check --partitions 0"),
)
def test_the_parser_refuses_what_the_command_line_refuses(line: str) -> None:
    with pytest.raises(Exception) as seen:
        parse(line.split())
    assert "UsageError" in {base.__name__ for base in seen.type.__mro__}


def test_every_command_is_of_a_program_that_is_there_and_every_address_is_of_the_demo() -> None:
    options = DemoOptions()
    ports = {options.page_port, *options.metrics_ports, options.prometheus_port, urlsplit(ALERTMANAGER).port}
    for line in COMMANDS:
        words = shlex.split(line)
        assert words[0] in ("kept", "curl", "promtool"), line
        for word in words:
            if word.startswith("http"):
                assert (urlsplit(word).hostname, urlsplit(word).port in ports) == ("127.0.0.1", True), line


def test_nothing_that_a_runbook_runs_first_changes_anything() -> None:
    changing = {"acknowledge", "judge", "redrive", "grow", "create", "init", "publish", "generate", "--fix"}
    for arguments in kept_commands():
        assert not changing & set(arguments), arguments


def test_every_query_can_be_parsed_and_asks_for_metrics_that_are_there(tmp_path: Path) -> None:
    queries = [shlex.split(line)[4] for line in COMMANDS if line.startswith("promtool query instant ")]
    assert queries
    rules = [{"record": f"runbook:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8"
    )
    done = subprocess.run(
        [promtool(), "check", "rules", str(tmp_path / "queries.yml")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    known = {metric.name for metric in METRICS}
    for query in queries:
        assert set(re.findall(r"\bkept_[a-z_]+", query)) <= known, query
