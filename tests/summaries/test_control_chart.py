"""The picture of a control chart holds what its weeks hold: each once, gaps open, limits as each week had them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from kept.signals.chart_weeks import ChartWeek
from summaries.gap_words import GAP_WORDS
from summaries.pictures.control_chart import control_chart, kind, lettered, steps
from summaries.pictures.control_chart_words import chart_words
from summaries.pictures.frame import NARROW, WIDE, local_ms
from summaries.vega import COLOURS, Theme, svg
from summaries.weekly.chart import summary_chart
from tests.summaries.figures import service
from tests.summaries.quarter import CHANGES, KEPT_CHART, TIME_CHART, ZONE, chart, mondays


def layer(spec: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows of a named layer."""
    found: list[dict[str, Any]] = next(each for each in spec["layer"] if each.get("name") == name)["data"]["values"]
    return found


def names(spec: dict[str, Any]) -> set[str]:
    return {each["name"] for each in spec["layer"]}


def drawn(weeks: list[ChartWeek], **options: Any) -> dict[str, Any]:
    return control_chart(weeks, "light", zone=ZONE, **options)


def test_every_week_with_a_value_is_drawn_once_and_every_other_is_a_gap() -> None:
    spec = drawn(KEPT_CHART)
    assert [row["value"] for row in layer(spec, "points")] == [one.value for one in KEPT_CHART if one.value is not None]
    gaps = {row["from"] for row in layer(spec, "gaps")}
    assert gaps == {local_ms(one.week_start, ZONE) for one in KEPT_CHART if one.value is None}
    assert len(layer(spec, "points")) + len(gaps) == len(KEPT_CHART)


def test_no_line_leads_across_a_gap() -> None:
    # weeks  0-4 | 5 gap | 6-19 | 20, 21 gaps | 22-25
    runs = [row["run"] for row in layer(drawn(KEPT_CHART), "values")]
    assert [runs.count(run) for run in sorted(set(runs))] == [5, 14, 4]


def test_no_line_leads_across_a_week_that_is_missing_from_the_history() -> None:
    runs = [row["run"] for row in layer(drawn([*TIME_CHART[:4], *TIME_CHART[6:9]]), "values")]
    assert runs == [0, 0, 0, 0, 1, 1, 1]


def test_each_marked_week_has_its_rule_and_a_colour_and_a_shape_of_its_own() -> None:
    spec = drawn(KEPT_CHART)
    marked = [(kind(one), str(one.mark.rule)) for one in KEPT_CHART if one.mark is not None]
    assert marked == [("concern", "1")]
    assert [(row["kind"], row["rule"]) for row in layer(spec, "rules")] == marked
    encoding = next(each for each in spec["layer"] if each["name"] == "points")["encoding"]
    assert encoding["shape"]["scale"]["domain"] == ["usual", "concern", "change in the week"]
    assert encoding["shape"]["scale"]["range"] == ["circle", "diamond", "circle"]
    assert len(set(encoding["fill"]["scale"]["range"])) == 3


def test_limits_are_those_that_each_week_had() -> None:
    for line in ("mean", "lower", "upper"):
        at_week = {
            week.week_start: value
            for start, end, value, _ in steps(KEPT_CHART, line)
            for week in KEPT_CHART
            if start <= week.week_start < end
        }
        assert at_week == {
            week.week_start: getattr(week, line) for week in KEPT_CHART if getattr(week, line) is not None
        }


def test_trial_limits_are_drawn_differently_from_those_of_a_whole_baseline() -> None:
    spec = drawn(KEPT_CHART)
    assert {"mean", "mean_trial", "upper", "upper_trial", "lower", "lower_trial"} <= names(spec)
    trial = {local_ms(week.week_start, ZONE) for week in KEPT_CHART if week.trial}
    assert {row["from"] for row in layer(spec, "mean_trial")} <= trial
    assert not {row["from"] for row in layer(spec, "mean")} & trial
    dashes = {each["name"]: each["mark"].get("strokeDash") for each in spec["layer"] if "strokeDash" in each["mark"]}
    assert dashes["upper"] != dashes["upper_trial"]


