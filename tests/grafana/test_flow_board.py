"""The board Flow: where the time goes, and words where a service does not tell of its steps."""

from __future__ import annotations

import pytest

import catalogue
from grafana.dashboards import flow
from grafana.dashboards.flow_steps import NO_STEPS
from grafana.dashboards.flow_time import NO_TIMES, WAITING, WORK
from grafana.newest import STEP
from kept.catalogue import read_catalogue
from kept.indicators.definitions import BY_NAME, INDICATOR_NAMES
from kept.indicators.reasons import REASONS
from tests.grafana.panels_read import Panels, flux, indicators, organized, overrides, panels_of

CITY = read_catalogue([catalogue.CITY])
BY_STEP = (10, 11, 12, 13)


@pytest.fixture(scope="module")
def panels() -> Panels:
    return panels_of(flow.board(CITY))


def test_every_indicator_that_is_drawn_exists(panels: Panels) -> None:
    drawn = set().union(*map(indicators, panels.values()))
    assert drawn <= INDICATOR_NAMES
    assert {name for name, definition in BY_NAME.items() if definition.family == "work"} - {"failure_demand"} <= drawn


def test_panels_by_step_ask_for_steps_alone_and_say_when_there_are_none(panels: Panels) -> None:
    for number in BY_STEP:
        (query,) = flux(panels[number])
        assert f'strings.hasPrefix(v: r.slice, prefix: "{STEP}")' in query
        assert panels[number]["fieldConfig"]["defaults"]["noValue"] == NO_STEPS
    assert REASONS["no_steps"] in NO_STEPS
    for number in (20, 21):
        assert panels[number]["fieldConfig"]["defaults"]["noValue"] == NO_TIMES


def test_what_a_system_does_not_tell_of_its_steps_is_said_first(panels: Panels) -> None:
    assert indicators(panels[2]) >= {"rework_share", "flow_efficiency"}
    (query,) = flux(panels[2])
    assert REASONS["no_step_times"] in query
    assert 'r.slice == "whole"' in query


def test_work_lies_below_waiting(panels: Panels) -> None:
    assert organized(panels[20]) == ["_time", WORK, WAITING]
    assert all(overrides(panels[20], name)["custom.stacking"]["mode"] == "normal" for name in (WORK, WAITING))


def test_values_are_of_the_state_value_and_of_enough_people(panels: Panels) -> None:
    for number, panel in panels.items():
        for query in flux(panel):
            if number != 2:
                assert 'r.state == "value"' in query
                assert 'r.slice == "whole" or not exists r.n' in query


def test_days_of_the_history_are_days_and_seconds_of_prometheus_are_seconds(panels: Panels) -> None:
    assert panels[32]["fieldConfig"]["defaults"]["unit"] == "d"
    for column in ("oldest open", "queue of"):
        assert overrides(panels[4], column)["unit"] == "s"


def test_every_panel_has_a_question_a_description_and_axes_with_names(panels: Panels) -> None:
    for panel in panels.values():
        assert "?" in panel["title"]
        assert len(panel["description"]) > 40
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["custom"]["axisLabel"], panel["title"]
