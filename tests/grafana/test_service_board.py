"""The board Service: what it must never say, and what each of its panels owes its readers."""

from __future__ import annotations

import pytest

import catalogue
from grafana.chart_lines import TARGET, WEEK
from grafana.dashboards import service
from grafana.dashboards.service_board.chart import UNITS
from grafana.dashboards.service_board.money import BOOKED, MODELLED
from grafana.dashboards.service_board.promise import CLOSED, KEPT
from grafana.dashboards.service_board.queue import BANDS
from grafana.panels import UNIT_OF
from kept.catalogue import read_catalogue
from kept.indicators.definitions import BY_NAME, INDICATOR_NAMES
from kept.metric_names import PROMISE_TARGET
from kept.signals.kinds import KINDS
from kept.signals.weekly import CHARTABLE
from tests.grafana.panels_read import Panels, flux, indicators, organized, overrides, panels_of, queries

CITY = read_catalogue([catalogue.CITY])
WAITING_PANELS = (20, 21, 22)
CHART, WEEKS, MARKED, SLICES, UNKNOWN = 60, 61, 62, 70, 80


@pytest.fixture(scope="module")
def panels() -> Panels:
    return panels_of(service.board(CITY))


def test_every_indicator_that_is_drawn_exists(panels: Panels) -> None:
    drawn = set().union(*map(indicators, panels.values()))
    assert drawn <= INDICATOR_NAMES
    families = {BY_NAME[name].family for name in drawn}
    assert families == {definition.family for definition in BY_NAME.values()}


def test_a_closed_only_figure_stands_beside_the_one_that_counts_open_cases(panels: Panels) -> None:
    beside = {
        "promise_kept_closed": "promise_kept",
        **{f"delivery_time_closed_{each}": f"delivery_time_{each}" for each in ("p50", "p75", "p90", "p95")},
    }
    flattering = {
        number: indicators(panel) & set(beside)
        for number, panel in panels.items()
        if number not in {CHART, UNKNOWN} and indicators(panel) & set(beside)
    }
    assert set().union(*flattering.values()) == set(beside)
    for number, names in flattering.items():
        assert {beside[name] for name in names} <= indicators(panels[number]), panels[number]["title"]


def test_the_chart_of_closed_times_says_that_it_flatters(panels: Panels) -> None:
    """A week's openings have not all ended, so that a week can tell of nothing else."""
    assert "delivery_time_closed_p50" in indicators(panels[CHART])
    assert "flatters" in panels[CHART]["description"]


def test_what_is_compared_with_is_grey_and_dashed(panels: Panels) -> None:
    assert overrides(panels[10], CLOSED)["custom.lineStyle"]["fill"] == "dash"
    assert overrides(panels[10], "target")["custom.lineStyle"]["fill"] == "dash"
    assert overrides(panels[10], KEPT.high)["custom.fillBelowTo"] == KEPT.low


def test_the_promise_is_drawn_with_its_target(panels: Panels) -> None:
    for number in (2, 10):
        assert any(PROMISE_TARGET.name in query for query in queries(panels[number]))
    assert all(f'name: "{TARGET}"' in query for query in flux(panels[CHART]))


def test_every_query_of_points_shows_values_of_the_state_value_alone(panels: Panels) -> None:
    for panel in panels.values():
        for query in flux(panel):
            assert ('r.state == "value"' in query) or ('r.state != "value"' in query), panel["title"]


def test_the_small_number_rule_is_in_every_query_of_slices(panels: Panels) -> None:
    sliced = {number for number, panel in panels.items() for query in flux(panel) if "_measurement ==" in query}
    for number in sliced - {CHART, WEEKS, MARKED, UNKNOWN}:
        for query in flux(panels[number]):
            assert 'r.slice == "whole" or not exists r.n' in query, panels[number]["title"]
            assert '"street-lights": 5.0' in query


def test_what_is_not_known_is_said_in_words_and_without_a_number(panels: Panels) -> None:
    (query,) = flux(panels[UNKNOWN])
    assert 'r._field == "state" or r._field == "point"' in query
    assert organized(panels[UNKNOWN]) == ["what", "state", "why"]
    assert indicators(panels[UNKNOWN]) == INDICATOR_NAMES


