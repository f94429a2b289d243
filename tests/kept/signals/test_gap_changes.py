"""A gap that is another one than before: what it takes to be told, of whom, and how rarely it is told of nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scipy.special import stdtr

from kept import counters as c
from kept.buckets import DAY
from kept.catalogue import parse_service
from kept.signals.gap_changes import (
    BEFORE_WEEKS,
    LEAST_BEFORE,
    LEAST_CHANGE,
    RECENT_WEEKS,
    Series,
    changes,
    judge,
)
from kept.signals.gaps import Cohort
from kept.signals.kinds import BY_NAME
from kept.signals.verdict import Verdict
from kept.tallies import Bucket
from tests.kept.signals.gap_simulation import QUIET, WIDENING, Quiet, Widening, false_changes, weeks_until_found
from tests.kept.signals.weeks import Tallied, at
from tests.kept.tally_messages import message

SERVICE = parse_service(
    """
    id = "lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "10d"
    [channels]
    unlisted = "accept"
    [promise]
    words = "Soon"
    target_share = 0.9
    target_time = "1d"
    """,
    "lights.toml",
)
FIRST = 2
"""The first week that counts: before it cases from before the beginning are still under way."""
WEEKS = FIRST + BEFORE_WEEKS + RECENT_WEEKS
Weekly = Callable[[int], tuple[int, int]]


def steady(due: int, kept: int) -> Weekly:
    """So many due and kept in every week."""
    return lambda week: (due, kept)


def falls(due: int, kept: int, after: int, week: int = WEEKS - RECENT_WEEKS) -> Weekly:
    """From `kept` to `after` in that week."""
    return lambda now: (due, after if now >= week else kept)


def verdicts(areas: dict[str, Weekly], *, weeks: int = WEEKS, dimension: str = "area") -> dict[str, Verdict]:
    """Verdicts by `about`, as of the end of the last week."""
    tallied = Tallied(SERVICE)
    for week in range(weeks):
        tallied.week(week, {})
        for name, weekly in areas.items():
            due, kept = weekly(week)
            bucket = Bucket(DAY, at(week, 3))
            counted = {c.DUE: due, c.DUE_KEPT: kept}
            tallied.tallies.apply(*message((SERVICE.id, dimension, name), bucket, counted))
    return {verdict.about: verdict for verdict in judge(tallied.situation(weeks))}


def series(**areas: list[tuple[int, int]]) -> list[Series]:
    """(due, kept) by week."""
    return [Series(name, tuple(Cohort(*week) for week in weeks)) for name, weeks in areas.items()]


OTHERS = {"South": steady(200, 180), "East": steady(200, 180)}


def test_an_area_that_falls_back_is_told_with_both_gaps_and_nobody_else_is() -> None:
    seen = verdicts({"North": falls(100, 90, 60), **OTHERS})
    north = seen["area=North"]
    assert north.active and north.signal == "gap_changed"
    assert (north.value, north.expected, north.cases) == (pytest.approx(0.3), pytest.approx(0.0), 400)
    assert north.since == at(WEEKS - RECENT_WEEKS)
    assert north.words == (
        "Of 400 cases due here in the last 4 whole weeks 60.0% were kept, of 1,600 elsewhere 90.0%; in the 26 weeks "
        "before it was 90.0% here and 90.0% elsewhere"
    )
    assert north.evidence["recent"] == {"due": 400, "kept": 240}
    assert north.evidence["before_rest"] == {"due": 26 * 400, "kept": 26 * 360}
    assert [about for about, verdict in seen.items() if verdict.active] == ["area=North"]


def test_a_gap_that_has_always_been_there_is_not_told_and_one_that_closes_is() -> None:
    assert not any(one.active for one in verdicts({"North": steady(100, 60), **OTHERS}).values())
    closing = verdicts({"North": falls(100, 60, 90), **OTHERS})["area=North"]
    assert closing.active
    assert (closing.value, closing.expected) == (pytest.approx(0.0), pytest.approx(0.3))


def test_what_all_areas_do_together_is_no_change_of_a_gap() -> None:
    together = {name: falls(200, 180, 120) for name in ("North", "South", "East")}
    assert not any(one.active for one in verdicts(together).values())


def test_a_certain_change_of_less_than_five_points_is_not_told() -> None:
    big = {"South": steady(20_000, 18_000), "East": steady(20_000, 18_000)}
    just_less = verdicts({"North": falls(20_000, 18_000, 17_040), **big})["area=North"]
    assert just_less.chance is not None and just_less.chance < 1e-9
    assert not just_less.active
    just = verdicts({"North": falls(20_000, 18_000, 18_000 - round(20_000 * LEAST_CHANGE)), **big})["area=North"]
    assert just.active


def test_a_large_change_that_chance_explains_is_not_told() -> None:
    seen = verdicts({"North": falls(10, 9, 7), **OTHERS})["area=North"]
    assert seen.value is not None and seen.value > LEAST_CHANGE
    assert not seen.active


def test_channels_are_judged_too_and_two_of_them_are_one_gap() -> None:
    seen = verdicts({"Web": steady(200, 180), "Phone": falls(100, 90, 60)}, dimension="channel")
    assert [(about, one.active) for about, one in seen.items()] == [("channel=Phone", True)]
    quiet = verdicts({"Web": steady(200, 180), "Phone": steady(100, 90)}, dimension="channel")
    assert [(about, one.active) for about, one in quiet.items()] == [("channel=Phone", False)]


def test_weeks_too_few_cases_too_few_and_a_single_area_give_no_verdict() -> None:
    fallen = {"North": falls(100, 90, 60), **OTHERS}
    enough = FIRST + LEAST_BEFORE + RECENT_WEEKS
    assert verdicts(fallen, weeks=enough) != {}
    assert verdicts(fallen, weeks=enough - 2) == {}
    assert verdicts({"North": falls(100, 90, 60)}) == {}
    assert "area=Hamlet" not in verdicts({"Hamlet": steady(1, 0), **OTHERS})


def test_no_name_from_events_is_in_the_words() -> None:
    for verdict in verdicts({"<b>North</b>": falls(100, 90, 60), **OTHERS}).values():
        assert "North" not in verdict.words + verdict.test and "South" not in verdict.words + verdict.test


def test_the_chance_by_hand() -> None:
    # No week differs from another, so that only the binomial counts: dispersion 1, 11 degrees of freedom.
    north = [(50, 45)] * 12 + [(50, 30)] * 4
    found = changes(series(North=north, South=[(50, 45)] * 16), 12, 0.01)[0]
    smoothed = [(n, (k + 1) / (n + 2)) for n, k in ((600, 540), (600, 540), (200, 120), (200, 180))]
    error = sum(share * (1 - share) / (n + 2) for n, share in smoothed) ** 0.5
    assert found.change.dispersion == 1.0
    assert found.change.chance == pytest.approx(2 * stdtr(11, -0.3 / error))


def test_gaps_that_go_up_and_down_by_themselves_widen_what_counts_as_usual() -> None:
    restless = [(50, 50) if week % 2 else (50, 40) for week in range(12)]
    calm = [(50, 45)] * 12
    after, south = [(50, 33)] * 4, [(500, 450)] * 16
    loud, quiet = (changes(series(North=before + after, South=south), 12, 0.01)[0] for before in (restless, calm))
    assert loud.change.gap == quiet.change.gap and loud.change.gap_before == quiet.change.gap_before
    assert loud.change.dispersion > 2 > quiet.change.dispersion == 1.0
    assert loud.change.chance > 100 * quiet.change.chance


@pytest.mark.parametrize("kind", QUIET, ids=lambda kind: kind.name)
def test_false_changes_are_as_rare_as_stated(kind: Quiet) -> None:
    stated = BY_NAME["gap_changed"].false_alarms_per_service_year
    assert stated is not None
    assert false_changes(kind, years=15, seed=2) <= stated


def test_an_injected_gap_is_found_the_sooner_the_larger_it_is() -> None:
    assert WIDENING[0] == Widening(100, 10, 1)
    at_once, slowly = (weeks_until_found(Widening(1000, 20, over), times=20, seed=4) for over in (1, 8))
    assert all(week is not None and week <= 4 for week in at_once)
    assert all(week is not None and week <= 10 for week in slowly)
    assert sum(week or 99 for week in at_once) < sum(week or 99 for week in slowly)
