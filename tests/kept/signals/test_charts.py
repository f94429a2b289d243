"""What the control charts of a service say, from its tallies: when, of what and in which words; when they are quiet."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from kept import counters as c
from kept.catalogue import Promise
from kept.signals import charts, kinds
from kept.signals.spc import judge_next
from kept.signals.verdict import Verdict
from kept.tallies import Tally, merged
from tests.kept.signals.weeks import (
    SERVICE,
    Tallied,
    active,
    at,
    changed,
    contacts,
    money,
    promise,
    with_improvement,
)

UNNAMED = changed()


def of_weeks(*weekly: Tally, service: object = SERVICE) -> Tallied:
    tallied = Tallied(service)  # type: ignore[arg-type]
    for number, tally in enumerate(weekly):
        tallied.week(number, tally)
    return tallied


def judged(tallied: Tallied, week: int, day: int = 0, hour: int = 0) -> list[Verdict]:
    return list(charts.judge(tallied.situation(week, day, hour)))


def alternating(weeks: int, make: Callable[[int], Tally]) -> list[Tally]:
    return [make(-1 if number % 2 else 1) for number in range(weeks)]


COSTS = alternating(12, lambda way: money(40 + way))
"""Mean 40, ranges of 2: limits 34.68 to 45.32; half-width of what is grave 6.04."""
KEPT = alternating(12, lambda way: promise(180 + 4 * way, 200))
FAILURE = alternating(12, lambda way: contacts(60 + 2 * way, 140 - 2 * way))


def test_a_jump_of_costs_is_a_special_cause_until_the_next_week_is_over() -> None:
    tallied = of_weeks(*COSTS, money(56), money(41))
    about = ("special_cause", "cost_per_transaction")
    assert about not in active(judged(tallied, 12, day=6, hour=23))
    for day, hour in ((0, 0), (3, 12), (6, 23)):
        assert about in active(judged(tallied, 13, day, hour))
    assert active(judged(tallied, 14)) == {}


def test_a_special_cause_has_its_numbers_and_its_chart_with_it() -> None:
    verdict = active(judged(of_weeks(*COSTS, money(56)), 13))[("special_cause", "cost_per_transaction")]
    assert verdict.words == (
        "cost_per_transaction was 56 EUR in the week to 2025-04-06 (n 100): "
        "2.6 half-widths above the mean 40 EUR of 12 weeks (half-width 6.04 EUR)"
    )
    assert (verdict.service, verdict.at, verdict.since) == ("lights", at(13), at(12))
    assert (verdict.value, verdict.cases, verdict.chance) == (56, 100, None)
    assert verdict.expected == pytest.approx(46.04, abs=0.005)
    assert verdict.test == "one week 2 half-widths from the mean"
    assert verdict.evidence["points"][-1] == {"week_to": "2025-04-06", "value": 56.0, "n": 100}
    assert len(verdict.evidence["points"]) == 13
    assert verdict.evidence["xmr"] == pytest.approx(
        {"mean": 40, "lower": 34.68, "upper": 45.32, "near_lower": 36.4533, "near_upper": 43.5467}, abs=1e-3
    )
    assert (verdict.evidence["baseline_weeks"], verdict.evidence["trial"]) == (12, False)
    assert (verdict.evidence["segment_start"], verdict.evidence["unit"]) == ("2025-01-06", "EUR")
    assert msgspec.json.decode(msgspec.json.encode(verdict.evidence)) == verdict.evidence


def test_a_week_of_chasing_contacts_is_a_special_cause_with_both_kinds_of_limits() -> None:
    verdicts = active(judged(of_weeks(*FAILURE, contacts(130, 70)), 13))
    verdict = verdicts[("chart_signal", "failure_demand")]
    assert verdict.words == (
        "failure_demand was 0.65 in the week to 2025-04-06 (n 200): above the upper limit 0.353; mean 0.3 of 12 weeks; "
        "concern"
    )
    assert verdict.test == "XmR of 12 weeks, rule 1: outside a limit"
    assert verdict.evidence["xmr"]["upper"] == pytest.approx(0.3532)
    # z alternates by 0.02 / sigma(200) = 0.6172: p-prime is the XmR chart where all denominators are alike
    assert verdict.evidence["p_prime"]["upper"] == pytest.approx(0.3532)
    assert (verdict.evidence["rules"], verdict.evidence["meaning"]) == ([1], "concern")
    assert ("special_cause", "failure_demand") in verdicts


def test_an_improvement_that_nobody_registered_is_said() -> None:
    verdicts = active(judged(of_weeks(*COSTS, money(20)), 13))
    assert set(verdicts) == {
        ("chart_signal", "cost_per_transaction"), ("unexplained_improvement", "cost_per_transaction")
    }  # fmt: skip
    assert (
        "3.3 half-widths below the mean 40 EUR" in verdicts[("unexplained_improvement", "cost_per_transaction")].words
    )


@pytest.mark.parametrize(
    ("change", "week", "is_told"),
    [
        (changed("cost_per_transaction", "down"), 12, False),
        (changed("cost_per_outcome", "down"), 11, False),
        (changed("cost_per_transaction", "up"), 12, True),
        (changed("delivery_time_p50", "down"), 12, True),
        (UNNAMED, 12, False),
        (UNNAMED, 8, False),
        (UNNAMED, 7, True),
    ],
)
def test_an_improvement_is_explained_by_a_registered_change_that_expects_it(
    change: Tally, week: int, is_told: bool
) -> None:
    tallied = of_weeks(*COSTS, money(20))
    tallied.week(week, change)
    assert (("unexplained_improvement", "cost_per_transaction") in active(judged(tallied, 13))) is is_told


def test_an_improvement_that_a_registered_change_explained_stays_explained_and_a_later_one_explains_nothing() -> None:
    better = [money(20 + way) for way in (1, -1) * 4]
    before, after = of_weeks(*COSTS, *better), of_weeks(*COSTS, *better)
    before.week(10, UNNAMED)
    after.week(15, UNNAMED)
    about = ("unexplained_improvement", "cost_per_transaction")
    for week in range(13, 21):
        assert about not in active(judged(before, week))
        assert active(judged(after, week))[about].since == at(12)


def test_faster_delivery_explains_more_promises_kept_and_re_bases_only_its_own_chart() -> None:
    #   slow and poor for 12 weeks, then a registered change in week 12, then good
    tallied = of_weeks(*alternating(12, lambda way: promise(120 + 4 * way, 200)), promise(120, 200), promise(198, 200))
    assert ("unexplained_improvement", "promise_kept") in active(judged(tallied, 14))
    tallied.week(12, changed("delivery_time_p50", "down"))
    verdicts = active(judged(tallied, 14))
    assert ("unexplained_improvement", "promise_kept") not in verdicts
    assert verdicts[("chart_signal", "promise_kept")].evidence["segment_start"] == "2025-01-06"


def test_a_registered_change_for_the_worse_explains_that_it_got_worse_in_its_week_and_the_next() -> None:
    tallied = of_weeks(*COSTS, money(50), money(60), money(61), money(60))
    tallied.week(12, changed("cost_per_transaction", "up"))
    for week in (13, 14, 15, 16):
        assert active(judged(tallied, week)) == {}
    tallied.week(16, money(90))
    assert ("special_cause", "cost_per_transaction") in active(judged(tallied, 17))


def test_a_registered_change_for_the_better_does_not_explain_that_it_got_worse() -> None:
    tallied = of_weeks(*COSTS, money(40), money(60))
    tallied.week(12, changed("cost_per_transaction", "down"))
    assert ("special_cause", "cost_per_transaction") in active(judged(tallied, 14))


def test_a_chart_is_re_based_at_the_first_whole_week_after_a_registered_change() -> None:
    #   weeks 0-11 at 40, the change in week 12, weeks 13 and 14 at 50
    tallied = of_weeks(*COSTS, money(47), money(49), money(51))
    tallied.week(12, changed("cost_per_transaction", "up"))
    (chart,) = (one for one in charts.charts(tallied.situation(15)) if one.indicator == "cost_per_transaction")
    assert [(point.segment, point.mixed) for point in chart.points[11:]] == [
        (0, False), (1, True), (1, False), (1, False)
    ]  # fmt: skip
    assert [point.figure.value for point in chart.segment] == [49, 51]
    assert chart.newest == judge_next([49, 51])
    assert chart.newest.trial


def test_changes_in_weeks_that_follow_each_other_begin_one_segment() -> None:
    tallied = of_weeks(*COSTS, money(47), money(48), money(49))
    for week in (12, 13):
        tallied.week(week, changed("cost_per_transaction", "up"))
    (chart,) = (one for one in charts.charts(tallied.situation(15)) if one.indicator == "cost_per_transaction")
    assert [(point.segment, point.mixed) for point in chart.points[11:]] == [
        (0, False), (1, True), (1, True), (1, False)
    ]  # fmt: skip


def test_the_week_of_the_change_and_a_gap_raise_no_rule() -> None:
    mixed = of_weeks(*COSTS, money(56))
    mixed.week(12, changed("cost_per_transaction", "up"))
    assert active(judged(mixed, 13)) == {}
    gap = of_weeks(*COSTS, money(56), {})
    verdicts = judged(gap, 14)
    assert active(verdicts) == {}
    assert {one.words for one in verdicts if one.about == "cost_per_transaction"} == {
        "cost_per_transaction: no comparable week to 2025-04-13 (no_data)"
    }


def test_a_silent_source_does_not_make_a_chart_cry() -> None:
    tallied = of_weeks(*COSTS)
    tallied.week(12, money(90), days=range(3))
    assert active(judged(tallied, 13)) == {}
    for day in range(3, 7):
        tallied.day(12, day, {c.OPENED: 1})
    assert ("special_cause", "cost_per_transaction") in active(judged(tallied, 13))


def test_seven_weeks_on_one_side_are_a_signal_once_and_no_ticket() -> None:
    tallied = of_weeks(*COSTS, money(39), *[money(42)] * 9)
    signals = {
        week: set(active(judged(tallied, week))) for week in range(13, 23) if active(judged(tallied, week))
    }  # fmt: skip
    assert signals == {20: {("chart_signal", "cost_per_transaction")}}
    verdict = active(judged(tallied, 20))[("chart_signal", "cost_per_transaction")]
    assert verdict.since == at(13)
    assert "7 in a row on one side of the mean (above); mean 40 EUR of 12 weeks; concern" in verdict.words


def test_trial_limits_are_said() -> None:
    verdict = active(judged(of_weeks(*COSTS[:9], money(60)), 10))[("chart_signal", "cost_per_transaction")]
    assert "of 10 weeks (trial limits)" in verdict.words
    assert verdict.evidence["trial"] is True


def test_neutral_figures_and_stocks_raise_no_ticket() -> None:
    neutral = of_weeks(*COSTS, money(90), service=with_improvement(cost_per_transaction="neutral"))
    assert {one.signal for one in judged(neutral, 13)} == {"chart_signal"}
    assert active(judged(neutral, 13))[("chart_signal", "cost_per_transaction")].evidence["meaning"] == "neutral"
    stock = of_weeks(*[{c.BACKLOG_ENTERED: 5 + 90 * (week == 12)} for week in range(13)])
    assert {one.signal for one in judged(stock, 13) if one.about == "backlog"} == {"chart_signal"}
    assert ("chart_signal", "backlog") in active(judged(stock, 13))


def test_what_is_never_told_has_no_chart() -> None:
    assert {one.about for one in judged(of_weeks(*COSTS), 12)} == {"cost_per_transaction"}
    assert judged(Tallied(), 12) == []


def test_the_chart_of_the_promise_says_whether_it_is_met_whatever_the_week_brings() -> None:
    service = msgspec.structs.replace(SERVICE, promise=Promise(words="soon", target_share=0.99))
    tallied = of_weeks(*alternating(12, lambda way: promise(180 + way, 200)), promise(120, 200), service=service)
    verdict = active(judged(tallied, 13))[("special_cause", "promise_kept")]
    assert verdict.evidence["assurance"] == "consistently fails"
    assert verdict.evidence["xmr"]["upper"] < 0.99


def test_every_verdict_is_of_a_known_kind_and_a_settled_service_raises_nothing() -> None:
    tallied = of_weeks(*(merged(*each) for each in zip(COSTS, KEPT, FAILURE, strict=True)))
    for week in range(2, 13):
        verdicts = judged(tallied, week)
        assert {one.signal for one in verdicts} == {"chart_signal", "special_cause", "unexplained_improvement"}
        assert {one.signal for one in verdicts} <= set(kinds.BY_NAME)
        assert active(verdicts) == {}
        assert len({one.key() for one in verdicts}) == len(verdicts) == 9
        assert all(one.words.endswith("nothing unusual") for one in verdicts)
