"""A chain of marks: each says which one it follows, so that who has missed a batch knows it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kept.marks import Accounts, Mark
from kept.partition import PartitionState
from tests.kept.city import LIGHTS, City, event


def told(steps: str) -> list[Mark]:
    """The marks of a partition: `b` a batch, `e` a batch of two, `i` idle, `r` a restart (which tells nothing)."""
    city = City()
    marks: list[Mark] = []
    for number, step in enumerate(steps):
        state = city.states[0]
        if step == "r":
            city.restart()
        elif step == "i":
            marks.append(state.mark(idle=True))
        else:
            opened = [event("case.opened", "2024-06-03 09:00", f"{number}-{n}") for n in range(1 + (step == "e"))]
            (changes,) = city.apply_batch(opened)
            marks.append(changes.mark)
    return marks


def noticed(marks: list[Mark]) -> bool:
    """Whether somebody who reads these finds one that does not follow."""
    known: Mark | None = None
    for mark in marks:
        if not mark.follows(known):
            return True
        known = mark
    return False


@given(st.text("beir", max_size=30))
def test_every_mark_follows_the_one_before_through_idleness_and_restarts(steps: str) -> None:
    assert not noticed(told(steps))


@given(st.text("beir", min_size=1, max_size=30), st.data())
def test_a_batch_that_was_missed_is_noticed_at_the_next_mark(steps: str, data: st.DataObject) -> None:
    marks = told(steps + "i")
    missed = data.draw(st.integers(0, len(marks) - 2 if len(marks) > 1 else 0))
    held_events = len(marks) > 1 and not marks[missed].idle
    assert noticed([mark for at, mark in enumerate(marks) if at != missed]) == held_events


def test_a_mark_of_an_older_release_says_nothing_and_is_believed() -> None:
    assert Mark(0, 480, None, Accounts()).follows(None)
    assert Mark(0, 480, None, Accounts()).follows(Mark(0, 7, None, Accounts()))


def test_the_first_mark_follows_nothing() -> None:
    state = PartitionState(0, City(LIGHTS).rules)
    first = state.apply(1, [event("case.opened", "2024-06-03 09:00", c) for c in "ab"]).mark
    assert (first.after, first.offset) == (-1, 1)
    assert first.follows(None)
    assert not state.apply(2, [event("case.opened", "2024-06-03 09:00", "c")]).mark.follows(None)
