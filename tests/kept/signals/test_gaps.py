"""An area that is served worse: the exact test, what it takes to be told, and how rarely it is told of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept import counters as c
from kept.catalogue import parse_service
from kept.durations import DAY_MS
from kept.intake import Rules
from kept.signals.gaps import ALPHA, LEAST_GAP, LOOKS, MOST_AREAS, Cohort, fisher, judge
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Bucket, MergedTallies
from tests.kept.city import LIGHTS, City, event, ms, seconds
from tests.kept.tally_messages import message

AT = seconds("2024-07-15 10:00")


def tallied(areas: Mapping[str, tuple[int, int]], *, day: str = "2024-07-10 00:00", suppress: int = 5) -> Situation:
    """So many (due, kept) by area, all in the day that ends at `day`."""
    text = f"""
    id = "street-lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "1h"
    suppress_below = {suppress}
    [channels]
    unlisted = "accept"
    """
    rules = Rules(parse_service(text, "lights.toml"))
    tallies = MergedTallies({rules.service.id: rules.local_time})
    for name, (due, kept) in areas.items():
        counted = {c.DUE: due, c.DUE_KEPT: kept}
        tallies.apply(*message((rules.service.id, "area", name), Bucket(2, seconds(day)), counted))
    return Situation(tallies, rules, AT)


def verdicts(situation: Situation) -> dict[str, Verdict]:
    return {verdict.about.removeprefix("area="): verdict for verdict in judge(situation)}


def test_the_exact_test_of_a_tea_drinking_lady() -> None:
    # Of 8 cups she says 4 have milk first; no more than 1 right by chance: (1 + 16) / 70.
    assert fisher(Cohort(4, 1), Cohort(4, 3)) == pytest.approx(17 / 70)


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_the_exact_test_equals_counting_every_table(area: int, rest: int, data: st.DataObject) -> None:
    kept, others = data.draw(st.integers(0, area)), data.draw(st.integers(0, rest))
    total = kept + others
    tables = sum(comb(area, k) * comb(rest, total - k) for k in range(max(0, total - rest), kept + 1))
    counted = tables / comb(area + rest, total)
    assert fisher(Cohort(area, kept), Cohort(rest, others)) == pytest.approx(counted, rel=1e-9)


def test_an_area_served_much_worse_is_told_with_both_shares() -> None:
    seen = verdicts(tallied({"North": (200, 150), "South": (400, 380), "East": (400, 380)}))
    north = seen["North"]
    assert north.active
    assert (north.value, north.expected, north.cases) == (0.75, 0.95, 200)
    assert north.words == "Of 200 cases due here in 28 days 75.0% were kept, of 800 in the other areas 95.0%"
    assert not seen["South"].active and not seen["East"].active


def test_a_certain_gap_of_less_than_ten_points_is_not_told() -> None:
    seen = verdicts(tallied({"North": (20_000, 17_100), "South": (20_000, 19_000)}))["North"]
    assert seen.chance is not None and seen.chance < 1e-50
    assert not seen.active
    assert verdicts(tallied({"North": (20_000, 17_000), "South": (20_000, 19_000)}))["North"].active


def test_a_large_gap_that_chance_explains_is_not_told() -> None:
    seen = verdicts(tallied({"North": (10, 7), "South": (100, 95)}))["North"]
    assert seen.expected is not None and seen.value is not None
    assert seen.expected - seen.value > LEAST_GAP
    assert not seen.active


def test_a_few_cases_give_no_verdict_and_enter_no_number() -> None:
    with_few = tallied({"North": (200, 150), "South": (400, 380), "Harbour": (4, 0), "Empty": (0, 0)})
    seen = verdicts(with_few)
    assert set(seen) == {"North", "South"}
    assert seen["North"].evidence == verdicts(tallied({"North": (200, 150), "South": (400, 380)}))["North"].evidence
    assert "Harbour" in verdicts(tallied({"North": (200, 150), "Harbour": (4, 0)}, suppress=4))


def test_a_single_area_has_no_rest() -> None:
    assert verdicts(tallied({"North": (200, 100)})) == {}
    assert verdicts(tallied({"North": (200, 100), "Harbour": (4, 4)})) == {}


def test_only_the_largest_areas_are_judged() -> None:
    seen = verdicts(tallied({f"area {number:03}": (10 + number, 10) for number in range(MOST_AREAS + 20)}))
    assert len(seen) == MOST_AREAS
    assert min(seen) == "area 020"


def test_no_name_from_events_is_in_the_words() -> None:
    for verdict in verdicts(tallied({"<b>North</b>": (200, 100), "South": (400, 390)})).values():
        assert "North" not in verdict.words + verdict.test and "South" not in verdict.words + verdict.test


def test_what_falls_due_later_and_what_fell_due_long_ago_does_not_count() -> None:
    for day in ("2024-07-16 00:00", "2024-06-17 00:00"):
        assert verdicts(tallied({"North": (200, 100), "South": (400, 390)}, day=day)) == {}, day
    #  28 days before 15 July is 17 June: the window is widened to its beginning, so that the day of the 17th counts
    assert verdicts(tallied({"North": (200, 100), "South": (400, 390)}, day="2024-06-18 00:00"))["North"].active


def test_a_sudden_gap_shows_in_the_last_week_first() -> None:
    old = tallied({"North": (1000, 950), "South": (1000, 950)}, day="2024-06-25 00:00")
    for name, (due, kept) in {"North": (200, 150), "South": (200, 190)}.items():
        bucket = Bucket(2, seconds("2024-07-14 00:00"))
        old.tallies.apply(*message((LIGHTS.id, "area", name), bucket, {c.DUE: due, c.DUE_KEPT: kept}))
    north = verdicts(old)["North"]
    assert north.active
    assert north.evidence["window_days"] == 7


def test_a_pipeline_counts_the_hours_of_today_up_to_the_moment() -> None:
    city = City()
    lives = []
    for number in range(40):
        area, opened = ("North", "South")[number % 2], ms("2024-06-03 09:00") + number
        due = ms("2024-06-10 09:30" if number < 30 else "2024-06-10 10:30")
        lives.append(event("case.opened", opened, f"c{number}", area=area, due=due))
        if area == "South":
            lives.append(event("case.completed", opened + DAY_MS, f"c{number}", outcome="intended"))
    city.apply(sorted(lives, key=lambda one: one.time))
    city.tick("2024-06-10 11:00")
    north = verdicts(Situation(city.tallies, city.rules[LIGHTS.id], seconds("2024-06-10 10:00")))["North"]
    assert (north.cases, north.value, north.expected) == (15, 0.0, 1.0)
    assert north.active


def passing_four_weeks(a_day: int, share: float, level: float, periods: int) -> float:
    """How many of so many four weeks have a look at which any of six areas, all served alike, passes `level`.

    Looked at every hour, over both windows; the level is shared by areas and windows, and not by looks.
    """
    weights = np.array([3, 2, 2, 1.5, 1, 0.5]) / 10
    generator = np.random.default_rng(3)
    period = 28 * 24
    due = generator.poisson(a_day * weights / 24, size=(period * (periods + 1), len(weights)))
    kept = generator.binomial(due, share)
    passed: set[int] = set()
    for days in (28, 7):
        first = period - days * 24
        area_due, area_kept = (moving_sums(counts[first:], days * 24)[1:] for counts in (due, kept))
        all_due, all_kept = area_due.sum(1, keepdims=True), area_kept.sum(1, keepdims=True)
        rest_due, rest_kept = all_due - area_due, all_kept - area_kept
        pooled = all_kept / all_due
        spread = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(area_due, 1) + 1 / np.maximum(rest_due, 1)))
        gap = rest_kept / np.maximum(rest_due, 1) - area_kept / np.maximum(area_due, 1)
        for look, area in np.argwhere((area_due >= 5) & (gap > 2.3 * spread)):  # far below any level
            counted = [int(table[look, area]) for table in (area_due, area_kept, rest_due, rest_kept)]
            if fisher(Cohort(*counted[:2]), Cohort(*counted[2:])) < level / (2 * len(weights)):
                passed.add(int(look) // period)
    return len(passed) / periods


def moving_sums(counts: np.ndarray, length: int) -> np.ndarray:
    """Sums over so many successive rows."""
    sums = np.vstack([np.zeros((1, counts.shape[1]), dtype=int), counts.cumsum(0)])
    return np.asarray(sums[length:] - sums[:-length])


@pytest.mark.parametrize(("a_day", "share"), [(10, 0.9), (40, 0.9), (40, 0.7), (150, 0.9)])
def test_the_looks_of_four_weeks_are_paid_for_and_false_gaps_are_as_rare_as_stated(a_day: int, share: float) -> None:
    level = 0.005
    assert level < passing_four_weeks(a_day, share, level, 200) < LOOKS * level
    assert passing_four_weeks(a_day, share, ALPHA / LOOKS, 200) == 0
