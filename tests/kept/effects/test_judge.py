"""Verdicts on changes of which the truth is known."""

from __future__ import annotations

import zoneinfo
from typing import Any

import pytest

from kept.buckets import WEEK_SECONDS
from kept.effects.comparison import Comparison
from kept.effects.judge import Judgement, judge
from kept.effects.words import COMPARISON_WORDS, FIGURES, OUTCOME_WORDS, comparison_words, placebo_words, sentence
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from kept.signals.weekly import CHARTABLE
from tests.kept.effects import effect_simulation as simulation
from tests.kept.effects.effect_simulation import Kind
from tests.kept.effects.weeks import MONDAY, change, line, week, wobble

AMSTERDAM = zoneinfo.ZoneInfo("Europe/Amsterdam")


def judged(
    before: list[float], after: list[float], changes: list[RegisteredChange] | None = None, **more: Any
) -> Judgement:
    """The verdict on a change in the week between `before` and `after` (hours)."""
    one = change(len(before) + 0.5)
    return judge(one, line([*before, before[-1], *after]), {}, [one, *(changes or [])], **more)


def steady(level: float, weeks: int, start: int = 0) -> list[float]:
    return [wobble(level, number) for number in range(start, start + weeks)]


def test_a_third_less_worked() -> None:
    found = judged(steady(60, 14), steady(40, 8, 15))
    assert (found.outcome, found.reason) == ("worked", "moved_as_expected")
    assert found.effect is not None
    size, low, high = found.effect.size
    assert low < size < high < 0
    assert size == pytest.approx(-1 / 3, abs=0.01)
    assert (found.weeks_before, found.weeks_after) == (14, 8)
    assert found.effect.placebo.as_large == 0
    assert sentence(found, AMSTERDAM) == (
        "Worked: the median delivery time fell by 33 % (95 % interval 31 to 35 %), from about 2.5 days to 1.7 days, "
        "in 8 whole weeks after it (n 800) against 14 before (n 1,400)."
    )
    assert placebo_words(found.effect) == "at none of 7 earlier dates without a change it moved as much"


def test_the_cases_of_a_stock_are_not_added_up_over_weeks() -> None:
    """A backlog of 500 in each of six weeks is no 3,000 cases: the same ones may stand there all the time."""
    one = change(14.5, indicator="backlog")
    stock = line([*steady(500, 14), 500, *steady(300, 8, 15)], indicator="backlog", unit="cases")
    found = judge(one, stock, {}, [one])
    assert found.outcome == "worked" and found.effect is not None
    assert found.effect.cases == (0, 0)
    assert sentence(found, AMSTERDAM).endswith(", in 8 whole weeks after it against 14 before.")


def test_no_change_in_a_steady_figure_did_not() -> None:
    found = judged(steady(60, 14), steady(60, 8, 15))
    assert (found.outcome, found.reason) == ("did_not", "nothing_worthwhile")
    assert sentence(found, AMSTERDAM).endswith("\N{MINUS SIGN}10 % would be worth while, and that can be ruled out.")


def test_slower_did_not_either() -> None:
    found = judged(steady(60, 14), steady(80, 8, 15))
    assert (found.outcome, found.reason) == ("did_not", "moved_the_wrong_way")
    words = sentence(found, AMSTERDAM)
    assert "the median delivery time rose by 34 % (95 % interval 30 to 38 %)" in words
    assert words.endswith("; it was to go down.")


def test_no_change_in_a_figure_that_jumps_about_cannot_be_told() -> None:
    jumps = [40.0, 90, 55, 110, 35, 75, 100, 45, 60, 95, 50, 85, 70, 38, 105, 65, 80, 42, 99, 58, 72, 47]
    found = judged(jumps[:14], jumps[14:])
    assert (found.outcome, found.reason) == ("cannot_tell", "too_uncertain")
    assert "is not ruled out" in sentence(found, AMSTERDAM)


def test_a_figure_that_jumped_before_as_well_cannot_be_told() -> None:
    found = judged([*steady(60, 5), *steady(30, 6), *steady(60, 5)], steady(25, 8))
    assert (found.outcome, found.reason) != ("worked", "moved_as_expected")


