"""Texts of people in files that others read: catalogues, mappings, owners; rules, templates, line protocol, labels."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from alert_rules.options import RuleOptions
from alert_rules.rule_text import as_yaml
from alert_rules.services import service_group
from history.line_protocol import Lines
from kept.catalogue import parse_service
from kept.errors import ConfigurationError, Stop
from kept.owners import parse_owners
from producers.mapping import parse_mapping
from stream_processors.sinks.metrics import Metrics
from tests.fuzz.mutations import MUTATIONS, TEXTS
from tests.history.points import point
from tests.producers.conftest import CASE_TABLE, PROCESS_LOG, SERVICE

fuzzing = settings(deadline=None, max_examples=200)
BYTES_ONLY = MUTATIONS[:6]
OWNERS = (
    '[platform]\nname = "Platform"\npage = [{kind = "webhook", url = "https://a.example/x", token_file = "t"}]\n'
    'ticket = [{kind = "email", to = ["a@b.example"]}]\n'
)
LINES = st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
VALUES = st.sampled_from(
    ["nan", "inf", "-1", "0", "1e400", "9" * 5000, "true", "[]", "{}", "[[1]]", '""', '"\\u0000"', '"x"', "2024-02-30",
     "2024-02-29", "0001-01-01", "25:61:00", '"P1D"', '"99999999999999w"', '"1h"', '["a", 1]', "{a = {b = {c = 1}}}",
     "[" * 5000]
)  # fmt: skip
READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "catalogue": (
        f'{SERVICE}\n[promise]\nwords = "w"\ntarget_share = 0.9\ntarget_time = "5d"\n[costs]\ncurrency = "EUR"\n',
        parse_service,
    ),
    "table": (CASE_TABLE, parse_mapping),
    "log": (PROCESS_LOG, parse_mapping),
    "owners": (OWNERS, parse_owners),
}


@pytest.mark.parametrize("name", READERS)
@fuzzing
@given(st.integers(0, 2**32), st.data())
def test_a_damaged_file_of_settings_is_read_or_refused_by_its_name(name: str, seed: int, data: st.DataObject) -> None:
    text, read = READERS[name]
    if data.draw(st.booleans()):
        lines = text.splitlines()
        at = data.draw(st.integers(0, len(lines) - 1))
        key = lines[at].partition("=")[0].strip()
        lines[at] = f"{key or 'key'} = {data.draw(VALUES)}" if not key.startswith("[") else f"[{data.draw(LINES)}]"
        damaged = "\n".join(lines)
    else:
        random = Random(seed)
        damaged = random.choice(BYTES_ONLY)(text.encode(), random).decode(errors="replace")
    try:
        read(damaged, "the-file.toml")
    except ConfigurationError as error:
        assert "the-file.toml" in str(error)
        assert len(str(error)) < 20_000


def named(text: str) -> Any:
    """The service with a hostile name, owner and promise; None where the catalogue refuses it."""
    quoted = yaml_free(text)
    changed = READERS["catalogue"][0].replace('"Potholes"', quoted).replace('"Public Works"', quoted)
    try:
        return parse_service(changed.replace('words = "w"', f"words = {quoted}"), "a.toml")
    except ConfigurationError:
        return None


def yaml_free(text: str) -> str:
    """The text as a string of TOML."""
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'


@fuzzing
@given(LINES)
def test_a_text_of_toml_is_the_text_that_was_meant(text: str) -> None:
    assert tomllib.loads(f"a = {yaml_free(text)}") == {"a": text}


@settings(fuzzing, max_examples=25)
@given(LINES)
def test_a_hostile_name_leaves_the_rules_what_they_are(text: str) -> None:
    plain, hostile = named("Potholes"), named(text)
    if hostile is None:
        return
    before, after = (yaml.safe_load(as_yaml([service_group(one, RuleOptions())])) for one in (plain, hostile))
    for was, now in zip(before["groups"][0]["rules"], after["groups"][0]["rules"], strict=True):
        assert [was[key] for key in ("alert", "expr", "for")] == [now[key] for key in ("alert", "expr", "for")]
        assert was["labels"].keys() == now["labels"].keys()
        # Braces of the name are written as text: the template has the same actions as with a plain name.
        for key, words in now["annotations"].items():
            assert actions(words) == actions(was["annotations"][key])


def actions(template: str) -> list[str]:
    """The actions of a Go template, without those that only show a brace."""
    found = []
    rest = template.replace('{{"{"}}', "")
    while "{{" in rest:
        action, _, rest = rest.partition("{{")[2].partition("}}")
        found.append(action)
    return found


@fuzzing
@given(LINES, LINES, LINES, LINES)
def test_no_text_of_a_point_makes_a_line_a_tag_or_a_field(unit: str, name: str, value: str, service: str) -> None:
    plain = Lines().point(point())
    try:
        line = Lines().point(point(unit=unit, slice=((name, value),), service=service, definition=unit))
    except Stop:
        return
    assert line.isprintable()
    assert bare(line) == bare(plain)


def bare(line: str) -> tuple[list[str], list[str], int]:
    """The names of tags and fields, by the rules of line protocol, and how many parts the line has."""
    series = split(line, " ", marks="")[0]
    rest = split(line[len(series) + 1 :], " ")
    tags = [split(one, "=", marks="")[0] for one in split(series, ",", marks="")[1:]]
    fields = [split(one, "=")[0] for one in split(rest[0], ",")]
    return tags, fields, len(rest)


def split(text: str, at: str, marks: str = '"') -> list[str]:
    """Parts of a line between `at`, but for what is escaped or, in fields, within quotation `marks`."""
    parts, quoted, escaped = [""], False, False
    for character in text:
        if escaped or character == "\\":
            escaped = not escaped
        elif character in marks:
            quoted = not quoted
        elif character == at and not quoted:
            parts.append("")
            continue
        parts[-1] += character
    return parts


@fuzzing
@given(LINES)
def test_a_label_holds_any_name_and_is_read_back(text: str) -> None:
    service = named(text)
    if service is None:
        return
    metrics = Metrics({service.id: service}, text)
    metrics.show(service.id, [point(service=service.id)])
    said = generate_latest(metrics.registry).decode()
    labels = [
        sample.labels
        for family in text_string_to_metric_families(said)
        for sample in family.samples
        if sample.name == "kept_service_info"
    ]
    assert [one["name"] for one in labels] == [service.name]
