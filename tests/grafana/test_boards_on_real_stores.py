"""Every query of every board, asked of a real Prometheus and a real InfluxDB that the demo's parts have filled.

An answer must not be empty and must be plausible by its unit. What is rightly empty while all is well is listed with
its reason, and the store must know its name all the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local_stack.broker import Broker, missing
from local_stack.demo_alerts import left_out
from tests.grafana import flux_names, promql_names
from tests.grafana.board_answers import Answer, Reader, Row
from tests.grafana.board_queries import Query, panels, queries, variable_queries
from tests.grafana.filled_stores import Stores, filled_stores
from tests.grafana.test_boards import BOARDS
from tests.influxd import Server

pytestmark = [
    pytest.mark.broker,
    pytest.mark.influxdb,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(bool(list(left_out())), reason=" ".join(left_out())),
]
QUERIES = [query for board in BOARDS.values() for query in queries(board)]
VARIABLES = [(uid, name) for uid, board in BOARDS.items() for name, _ in variable_queries(board)]

NOT_IN_THIS_UNIT = "one query for each unit a chart may have, and the chosen chart has one"
RIGHTLY_EMPTY: Mapping[str, str] = {
    **{f"kept-on-call-6{ref}": "nothing is about to fire" for ref in "ABCDEFGH"},
    **{f"kept-on-call-12{ref}": "there is no alert about the pipeline" for ref in "AB"},
    **{f"kept-service-60{ref}": NOT_IN_THIS_UNIT for ref in "BCDE"},
    "kept-pipeline-46A": "no slice of the city has more values than are told apart",
    "kept-service-80A": "everything of this service is known",
    "kept-flow-2A": "all that is known of steps is known of this service",
}
"""Query -> why its answer may be empty while all is well."""
OTHER_BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "kept-overview-7A": (-1, 1000, "growth of a backlog, which may shrink"),
    "kept-pipeline-42A": (0, 3, "two batches may be applied at once: a stage may take more than a second in a second"),
    "kept-pipeline-73A": (0, 8, "a process of several threads (Prometheus, Alertmanager) may use several processors"),
}
"""Query -> bounds of its values where those of the unit do not hold, and why."""
DURATIONS = ("s", "ms", "m", "h", "d", "dtdurations")
MOMENTS = ("dateTimeAsIso", "dateTimeAsIsoNoDateIfToday", "dateTimeAsLocal", "dateTimeFromNow")
AHEAD_SECONDS = 300
"""So far ahead of the clock events may be."""
NOT_WHOLE = ("rate(", "increase(", "deriv(", "avg", "/", "quantile", "kept_signal_")


@pytest.fixture(scope="module")
def stores(broker: Broker, influxd: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with filled_stores(broker, influxd, tmp_path_factory.mktemp("boards")) as filled:
        yield filled


@pytest.fixture(scope="module")
def reader(stores: Stores) -> Iterator[Reader]:
    opened = Reader(stores)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def answers(reader: Reader) -> Mapping[str, Answer]:
    return {answer.query.place: answer for board in BOARDS.values() for answer in reader.answers(board)}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_a_panel_has_an_answer(query: Query, answers: Mapping[str, Answer], stores: Stores, reader: Reader) -> None:
    answer = answers[query.place]
    if not answer.rows and query.place in RIGHTLY_EMPTY:
        assert not unknown_to_stores(query, stores, reader), RIGHTLY_EMPTY[query.place]
        return
    assert answer.rows, f"{query.title!r} has no answer to {query.text}"


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_an_answer_is_plausible(query: Query, answers: Mapping[str, Answer]) -> None:
    units = units_of(query)
    wrong = [
        (row, why)
        for row in answers[query.place].values
        if (why := implausible(query, row, units.get(row.column, query.unit))) is not None
    ]
    assert wrong == [], f"{query.title!r}: {wrong[:3]}"


@pytest.mark.parametrize(("uid", "name"), VARIABLES, ids=lambda part: part)
def test_a_variable_offers_something(uid: str, name: str, reader: Reader) -> None:
    assert reader.variables(BOARDS[uid])[name]


def test_what_is_rightly_empty_and_what_may_exceed_its_unit_is_on_a_board() -> None:
    assert {*RIGHTLY_EMPTY, *OTHER_BOUNDS} <= {query.place for query in QUERIES}


def test_a_number_that_is_shown_large_is_one_number(answers: Mapping[str, Answer]) -> None:
    """A number that a board shows large is one number: not one for each worker or partition."""
    single = {query.place: query for query in QUERIES if _panel(query)["type"] == "stat" and query.language == "promql"}
    many = {place: len(answers[place].values) for place in single if len(answers[place].values) > 1}
    assert many == {}


def unknown_to_stores(query: Query, stores: Stores, reader: Reader) -> list[str]:
    """Metrics of the query that Prometheus has never heard of; measurements that the history does not have."""
    if query.language == "flux":
        return sorted(flux_names.names_of(query.text).compared["_measurement"] - reader.measurements())
    named = {selector.metric for selector in promql_names.names_of(query.text).selectors}
    heard = {*stores.ask_prometheus("metadata"), *stores.ask_prometheus("label/__name__/values")}
    return sorted(name for name in named if name not in heard and name.removesuffix("_total") not in heard)


def units_of(query: Query) -> Mapping[str, str]:
    """Column -> unit, where the panel says so column by column."""
    return {
        override["matcher"]["options"]: setting["value"]
        for override in _panel(query).get("fieldConfig", {}).get("overrides", ())
        if override["matcher"]["id"] == "byName"
        for setting in override["properties"]
        if setting["id"] == "unit"
    }


def implausible(query: Query, row: Row, unit: str) -> str | None:
    """What is wrong with a value, or None."""
    if row.time is not None and row.time > time.time() + AHEAD_SECONDS:
        return "lies in the future"
    if row.is_time:
        return None
    if not math.isfinite(row.value):
        return "is no number"
    if query.place in OTHER_BOUNDS:
        low, high, _ = OTHER_BOUNDS[query.place]
        return None if low <= row.value <= high else f"is not within {low} and {high}"
    if unit == "percentunit" and not 0 <= row.value <= 1:
        return "is no share"
    if unit in DURATIONS and row.value < 0:
        return "is a duration below 0"
    if unit in MOMENTS and not 1_000_000_000 <= row.value / 1000 <= time.time() + AHEAD_SECONDS:
        return "is no moment up to now"
    if _counts(query, unit) and row.value != round(row.value):
        return "is a count, and not whole"
    return None


def _counts(query: Query, unit: str) -> bool:
    if query.language == "flux" or unit != "short" or _panel(query)["type"] == "table":
        return False
    return not any(part in query.text for part in NOT_WHOLE)


def _panel(query: Query) -> Mapping[str, Any]:
    return next(panel for panel in panels(BOARDS[query.board]) if panel["id"] == query.panel)