def test_what_was_getting_better_anyway_is_not_said_to_have_worked() -> None:
    sinking = [wobble(80 * 0.97**number, number) for number in range(23)]
    assert judged(sinking[:14], sinking[15:]).reason == "maybe_a_trend"
    longer = [wobble(80 * 0.97**number, number) for number in range(29)]
    found = judged(longer[:20], longer[21:])
    assert found.outcome == "did_not"
    assert found.effect is not None and found.effect.estimate.trend == pytest.approx(-0.03, abs=0.01)


def test_too_early_says_from_when_on_there_is_enough() -> None:
    found = judged(steady(60, 14), steady(40, 3))
    assert (found.outcome, found.reason) == ("too_early", "few_weeks_after")
    assert found.known_from == MONDAY + (18 + 3) * WEEK_SECONDS
    assert sentence(found, AMSTERDAM) == (
        "Too early to tell: only 3 whole weeks after it can be counted, and it takes 6; there will be enough on "
        "1 June 2026 at the earliest."
    )


def test_nothing_after_yet_counts_from_the_first_whole_week() -> None:
    one = change(14.5)
    found = judge(one, line(steady(60, 15)), {}, [one])
    assert found.known_from == MONDAY + (15 + 6) * WEEK_SECONDS


def test_a_next_change_too_soon_can_never_be_told() -> None:
    found = judged(steady(60, 14), steady(40, 8), [change(18.5)])
    assert (found.outcome, found.reason) == ("cannot_tell", "changed_again")
    assert sentence(found, AMSTERDAM) == (
        "Cannot tell: only 3 whole weeks after it can be counted, and it takes 6: the same thing was changed again."
    )


def test_too_little_before_can_never_be_told() -> None:
    found = judged(steady(60, 7), steady(40, 8))
    assert (found.outcome, found.reason) == ("cannot_tell", "few_weeks_before")


def test_a_change_without_an_expectation_or_a_chart_cannot_be_told() -> None:
    vague = change(3, indicator=None, direction=None)
    assert sentence(judge(vague, [], {}, [vague]), AMSTERDAM) == (
        "Cannot tell: it was registered without saying what it should move."
    )
    odd = change(3, indicator="cost_per_visit")
    assert sentence(judge(odd, line(steady(9, 30)), {}, [odd]), AMSTERDAM) == (
        "Cannot tell: no weekly figure is charted that would show cost per visit."
    )


def test_weeks_of_few_cases_count_less() -> None:
    def weeks(wide: bool) -> list[ChartWeek]:
        values = [*steady(60, 15), *steady(40, 7, 15), 200.0]
        usual = [week(number, value, low=value * 3500, high=value * 3700) for number, value in enumerate(values)]
        off = 190.0 if wide else 10.0
        return [*usual[:-1], week(22, 200.0, low=(200 - off) * 3600, high=(200 + off) * 3600)]

    one = change(14.5)
    little, much = (judge(one, weeks(wide), {}, [one]).effect for wide in (True, False))
    assert little is not None and much is not None
    assert little.estimate.effect < much.estimate.effect


def test_what_happens_to_all_services_at_once_is_not_said_to_have_worked() -> None:
    dice = simulation.dice_of(Kind(), 3)
    shock = Kind(effect=0.0, shock=-0.25, others=4)
    assert {simulation.judged(shock, dice).reason for _ in range(10)} <= {
        "others_moved_too",
        "nothing_worthwhile",
        "too_uncertain",
    }


def test_on_simulated_changes_it_is_right_as_often_as_the_page_says() -> None:
    quiet = simulation.outcomes(Kind(correlation=0.4), 200, seed=11)
    assert quiet["worked"] <= 0.05
    assert simulation.outcomes(Kind(correlation=0.4, effect=-0.2), 60, seed=11)["worked"] >= 0.8
    assert simulation.outcomes(Kind(n=600), 60, seed=11)["did_not"] >= 0.75
    shares = simulation.outcomes(Kind(share=0.8, n=300, beyond=0.02, effect=0.12), 60, seed=11)
    assert shares["worked"] >= 0.9


def test_there_are_words_for_every_figure_outcome_and_comparison() -> None:
    assert set(FIGURES) == set(CHARTABLE)
    assert set(OUTCOME_WORDS) == {"worked", "did_not", "too_early", "cannot_tell"}
    assert set(COMPARISON_WORDS) == {"steadier", "no_other", "own_changes", "too_few_weeks", "moves_apart"}
    assert comparison_words(Comparison("steadier", ("a", "b", "c")), {"a": "A & B"}).startswith(
        "Measured on the difference to the mean of the same figure of A & B, b and c,"
    )
