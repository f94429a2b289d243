"""Open signals as people read them: the gravest first, in one short sentence, counted in words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from kept.signals.raised import Raised
from summaries.signal_lines import MOST_CHARACTERS, counted, signal_lines
from summaries.verdict_words import people_words
from summaries.wording import NBSP
from tests.summaries.figures import ENDLESS, NOW, raised

ZONE = ZoneInfo("Europe/Amsterdam")


def signals() -> list[Raised]:
    return [
        raised("lights", "chart_signal", "A shift.", hours_ago=1),
        raised("lights", "promise_budget_slow", "Slowly.", hours_ago=5),
        raised("lights", "area_gap", "A gap.", hours_ago=2),
        raised("lights", "source_silent", "Silence.", hours_ago=9),
        raised("lights", "of_a_later_release", "", hours_ago=1),
    ]


def test_the_gravest_come_first_and_of_these_the_latest() -> None:
    lines = signal_lines(signals(), ZONE)
    assert [(line.severity, line.sentence) for line in lines] == [
        ("page", "Silence"),
        ("ticket", "A gap"),
        ("ticket", "Slowly"),
        ("info", "A shift"),
        ("info", "of a later release"),
    ]
    assert lines[0].raised.replace(NBSP, " ") == "Tue 24 Nov 2026, 08:05"


def test_they_are_counted_in_words() -> None:
    lines = signal_lines(signals(), ZONE)
    assert counted(lines).replace(NBSP, " ") == "1 on-call page, 2 tickets, 2 for information"
    assert counted(lines[1:2]).replace(NBSP, " ") == "1 ticket"
    assert counted([]) == ""


def test_an_endless_sentence_is_cut() -> None:
    (line,) = signal_lines([raised("lights", "source_silent", ENDLESS)], ZONE)
    assert len(line.sentence) == MOST_CHARACTERS
    assert line.sentence.endswith("…")


def test_one_that_has_gone_quiet_says_since_when() -> None:
    quiet, active = signal_lines(
        [
            raised("lights", "source_silent", "Silence.", hours_ago=1, quiet_since=NOW - 1800),
            raised("lights", "source_silent", "Silence."),
        ],
        ZONE,
    )
    assert quiet.quiet.replace(NBSP, " ") == "Tue 24 Nov 2026, 16:35"
    assert active.quiet == ""


def test_figures_of_a_signal_raised_long_ago_are_said_to_be_of_then() -> None:
    old = [raised("lights", "promise_budget_slow", "150 of 254 were kept.", hours_ago=25)]
    (then,) = signal_lines(old, ZONE, NOW)
    assert then.sentence.replace(NBSP, " ") == "When raised (23 Nov 2026): 150 of 254 were kept"
    (recent,) = signal_lines(old, ZONE, NOW - 2 * 3600)
    assert recent.sentence == "150 of 254 were kept"


def test_program_words_of_a_verdict_reach_nobody() -> None:
    words = (
        "failure_demand was 0.806 in the week to 2026-11-15 (n 1178): above the upper limit 0.8; mean 0.776 of 12 weeks"
    )
    assert people_words(words).replace(NBSP, " ") == (
        "Failure demand was 80.6 % in the week to 15 Nov 2026 (n 1,178): above the upper limit 80.0 %; "
        "mean 77.6 % of 12 weeks"
    )
    assert people_words("backlog was 806 cases in the week to 2026-11-15 (n 9): rising").startswith(
        "Backlog was 806 cases"
    )
    assert people_words("150 of 254 were kept; chance 2e-08 if all were well") == (
        "150 of 254 were kept; if all were well, by chance about 1 time in 50,000,000"
    )
    assert people_words("Something else was 0.8") == "Something else was 0.8"
