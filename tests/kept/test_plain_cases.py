"""A batch of plain cases counts what one contribution after the other would have counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kept import counters as c
from kept.cases import ELAPSED_TIME, ElapsedTime, contribution
from kept.facts import Completed, Facts, Opened, Reopened
from kept.plain_cases import PlainCases, is_plain
from tests.kept.city import ms

START = ms("2024-06-03 09:00")
SERIES = (7, 2, -1, 5)
KINDS = [None, *c.COMPLETED_BY_KIND, *c.COMPLETED_BY_KIND.values()]
OUTCOMES = [number for number in c.OUTCOME_INDEX.values() if number != c.WITHDRAWN_INDEX]
Entries = Counter[tuple[int, int]]


def opened(promised: int | None = 1000, kind: int | str | None = None, excess: int = 0) -> Opened:
    due = None if promised is None else START + promised
    return Opened(START, 1, None, "North", None, kind, due, excess)


def completed(after_ms: int = 500, outcome: int = 0) -> Completed:
    return Completed(START + after_ms, 2, outcome)


def summed(entries: Iterable[tuple[int, int, int]], sign: int = 1) -> Entries:
    found: Entries = Counter()
    for time_ms, counter, amount in entries:
        found[time_ms, counter] += sign * amount
    return found


def told(*cases: Facts) -> Entries:
    """What the batch counts, which is the same in each of its series."""
    plain = PlainCases(len(SERIES))
    for facts in cases:
        plain.add(SERIES, facts)
    found: Entries = Counter()
    for rows in plain.take():
        assert np.array_equal(np.unique(rows.series, axis=0), [SERIES])
        assert rows.amounts.all()
        found.update(summed(zip(rows.times.tolist(), rows.counters.tolist(), rows.amounts.tolist(), strict=True)))
    assert plain.take() == []
    return found


def nonzero(entries: Entries) -> dict[tuple[int, int], int]:
    return {place: amount for place, amount in entries.items() if amount}


def change(before: Facts | None, after: Facts) -> Entries:
    found = summed(contribution(after).entries)
    if before is not None:
        found.update(summed(contribution(before).entries, -1))
    return found


@given(promised=st.integers(1, 10**11))
@example(promised=1)
@example(promised=5)
def test_an_opening_counts_what_its_contribution_counts(promised: int) -> None:
    facts = (opened(promised),)
    assert is_plain(None, facts, ELAPSED_TIME)
    assert nonzero(told(facts)) == nonzero(change(None, facts))


@given(
    promised=st.integers(1, 10**11),
    share=st.fractions(0, 3),
    off=st.integers(-2, 2),
    outcome=st.sampled_from(OUTCOMES),
    kind=st.sampled_from(KINDS),
)
@example(promised=1000, share=0, off=0, outcome=0, kind=None)
@example(promised=1000, share=1, off=0, outcome=0, kind="digital")
@example(promised=1000, share=1, off=1, outcome=0, kind="assisted")
def test_a_completion_counts_the_difference_of_contributions(
    promised: int, share: float, off: int, outcome: int, kind: str | None
) -> None:
    case = opened(promised, kind)
    after = (case, completed(max(0, int(promised * share) + off), outcome))
    assert is_plain((case,), after, ELAPSED_TIME)
    assert nonzero(told(after)) == nonzero(change((case,), after))


@pytest.mark.parametrize("at", [800, 801, 802, 999, 1000, 1001])
def test_around_the_moment_at_which_a_case_is_at_risk_and_around_its_due(at: int) -> None:
    after = (opened(1000), completed(at))
    assert nonzero(told(after)) == nonzero(change(after[:1], after))


def test_many_cases_are_counted_as_one_after_the_other() -> None:
    cases: list[Facts] = [(opened(1000 + n),) for n in range(50)]
    closed: list[Facts] = [(*facts, completed(20 * n, n % 3)) for n, facts in enumerate(cases)]
    one_by_one: Entries = Counter()
    for before, after in [*((None, facts) for facts in cases), *zip(cases, closed, strict=True)]:
        one_by_one.update(change(before, after))
    assert nonzero(told(*cases, *closed)) == nonzero(one_by_one)


def test_what_is_not_plain_is_left_to_the_contribution() -> None:
    case, closing = opened(), completed()
    left: list[tuple[Facts | None, Facts]] = [
        (None, (opened(None),)),  # no due
        (None, (opened(0),)),  # due at once
        (None, (opened(excess=300),)),
        (None, (closing,)),  # an opening that has not come
        ((closing,), (case, closing)),  # and comes after its completion
        (None, (case, closing)),
        ((case,), (case, completed(outcome=c.WITHDRAWN_INDEX))),
        ((case,), (case, Reopened(START + 500, 2))),
        ((case, closing), (case, closing, Reopened(START + 600, 3))),
        ((opened(2000),), (case, closing)),  # another opening took its place
    ]
    assert [pair for pair in left if is_plain(*pair, ELAPSED_TIME)] == []
    assert not is_plain(None, (case,), ElapsedTime())  # as any other clock: of working time, say
