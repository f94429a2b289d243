"""The weeks of the charts as the history keeps them: each as it was judged when it was the newest."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept import counters as c
from kept.catalogue import Promise
from kept.signals import charts
from kept.signals.chart_history import chart_weeks
from kept.signals.chart_weeks import ChartMark, ChartWeek
from kept.signals.p_prime import p_prime
from kept.signals.spc import xmr_limits
from kept.tallies import Tally, merged
from tests.kept.signals.test_charts import COSTS, FAILURE, of_weeks
from tests.kept.signals.weeks import SERVICE, Tallied, at, changed, contacts, money, promise

COST = "cost_per_transaction"
WEEKLY_COSTS = st.lists(
    st.none() | st.sampled_from([20, 38, 39, 40, 41, 42, 60]), min_size=1, max_size=30
)  # None: a week in which nothing was completed


def of_chart(tallied: Tallied, week: int, indicator: str = COST) -> list[ChartWeek]:
    return [one for one in chart_weeks(tallied.situation(week)) if one.indicator == indicator]


def limits(week: ChartWeek) -> tuple[float | None, ...]:
    return week.mean, week.lower, week.upper, week.near_lower, week.near_upper


def test_the_first_week_has_no_limits_the_next_ones_trial_limits_and_the_thirteenth_those_of_the_baseline() -> None:
    weeks = of_chart(of_weeks(*COSTS, money(41), money(70)), 14)
    assert limits(weeks[0]) == (None,) * 5
    assert [week.trial for week in weeks] == [False] + [True] * 10 + [False] * 3
    assert [week.baseline for week in weeks] == [0, *range(2, 12), 12, 12, 12]
    for place, week in enumerate(weeks[1:12], start=1):
        expected = xmr_limits([40 + (-1 if number % 2 else 1) for number in range(place + 1)])
        assert expected is not None
        assert limits(week) == pytest.approx(
            (expected.mean, expected.lower, expected.upper, expected.near_lower, expected.near_upper)
        )
    assert {limits(week) for week in weeks[11:]} == {limits(weeks[11])}
    assert limits(weeks[11])[:3] == pytest.approx((40, 34.68, 45.32))
    assert weeks[13].mark == ChartMark(rule=1, direction="up", meaning="concern", since=at(13))
    assert [week.mark for week in weeks[:13]] == [None] * 13


def test_a_week_has_its_span_its_figure_with_its_counts_and_its_unit() -> None:
    (week,) = of_chart(of_weeks(money(40)), 1)
    assert (week.week_start, week.week_end) == (at(0), at(1))
    assert (week.value, week.numerator, week.denominator, week.n, week.gap) == (40, 4000, 100, 100, None)
    assert (week.service, week.unit, week.better, week.segment, week.mixed) == ("lights", "EUR", "down", 0, False)
    assert (week.target, week.p_lower, week.p_upper) == (None, None, None)


def test_a_gap_has_its_reason_and_the_limits_of_the_week_before() -> None:
    weeks = of_chart(of_weeks(*COSTS, {}, money(40)), 14)
    assert (weeks[12].value, weeks[12].gap, weeks[12].n, weeks[12].mark) == (None, "no_data", None, None)
    assert limits(weeks[12]) == limits(weeks[11])
    assert weeks[13].gap is None


def test_a_registered_change_begins_a_segment_and_its_own_week_has_no_limits() -> None:
    tallied = of_weeks(*COSTS, money(70), money(49), money(51))
    tallied.week(12, changed(COST, "up"))
    weeks = of_chart(tallied, 15)
    assert [(week.segment, week.mixed) for week in weeks[11:]] == [(0, False), (1, True), (1, False), (1, False)]
    assert [limits(week)[0] for week in weeks[11:]] == [pytest.approx(40), None, None, 50]
    assert weeks[12].value == 70 and weeks[12].mark is None
    assert weeks[14].trial


def test_shares_have_p_prime_limits_for_the_cases_of_each_week() -> None:
    weeks = of_chart(of_weeks(*FAILURE, contacts(300, 700)), 13, "failure_demand")
    chart = p_prime([(60 + 2 * (-1 if number % 2 else 1), 200) for number in range(12)])
    assert chart is not None
    assert (weeks[0].p_lower, weeks[0].p_upper) == (None, None)
    for week, n in ((weeks[11], 200), (weeks[12], 1000)):
        assert (week.p_lower, week.p_upper) == (chart.limits(n).lower, chart.limits(n).upper)
    narrow, wide = weeks[12], weeks[11]
    assert narrow.p_upper is not None and wide.p_upper is not None and narrow.p_upper < wide.p_upper
    assert all(week.lower >= 0 for week in weeks[1:] if week.lower is not None)


def test_only_the_chart_of_the_promise_has_its_target() -> None:
    service = msgspec.structs.replace(SERVICE, promise=Promise(words="x", target_share=0.9))
    tallied = of_weeks(*(merged(promise(180, 200), money(40)) for _ in range(3)), service=service)
    targets = {week.indicator: week.target for week in chart_weeks(tallied.situation(3))}
    assert targets["promise_kept"] == 0.9
    assert {target for indicator, target in targets.items() if indicator != "promise_kept"} == {None}


def test_weeks_come_in_the_order_of_their_keys_each_once() -> None:
    tallied = of_weeks(*(merged(one, other) for one, other in zip(COSTS, FAILURE, strict=True)))
    keys = [week.key() for week in chart_weeks(tallied.situation(12))]
    assert keys == sorted(set(keys))
    assert {indicator for _, indicator, _ in keys} == {COST, "failure_demand"}


@settings(max_examples=60, deadline=None)
@given(costs=WEEKLY_COSTS, changes=st.sets(st.integers(0, 29), max_size=2))
def test_each_mark_is_what_the_signal_of_that_week_said(costs: list[int | None], changes: set[int]) -> None:
    tallied = Tallied()
    for number, cost in enumerate(costs):
        change: Tally = changed(COST, "up") if number in changes else {}
        tallied.week(number, merged({c.CONTACTS: 1} if cost is None else money(cost), change))
    for week in of_chart(tallied, len(costs)):
        number = round((week.week_end - at(0)) / (at(1) - at(0)))
        told = {
            verdict.about: verdict
            for verdict in charts.judge(tallied.situation(number))
            if verdict.signal == "chart_signal" and verdict.active
        }
        if week.mark is None:
            assert COST not in told
            continue
        verdict = told[COST]
        assert (week.mark.direction, week.mark.meaning) == (verdict.evidence["direction"], verdict.evidence["meaning"])
        assert week.mark.rule == verdict.evidence["rules"][0]
        assert (week.mark.since, week.week_end) == (verdict.since, verdict.completed_by)
        assert verdict.evidence["xmr"]["mean"] == week.mean
        assert (verdict.evidence["baseline_weeks"], verdict.evidence["trial"]) == (week.baseline, week.trial)


@settings(max_examples=20, deadline=None)
@given(costs=WEEKLY_COSTS)
def test_a_later_week_changes_nothing_of_an_earlier_one(costs: list[int | None]) -> None:
    tallied = of_weeks(*({c.CONTACTS: 1} if cost is None else money(cost) for cost in costs))
    everything = chart_weeks(tallied.situation(len(costs)))
    for number in range(len(costs)):
        known = {week.key(): week for week in chart_weeks(tallied.situation(number))}
        assert known == {week.key(): week for week in everything if week.key() in known}
        assert {week.key() for week in everything if week.week_end <= at(number)} == set(known) or not known