def test_bands_of_ages_lie_upon_each_other_the_youngest_at_the_bottom(panels: Panels) -> None:
    assert organized(panels[30]) == ["_time", *BANDS.values()]
    assert list(BANDS.values()) == ["0 to 1 d", "1 to 3 d", "3 to 7 d", "7 to 30 d", "30 to 90 d", "over 90 d"]
    assert all(overrides(panels[30], name)["custom.stacking"]["mode"] == "normal" for name in BANDS.values())


def test_modelled_and_booked_money_never_share_a_panel(panels: Panels) -> None:
    for panel in panels.values():
        if panel["id"] != UNKNOWN:
            assert not (indicators(panel) & set(MODELLED) and indicators(panel) & set(BOOKED)), panel["title"]
    assert indicators(panels[41]) == set(MODELLED)
    assert indicators(panels[42]) == set(BOOKED)


def test_score_and_satisfied_share_never_share_a_panel(panels: Panels) -> None:
    for number, panel in panels.items():
        both = {"satisfaction_score", "satisfied_share"}
        assert number in {CHART, UNKNOWN} or not both <= indicators(panel), panel["title"]


def test_the_counts_behind_the_score_stand_beside_it(panels: Panels) -> None:
    fields = [query.split("_value: r.")[1].split("}")[0] for query in flux(panels[51])]
    assert fields == ["denominator", "numerator", "numerator"]


def test_each_indicator_that_can_be_charted_is_in_the_query_of_its_unit(panels: Panels) -> None:
    by_letter = {target["refId"]: target["query"] for target in panels[CHART]["targets"]}
    for letter, unit in zip("ABCDE", UNITS, strict=True):
        expected = [name for name in CHARTABLE if BY_NAME[name].unit == unit]
        assert all(f'r.indicator == "{name}"' in by_letter[letter] for name in expected)
        shown = overrides(panels[CHART], letter)["unit"]
        assert shown == ("prefix:EUR " if unit == "money" else UNIT_OF[unit])
    assert indicators(panels[CHART]) == set(CHARTABLE)
    assert overrides(panels[CHART], WEEK)["custom.showPoints"] == "always"


def test_a_mark_has_its_words_beside_its_colour(panels: Panels) -> None:
    patterns = {
        each["matcher"]["options"]
        for each in panels[CHART]["fieldConfig"]["overrides"]
        if each["matcher"]["id"] == "byRegexp"
    }
    assert patterns == {"/: a concern$/", "/: an improvement$/", "/: neither better nor worse$/"}


def test_every_kind_of_signal_leads_to_its_runbook(panels: Panels) -> None:
    (query,) = queries(panels[6])
    for kind in KINDS:
        assert f'"{kind.alert.lower()}", "signal", "{kind.name}"' in query
    (link,) = overrides(panels[6], "signal")["links"]
    assert link["url"] == "${runbooks:raw}#${__data.fields.runbook}"


def test_a_slice_leads_to_itself_with_service_and_window(panels: Panels) -> None:
    (link,) = overrides(panels[SLICES], "slice")["links"]
    assert link["url"].startswith("/d/kept-service?var-service=${service}&var-window=${window}&var-slice=$")


def test_delivery_times_are_told_of_windows_that_are_long_enough(panels: Panels) -> None:
    for number in WAITING_PANELS:
        for query in flux(panels[number]):
            assert 'chosen_window = if ${window:doublequote} == "90d" then "90d" else "28d"' in query


def test_every_panel_has_a_question_or_a_claim_a_description_and_axes_with_names(panels: Panels) -> None:
    for number, panel in panels.items():
        assert panel["title"].rstrip(")").split(" (")[0].endswith("?") or ":" in panel["title"], panel["title"]
        assert len(panel["description"]) > 40
        if panel["type"] == "timeseries" and number != CHART:
            assert panel["fieldConfig"]["defaults"]["custom"]["axisLabel"], panel["title"]
