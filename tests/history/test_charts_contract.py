"""What every history store promises of the weeks of charts and of registered changes (history/store.py)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kept.errors import Stop
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from tests.history.charts import WEEK, any_amendments, any_changes, any_weeks, change, gap, week
from tests.history.conftest import OpenStore
from tests.history.points import NOON

serial = itertools.count()
thorough = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_weeks_come_back_as_they_were_written_in_the_order_of_their_keys(open_store: OpenStore) -> None:
    written = [
        week(),
        week(week_end=NOON + WEEK, mark=None, value=40, mean=None, lower=None),
        gap(week_end=NOON + 2 * WEEK),
        gap(indicator="backlog", mixed=True, gap=None, value=7, n=7),
    ]
    open_store().write_charts(written)
    assert open_store().charts("street-repairs") == sorted(written, key=ChartWeek.key)


def test_writing_a_week_again_takes_the_place_of_the_former_also_with_less(open_store: OpenStore) -> None:
    store = open_store()
    for later in (week(), week(), week(value=0.61, mark=None), gap(), week()):
        store.write_charts([later])
        assert store.charts("street-repairs") == [later]
    store.write_charts([gap(), week(value=0.5)])  # of one key the last stays
    assert store.charts("street-repairs") == [week(value=0.5)]


def test_weeks_narrow_by_service_indicator_and_week_end(open_store: OpenStore) -> None:
    store = open_store()
    ends = [NOON + number * WEEK for number in range(4)]
    store.write_charts([week(week_end=end) for end in ends])
    store.write_charts([week(indicator="backlog", week_end=ends[1]), week(service="parking")])
    # week_end   0    1    2    3
    #            |  [since until]  |   both ends belong to it
    found = store.charts("street-repairs", since=ends[1], until=ends[2])
    assert [(one.indicator, one.week_end) for one in found] == [
        ("backlog", ends[1]), ("promise_kept", ends[1]), ("promise_kept", ends[2])
    ]  # fmt: skip
    assert [one.week_end for one in store.charts("street-repairs", indicator="promise_kept")] == ends
    assert store.charts("street-repairs", since=ends[2], until=ends[1]) == []
    assert store.charts("no-such-service") == store.charts("parking", indicator="backlog") == []


def test_a_number_that_is_none_is_refused_and_nothing_is_stored(open_store: OpenStore) -> None:
    store = open_store()
    for bad in (week(mean=float("nan")), week(value=2**63), week(upper=float("inf")), week(target=float("-inf"))):
        with pytest.raises(Stop, match="street-repairs promise_kept chart: "):
            store.write_charts([week(week_end=NOON + WEEK), bad])
    assert store.charts("street-repairs") == []


@thorough
@given(data=st.data())
def test_any_weeks_come_back(open_store: OpenStore, data: st.DataObject) -> None:
    service = f"service-{next(serial)}"
    written = data.draw(any_weeks(service))
    store = open_store()
    store.write_charts(written)
    store.write_charts(written[:3])
    assert store.charts(service) == sorted(written, key=ChartWeek.key)
    assert list(map(repr, store.charts(service))) == list(map(repr, sorted(written, key=ChartWeek.key)))
    store.close()


def test_an_amended_week_takes_the_place_of_the_former_which_is_remembered(open_store: OpenStore) -> None:
    store = open_store()
    store.write_charts([week(), week(week_end=NOON + WEEK)])
    changes = [
        ChartAmendment(NOON + 60, week(), week(value=0.61, mark=None)),
        ChartAmendment(NOON + 120, week(value=0.61, mark=None), gap()),
        ChartAmendment(NOON + 60, None, week(indicator="backlog")),
    ]
    for amendment in changes:
        store.amend_charts([amendment])
    assert open_store().charts("street-repairs", until=NOON) == [week(indicator="backlog"), gap()]
    assert open_store().chart_amendments("street-repairs") == sorted(changes, key=ChartAmendment.key)
    store.amend_charts(changes[:2])  # a call that is repeated
    assert store.chart_amendments("street-repairs") == sorted(changes, key=ChartAmendment.key)
    assert store.charts("street-repairs", until=NOON) == [week(indicator="backlog"), gap()]


def test_two_amendments_of_a_week_at_one_moment_are_one(open_store: OpenStore) -> None:
    store = open_store()
    first, second = (week(value=value) for value in (0.5, 0.4))
    store.amend_charts([ChartAmendment(NOON, None, first)])
    store.amend_charts([ChartAmendment(NOON, first, second), ChartAmendment(NOON, second, week())])
    assert store.chart_amendments("street-repairs") == [ChartAmendment(NOON, None, week())]
    assert store.charts("street-repairs") == [week()]


def test_amendments_narrow_by_service_indicator_and_week_end(open_store: OpenStore) -> None:
    store = open_store()
    ends = [NOON + number * WEEK for number in range(4)]
    store.amend_charts([ChartAmendment(ends[3], None, week(week_end=end)) for end in ends])
    store.amend_charts([ChartAmendment(ends[3], None, week(indicator="backlog", week_end=ends[1]))])
    found = store.chart_amendments("street-repairs", since=ends[1], until=ends[2])
    assert [(one.new.indicator, one.new.week_end) for one in found] == [
        ("backlog", ends[1]), ("promise_kept", ends[1]), ("promise_kept", ends[2])
    ]  # fmt: skip
    assert len(store.chart_amendments("street-repairs", indicator="promise_kept")) == 4
    assert store.chart_amendments("street-repairs", since=ends[2], until=ends[1]) == []
    assert store.chart_amendments("no-such-service") == []


def test_an_amendment_with_a_number_that_is_none_is_refused_and_nothing_is_stored(open_store: OpenStore) -> None:
    store = open_store()
    for bad in (ChartAmendment(NOON, week(mean=float("nan")), week()), ChartAmendment(NOON, None, week(value=2**63))):
        with pytest.raises(Stop, match="street-repairs promise_kept chart: "):
            store.amend_charts([bad])
    assert store.charts("street-repairs") == store.chart_amendments("street-repairs") == []


@thorough
@given(data=st.data())
def test_any_amendments_come_back(open_store: OpenStore, data: st.DataObject) -> None:
    service = f"service-{next(serial)}"
    written = data.draw(any_amendments(service))
    store = open_store()
    store.amend_charts(written)
    store.amend_charts(written[:2])
    assert list(map(repr, store.chart_amendments(service))) == list(map(repr, sorted(written, key=ChartAmendment.key)))
    store.close()


def test_a_change_keeps_from_when_it_was_known(open_store: OpenStore) -> None:
    store = open_store()
    store.write_changes([change(known_at=NOON + 300)])
    assert store.changes() == [change(known_at=NOON + 300)]


def test_changes_of_one_second_are_all_kept_each_once(open_store: OpenStore) -> None:
    written = [
        change(),
        change(id="00000000000000fe", title="50 % more \\ \"staff\", said a='b'"),
        change(id="00000000000000fd", title="é🏛", indicator=None, direction=None),
        change(at=NOON + 1),
        change(service="parking"),
    ]
    open_store().write_changes(written)
    open_store().write_changes(written[::-1])
    assert open_store().changes() == sorted(written, key=RegisteredChange.key)
    assert open_store().changes("parking") == [change(service="parking")]


def test_changes_narrow_by_service_and_time(open_store: OpenStore) -> None:
    store = open_store()
    moments = [NOON + number for number in range(4)]
    store.write_changes([change(at=moment) for moment in moments])
    assert [one.at for one in store.changes("street-repairs", since=moments[1], until=moments[2])] == moments[1:3]
    assert [one.at for one in store.changes(until=moments[0])] == moments[:1]
    assert store.changes(since=moments[2], until=moments[1]) == store.changes("no-such-service") == []


@thorough
@given(data=st.data())
def test_any_changes_come_back(open_store: OpenStore, data: st.DataObject) -> None:
    service = f"service-{next(serial)}"
    written = data.draw(any_changes(service))
    store = open_store()
    store.write_changes(written)
    store.write_changes([replace(one) for one in written])
    assert store.changes(service) == sorted(written, key=RegisteredChange.key)
    store.close()
