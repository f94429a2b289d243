"""What `judge` says of a promise, from tallies alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept import counters as c
from kept.intake import Rules
from kept.signals import promises
from kept.signals.budgets import plan
from kept.signals.due_cohort import DueCohort
from kept.signals.hourly_counts import HourlyCounts
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Bucket, MergedTallies, Tally
from tests.kept.signals.budget_simulation import DueCases, any_fires
from tests.kept.signals.due_stream import START, due, moment, service, situation, tallies_of
from tests.kept.tally_messages import message

DAY = 24
FOUR_WEEKS = 28 * DAY


def steady(hours: int, cases: int, missed_of_each: int = 0) -> dict[int, Tally]:
    """Every hour so many cases fall due, and so many of them are missed."""
    return {hour: due(cases, missed_of_each) for hour in range(1, hours + 1)}


def verdicts(found: Situation) -> dict[str, Verdict]:
    return {verdict.signal: verdict for verdict in promises.judge(found)}


def test_a_service_without_promise_is_not_judged() -> None:
    assert verdicts(situation(steady(FOUR_WEEKS, 4, 4), FOUR_WEEKS, service(None))) == {}


def test_a_service_of_which_nothing_ever_fell_due_is_not_judged() -> None:
    for target in (0.9, 1.0):
        assert verdicts(situation({1: {c.OPENED: 5}}, FOUR_WEEKS, service(target))) == {}


def test_a_promise_that_falls_due_later_is_not_judged_yet() -> None:
    for target in (0.9, 1.0):
        assert verdicts(situation({FOUR_WEEKS + 1: due(5, 5)}, FOUR_WEEKS, service(target))) == {}


def test_a_kept_promise_is_told_with_its_numbers() -> None:
    told = verdicts(situation(steady(FOUR_WEEKS, 10, 1), FOUR_WEEKS, service(0.9)))
    fast, slow = told["promise_budget_fast"], told["promise_budget_slow"]
    assert (fast.active, fast.since, fast.value, fast.expected, fast.cases) == (False, None, 0.9, 0.9, 240)
    assert fast.words == "216 of 240 promises due in the last 24 h were kept (90 %, promised 90 %)"
    assert (slow.active, slow.cases) == (False, 1680)


def test_a_day_of_misses_pages_and_says_since_when_how_sure_and_how_long_the_budget_lasts() -> None:
    """
    |--- four weeks: 1 of 10 missed every hour ---|-- 12 hours: 6 of 10 --|
                                                  since                   at
    """
    at = FOUR_WEEKS + 12
    rows = steady(FOUR_WEEKS, 10, 1) | {FOUR_WEEKS + hour: due(10, 6) for hour in range(1, 13)}
    fast = verdicts(situation(rows, at, service(0.9)))["promise_budget_fast"]
    assert (fast.active, fast.cases, fast.value) == (True, 240, pytest.approx(1 - 84 / 240))
    assert fast.since == moment(FOUR_WEEKS)
    assert fast.chance is not None
    assert 0 < fast.chance < 1e-20
    assert fast.words == (
        "156 of 240 promises due in the last 24 h were kept (65 %, promised 90 %): the four weeks' budget would be "
        f"gone in 8 days; chance {fast.chance:.1g} if all were well"
    )
    assert fast.evidence["windows"][0]["long"] == {"hours": 24, "cases": 240, "missed": 84, "burn": 3.5}
    assert fast.evidence["windows"][0]["short"] == {"hours": 2, "cases": 20, "missed": 12, "burn": 6.0}
    assert [window["fired"] for window in fast.evidence["windows"]] == [True, False]
    assert fast.test.startswith("exact binomial, alpha ")


def test_what_is_over_ends_the_signal_though_the_long_window_still_holds_it() -> None:
    """
    |--- well ---|-- 12 hours of misses --|-- 3 hours well --|
                                                             at
    """
    rows = steady(FOUR_WEEKS, 10, 1) | {FOUR_WEEKS + hour: due(10, 6) for hour in range(1, 13)}
    rows |= {FOUR_WEEKS + 12 + hour: due(10, 1) for hour in range(1, 4)}
    ended = situation(rows, FOUR_WEEKS + 15, service(0.9))
    fast = verdicts(ended)["promise_budget_fast"]
    assert not fast.active
    assert fast.chance is not None
    assert fast.chance < 1e-9
    assert verdicts(ended)["promise_budget_slow"].active
    rows |= {FOUR_WEEKS + 12 + hour: due(10, 0) for hour in range(1, 28)}
    assert not verdicts(situation(rows, FOUR_WEEKS + 12 + 27, service(0.9)))["promise_budget_slow"].active


def test_a_night_without_due_cases_does_not_end_a_signal_nor_begin_one() -> None:
    """The short window reaches back until it holds enough cases to tell."""
    office = {hour: due(12, 1) for hour in range(1, FOUR_WEEKS + 1) if 9 <= hour % 24 < 17}
    bad = office | {FOUR_WEEKS - 24 + hour: due(12, 8) for hour in range(9, 17)}
    recovered = bad | {FOUR_WEEKS - 24 + hour: due(12, 0) for hour in range(14, 17)}
    for rows, active in ((bad, [True, True, True]), (recovered, [True, False, False])):
        by_night = [
            verdicts(situation(rows, FOUR_WEEKS - 24 + hour, service(0.9)))["promise_budget_fast"].active
            for hour in (17, 20, 23)
        ]
        assert by_night == active


def test_an_open_case_past_its_due_is_as_bad_as_one_completed_late() -> None:
    rows = steady(FOUR_WEEKS, 10) | {FOUR_WEEKS + hour: {c.DUE: 10} for hour in range(1, 25)}
    fast = verdicts(situation(rows, FOUR_WEEKS + 24, service(0.9)))["promise_budget_fast"]
    assert (fast.active, fast.value) == (True, 0.0)


@pytest.mark.parametrize(("day", "judged"), [(6, []), (7, ["fast", "slow"]), (13, ["fast", "slow"])])
def test_a_young_service_is_judged_when_a_week_of_its_promises_fell_due(day: int, judged: list[str]) -> None:
    found = verdicts(situation(steady(day * DAY, 10, 10), day * DAY, service(0.9)))
    assert sorted(found) == [f"promise_budget_{name}" for name in judged]


def test_a_window_is_judged_only_when_promises_fell_due_in_all_of_it() -> None:
    slow = verdicts(situation(steady(13 * DAY, 10), 13 * DAY, service(0.9)))["promise_budget_slow"]
    assert [window["long"]["hours"] for window in slow.evidence["windows"]] == [7 * DAY]
    slow = verdicts(situation(steady(14 * DAY, 10), 14 * DAY, service(0.9)))["promise_budget_slow"]
    assert [window["long"]["hours"] for window in slow.evidence["windows"]] == [7 * DAY, 14 * DAY]


def test_a_service_with_too_few_cases_gets_no_verdict_rather_than_one_that_can_never_fire() -> None:
    rows = {day * DAY: due(1, 1) for day in range(1, 29)}
    assert verdicts(situation(rows, FOUR_WEEKS, service(0.99))) == {}


def test_the_expected_volume_stays_for_the_day_and_has_two_digits() -> None:
    rows = steady(FOUR_WEEKS + DAY, 3)
    seen = {DueCohort(situation(rows, FOUR_WEEKS + hour, service())).cases_a_year(28) for hour in (0, 1, 12, 23)}
    assert seen == {26_000.0}


def test_the_quarter_is_estimated_and_told_as_a_quarter() -> None:
    rows = steady(FOUR_WEEKS, 10, 1) | {FOUR_WEEKS + hour: due(10, 7) for hour in range(1, 25)}
    fast = verdicts(situation(rows, FOUR_WEEKS + 24, service(0.9, period="91d")))["promise_budget_fast"]
    assert fast.active
    assert "the quarter's budget would be gone in 13 days" in fast.words
    assert fast.evidence["period"] == "91d"


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.75, 0.9, 0.95]),
    st.sampled_from([0.08, 0.5, 3.0, 20.0]),
    st.sampled_from([1.0, 1.5, 3.0]),
)
def test_the_simulation_says_the_same_as_the_tallies_hour_by_hour(
    seed: int, target: float, cases_an_hour: float, burn: float
) -> None:
    hours = 35 * DAY
    random = np.random.default_rng(seed)
    n = random.poisson(cases_an_hour, hours)
    n[0] += 1  # so that the first day of dues is known
    bad = random.binomial(n, np.where(np.arange(hours) < 30 * DAY, 1 - target, min(1.0, (1 - target) * burn)))
    of = service(target)
    rows = {hour + 1: due(int(n[hour]), int(bad[hour])) for hour in range(hours) if n[hour]}
    merged = tallies_of(rows, of)
    cases = DueCases(n[np.newaxis], bad[np.newaxis])
    for at in range(29 * DAY, hours, 7):
        found = verdicts(Situation(merged, Rules(of), moment(at)))
        for signal, verdict in found.items():
            planned = plan(target, verdict.evidence["expected_cases_a_year"])
            rules = [rule for rule in planned.rules if rule.signal == signal]
            assert len(rules) == len(verdict.evidence["windows"])
            until_now = DueCases(cases.n[:, :at], cases.bad[:, :at])
            assert verdict.active == bool(any_fires(rules, until_now)[0, -1]), (at, signal, verdict)


@st.composite
def buckets(draw: st.DrawFn) -> dict[Bucket, Tally]:
    """Buckets of 5 minutes in the last two days and to come, hours before, and days behind 90 days."""
    tally = st.fixed_dictionaries({c.DUE: st.integers(1, 9), c.DUE_KEPT: st.integers(0, 9)})
    fine = st.builds(lambda step: Bucket(0, START + 100 * 86400 + step * 300), st.integers(-500, 900))
    hourly = st.builds(lambda hour: Bucket(1, moment(100 * DAY + hour)), st.integers(-85 * DAY, -47))
    daily = st.builds(lambda day: Bucket(2, moment(day * DAY)), st.integers(1, 9))
    return draw(st.dictionaries(st.one_of(fine, hourly, daily), tally, max_size=30))


@settings(max_examples=150)
@given(buckets(), st.integers(0, 60), st.integers(1, 95 * DAY))
def test_counts_by_the_hour_are_those_of_the_views(held: dict[Bucket, Tally], later: int, hours: int) -> None:
    of = service()
    merged = MergedTallies({of.id: Rules(of).local_time})
    for bucket, tally in held.items():
        merged.apply(*message((of.id, "", ""), bucket, tally))
    found = Situation(merged, Rules(of), moment(100 * DAY + later))
    view = found.whole.view(f"{hours}h")
    counts = HourlyCounts(found, (c.DUE, c.DUE_KEPT))
    far = found.at - hours * 3600
    for counter in (c.DUE, c.DUE_KEPT):
        assert counts.count(counter, far, found.at) == view.count(counter)
    inside = counts.hours(far, found.at)
    assert inside == sorted(inside)
    by_hour = [counts.count(c.DUE, end - 1, end) for end in inside]
    assert sum(by_hour) == view.count(c.DUE)


def overdue(entered: int = 0, left: int = 0) -> Tally:
    """Cases that become overdue in the hour (and fell due in it), and others that are completed."""
    return {c.OVERDUE_ENTERED: entered, c.OVERDUE_LEFT: left, c.DUE: entered}


def test_where_every_case_was_promised_each_breach_counts_until_it_is_completed() -> None:
    of = service(1.0)
    rows = steady(10 * DAY, 1) | {200: overdue(1), 230: {c.OVERDUE_LEFT: 1}}
    before, during, after = (verdicts(situation(rows, at, of)) for at in (199, 201, 231))
    assert [told["promise_breached"].active for told in (before, during, after)] == [False, True, False]
    breach = during["promise_breached"]
    assert (breach.since, breach.cases, breach.expected) == (moment(200), 1, 0.0)
    assert breach.words == (
        "1 open cases are past their promised time, 1 of 24 due in the last 24 h were missed; none may be"
    )


def test_a_breach_that_was_completed_late_within_the_hour_counts_for_a_day() -> None:
    of = service(1.0)
    rows = steady(10 * DAY, 1) | {200: overdue(1, 1)}
    assert verdicts(situation(rows, 200 + 23, of))["promise_breached"].active
    assert not verdicts(situation(rows, 200 + 24, of))["promise_breached"].active


@pytest.mark.parametrize(("hours_later", "old"), [(71, False), (72, True), (73, True)])
def test_a_breach_that_stays_open_for_three_days_pages(hours_later: int, old: bool) -> None:
    of = service(1.0)
    rows = {1: due(1, 0), 200: overdue(1)}
    told = verdicts(situation(rows, 200 + hours_later, of))["promise_breach_old"]
    assert (told.active, told.since) == (old, moment(200) if old else None)


def test_new_breaches_each_day_that_are_all_worked_off_never_page() -> None:
    of = service(1.0)
    rows = {hour: overdue(1, 1 if hour > 30 else 0) for hour in range(1, 500)}
    told = verdicts(situation(rows, 499, of))
    assert told["promise_breached"].active
    assert not told["promise_breach_old"].active


def test_no_verdict_holds_a_number_that_json_cannot() -> None:
    for rows in (steady(FOUR_WEEKS, 10, 10), {**steady(8 * DAY, 10), FOUR_WEEKS: due(1, 1)}):
        for verdict in verdicts(situation(rows, FOUR_WEEKS, service(0.9))).values():
            assert verdict.chance is not None
            assert math.isfinite(verdict.chance)
            assert verdict.value is None or math.isfinite(verdict.value)
