"""What every history store promises of decisions and of delivered summaries (history/store.py)."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept.decisions import DecisionEntry
from tests.history.conftest import OpenStore
from tests.history.decisions import any_entries, decided, delivery, said
from tests.history.points import NOON

serial = itertools.count()
thorough = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_entries_come_back_as_they_were_said_in_the_order_of_their_keys(open_store: OpenStore) -> None:
    written = [
        said("closed", NOON + 300, text="Done, \\ \"fine\" a='b'\n;"),
        said("effect", NOON + 300, effect="cannot_tell"),
        decided(),
        decided(decision="0badcaff", signal=None, objective=None, text="é🏛 50 %"),
        said("moved", NOON + 60, owner="Depot South"),
    ]
    for entry in written:
        open_store().decide(entry)
    assert open_store().decision_entries() == sorted(written, key=DecisionEntry.key)


def test_an_entry_said_again_changes_nothing_and_another_of_the_same_second_takes_no_place(
    open_store: OpenStore,
) -> None:
    first, second = said("moved", NOON + 60, due="2012-03-01"), said("moved", NOON + 60, due="2012-04-01")
    for entry in (first, second, first):
        open_store().decide(entry)
    assert open_store().decision_entries() == sorted([first, second], key=DecisionEntry.key)


def test_entries_narrow_by_the_moment_at_which_they_were_said(open_store: OpenStore) -> None:
    store = open_store()
    for minute in range(4):
        store.decide(said("moved", NOON + minute * 60))
    # at      0    1    2    3
    #         |  [since until]  |   both ends belong to it
    found = store.decision_entries(since=NOON + 60, until=NOON + 120)
    assert [entry.at for entry in found] == [NOON + 60, NOON + 120]
    assert [entry.at for entry in store.decision_entries(until=NOON)] == [NOON]
    assert store.decision_entries(since=NOON + 120, until=NOON + 60) == []


@thorough
@given(data=st.data())
def test_any_entries_come_back(open_store: OpenStore, data: st.DataObject) -> None:
    name = f"{next(serial):08x}"
    written = data.draw(any_entries(st.just(name)))
    store = open_store()
    for entry in (*written, *written[:3]):
        store.decide(entry)
    found = [entry for entry in store.decision_entries() if entry.decision == name]
    assert found == sorted(written, key=DecisionEntry.key)
    store.close()


def test_deliveries_come_back_each_once(open_store: OpenStore) -> None:
    written = [
        delivery(week="2012-W01", at=NOON + 7),
        delivery(),
        delivery(at=NOON + 61),
        delivery(sha256="a1" * 32),
    ]
    for one in (*written, *written):
        open_store().deliver(one)
    assert open_store().deliveries() == sorted(written, key=lambda one: one.key())
