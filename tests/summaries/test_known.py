"""What a page may show of charts, changes, signals and decisions: as they stood at its moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from history.sqlite import SQLiteHistory
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.raised import Response
from summaries.known import HistoryReader, Known
from tests.history.charts import WEEK, change, week
from tests.history.decisions import decided, said
from tests.history.points import NOON
from tests.history.signals import HOUR, raised

SERVICE = "street-repairs"
ENDED = replace(raised(ended_at=NOON + HOUR), course=(NOON + HOUR, NOON + 7 * HOUR))


@pytest.fixture
def store() -> Iterator[SQLiteHistory]:
    opened = SQLiteHistory(":memory:")
    opened.write_charts([week(value=0.5)])
    opened.amend_charts(
        [
            ChartAmendment(NOON + HOUR, week(value=0.5), week()),
            ChartAmendment(NOON + HOUR, None, week(indicator="backlog")),
        ]
    )
    opened.write_changes([change(known_at=NOON + HOUR), change(id="00fe", known_at=NOON)])
    opened.record([ENDED])
    opened.respond(Response(id=ENDED.id, says="useful", at=NOON + 2 * HOUR))
    opened.decide(decided())
    opened.decide(said("closed", NOON + HOUR))
    opened.publish([SERVICE], NOON + WEEK)
    yield opened
    opened.close()


def known(store: SQLiteHistory, as_of: int | None = None) -> Known:
    return Known(HistoryReader(lambda: store), {}, as_of)


def test_charts_and_changes_are_those_of_the_moment(store: SQLiteHistory) -> None:
    then, now = known(store, NOON), known(store)
    assert then.charts(SERVICE) == [week(value=0.5)]
    assert {(one.new.indicator, one.old is None) for one in then.chart_amendments(SERVICE)} == {
        ("promise_kept", False), ("backlog", True)
    }  # fmt: skip
    assert now.charts(SERVICE) == known(store, NOON + HOUR).charts(SERVICE) == [week(indicator="backlog"), week()]
    assert now.chart_amendments(SERVICE) == known(store, NOON + HOUR).chart_amendments(SERVICE) == []
    assert [one.id for one in then.changes(SERVICE)] == ["00fe"]
    assert len(now.changes(SERVICE)) == len(known(store, NOON + HOUR).changes(SERVICE)) == 2


def test_signals_and_what_was_said_are_those_of_the_moment(store: SQLiteHistory) -> None:
    then = known(store, NOON + 6 * HOUR)
    assert [(one.quiet_since, one.ended_at) for one in then.signals(SERVICE)] == [(NOON + HOUR, None)]
    assert then.open_signals(SERVICE) == then.signals(SERVICE)
    assert known(store, NOON + 7 * HOUR).signals() == known(store).signals() == [ENDED]
    assert known(store, NOON + 7 * HOUR).open_signals() == known(store, NOON - 1).signals() == []
    assert (known(store, NOON).responses(), len(then.responses()), len(known(store).responses())) == ([], 1, 1)


def test_decisions_are_those_of_the_moment(store: SQLiteHistory) -> None:
    assert known(store, NOON - 1).decisions() == []
    assert [one.is_open for one in known(store, NOON).decisions(SERVICE)] == [True]
    assert [one.is_open for one in known(store).decisions()] == [False]
    assert known(store).decisions("parking") == []
