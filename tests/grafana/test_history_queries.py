"""What boards read of the history, asked of a real InfluxDB: few people, leftovers, gaps, reasons, control charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from grafana import chart_lines, choices, newest, over_time
from grafana.flux_parts import MATURE
from history.chart_lines import CHARTS
from kept.catalogue import Catalogue
from kept.indicators.small_numbers import DEFAULT_BELOW, suppressed
from tests.grafana.asked import DAY, HOUR, Asked
from tests.history.points import NOON, point, unknown
from tests.influxd import Server
from tests.kept.city import LIGHTS

SERVICE = "street-repairs"
START, STOP = NOON - 2 * DAY, NOON + 2 * DAY
SHOWN = {"value": "kept", "low": "from", "high": "to", "n": "cases"}
KEPT = over_time.Interval("kept", "from", "to")
NORTH = (("area", "North"),)


def catalogue_that_shows(below: int) -> Catalogue:
    return {SERVICE: msgspec.structs.replace(LIGHTS, id=SERVICE, suppress_below=below)}


CITY = catalogue_that_shows(DEFAULT_BELOW)


@pytest.fixture
def asked(influxd: Server) -> Iterator[Asked]:
    asked = Asked(influxd)
    yield asked
    asked.close()


def ask(asked: Asked, query: Any, slice: str = "whole", **more: Any) -> list[Any]:
    chosen: dict[str, Any] = {"start": START, "stop": STOP, "service": SERVICE, "window": "28d", "slice": slice}
    return asked.rows(query, **(chosen | more))


@pytest.mark.parametrize("below", [0, DEFAULT_BELOW, 10])
def test_a_slice_shows_numbers_exactly_when_the_pages_do(asked: Asked, below: int) -> None:
    points = [point(slice=(("area", f"{n}"),), n=n, denominator=n, numerator=n, value=1.0) for n in range(1, 12)]
    asked.write(*points)
    city = catalogue_that_shows(below)
    shown = {one.slice[0][1] for one in points if suppressed(one, below).value is not None}

    by_slice = {row["slice"]: row for row in ask(asked, newest.by_slice(city, "promise_kept", SHOWN))}
    assert set(by_slice) == {f"area={n}" for n in range(1, 12)}
    for n in range(1, 12):
        numbers = [by_slice[f"area={n}"].get(name) for name in SHOWN.values()]
        remark = by_slice[f"area={n}"]["remark"]
        if str(n) in shown:
            assert None not in numbers
            assert not remark
        else:
            assert numbers == [None] * 4
            assert remark == "too few people to show"

    for query in (
        newest.figure(city, "promise_kept", SHOWN),
        over_time.lines(city, {"promise_kept": "kept"}),
        over_time.lines(city, {"promise_kept": "kept"}, field="numerator"),
        over_time.with_interval(city, "promise_kept", KEPT),
        over_time.parts(city, "promise_kept", "kept", "late"),
    ):
        assert {str(n) for n in range(1, 12) if ask(asked, query, f"area={n}")} == shown


def test_few_people_of_the_whole_service_are_shown(asked: Asked) -> None:
    asked.write(point(n=2, denominator=2, numerator=1, value=0.5))
    assert ask(asked, newest.figure(CITY, "promise_kept", SHOWN))[0]["kept"] == 0.5
    assert ask(asked, over_time.lines(CITY, {"promise_kept": "kept"})) == [{"_time": NOON, "kept": 0.5}]


# Of 28 cases more than came than went, 30 came and 2 went; a queue of 3 cases takes days however many were completed.
WORKED_OUT = {
    "net_flow": [(32, 28), (32, -28), (32, 22), (32, 24), (32, 0), (32, 32), (4, 0), (10, 0), (10, 10), (9, 1)],
    "backlog_days": [(40, 3), (40, 4), (40, 5), (40, 0), (4, 40), (40, 40)],
}


@pytest.mark.parametrize("name", WORKED_OUT)
def test_boards_hide_what_tells_of_few_people_when_it_is_worked_out(asked: Asked, name: str) -> None:
    made = enumerate(WORKED_OUT[name])
    points = [
        point(slice=(("area", f"{at}"),), indicator=name, n=n, numerator=number, denominator=1, value=float(number))
        for at, (n, number) in made
    ]
    asked.write(*points)
    shown = {one.slice[0][1] for one in points if suppressed(one).value is not None}
    assert 0 < len(shown) < len(points)
    by_slice = ask(asked, newest.by_slice(CITY, name, {"value": "shown"}))
    assert {row["slice"].removeprefix("area=") for row in by_slice if not row["remark"]} == shown
    for query in (newest.figure(CITY, name, {"value": "shown"}), over_time.lines(CITY, {name: "shown"})):
        assert {f"{at}" for at in range(len(points)) if ask(asked, query, f"area={at}")} == shown


def test_a_line_of_counts_leaves_out_few_people_though_the_share_rests_on_many(asked: Asked) -> None:
    asked.write(point(slice=NORTH, indicator="response_rate", numerator=2, denominator=40, n=40, value=0.05))
    lines = {"response_rate": "answers"}
    assert ask(asked, over_time.lines(CITY, lines, field="numerator"), "area=North") == []
    assert ask(asked, over_time.lines(CITY, lines, field="denominator"), "area=North")[0]["answers"] == 40


def test_a_service_that_is_not_in_the_catalogue_is_shown_as_carefully_as_any(asked: Asked) -> None:
    asked.write(point(slice=NORTH, n=DEFAULT_BELOW - 1))
    assert ask(asked, over_time.lines({}, {"promise_kept": "kept"}), "area=North") == []


def test_a_number_beside_another_state_is_a_leftover(asked: Asked) -> None:
    asked.write(point(), point(window_end=NOON + HOUR))
    asked.write(unknown(reason="no_volume"))
    rows = ask(asked, over_time.lines(CITY, {"promise_kept": "kept"}))
    assert [(row["_time"], row["kept"]) for row in rows] == [(NOON, None), (NOON + HOUR, 0.75)]


def test_the_edge_of_an_interval_that_the_point_lacks_is_a_leftover(asked: Asked) -> None:
    asked.write(point())
    asked.write(point(high=None))
    assert ask(asked, over_time.with_interval(CITY, "promise_kept", KEPT)) == [
        {"_time": NOON, "kept": 0.75, "from": 0.656}
    ]


def test_of_slices_the_edge_that_a_point_lacks_is_a_leftover(asked: Asked) -> None:
    asked.write(point(slice=NORTH), point(slice=(("area", "South"),), value=0.9))
    asked.write(point(slice=NORTH, high=None, low=None))
    rows = ask(asked, newest.by_slice(CITY, "promise_kept", SHOWN))
    assert [(row["slice"], row["kept"], row["from"], row["to"]) for row in rows] == [
        ("area=North", 0.75, None, None),
        ("area=South", 0.9, 0.656, 0.825),
    ]


def test_what_is_not_known_now_is_not_replaced_by_what_was(asked: Asked) -> None:
    asked.write(point(), point(slice=NORTH))
    later = {"window_end": NOON + HOUR, "reason": "no_volume"}
    asked.write(unknown(**later), unknown(slice=NORTH, **later))
    assert ask(asked, newest.figure(CITY, "promise_kept", SHOWN)) == []
    (row,) = ask(asked, newest.by_slice(CITY, "promise_kept", SHOWN))
    assert (row["slice"], row.get("kept"), row["remark"]) == ("area=North", None, "nothing to count in this window")


def test_slices_come_lowest_first_and_those_without_a_number_last(asked: Asked) -> None:
    asked.write(
        point(slice=(("area", "A"),), value=0.9),
        point(slice=(("area", "B"),), n=3, value=0.1),
        point(slice=(("area", "C"),), value=0.2),
        unknown(slice=(("area", "D"),)),
        point(slice=(("step", "Intake"),), value=0.3),
    )
    rows = ask(asked, newest.by_slice(CITY, "promise_kept", SHOWN))
    assert [row["slice"] for row in rows] == ["area=C", "area=A", "area=B", "area=D"]


def test_where_a_value_is_not_known_the_line_breaks_and_where_nothing_was_published_too(asked: Asked) -> None:
    """Published at hours 0, 1, 2 and 9; the second without a value of one of the two."""
    both = ("promise_kept", "first_time_right")
    for hour in (0, 1, 2, 9):
        asked.write(*(point(indicator=name, window_end=NOON + hour * HOUR) for name in both))
    asked.write(unknown(window_end=NOON + HOUR))
    rows = ask(asked, over_time.lines(CITY, {"promise_kept": "kept", "first_time_right": "right"}))
    assert [(row["kept"], row["right"]) for row in rows] == [
        (0.75, 0.75), (None, 0.75), (0.75, 0.75), (None, None), (0.75, 0.75),
    ]  # fmt: skip
    assert [row["_time"] - NOON for row in rows] == [0, HOUR, 2 * HOUR, 9 * HOUR - 1, 9 * HOUR]


def test_a_long_range_is_thinned_to_whole_points_of_their_own_moment(asked: Asked) -> None:
    asked.write(*(point(window_end=NOON + hour * HOUR, value=hour / 100, n=100 + hour) for hour in range(24)))
    rows = ask(asked, over_time.lines(CITY, {"promise_kept": "kept"}), period="6h0m0s")
    assert [row["kept"] for row in rows] == [0.0, 0.06, 0.12, 0.18]
    assert [(row["_time"] - NOON) // HOUR for row in rows] == [0, 6, 12, 18]


@pytest.mark.parametrize(("chosen", "told"), [("24h", "28d"), ("7d", "28d"), ("28d", "28d"), ("90d", "90d")])
def test_a_delivery_time_is_told_of_the_nearest_window_that_is_long_enough(
    asked: Asked, chosen: str, told: str
) -> None:
    name = "delivery_time_p50"
    asked.write(*(point(indicator=name, window=window, value=len(window)) for window in ("24h", "7d", "28d")))
    asked.write(point(indicator=name, window="90d", value=90))
    (row,) = ask(asked, over_time.lines(CITY, {name: "half"}, MATURE), window=chosen)
    assert row["half"] == {"28d": 3, "90d": 90}[told]


def test_steps_are_told_by_their_names_and_the_longest_wait_first(asked: Asked) -> None:
    name = "waiting_by_step_p50"
    for step, value, n in (("Intake", 60.0, 30), ("Rent check", 3600.0, 20), ("Letter", 9999.0, 2)):
        asked.write(point(slice=(("step", step),), indicator=name, value=value, n=n, unit="seconds"))
    asked.write(point(slice=NORTH, indicator=name))
    rows = ask(asked, newest.by_slice(CITY, name, SHOWN, steps=True, largest_first=True))
    assert [(row["slice"], row["kept"]) for row in rows] == [("Rent check", 3600.0), ("Intake", 60.0), ("Letter", None)]
    assert ask(asked, over_time.by_step(CITY, name, newest.STEP)) == [
        {"_time": NOON, "Intake": 60.0, "Rent check": 3600.0}
    ]


def test_a_service_without_steps_says_so_in_words(asked: Asked) -> None:
    missing = {"state": "not_provided", "value": None, "numerator": None, "denominator": None, "n": None}
    asked.write(point(), unknown(indicator="rework_share", **missing | {"reason": "no_steps"}))
    names = {"rework_share": "repetitions", "promise_kept": "the promise"}
    assert ask(asked, newest.why_unknown(names)) == [
        {"what": "repetitions", "state": "not provided by its system", "why": "no work steps are recorded"}
    ]
    assert ask(asked, over_time.by_step(CITY, "rework_share", newest.STEP)) == []


def test_money_is_named_with_its_currency(asked: Asked) -> None:
    asked.write(point(indicator="cost_per_outcome", value=12.5, unit="EUR"))
    query = over_time.lines(CITY, {"cost_per_outcome": "per outcome"}, currency_of=CITY)
    assert ask(asked, query) == [{"_time": NOON, "per outcome (EUR)": 12.5}]
    abroad = over_time.lines({}, {"cost_per_outcome": "per outcome"}, currency_of={})
    assert ask(asked, abroad) == [{"_time": NOON, "per outcome (currency unknown)": 12.5}]


def test_the_whole_service_is_the_first_slice_to_choose_and_steps_are_none(asked: Asked) -> None:
    asked.write(point(), point(slice=NORTH), point(slice=(("step", "Intake"),)), point(service="another"))
    asked.write(point(slice=(("area", "Zoo"),), indicator="backlog"))
    query = str(choices.slice_variable().build().query)
    assert [row["_value"] for row in ask(asked, query)] == ["whole", "area=North", "area=Zoo"]


def week(end: int, **fields: str | float) -> str:
    """A line of a control chart: texts and numbers."""
    texts = {"state": "value", "limits": "baseline", "rule": "none", "meaning": "none"}
    numbers = {"value": 0.8, "n": 50.0}
    shown = ",".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value!r}"
        for name, value in (texts | numbers | fields).items()
    )
    return f"{CHARTS},indicator=promise_kept,service={SERVICE} {shown} {end}"


LIMITS: dict[str, Any] = {
    "mean": 0.85, "lower": 0.7, "upper": 1.0, "near_lower": 0.75, "near_upper": 0.95, "p_lower": 0.69, "p_upper": 0.99,
    "target": 0.9,
}  # fmt: skip


def chart_rows(asked: Asked, query: Any) -> list[Any]:
    return ask(asked, query, charted="promise_kept", start=NOON - 60 * DAY, stop=NOON + DAY)


def test_a_chart_has_its_lines_its_target_and_its_marks_in_words(asked: Asked) -> None:
    asked.write_lines(
        [
            week(NOON - 14 * DAY, **LIMITS),
            week(NOON - 7 * DAY, **LIMITS | {"value": 0.6, "mark": 0.6, "rule": "1", "meaning": "concern"}),
            week(NOON, **LIMITS | {"value": 0.99, "mark": 0.99, "rule": "2", "meaning": "improvement"}),
        ]
    )
    rows = chart_rows(asked, chart_lines.chart(["promise_kept"]))
    assert [row["this week"] for row in rows] == [0.8, 0.6, 0.99]
    lines = {name: rows[0][words] for name, words in chart_lines.LINES.items()}
    assert lines | {"target": rows[0]["target"]} == LIMITS
    concern, improvement = (
        "rule 1, outside a limit: a concern",
        ("rule 2, 7 in a row on one side of the mean: an improvement"),
    )
    assert [row[concern] for row in rows] == [None, 0.6, None]
    assert [row[improvement] for row in rows] == [None, None, 0.99]
    marked = chart_rows(asked, chart_lines.marked())
    assert [(row["what"], row["value"], row["n"], row["limits"]) for row in marked] == [
        (improvement, 0.99, 50, "baseline"),
        (concern, 0.6, 50, "baseline"),
    ]
    assert chart_rows(asked, chart_lines.chart(["backlog"])) == []


def test_of_a_week_only_those_numbers_count_that_its_texts_say(asked: Asked) -> None:
    """Written twice: the second time the week is a gap without limits and without a mark."""
    asked.write_lines([week(NOON, **LIMITS | {"mark": 0.8, "rule": "1", "meaning": "concern"})])
    asked.write_lines([week(NOON, state="source_silent", limits="none")])
    asked.write_lines([week(NOON - 7 * DAY)])
    rows = chart_rows(asked, chart_lines.chart(["promise_kept"]))
    assert [(row["_time"], row["this week"]) for row in rows] == [(NOON - 7 * DAY, 0.8), (NOON, None)]
    assert {name for row in rows for name, value in row.items() if value is not None} == {
        "_time", "this week", "target",
    }  # fmt: skip
    assert chart_rows(asked, chart_lines.marked()) == []
    assert [row["cases"] for row in chart_rows(asked, chart_lines.counts("cases"))] == [50]
