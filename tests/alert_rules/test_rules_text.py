"""Names of owners, services and areas may hold anything: they are shown as they are, and never taken for code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from alert_rules.options import RuleOptions
from alert_rules.rule_text import FIRST_LINE, as_yaml, duration, promql_string, template_text
from alert_rules.rules import rule_files
from alert_rules.services import service_group
from kept.errors import ConfigurationError
from kept.signals.kinds import BY_NAME
from tests.alert_rules.city import PROMISED, SMALL_CITY, with_id, with_owner
from tests.alert_rules.promtool import Scene, play, rule_of, rules_of

NASTY = (
    'Department of "Quotes", it\'s',
    "{{ $value }}",
    "{{{ end }}}",
    "a { b",
    "{",
    "}}",
    "- yes: no # not a comment",
    "null",
    "~",
    "0x1F",
    "1e3",
    "2026-04-01",
    "off",
    "line one\nline two",
    "tab\there",
    "back\\slash \\n $1 %s %q",
    "Straßenamt München – Ämter 東京 🏛",
    "  spaces around  ",
    "@ & * ! | > % `",
    "\u2028 separator \x85 next line",
    "\ufeffmark",
    "control \x07 and \x7f",
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


def rendered(template: str) -> str:
    """What a Go template makes of it, if it holds nothing but text and quoted braces."""
    assert "{{" not in template.replace('{{"{"}}', "")
    return template.replace('{{"{"}}', "{")


@given(TEXTS)
def test_a_text_in_a_template_is_shown_as_it_is(text: str) -> None:
    assert rendered(template_text(text)) == text


@given(TEXTS, TEXTS)
def test_two_texts_that_meet_make_no_template(one: str, other: str) -> None:
    assert rendered(template_text(one) + template_text(other)) == one + other


@given(TEXTS)
def test_a_string_of_promql_ends_where_it_should_and_means_the_text(text: str) -> None:
    quoted = promql_string(text)
    assert quoted[0] == quoted[-1] == '"'
    inner = quoted[1:-1]
    assert re.fullmatch(r'(?:[^"\\\n]|\\["\\nrtbf]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*', inner)
    simple = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}

    def meant(match: re.Match[str]) -> str:
        code = match[1]
        return simple[code] if code in simple else chr(int(code[1:], 16))

    assert re.sub(r'\\(["\\nrtbf]|u[0-9a-f]{4}|U[0-9a-f]{8})', meant, inner) == text


@settings(deadline=None, max_examples=50)
@given(owner=TEXTS, name=TEXTS)
def test_yaml_gives_back_what_was_put_in(owner: str, name: str) -> None:
    group = service_group(with_owner(owner, name), RuleOptions())
    text = as_yaml([group])
    assert text.splitlines()[0] == FIRST_LINE
    read = rules_of(text)
    assert [rule["labels"] for rule in read] == [rule.labels for rule in group.rules]
    assert [rule["annotations"] for rule in read] == [rule.annotations for rule in group.rules]
    assert {rendered(rule["labels"]["owner"]) for rule in read} == {owner}


def test_prometheus_shows_nasty_names_as_they_are(tmp_path: Path) -> None:
    """The real parser of YAML, the real templates: owner as a label, name in the text."""
    for number, nasty in enumerate(NASTY):
        service = with_owner(nasty, nasty)
        kind = BY_NAME["source_silent"]
        text = as_yaml([service_group(service, RuleOptions())])
        series = {f'kept_signal_active{{service="{service.id}",signal="{kind.name}"}}': "1x30"}
        said = nasty
        play(
            tmp_path,
            text,
            Scene(name=str(number), alert=kind.alert, series=series, at=10, fires=(({"owner": nasty}, said),)),
        )


@pytest.mark.parametrize("area", ['North "End"', "back\\slash", "{{ x }}", "Straße 🏛", "per%cent %s"])
def test_prometheus_finds_the_figures_of_an_area_of_any_name(area: str, tmp_path: Path) -> None:
    kind = BY_NAME["area_gap"]
    about = area.replace("\\", "\\\\").replace('"', '\\"')
    of = f'{{service="{PROMISED.id}",signal="{kind.name}",about="area={about}"}}'
    series = {f"kept_signal_active{of}": "1x30", f"kept_signal_value{of}": "0.5x30"}
    said = f"Parking permits, area {area}\nSeen: 50% kept there"
    play(
        tmp_path,
        as_yaml([service_group(PROMISED, RuleOptions())]),
        Scene(name="area", alert=kind.alert, series=series, at=10, fires=(({"about": f"area={area}"}, said),)),
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (1, "1s"), (60, "1m"), (90, "90s"), (600, "10m"), (3600, "1h"), (86_400, "1d")]
)
def test_a_duration_is_written_in_one_unit(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_options_are_where_they_should_be() -> None:
    options = RuleOptions(
        wait_seconds=10, hold_seconds=30, runbooks="https://runbooks.example/kept", dashboards="https://x.example/{id}/"
    )
    rule = rule_of(as_yaml([service_group(PROMISED, options)]), "KeptSourceSilent")
    assert (rule["for"], rule["keep_firing_for"]) == ("10s", "30s")
    assert rule["annotations"]["runbook_url"] == "https://runbooks.example/kept#keptsourcesilent"
    assert rendered(rule["annotations"]["dashboard_url"]) == "https://x.example/{id}/parking-permits"
    unheld = as_yaml([service_group(PROMISED, RuleOptions(hold_seconds=0))])
    assert "keep_firing_for" not in unheld  # 0 would be refused


def test_a_service_with_the_name_of_the_pipeline_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'kept-pipeline' is what alerts of the pipeline itself carry"):
        rule_files({**SMALL_CITY, "kept-pipeline": with_id("kept-pipeline")})


def test_yaml_has_no_anchors() -> None:
    text = rule_files(SMALL_CITY)["services.rules.yml"]
    assert not re.search(r"^\s*\S+: [&*]\w+", text, flags=re.MULTILINE)
    assert yaml.safe_load(text)["groups"]
