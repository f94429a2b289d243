"""Log lines have one form, and what repeats itself is told once a minute with its count."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import pytest

from kept.log_lines import MOST_KINDS, JsonLines, LogLine, RepeatLimit, TextLines, event_name

NOON = 1_717_416_000.25


def record(
    template: str, *values: Any, at: float = NOON, name: str = "kept.worker", level: int = 30
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "", 0, template, values, None)
    made.created = at
    return made


def through(limit: RepeatLimit, *records: logging.LogRecord) -> list[tuple[str, int]]:
    return [(one.getMessage(), one.repeated) for one in records if limit.filter(one)]  # type: ignore[attr-defined]


def test_a_json_line_has_utc_time_level_logger_event_and_message_and_nothing_else() -> None:
    line = JsonLines().format(record("%d events wait in %s", 3, "/spool"))
    assert msgspec.json.decode(line) == {
        "time": "2024-06-03T12:00:00.250Z",
        "level": "warning",
        "logger": "kept.worker",
        "event": "events_wait_in",
        "message": "3 events wait in /spool",
    }


def test_a_traceback_is_a_field_of_one_line() -> None:
    failed = record("unexpected failure", level=logging.CRITICAL)
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError:
        failed.exc_info = sys.exc_info()
    line = JsonLines().format(failed)
    assert "\n" not in line
    told = msgspec.json.decode(line, type=LogLine)
    assert told.traceback.endswith("ZeroDivisionError: oops")
    assert TextLines().format(failed).splitlines()[-1] == "ZeroDivisionError: oops"


@pytest.mark.parametrize(
    ("template", "values", "name"),
    [
        ("topic %s: %s is %s", ("a", "b", "c"), "topic_is"),
        ("%s", ("case-17",), "message"),
        (
            "Heartbeat failed for group kept-42 because it is rebalancing",
            (),
            "heartbeat_failed_for_group_because_it_is_rebalancing",
        ),
        ("node 127.0.0.1:9092 is not ready", (), "node_is_not_ready"),
        ("cannot read 'case 4711' of \"Main Street\"", (), "cannot_read_of"),
    ],
)
def test_an_event_s_name_carries_no_value(template: str, values: tuple[str, ...], name: str) -> None:
    assert event_name(record(template, *values)) == name


def test_the_first_of_a_kind_is_written_and_then_one_a_minute_with_the_count_of_those_left_out() -> None:
    away = [record("node %d is not ready", second, at=NOON + second) for second in range(150)]
    # window:                 |0 ............ 59|60 .......... 119|120 ... 149
    assert through(RepeatLimit(), *away) == [
        ("node 0 is not ready", 0),
        ("node 60 is not ready", 59),
        ("node 120 is not ready", 59),
    ]


def test_kinds_levels_and_loggers_do_not_hide_each_other() -> None:
    told = through(
        RepeatLimit(),
        record("broker away"),
        record("history away"),
        record("broker away", level=40),
        record("broker away", name="aiokafka"),
        record("broker away"),
    )
    assert len(told) == 4


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    limit = RepeatLimit()
    assert len(through(limit, record("away", at=NOON), record("away", at=NOON - 3600))) == 2


def test_what_is_remembered_is_bounded() -> None:
    limit = RepeatLimit()
    for number in range(MOST_KINDS + 5):
        name = "".join(chr(97 + int(digit)) for digit in str(number))
        assert limit.filter(record(f"kind {name}"))
    assert len(limit._told) == MOST_KINDS


def test_for_people_the_count_is_said_in_words() -> None:
    away = record("the broker is away")
    away.repeated = 59
    assert TextLines().format(away) == (
        "2024-06-03T12:00:00.250Z WARNING kept.worker the broker is away (59 more like this since the last)"
    )


def test_what_fails_for_another_reason_is_told_at_once() -> None:
    limit = RepeatLimit()
    asked = "Retrying <unknown> in {} seconds as it raised Retry: history http://127.0.0.1:{}: {}; try again."
    told = through(
        limit,
        record(asked.format(0.1, 80, "no answer in time")),
        record(asked.format(0.2, 80, "no answer in time"), at=NOON + 1),
        record(asked.format(0.4, 80, "Cannot connect"), at=NOON + 2),
    )
    assert [message.partition(": ")[2] for message, _ in told] == [
        "history http://127.0.0.1:80: no answer in time; try again.",
        "history http://127.0.0.1:80: Cannot connect; try again.",
    ]
