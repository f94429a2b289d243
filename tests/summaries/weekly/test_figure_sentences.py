"""What is said of a week of a chart: a change only where a rule holds, with effect, confidence and volume."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.signals.chart_weeks import ChartMark, ChartWeek
from summaries.weekly.figure_sentences import PROBABLE, SUBJECTS, SURE, TRIAL, apart, sentence
from tests.summaries.weekly.figures import SMALL, USUAL, chart, week_values

LIGHTS = SMALL["street-lights"]
START = 1_795_000_000


def said(weeks: list[ChartWeek], *, ticket: bool = False) -> str:
    return sentence(LIGHTS.name, weeks[-1], weeks, LIGHTS.zone, ticket=ticket).replace("\N{NO-BREAK SPACE}", " ")


def fallen(count: int = 20, to: float = 0.71, n: int = 412) -> list[ChartWeek]:
    return chart(LIGHTS, "promise_kept", [*week_values("promise_kept", count - 1, Random(3)), to], n=n)


def test_a_week_below_its_range_with_its_whole_interval_is_a_real_change() -> None:
    weeks = fallen(to=0.66)
    assert weeks[-1].high is not None and weeks[-1].lower is not None and weeks[-1].high < weeks[-1].lower
    assert said(weeks) == (
        "Street light repairs kept 66.0 % of promises due this week (n 412; 95 % interval 61.3 to 70.4 %), below the "
        "range 73.4 to 86.6 % seen since July and 14.0 points below its mean 80.0 %: a real change, for the worse."
    )


def test_with_few_cases_the_same_share_is_only_probably_a_change() -> None:
    assert said(fallen(to=0.66, n=40)).endswith(f": {PROBABLE}, for the worse.")


def test_trial_limits_are_said_and_make_it_unsure() -> None:
    weeks = fallen(count=8, to=0.3)
    assert "(trial limits from 8 weeks only)" in said(weeks)
    assert said(weeks).endswith(f": {TRIAL}, for the worse.")
    assert said(weeks, ticket=True).endswith(f": {SURE}, for the worse.")


@pytest.mark.parametrize("indicator", sorted(USUAL))
def test_a_usual_week_is_within_its_range_whatever_the_figure(indicator: str) -> None:
    weeks = chart(LIGHTS, indicator, week_values(indicator, 20, Random(4)))
    assert "within its usual range" in said(weeks)
    assert "change" not in said(weeks)
    assert indicator in SUBJECTS


def test_a_run_below_the_mean_a_drift_and_closeness_to_a_limit_are_told_as_what_they_are() -> None:
    usual = week_values("promise_kept", 13, Random(5))
    run = [0.795, 0.791, 0.796, 0.79, 0.797, 0.792, 0.796]
    assert "the 7th week in a row below the mean 80.0 %" in said(chart(LIGHTS, "promise_kept", usual + run, n=4000))
    drift = [0.79, 0.793, 0.796, 0.799, 0.802, 0.805, 0.808]
    told = said(chart(LIGHTS, "promise_kept", usual + drift))
    assert "rising for 7 weeks in a row, now 0.8 points above the mean 80.0 %" in told
    close = said(chart(LIGHTS, "promise_kept", [*usual, 0.85, 0.851]))
    assert "for 2 of the last 3 weeks close to the upper end of the range" in close
    assert close.endswith(": probably a change, for the better.")


def test_more_backlog_is_worse_and_its_range_has_no_cents() -> None:
    told = said(chart(LIGHTS, "backlog", [*week_values("backlog", 19, Random(6)), 1500]))
    assert told.startswith("Street light repairs had 1,500 cases open at the end of the week, above the range ")
    assert told.endswith(": probably a change, for the worse.")


def test_since_when_a_range_holds_names_the_year_where_it_is_another() -> None:
    weeks = chart(LIGHTS, "promise_kept", [*week_values("promise_kept", 59, Random(7)), 0.5])
    assert "seen since September 2025 and" in said(weeks)


def test_a_first_week_has_no_range() -> None:
    assert said(chart(LIGHTS, "promise_kept", [0.8])).endswith("there is no usual range yet to hold it against.")


VALUES = st.floats(0, 1) | st.floats(-1e9, 1e12)


@given(
    indicator=st.sampled_from(sorted(SUBJECTS)) | st.text(max_size=20),
    unit=st.sampled_from(["share", "seconds", "cases", "points", "EUR"]),
    value=VALUES,
    lines=st.none() | st.tuples(VALUES, VALUES, VALUES),
    n=st.none() | st.integers(0, 10**9),
    baseline=st.integers(2, 12),
    name=st.text(max_size=300),
    ticket=st.booleans(),
)
def test_a_week_without_a_mark_never_claims_a_change(
    indicator: str, unit: str, value: float, lines: tuple[float, float, float] | None, n: int | None, baseline: int,
    name: str, ticket: bool,
) -> None:  # fmt: skip
    week = ChartWeek(
        service="s", indicator=indicator, week_start=START, week_end=START + 604800, unit=unit, better="up", segment=0,
        value=value, n=n, baseline=baseline,
    )  # fmt: skip
    if lines is not None:
        low, mean, high = sorted(lines)
        week = msgspec.structs.replace(week, lower=low, mean=mean, upper=high)
    if lines is not None:
        made = ChartMark(rule=1, direction="down", meaning="concern", since=START)
        marked = msgspec.structs.replace(week, mark=made)
        told = sentence(name, marked, [marked], LIGHTS.zone, ticket=ticket)
        assert told.endswith(tuple(f": {sure}, for the worse." for sure in (SURE, PROBABLE, TRIAL)))
    told = sentence("NAME", week, [week], LIGHTS.zone, ticket=ticket)
    assert not any(words in told for words in ("a real change", "a change", "for the worse", "for the better"))
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("value", "mean", "unit", "gap"),
    [
        (0.80551, 0.77649, "share", "3.0 points"),
        (0.80012, 0.80041, "share", "under 0.1 points"),
        (71.26, 68.24, "points", "3.1 points"),
        (419.6, 400.4, "cases", "20 cases"),
        (2.449 * 86400, 3.551 * 86400, "seconds", "1.2 days"),
        (48.126, 47.114, "EUR a case", "EUR 1.02 a case"),
    ],
    ids=["share", "shown-alike", "points", "cases", "days", "money"],
)
def test_a_difference_is_that_of_the_figures_that_are_shown(value: float, mean: float, unit: str, gap: str) -> None:
    assert apart(value, mean, unit).replace("\N{NO-BREAK SPACE}", " ") == gap
