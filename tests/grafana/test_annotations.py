"""What is annotated, in which words, and what is to be done to the annotations that are there."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grafana.annotations import Annotation, Present, as_html, of_change, of_signal, plan
from kept.signals.kinds import BY_NAME, KINDS
from tests.grafana.happenings import registered
from tests.kept.signals.raised_signals import HOUR, NOW, raised

BUDGET = raised("promise_budget_fast", NOW, since=NOW - 9 * HOUR, words="100 of 141 were kept (70.9 %, promised 90 %)")


def present(number: int, one: Annotation) -> Present:
    return Present(
        number=number, id=one.id, time_ms=one.time_ms, end_ms=one.end_ms, text=one.text, tags=frozenset(one.tags)
    )


def test_a_signal_is_there_from_when_the_data_show_it() -> None:
    one = of_signal(BUDGET)
    assert (one.time_ms, one.end_ms) == ((NOW - 9 * HOUR) * 1000,) * 2
    assert one.tags == ("kept", "street-lights", "signal", f"kept-id:{BUDGET.id}", "severity:page")
    summary, words = html.unescape(one.text).split("<br>")
    assert summary == BY_NAME["promise_budget_fast"].summary
    assert words == f"{BUDGET.verdict.words} (still open)"


def test_a_signal_that_has_ended_lasts_until_its_evidence_was_gone() -> None:
    ended = raised(since=NOW - HOUR, at=NOW, ended=NOW + 5 * HOUR)
    assert of_signal(ended).end_ms == (NOW + 5 * HOUR) * 1000


def test_a_signal_never_ends_before_it_begins() -> None:
    one = of_signal(raised(at=NOW, since=NOW + HOUR, ended=NOW))
    assert one.end_ms == one.time_ms == (NOW + HOUR) * 1000


def test_a_signal_of_another_version_informs() -> None:
    one = of_signal(raised("of_tomorrow"))
    assert "severity:info" in one.tags
    assert "does not know" in one.text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_its_severity_as_a_tag(kind: object) -> None:
    name = getattr(kind, "name", "")
    assert f"severity:{BY_NAME[name].severity}" in of_signal(raised(name)).tags


def test_a_change_is_a_moment_with_its_title_and_what_it_is_expected_to_move() -> None:
    one = of_change(registered(title="Night crew"))
    assert (one.time_ms, one.end_ms) == (NOW * 1000, NOW * 1000)
    assert one.tags == ("kept", "street-lights", "change", "kept-id:00000000000000c1")
    assert one.text == "Change: Night crew<br>delivery time p90 is expected to fall"
    assert of_change(registered(indicator=None, direction=None)).text == "Change: Night crew"


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "&lt;b&gt; &#60;b&#62;",
        "[click](javascript:alert(1)) ![x](//evil.example/x.png)",
        "www.evil.example https://evil.example user@evil.example",
        "**loud** _quiet_ `code` # head > quote | table ~gone~",
        "\u202eexe.drawkcab\u202c \x00\x1b[31m line\nbreak\r\n\n- list",
    ],
    ids=["script", "image", "entities", "Markdown links", "addresses", "Markdown", "controls"],
)
def test_a_title_is_shown_and_does_nothing_else(title: str) -> None:
    text = of_change(registered(title=title, indicator=None)).text.removeprefix("Change: ")
    assert not re.search(r"[<>\[\]()*_`\"'|~@]|https?:|www\.|&(?!#[0-9]+;)|\w\.[a-z]|[\n\r\x00\x1b\u202e]", text)
    shown = " ".join("".join(char if char.isprintable() else " " for char in title).split())
    assert html.unescape(text) == shown, "what a reader sees is the title"


@given(st.text())
def test_any_text_is_read_back_as_it_is(text: str) -> None:
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    assert html.unescape(as_html(text)) == shown
    assert not set("<>\"'[]()*_`") & set(as_html(text))


def test_figures_stay_readable_in_the_source() -> None:
    assert as_html("70.9 %, n 1.204 - Zürich") == "70.9 %, n 1.204 - Zürich"


def test_what_is_missing_is_made_and_what_is_as_wanted_is_left() -> None:
    one, other = of_signal(BUDGET), of_change(registered())
    planned = plan([one, other], [present(7, one)])
    assert planned.create == [other]
    assert (planned.update, planned.doubles, planned.unknown) == ([], [], [])


@pytest.mark.parametrize("changed", ["time_ms", "end_ms", "text", "tags"])
def test_what_differs_in_anything_is_updated(changed: str) -> None:
    one = of_signal(BUDGET)
    there = {"time_ms": 1, "end_ms": 1, "text": "x", "tags": frozenset(one.tags[:4])}
    before = present(7, one)
    fields = {name: getattr(before, name) for name in Present.__struct_fields__} | {changed: there[changed]}
    assert plan([one], [Present(**fields)]).update == [(7, one)]


def test_of_doubles_the_first_stays() -> None:
    one = of_signal(BUDGET)
    planned = plan([one], [present(9, one), present(7, one), present(8, one)])
    assert planned.doubles == [8, 9]
    assert (planned.create, planned.update) == ([], [])


def test_what_is_not_wanted_is_told_apart_and_once() -> None:
    one = of_signal(BUDGET)
    planned = plan([], [present(7, one), present(8, one)])
    assert (planned.unknown, planned.doubles) == ([7], [8])
