"""What boards say of raised signals and of answers, asked of a real InfluxDB: the figures of `kept alerts report`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from grafana import signal_history
from kept.signals.on_call_load import UTC as UTC_ZONE
from kept.signals.on_call_load import iso_week, loads
from kept.signals.raised import Raised
from kept.signals.report_card import report_card
from tests.grafana.flux_answers import Source
from tests.influxd import Server
from tests.kept.signals.raised_signals import DAY, HOUR, MONDAY, NOW, raised, said, watched
from tests.summaries.figures import service

WEEKS = 12
START = MONDAY - WEEKS * 7 * DAY
LIGHTS, PERMITS = service("street-lights", "Street lights"), service("parking-permits", "Parking permits")
CITY = {each.id: each for each in (LIGHTS, PERMITS)}
OFTEN = [raised(at=MONDAY - 20 * DAY + each * HOUR, ended=MONDAY - 10 * DAY) for each in range(7)]
RARE = [raised("area_gap", about="area=North & East", at=MONDAY - 9 * DAY, service="parking-permits")]
PAGES = [raised("promise_budget_fast", at=NOW - each * 7 * DAY, ended=NOW, words='3 of "9" \\ late') for each in (1, 2)]
INFORMS = [raised("chart_signal", about="backlog", at=MONDAY + HOUR)]
SIGNALS = [*OFTEN, *RARE, *PAGES, *INFORMS]
ANSWERS = [
    *[said(each, "acknowledged") for each in OFTEN[:5]],
    *[said(each, "noise", 700) for each in OFTEN[:5]],
    *[said(each, "useful", 900) for each in OFTEN[3:6]],
    # Of one second, and said again later.
    said(OFTEN[0], "useful", 700),
    said(OFTEN[1], "useful", 800),
    said(OFTEN[1], "noise", 801),
    said(PAGES[0], "useful"),
]


@pytest.fixture(scope="module")
def source(influxd: Server) -> Iterator[Source]:
    bucket = influxd.make_bucket()
    history = influxd.history(bucket)
    history.record(SIGNALS)
    for answer in ANSWERS:
        history.respond(answer)
    history.close()
    asked = Source(influxd, bucket, START, NOW, service=".*")
    yield asked
    asked.close()


def card() -> list[dict[str, Any]]:
    """The same figures by `kept.signals.report_card`."""
    of = report_card(
        SIGNALS,
        ANSWERS,
        services={each: watched() for each in CITY},
        people={},
        as_of=NOW,
        now=NOW,
        weeks=WEEKS,
    )
    return [
        {
            "alert": {"promise_budget_slow": "KeptPromiseBudgetBurnsSlowly", "area_gap": "KeptAreaGap"}.get(
                line.signal or "", "KeptPromiseBudgetBurnsFast"
            ),
            "severity": line.severity,
            "raised": line.raised,
            "still_open": line.still_open,
            "useful": line.precision.useful,
            "noise": line.precision.noise,
            "not_judged": line.not_judged,
            "not_acknowledged": line.waiting.unacknowledged,
            "precision": line.precision.value,
            "low": line.precision.low,
            "high": line.precision.high,
        }
        for line in of.by_rule
    ]


def test_the_report_card_is_that_of_the_command(source: Source) -> None:
    found = source.rows(signal_history.report_card())
    expected = {line["alert"]: line for line in card()}
    assert len(expected) == 3
    assert expected["KeptPromiseBudgetBurnsSlowly"]["precision"] == pytest.approx(4 / 6)
    assert {row["alert"]: row for row in found} == {
        alert: {name: pytest.approx(value) if isinstance(value, float) else value for name, value in line.items()}
        for alert, line in expected.items()
    }
    assert [row["raised"] for row in found] == sorted((row["raised"] for row in found), reverse=True)


def test_alerts_by_owner_and_week_add_up_to_the_load_of_the_command(source: Source) -> None:
    catalogue = {each.id: replace(each, time_zone="UTC") for each in CITY.values()}
    rows = source.rows(signal_history.load_by_week(catalogue))
    for_people = [each for each in SIGNALS if each not in INFORMS]
    (load,) = loads(for_people, {each: watched(LIGHTS.owner) for each in CITY}, {}, NOW, WEEKS)
    assert {row["name"] for row in rows} == {f"1. {LIGHTS.owner}"}
    assert sum(row["_value"] for row in rows) == load.pages + load.tickets == 10
    by_week = {iso_week(int(row["_time"].timestamp()), UTC_ZONE): row["_value"] for row in rows}
    assert len(by_week) == len(rows) == WEEKS + 1
    assert by_week[load.busiest_week or ""] == load.busiest


def test_days_begin_at_local_midnight_and_those_without_a_signal_are_zero(source: Source) -> None:
    rows = source.rows(signal_history.raised_by_day(CITY))
    pages = {row["_time"]: row["_value"] for row in rows if row["severity"] == "page"}
    assert sum(pages.values()) == len(PAGES)
    assert pages[datetime(2026, 2, 25, 23, tzinfo=UTC)] == 1, "26 February in Amsterdam, an hour before that of UTC"
    assert pages[datetime(2026, 2, 27, 23, tzinfo=UTC)] == 0
    assert {row["severity"] for row in rows} == {"page", "ticket", "info"}


def test_what_is_open_is_told_in_words_whenever_it_was_raised(source: Source) -> None:
    rows = source.rows(signal_history.open_signals())
    assert [(row["alert"], row["service"], row["about"], row["id"]) for row in rows] == [
        ("KeptChartSignal", "street-lights", "backlog", INFORMS[0].id),
        ("KeptAreaGap", "parking-permits", "area=North & East", RARE[0].id),
    ]


def test_every_signal_stands_with_what_was_said_of_it(source: Source) -> None:
    rows = {row["id"]: row for row in source.rows(signal_history.raised_signals())}
    assert rows.keys() == {each.id for each in SIGNALS}

    def of(signal: Raised) -> tuple[str, str, str]:
        row = rows[signal.id]
        return row["state"], row["acknowledged"], row["judged"]

    assert of(OFTEN[0]) == ("ended", "yes", "useful")
    assert of(OFTEN[1]) == ("ended", "yes", "noise")
    assert of(OFTEN[5]) == ("ended", "no", "useful")
    assert of(OFTEN[6]) == ("ended", "no", "not judged")
    assert of(RARE[0]) == ("open", "no", "not judged")


def test_one_service_can_be_chosen(source: Source) -> None:
    chosen = source.of(service="parking-permits")
    assert [row["id"] for row in chosen.rows(signal_history.raised_signals())] == [RARE[0].id]
    chosen.close()


def test_an_empty_history_and_one_without_answers_are_answered_too(influxd: Server) -> None:
    bucket = influxd.make_bucket()
    asked = Source(influxd, bucket, START, NOW, service=".*")
    queries = [
        signal_history.open_signals(),
        signal_history.raised_signals(),
        signal_history.raised_by_day(CITY),
        signal_history.load_by_week(CITY),
        signal_history.report_card(),
    ]
    assert [asked.rows(query) for query in queries] == [[]] * len(queries)
    history = influxd.history(bucket)
    history.record(RARE)
    history.close()
    assert [row["not_judged"] for row in asked.rows(signal_history.report_card())] == [1]
    asked.close()
