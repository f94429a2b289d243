"""Which services get a line on the Overview, and what the line says, asked of a real InfluxDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from grafana.few_lines import LINES
from grafana.worst_services import fastest_growing_backlogs, furthest_below_target
from kept.indicators.point import Point
from tests.grafana.flux_answers import Source
from tests.influxd import Server
from tests.summaries.figures import NOW, point, service

HOUR = 3600
TARGET = 0.9


def name(number: int) -> str:
    """Of a service; Flux and Grafana would put something in place of a part of it."""
    return f'Service {number} "${{1 + 1}}" \\ $service'


CITY = {f"s{each}": service(f"s{each}", name(each), TARGET) for each in range(LINES + 4)}
CITY |= {"no-promise": service("no-promise", "No promise", None)}


def shares(identity: str, *course: float | None) -> list[Point]:
    """One an hour, the last one now; None: no value."""
    return [
        point(identity, "promise_kept", share, window_end=NOW - HOUR * back)
        for back, share in zip(reversed(range(len(course))), course, strict=True)
    ]


def backlogs(identity: str, *course: int) -> list[Point]:
    return [
        point(identity, "backlog", cases, window_end=NOW - HOUR * back)
        for back, cases in zip(reversed(range(len(course))), course, strict=True)
    ]


@pytest.fixture(scope="module")
def source(influxd: Server) -> Iterator[Source]:
    bucket = influxd.make_bucket()
    history = influxd.history(bucket)
    for place in range(LINES + 3):  # s0 is furthest below
        history.write(shares(f"s{place}", 0.99, None, 0.5 + 0.02 * place))
        history.write(backlogs(f"s{place}", 100, 150, 100 + 10 * place))
    history.write(shares("no-promise", 0.1, 0.1, 0.1))
    history.write(shares("left-the-catalogue", 0.1, 0.1, 0.1))
    # Once a value, then judged to have none: the number is a leftover.
    history.write(shares("s0", 0.99, 0.01, 0.5))
    history.write(shares("s0", 0.99, None, 0.5))
    history.write(backlogs(f"s{LINES + 3}", 9, 9, 90))
    history.close()
    asked = Source(influxd, bucket, NOW - 24 * HOUR, NOW + 1, window="28d")
    yield asked
    asked.close()


def courses(rows: list[dict[str, Any]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row["_value"])
    return found


def test_those_furthest_below_their_target_are_drawn_in_points_from_it(source: Source) -> None:
    found = courses(source.rows(furthest_below_target(CITY)))
    assert list(found) == [f"{each + 1}. {name(each)}" for each in range(LINES)]
    assert found[f"1. {name(0)}"] == pytest.approx([9, -40])
    assert found[f"7. {name(6)}"] == pytest.approx([9, -28])


def test_a_backlog_is_compared_with_its_own_beginning_and_a_handful_of_cases_is_not(source: Source) -> None:
    found = courses(source.rows(fastest_growing_backlogs(CITY)))
    assert list(found) == [f"{each + 1}. {name(LINES + 2 - each)}" for each in range(LINES)]
    assert found[f"1. {name(9)}"] == pytest.approx([0, 0.5, 0.9])


def test_a_catalogue_without_promises_asks_for_none(source: Source) -> None:
    assert source.rows(furthest_below_target({"no-promise": CITY["no-promise"]})) == []
    assert source.rows(furthest_below_target({})) == []
