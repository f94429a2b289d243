"""What the Overview says of a city with every kind of news, asked of a real Prometheus and joined as Grafana does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from grafana.dashboards import overview
from grafana.service_rows import STANDINGS
from kept.indicators.point import Point
from kept.signals.verdict import Verdict
from stream_processors.sinks.metrics import Metrics
from tests.grafana.panels_of import panels
from tests.grafana.prometheus_answers import Prometheus, Row
from tests.grafana.scraped import scraped
from tests.history.signals import raised
from tests.summaries.figures import NOW, point, service

CITY = {
    each.id: each
    for each in (
        service("far-below", "Far below", 0.9),
        service("just-below", "Just below", 0.8, simulated=False),
        service("on-target", "On target", 0.75),
        service("nothing-due", "Nothing due", 0.9),
        service("not-told", "Not told", 0.9),
        service("no-promise", "No promise", None),
    )
}
PANELS = panels(overview.board(CITY))
TABLE = 5


def points(identity: str) -> list[Point]:
    shares = {"far-below": 0.6, "just-below": 0.79, "on-target": 0.75}
    made = [point(identity, "backlog", 40), point(identity, "overdue", 3), point(identity, "at_risk", 2)]
    if identity in shares:
        share = shares[identity]
        made += [
            point(identity, "promise_kept", share, n=200),
            point(identity, "promise_kept", share - 0.1, window="7d", n=50),
            point(identity, "promise_kept_closed", share + 0.05, n=180),
            point(identity, "satisfaction_score", 62.5, n=8),
            point(identity, "cost_per_outcome", 12.5, unit="GBP" if identity == "just-below" else "EUR"),
        ]
    else:
        state: Any = "not_provided" if identity == "not-told" else "not_applicable"
        made.append(point(identity, "promise_kept", None, n=0, state=state))
    return made


def show_city(metrics: Metrics) -> None:
    """What a worker shows: the far-below one has a page and two tickets, the just-below one is silent."""
    for identity in CITY:
        metrics.show(identity, points(identity))
        open_now = []
        if identity == "far-below":
            kinds = ("promise_budget_fast", "promise_budget_slow", "cases_at_risk")
            open_now = [raised(service=identity, signal=kind) for kind in kinds]
        quiet = Verdict(service=identity, signal="source_silent", at=NOW, active=False)
        if identity != "not-told":  # it was never judged
            metrics.signals.show(identity, [quiet], {each.verdict.key(): each for each in open_now})
        metrics.signals.show_freshness(identity, NOW, identity == "just-below")


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    """A worker's, of the city."""
    shown = Metrics(CITY)
    show_city(shown)
    return shown


@pytest.fixture(scope="module")
def asked(metrics: Metrics, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with scraped(tmp_path_factory.mktemp("prometheus"), metrics, "kept_service_info", window="28d") as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def table(asked: Prometheus) -> dict[str, Row]:
    """The rows of the great table, by service, in its order."""
    return {row["service"]: row for row in asked.table(PANELS[TABLE])}


def test_no_service_vanishes_and_the_one_that_is_furthest_below_its_own_target_comes_first(
    table: dict[str, Row],
) -> None:
    assert list(table)[:3] == ["far-below", "just-below", "on-target"]
    assert table.keys() == CITY.keys()


def test_each_service_says_in_words_where_it_stands(table: dict[str, Row]) -> None:
    assert {identity: STANDINGS[int(row["Standing"])] for identity, row in table.items()} == {
        "far-below": "below target",
        "just-below": "below target",
        "on-target": "on target",
        "nothing-due": "no value: not applicable",
        "not-told": "no value: not provided",
        "no-promise": "no promise",
    }


def test_a_figure_stands_beside_its_target_its_short_window_and_the_flattering_one(table: dict[str, Row]) -> None:
    row = table["far-below"]
    assert (row["Name"], row["Target"], row["Promise kept"], row["n due"]) == ("Far below", 0.9, 0.6, 200)
    assert row["Shortfall, points"] == pytest.approx(30)
    assert row["Kept, 7d"] == pytest.approx(0.5)
    assert row["Of closed only"] == pytest.approx(0.65)
    assert row["Counted in"] == "elapsed_time"
    assert (row["Backlog"], row["Overdue"], row["At risk"]) == (40, 3, 2)


def test_a_score_has_its_n_and_money_its_currency(table: dict[str, Row]) -> None:
    row = table["just-below"]
    assert (row["Satisfaction, 0-100"], row["n answers"]) == (62.5, 8)
    assert (row["Cost per outcome"], row["Currency"]) == (12.5, "GBP")
    assert table["far-below"]["Currency"] == "EUR"


def test_what_is_not_known_is_no_value_and_never_zero(table: dict[str, Row]) -> None:
    for identity in ("nothing-due", "not-told", "no-promise"):
        row = table[identity]
        unknown = (
            "Shortfall, points",
            "Promise kept",
            "Kept, 7d",
            "Cost per outcome",
            "Satisfaction, 0-100",
            "n answers",
        )
        assert [row[title] for title in unknown] == [None] * len(unknown)
        assert row["Backlog"] == 40
    assert table["no-promise"]["Target"] is None
    assert table["nothing-due"]["n due"] == 0


def test_signals_are_counted_by_urgency_and_only_where_someone_judged(table: dict[str, Row]) -> None:
    urgencies = ("Pages", "Tickets", "Information")
    assert [table["far-below"][title] for title in urgencies] == [1, 2, 0]
    assert [table["on-target"][title] for title in urgencies] == [0, 0, 0]
    assert [table["not-told"][title] for title in urgencies] == [None, None, None]


def test_a_silent_source_and_made_up_data_are_marked(table: dict[str, Row]) -> None:
    assert {identity for identity, row in table.items() if row["Source"] == 1} == {"just-below"}
    assert {identity for identity, row in table.items() if row["Data"] == "false"} == {"just-below"}


def test_every_row_says_as_of_when(table: dict[str, Row]) -> None:
    assert {row["As of"] for row in table.values()} == {1000 * NOW}


def numbers(asked: Prometheus, panel: int) -> dict[str, float | None]:
    found = {}
    for target in PANELS[panel]["targets"]:
        rows = asked.rows(target["expr"])
        found[target["legendFormat"]] = rows[0]["Value"] if rows else None
    return found


def test_the_first_row_counts_every_service_once(asked: Prometheus) -> None:
    assert numbers(asked, 2) == {"below target": 2, "on target": 1, "without a value": 2, "without a promise": 1}
    assert numbers(asked, 3) == {"page": 1, "ticket": 2, "information": 0}
    assert numbers(asked, 4) == {"silent": 1, "heard in time": 5, "simulated": 5, "all services": 6}
    assert numbers(asked, 1)["published up to"] == 1000 * NOW


def test_where_nothing_is_published_nothing_is_said_to_be_zero(asked: Prometheus, metrics: Metrics) -> None:
    metrics.forget(CITY)
    try:
        asked.wait(lambda: not asked.rows("kept_service_info"))
        for panel in (1, 2, 3, 4):
            assert set(numbers(asked, panel).values()) == {None}
        assert asked.table(PANELS[TABLE]) == []
    finally:
        show_city(metrics)
        asked.wait(lambda: bool(asked.rows("kept_service_info")))
