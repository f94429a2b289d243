"""The summary as Markdown and as one HTML file: golden, harmless, and the same each time."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from summaries.weekly.chart import charts_of, picture
from summaries.weekly.html_file import as_html
from summaries.weekly.markdown import as_markdown, escaped
from summaries.weekly.plain_text import as_plain_text
from summaries.weekly.summary import summarise
from tests.summaries.figures import HOSTILE
from tests.summaries.weekly.figures import SMALL, small_week
from tests.summaries.weekly.telling import facts_of, history_of

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("week") / "history.sqlite", small_week)


def markdown(path: Path) -> str:
    return as_markdown(summarise(facts_of(path, SMALL)))


def page(path: Path) -> str:
    facts = facts_of(path, SMALL)
    summary = summarise(facts)
    return as_html(summary, charts_of(facts, summary), SMALL)


def check_golden(name: str, text: str, *, update: bool) -> None:
    golden = GOLDEN / name
    if update:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "run pytest --update-golden and look at the difference"


def test_the_markdown_is_the_golden_one(small: Path, update_golden: bool) -> None:
    check_golden("week.md", markdown(small), update=update_golden)


def test_the_file_is_the_golden_one_but_for_its_style_and_pictures(small: Path, update_golden: bool) -> None:
    text = re.sub(r"<style>.*?</style>", "<style></style>", page(small), flags=re.DOTALL)
    text = re.sub(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", "PICTURE", text)
    assert text.count("PICTURE") == 1
    check_golden("week.html", text, update=update_golden)


def test_the_same_week_gives_the_same_bytes(small: Path) -> None:
    assert page(small) == page(small)
    assert markdown(small) == markdown(small)


def test_hostile_names_are_text_in_the_file(small: Path) -> None:
    text = page(small)
    assert "<script" not in text
    assert html.escape(HOSTILE, quote=False).replace("'", "&#39;").replace('"', "&#34;") in text
    assert not re.search(r"<img src=x|<i>New|<b>the|href=\"javascript|\N{RIGHT-TO-LEFT OVERRIDE}|x{200}", text)
    assert not re.findall(r"(?:src|href)=\"(?!data:image/svg)", text), "the file asks for nothing"


def test_hostile_names_are_text_in_markdown(small: Path) -> None:
    text = markdown(small)
    assert not re.search(r"(?<!\\)[<>]|(?<!\\)\]\(|(?<!\\)!\[|://|\N{RIGHT-TO-LEFT OVERRIDE}|x{200}", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows if "the contractor" in line}
    assert widths == {6}, "a bar in a text is no edge of a cell"


@given(st.text(alphabet=st.characters() | st.sampled_from("\\`*_{}[]()<>#+-!|~$&@:/.1w \n\r\t"), max_size=60))
def test_escaped_text_has_no_markup_left(text: str) -> None:
    line = escaped(text)
    bare = re.sub(r"\\.", "", line)
    assert not set(bare) & set("`*_{}[]<>#!|~$&@")
    assert "\n" not in line
    assert "://" not in bare
    assert not re.match(r"[+=-]|\d+[.)](\s|$)", line)
    assert re.sub(r"\\(.)", r"\1", line) == " ".join(text.split())


def test_the_order_is_that_of_the_page(small: Path) -> None:
    heads = re.findall(r"^## (.*)$", markdown(small), re.MULTILINE)
    assert heads == re.findall(r"<h2 id=\"\w+\">(.*?)</h2>", page(small))
    assert heads[:3] == ["Decisions and what became of them", "Signal", "Noise"]
    assert heads[-1] == "What to ask"


def test_a_chart_has_its_words_and_its_weeks_as_a_table(small: Path) -> None:
    facts = facts_of(small, SMALL)
    (chart,) = charts_of(facts, summarise(facts))
    assert chart.alt.startswith("Control chart by week, 20 weeks to 2026-11-22. Street light repairs kept 71.0")
    assert len(chart.rows) == 20
    assert chart.rows[-1][-1] == "outside a limit: concern"
    assert chart.rows[0][-2] == "none yet"
    spec = picture(chart, SMALL["street-lights"].zone, "light")
    assert spec["height"] >= 110, "title, key and axes leave room for the weeks"
    drawn = (layer.get("data", {}).get("values") or [{}] for layer in spec["layer"])
    rows = next(values for values in drawn if "kind" in values[0])
    assert [row["kind"] for row in rows] == ["usual"] * 19 + ["concern"]
    assert rows[-1]["value"] == pytest.approx(0.71)


def test_no_case_and_no_person_is_named(small: Path) -> None:
    text = markdown(small)
    assert "the head" not in text, "who decided is in the record, not in the summary"


def test_plain_text_is_no_markup_and_has_short_lines_that_say_it_all(small: Path) -> None:
    summary = summarise(facts_of(small, SMALL))
    text = as_plain_text(summary)
    assert max(map(len, text.splitlines())) <= 78
    assert not re.search(r"^\||^#|\\|://|\N{RIGHT-TO-LEFT OVERRIDE}|x{200}", text, re.MULTILINE)
    said = " ".join(text.split())
    heads = re.findall(r"^(.+)\n-+$", text, re.MULTILINE)
    assert [one for one in heads if not one.startswith("Changes")] == re.findall(r"<h2.*?>(.*?)</h2>", page(small))
    for words in (*(one.sentence for one in summary.news), *summary.questions, summary.noise.sentence):
        assert " ".join(words.replace("://", ": //").split()) in said
    cell = "Promise kept: 78.8\N{NO-BREAK SPACE}% (73.6\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}86.4"
    assert " ".join(cell.split()) in said
