"""Services as if each had its own mix of channels: expectations by hand, and a difference that is only one of mix."""

from __future__ import annotations

import pytest

from kept.comparison.mix import REST, by_mix, mix_of
from kept.signals.gaps import Cohort


def test_a_service_that_only_has_the_harder_channel_is_as_expected() -> None:
    #            web: 95 % of all kept      desk: 80 % of all kept
    services = {
        "north": {"web": Cohort(900, 855), "desk": Cohort(100, 80)},
        "south": {"web": Cohort(100, 95), "desk": Cohort(900, 720)},
    }
    north, south = by_mix(services)
    assert (north.name, south.name) == ("north", "south")
    assert (north.cohort.share, south.cohort.share) == (0.935, 0.815)
    for one in (north, south):
        assert one.expected_share == pytest.approx(one.cohort.share)
        assert one.ratio == pytest.approx(1)
        assert one.adjusted == pytest.approx(0.875)
        assert (one.place, one.shared) == ("within", 1.0)


def test_a_service_that_keeps_less_in_every_channel_is_found_behind_a_good_mix() -> None:
    services = {
        "north": {"web": Cohort(1800, 1620), "desk": Cohort(200, 130)},
        "south": {"web": Cohort(1000, 970), "desk": Cohort(3000, 2520)},
    }
    north, south = by_mix(services)
    assert north.cohort.share == 0.875 > south.cohort.share - 0.005
    # web: 2590 of 2800, desk: 2650 of 3200
    assert north.expected_share == pytest.approx((1800 * 2590 / 2800 + 200 * 2650 / 3200) / 2000)
    assert north.ratio == pytest.approx(1750 / (2000 * north.expected_share))
    assert north.adjusted == pytest.approx(north.ratio * 5240 / 6000)
    assert (north.place, south.place) == ("below_998", "above_998")


def test_a_channel_of_one_service_alone_tells_nothing_and_says_so() -> None:
    north, south = by_mix({"north": {"web": Cohort(100, 50)}, "south": {"desk": Cohort(100, 99)}})
    assert (north.shared, south.shared) == (0.0, 0.0)
    assert (north.place, north.ratio) == ("within", pytest.approx(1))


def test_nothing_due_is_left_out_and_nothing_kept_has_no_ratio() -> None:
    [north] = by_mix({"north": {"web": Cohort(100, 0)}, "south": {"web": Cohort(0, 0)}})
    assert (north.ratio, north.adjusted, north.place) == (None, 0.0, "within")


def test_what_may_not_be_shown_is_one_channel_of_the_rest() -> None:
    mix = mix_of({"web": Cohort(100, 90)}, Cohort(107, 95))
    assert mix == {"web": Cohort(100, 90), REST: Cohort(7, 5)}
    assert mix_of({"web": Cohort(100, 90)}, Cohort(100, 90)) == {"web": Cohort(100, 90)}


def test_of_a_whole_of_another_window_there_is_no_rest() -> None:
    assert mix_of({"web": Cohort(100, 90)}, None) == {"web": Cohort(100, 90)}
