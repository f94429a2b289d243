"""One point a local day from sums and counts, by running the task's own text on the real server."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from history.daily_rollup import ADDED_UP, DAILY, flux_text, tasks
from history.influxdb import InfluxHistory
from kept.indicators.definitions import DEFINITIONS
from kept.indicators.evaluate import evaluate
from kept.indicators.point import Point
from tests.history.points import point
from tests.influxd import Server
from tests.kept.city import LIGHTS, City, event, ms

HOUR, DAY = 3600, 86400
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def local(text: str, zone: ZoneInfo = AMSTERDAM) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


class Rolled:
    """A bucket of points, and the task run on it as of a moment."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.bucket, self.daily = server.make_bucket(), server.make_bucket()
        self.history: InfluxHistory = server.history(self.bucket)

    def run(self, now: int, *services: Any, days: int = 3) -> None:
        for text in tasks(services or (LIGHTS,), self.bucket, self.daily, days).values():
            at = f"option now = () => {dt.datetime.fromtimestamp(now, dt.UTC):%Y-%m-%dT%H:%M:%SZ}\n"
            first_line_after_imports = text.index("option task")
            task = text[:first_line_after_imports] + at + text[first_line_after_imports:]
            self.history._connection.query(task, {"bucket": self.bucket})

    def days(self, indicator: str = "promise_kept") -> dict[int, tuple[Any, ...]]:
        """Time -> (numerator, denominator, n)."""
        flux = (
            "from(bucket: bucket) |> range(start: 1970-01-01T00:00:00Z, stop: 2100-01-01T00:00:00Z) "
            '|> filter(fn: (r) => r._measurement == daily and r.indicator == indicator and r.slice == "whole") '
            '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        )
        rows = self.history._connection.query(flux, {"bucket": self.daily, "daily": DAILY, "indicator": indicator})
        return {int(row["_time"].timestamp()): (row["numerator"], row.get("denominator"), row["n"]) for row in rows}


@pytest.fixture
def rolled(influxd: Server) -> Iterator[Rolled]:
    rolled = Rolled(influxd)
    yield rolled
    rolled.history.close()


def of_lights(window: str, end: int, numerator: int | None, **more: Any) -> Point:
    """`numerator` of 10."""
    length = {"24h": DAY, "1h": HOUR}[window]
    fields = {"numerator": numerator, "denominator": None if numerator is None else 10, "n": 10} | more
    return point(service=LIGHTS.id, window=window, window_end=end, window_start=end - length, **fields)


def test_a_day_is_the_24h_window_at_local_midnight_and_no_other(rolled: Rolled) -> None:
    #   Amsterdam   3 June 00:00      4 June 00:00   05:00
    #   24h           7 of 10            9 of 10     4 of 10
    midnight = local("2024-06-04T00:00")
    rolled.history.write(
        [
            of_lights("24h", midnight - DAY, 7),
            of_lights("24h", midnight, 9),
            of_lights("24h", midnight + 5 * HOUR, 4),
            of_lights("1h", midnight, 1),
        ]
    )
    rolled.run(midnight + 9 * HOUR)
    assert rolled.days() == {midnight - DAY: (7, 10, 10), midnight: (9, 10, 10)}


def test_running_again_overwrites_and_takes_in_what_was_amended(rolled: Rolled) -> None:
    midnight = local("2024-06-04T00:00")
    rolled.history.write([of_lights("24h", midnight, 7)])
    rolled.run(midnight + HOUR)
    rolled.history.write([of_lights("24h", midnight, 8)])
    rolled.run(midnight + DAY - 1)
    assert rolled.days() == {midnight: (8, 10, 10)}


@pytest.mark.parametrize(
    ("begin", "end", "edge", "extra"),
    [
        # 23 hours: the 24 h up to the end begin at Saturday 23:00. That hour is Saturday's, and is taken off.
        ("2024-03-31T00:00", "2024-04-01T00:00", "2024-03-31T00:00", -1),
        # 25 hours: the 24 h up to the end begin at Sunday 01:00. The hour before is Sunday's too, and is added.
        ("2024-10-27T00:00", "2024-10-28T00:00", "2024-10-27T01:00", 1),
    ],
)
def test_a_day_of_23_or_25_hours_is_counted_whole_and_no_hour_twice(
    rolled: Rolled, begin: str, end: str, edge: str, extra: int
) -> None:
    first, last = local(begin), local(end)
    assert last - first == DAY + extra * HOUR
    rolled.history.write([of_lights("24h", first, 1), of_lights("24h", last, 20), of_lights("24h", last + DAY, 2)])
    rolled.run(last + DAY + HOUR, days=4)
    assert rolled.days() == {first: (1, 10, 10), last + DAY: (2, 10, 10)}  # the hour is not there: nothing is guessed
    rolled.history.write([of_lights("1h", local(edge), 3)])
    rolled.run(last + DAY + HOUR, days=4)
    assert rolled.days()[last] == (20 + extra * 3, 10 + extra * 10, 10 + extra * 10)


def test_a_day_that_became_unknown_is_not_rolled_up_from_its_former_value(rolled: Rolled) -> None:
    midnight = local("2024-06-04T00:00")
    rolled.history.write([of_lights("24h", midnight, 7)])
    rolled.history.write([of_lights("24h", midnight, None, n=None, value=None, state="not_provided")])
    rolled.run(midnight + HOUR)
    assert rolled.days() == {}


def test_a_count_has_no_denominator(rolled: Rolled) -> None:
    midnight = local("2024-06-04T00:00")
    rolled.history.write([of_lights("24h", midnight, 7, indicator="arrivals", denominator=None, n=7)])
    rolled.run(midnight + HOUR)
    assert rolled.days("arrivals") == {midnight: (7, None, 7)}


def test_what_does_not_add_up_is_left_out(rolled: Rolled) -> None:
    midnight = local("2024-06-04T00:00")
    rolled.history.write([of_lights("24h", midnight, 7, indicator="backlog")])
    rolled.run(midnight + HOUR)
    assert rolled.days("backlog") == {}


def test_the_days_of_a_city_add_up_to_its_week(rolled: Rolled) -> None:
    city = City(partitions=2)
    for day in range(1, 9):
        for n in range(day % 4 + 1):
            case = f"c{day}-{n}"
            city.apply([event("case.opened", f"2024-06-{day:02} 09:0{n}", case)])
            if n != 1:
                outcome = {"outcome": "rejected" if n == 2 else "intended"}
                city.apply([event("case.completed", f"2024-06-{day:02} 2{n}:30", case, **outcome)])
    city.tick(ms("2024-06-09 12:00"))
    rules = city.rules[LIGHTS.id]
    end = local("2024-06-09T00:00", LIGHTS.zone)
    for days_ago in range(7):
        rolled.history.write(evaluate(city.tallies, rules, end - days_ago * DAY, windows=["24h"]))
    week = {p.indicator: p for p in evaluate(city.tallies, rules, end, windows=["7d"], slices=False)}
    rolled.run(end + HOUR, days=7)
    added = 0
    for indicator in ADDED_UP:
        days = rolled.days(indicator)
        whole = week[indicator]
        if whole.numerator is None:
            assert days == {}
            continue
        added += 1
        sums = [sum(value or 0 for value in values) for values in zip(*days.values(), strict=True)]
        assert sums == [whole.numerator, whole.denominator or 0, whole.n or 0], indicator
    assert added >= 6


def test_every_indicator_is_added_up_or_there_is_a_reason_why_not() -> None:
    left_out = {
        each.name
        for each in DEFINITIONS
        if each.stock or each.unit == "seconds" or each.windows is not None or each.name == "completion_rate"
    }
    assert left_out | set(ADDED_UP) == {each.name for each in DEFINITIONS}
    assert not left_out & set(ADDED_UP)


def test_each_time_zone_has_a_task_with_its_services() -> None:
    class Of:
        def __init__(self, id: str, zone: str) -> None:
            self.id, self.time_zone = id, zone

    made = tasks([Of("a", "Asia/Tokyo"), Of("b", "Europe/Paris"), Of("c", "Asia/Tokyo")], "kept", "kept_daily")  # type: ignore[list-item]
    assert list(made) == ["kept_daily Asia/Tokyo", "kept_daily Europe/Paris"]
    assert 'r.service == "a" or r.service == "c"' in made["kept_daily Asia/Tokyo"]
    assert '"b"' not in made["kept_daily Asia/Tokyo"]


def test_no_text_can_leave_its_literal() -> None:
    for text in ('"', "\\", "${x}", "é", "a\nb"):
        assert re.fullmatch(r'"([A-Za-z0-9 _./:@-]|\\x[0-9a-f]{2})*"', flux_text(text))
