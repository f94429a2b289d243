"""A batch is summed at once: whatever it is told, it gives the sums that one addition after the other gives."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from kept.buckets import FIVE_MINUTES, HOUR, STEP_MS, STEP_SECONDS, LocalTime
from kept.counters import CLOSED_TIME, DUE, FAMILY_SIZE, OPENED, WHOLE_ONLY
from kept.tally_batch import NO_SERIES, TallyBatch
from kept.target_margins import MARGIN

LOCAL = LocalTime(ZoneInfo("Asia/Kathmandu"))
"""Its hours begin at a quarter to."""
YEAR_MS = 365 * 86_400_000
times = st.one_of(st.integers(0, 4 * STEP_MS), st.integers(10 * YEAR_MS, 10 * YEAR_MS + 4 * STEP_MS))
counters = st.sampled_from([OPENED, DUE, CLOSED_TIME + 3, CLOSED_TIME + 4, MARGIN + 1])
entries = st.lists(st.tuples(times, counters, st.integers(-2, 2)), max_size=5)
series = st.tuples(st.integers(0, 1), *(st.integers(2, 4) | st.just(NO_SERIES),) * 3)
contributions = st.lists(st.tuples(series, entries, st.sampled_from([1, -1])), max_size=6)


@given(contributions)
@example([])
@example([((0, 2, 3, 4), [(0, OPENED, 1), (1, OPENED, -1)], 1)])  # nothing is left
def test_a_batch_gives_the_sums_of_its_entries(
    told: list[tuple[tuple[int, ...], list[tuple[int, int, int]], int]],
) -> None:
    batch = TallyBatch(LOCAL)
    expected: Counter[tuple[int, int, int, int]] = Counter()
    for numbers, counted, sign in told:
        batch.add(numbers, counted, sign)
        for time_ms, counter, amount in counted:
            step = -(-time_ms // STEP_MS) * STEP_SECONDS
            hour = LOCAL.ends(step)[0]
            whole = (FIVE_MINUTES, step) if counter < FAMILY_SIZE else (HOUR, hour)
            expected[numbers[0], *whole, counter] += sign * amount
            for number in numbers[1:]:
                if number != NO_SERIES and counter < WHOLE_ONLY:
                    expected[number, HOUR, hour, counter] += sign * amount
    found = list(batch.take())
    assert [number for number, *_ in found] == sorted(number for number, *_ in found)
    assert len({bucket[:3] for bucket in found}) == len(found)
    assert {
        (number, size, end, counter): amount
        for number, size, end, kinds, amounts in found
        for counter, amount in zip(kinds, amounts, strict=True)
    } == {place: amount for place, amount in expected.items() if amount}
    assert list(batch.take()) == []