def test_a_new_segment_begins_its_limits_anew() -> None:
    equal = chart("births", "backlog", [100.0, 120.0] * 6, rebased=(6,))
    edges = [start for start, _, _, _ in steps(equal, "upper")]
    assert equal[7].week_start in edges
    assert equal[6].upper is None


def test_the_target_and_the_registered_changes_are_on_it() -> None:
    spec = drawn(KEPT_CHART, changes=CHANGES)
    assert {row["value"] for row in layer(spec, "target")} == {0.8}
    assert [letter for letter, _ in lettered(CHANGES, KEPT_CHART)] == ["A", "B"]
    assert [row["at"] for row in layer(spec, "changes")] == [local_ms(change.at, ZONE) for change in CHANGES]
    assert lettered(CHANGES, KEPT_CHART[:3]) == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_it_is_exactly_as_large_as_asked(width: int) -> None:
    text = svg(drawn(KEPT_CHART, changes=CHANGES, width=width, title="Promise kept"), "light")
    assert f'width="{width}" height="280"' in text


@pytest.mark.parametrize("theme", list(COLOURS))
def test_a_hostile_title_is_text(theme: Theme) -> None:
    text = svg(control_chart(KEPT_CHART, theme, zone=ZONE, changes=CHANGES, title="<script>x</script>"), theme)
    assert "<script" not in text
    assert "<img" not in text


def test_seconds_are_drawn_as_hours_or_days() -> None:
    assert layer(drawn(TIME_CHART), "points")[0]["value"] == 25
    assert layer(drawn(TIME_CHART), "unit")[0]["words"].startswith("hours")
    slow = chart("births", "delivery_time_closed_p50", [4.5 * 86400, 4.6 * 86400])
    assert [row["value"] for row in layer(drawn(slow), "points")] == [4.5, 4.6]


def test_an_axis_that_does_not_begin_at_zero_says_so() -> None:
    assert "does not begin at 0" in layer(drawn(KEPT_CHART), "unit")[0]["words"]
    low = drawn(chart("births", "backlog", [5.0, 60.0, 80.0]))
    assert "does not" not in layer(low, "unit")[0]["words"]
    assert next(each for each in low["layer"] if each["name"] == "points")["encoding"]["y"]["scale"]["domain"][0] == 0


def test_a_calm_share_is_not_blown_up() -> None:
    low, high = next(
        each for each in drawn(chart("births", "promise_kept", [0.9, 0.9, 0.9]))["layer"] if each["name"] == "points"
    )["encoding"]["y"]["scale"]["domain"]
    assert high - low >= 0.05


def test_without_a_week_there_is_no_picture() -> None:
    with pytest.raises(ValueError, match="one week at least"):
        drawn([])


def test_the_words_say_what_the_picture_says() -> None:
    words = chart_words(KEPT_CHART, ZONE).replace("\N{NO-BREAK SPACE}", " ")
    assert words == (
        "Control chart of promise kept, 26 weeks up to 2026-W47 (to 22 Nov 2026). Newest: 88.0 % (n 400), "
        "mean 86.8 %, trial limits of 8 weeks 84.5 % to 89.1 %. Marked: 1, the last 2026-W31 (to 2 Aug 2026), "
        "a sign of concern: rule 1, outside a limit. Gaps: 3."
    )


def test_a_short_week_is_said_alike_below_the_chart_and_in_the_table_of_the_summary() -> None:
    weeks = chart("births", "promise_kept", [0.9, "short_week"])
    assert f"The newest week is a gap: {GAP_WORDS['short_week']}." in chart_words(weeks, ZONE)
    assert summary_chart(service("births", "Births"), weeks, "").rows[-1][1] == GAP_WORDS["short_week"]


def test_a_gap_in_the_newest_week_is_said() -> None:
    words = chart_words(chart("births", "promise_kept", [0.9, "source_silent"]), ZONE)
    assert "The newest week is a gap: the source was silent." in words


def test_mondays_are_local_midnights_across_a_clock_change() -> None:
    last = mondays(6)
    assert [later - earlier for earlier, later in pairwise(last)].count(7 * 86400 + 3600) == 1
