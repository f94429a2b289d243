from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.marks import Accounts, Mark
from kept.published_time import now, replay_end


def marks(*watermarks: int | None, idle: tuple[int, ...] = (), ticks: tuple[int | None, ...] = ()) -> dict[int, Mark]:
    """One mark a partition; watermarks and ticks in seconds."""
    padded = [*ticks, *[None] * (len(watermarks) - len(ticks))]
    return {
        number: Mark(
            number, 0, None if at is None else at * 1000, Accounts(),
            tick=None if tick is None else tick * 1000, idle=number in idle,
        )
        for number, (at, tick) in enumerate(zip(watermarks, padded, strict=True))
    }  # fmt: skip


def test_the_slowest_partition_decides_rounded_down_to_five_minutes() -> None:
    assert now(marks(3600, 1799, 7200), 3) == 1500


def test_a_watermark_on_a_whole_five_minutes_is_reached() -> None:
    assert now(marks(600), 1) == 600


def test_nothing_is_published_before_every_partition_has_spoken() -> None:
    assert now(marks(3600, 3600), 3) is None
    assert now({}, 1) is None


def test_a_partition_that_has_something_to_read_and_no_event_yet_holds_back_the_rest() -> None:
    assert now(marks(3600, None), 2) is None


def test_an_idle_partition_holds_nothing_back() -> None:
    assert now(marks(3600, 300, idle=(1,)), 2) == 3600
    assert now(marks(3600, None, idle=(1,)), 2) == 3600


def test_nothing_is_published_while_a_partition_is_so_far_ahead_that_it_has_joined_the_buckets_of_that_moment() -> None:
    day = 86_400
    ahead = {number: msgspec.structs.replace(mark, compacted=mark.watermark) for number, mark in marks(0, day).items()}
    assert now(ahead, 2) == 0
    further = {
        number: msgspec.structs.replace(mark, compacted=mark.watermark) for number, mark in marks(0, day + 1).items()
    }
    assert now(further, 2) is None
    not_yet_joined = marks(0, day + 1)
    assert now(not_yet_joined, 2) == 0


def test_when_all_are_idle_the_furthest_decides() -> None:
    assert now(marks(3600, 300, None, idle=(0, 1, 2)), 3) == 3600


def test_when_all_are_idle_and_none_had_an_event_there_is_no_time() -> None:
    assert now(marks(None, None, idle=(0, 1)), 2) is None


def test_the_moment_of_a_tick_is_not_reached_while_an_idle_partition_has_not_seen_the_tick() -> None:
    #  partition 0:  ... events ... tick 900
    #  partition 1:  idle, its last events and its tick are still to be counted
    assert now(marks(900, 700, idle=(1,), ticks=(900, None)), 2) == 600
    assert now(marks(900, None, idle=(1,), ticks=(900, None)), 2) == 600
    assert now(marks(900, 900, idle=(1,), ticks=(900, 600)), 2) == 600
    assert now(marks(900, 900, idle=(1,), ticks=(900, 900)), 2) == 900
    # What goes on behind a tick is no end of a replay.
    assert now(marks(1500, 700, idle=(1,), ticks=(900, None)), 2) == 1500


def test_in_a_replay_an_event_at_a_moment_does_not_reach_it_since_others_may_follow() -> None:
    assert now(marks(900, 900), 2, replay=True) == 600
    assert now(marks(900, 900, idle=(0, 1)), 2, replay=True) == 600
    assert now(marks(901, 950), 2, replay=True) == 900
    assert now(marks(900, 900, ticks=(900, None)), 2, replay=True) == 600
    assert now(marks(900, 900, ticks=(900, 900)), 2, replay=True) == 900


def test_times_before_1970_are_rounded_down_too() -> None:
    assert now(marks(-1), 1) == -300


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8))
def test_the_published_moment_is_a_whole_five_minutes_that_every_partition_has_reached(watermarks: list[int]) -> None:
    moment = now(marks(*watermarks), len(watermarks))
    assert moment is not None
    assert moment % 300 == 0
    assert min(watermarks) - 300 < moment <= min(watermarks)


@pytest.mark.parametrize(
    ("ticks", "end"), [((900, 900), 900), ((900, None), None), ((None, None), None), ((1000, 900), 900)]
)
def test_a_replay_ends_when_every_partition_has_its_tick(ticks: tuple[int | None, ...], end: int | None) -> None:
    assert replay_end(marks(1000, 1000, ticks=ticks), 2) == end
